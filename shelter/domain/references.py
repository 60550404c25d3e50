def normalise(text: str) -> str:
    return text.upper()


def is_valid(reference: str) -> bool:
    return len(reference) == 7

"""The Korean texts: one .po file per area, merged by the application at start.

python tools/translations.py extract   # every text without Korean, as .po entries ready to fill in
python tools/translations.py check     # nothing missing, empty, fuzzy, twice, or with other parameters
python tools/translations.py compile   # the .mo files, which are not committed
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
CATALOGUES = ROOT / "shelter" / "translations" / "ko" / "LC_MESSAGES"
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "_n": (1, 2),
    "_ln": (1, 2),
}
SOURCES = {
    "shelter": [("**.py", "python")],
    "templates": [("**.html", "jinja2"), ("**.txt", "jinja2")],
}
JINJA = {"jinja2": {"silent": "false"}}
PARAMETER = re.compile(r"%\(\w+\)[sd]")

MsgId = str | tuple[str, ...]


def areas() -> dict[str, Catalog]:
    """The catalogue of each area, by its name."""
    found = {}
    for path in sorted(CATALOGUES.glob("*.po")):
        with path.open("rb") as file:
            found[path.stem] = read_po(file, locale="ko", abort_invalid=True)
    return found


def used() -> dict[MsgId, list[str]]:
    """Every text of code and templates, with the places that use it."""
    places: dict[MsgId, list[str]] = {}
    for folder, methods in SOURCES.items():
        options = {pattern: JINJA["jinja2"] for pattern, method in methods if method == "jinja2"}
        for name, line, said, _, _ in extract_from_dir(ROOT / folder, methods, options_map=options, keywords=KEYWORDS):
            if said:
                places.setdefault(said, []).append(f"{folder}/{name}:{line}")
    return places


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def key(said: MsgId) -> str:
    """gettext finds a text by its singular."""
    return said if isinstance(said, str) else said[0]


def problems() -> list[str]:
    """What is wrong with the texts, one line each."""
    wrong, known = [], {}
    for area, catalogue in areas().items():
        for message in messages(catalogue):
            said = key(message.id)
            if said in known:
                wrong.append(f"{area}.po: {said!r} is also in {known[said]}.po")
            known[said] = area
            wrong += [f"{area}.po: {said!r} {what}" for what in _faults(message)]
    wrong += [f"{places[0]}: {key(said)!r} has no Korean" for said, places in used().items() if key(said) not in known]
    return wrong


def _faults(message: Message) -> Iterator[str]:
    korean = [message.string] if isinstance(message.string, str) else list(message.string)
    if not all(korean):
        yield "is empty"
        return
    if message.fuzzy:
        yield "is fuzzy"
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    wanted = {p for said in ids for p in PARAMETER.findall(said)}
    for text in korean:
        if set(PARAMETER.findall(text)) != wanted:
            yield f"has other parameters than its English: {sorted(wanted)}"


def unused() -> list[str]:
    """Korean without an English text that uses it: left over, or a text made outside gettext's sight."""
    living = {key(said) for said in used()}
    return [
        f"{area}.po: {key(message.id)!r} is used nowhere"
        for area, catalogue in areas().items()
        for message in messages(catalogue)
        if key(message.id) not in living
    ]


def extract() -> int:
    known = {key(message.id) for catalogue in areas().values() for message in messages(catalogue)}
    for said, places in sorted(used().items(), key=lambda item: item[1][0]):
        if key(said) in known:
            continue
        print(f"\n#: {' '.join(places[:3])}")
        if isinstance(said, str):
            print(f"msgid {_quoted(said)}\nmsgstr {_quoted('')}")
        else:
            print(f"msgid {_quoted(said[0])}\nmsgid_plural {_quoted(said[1])}\nmsgstr[0] {_quoted('')}")
    return 0


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def check() -> int:
    wrong = problems()
    print("\n".join(wrong + [f"note: {line}" for line in unused()]) or "All texts are in both languages.")
    return 1 if wrong else 0


def compile_() -> int:
    for area, catalogue in areas().items():
        with (CATALOGUES / f"{area}.mo").open("wb") as file:
            write_mo(file, catalogue)
    for path in CATALOGUES.glob("*.mo"):
        if not path.with_suffix(".po").exists():
            path.unlink()
    return 0


def main() -> int:
    commands = {"extract": extract, "check": check, "compile": compile_}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__)
        return 2
    return commands[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())

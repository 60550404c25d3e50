"""Something unmistakable for every field somebody tells, and the search for it wherever it could have been left."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import quote

from shelter.domain.districts import DISTRICTS

FIELDS = [
    "name",
    "child",
    "pet",
    "code_word",
    "who_answers",
    "other_way",
    "notes",
    "draft",
    "plan",
    "reason",
    "refused",
    "cancelled",
    "task_note",
    "directions",
    "located",
    "left",
    "sheet",
    "inbound",
    "login",
    "expired",
]
LATIN, KOREAN = "qzvkxj", "카나리아새장"
CANARY = {name: f"{LATIN}{name.replace('_', '')} {KOREAN}{n:02}" for n, name in enumerate(FIELDS)}
PLANTED = f"{LATIN}planted {KOREAN}99"
DISTRICT, HERS = DISTRICTS[3], DISTRICTS[7]
PLACES = {"district": DISTRICT, "her district": HERS}
# In text the code stands alone: not within a number or a hash, not the number of a process.
CODES = {
    name: re.compile(rb"(?<![\w.\[])(?<!pid: )(?<!pid\": )%s(?!\w|\]|\.\d)" % place.code.encode())
    for name, place in PLACES.items()
}
# As typed; what follows the leading zero is in every way to write a number.
NUMBERS = {
    "number": "010-9911-7701",
    "danger": "010-9911-7702",
    "staff": "010-9911-7703",
    "night_line": "02-9911-7704",
    "from": "010-9911-7705",
}


def e164(name: str) -> str:
    return "+82" + NUMBERS[name].replace("-", "")[1:]


def written(text: str) -> set[bytes]:
    """A text in the ways it could be written down."""
    plain = text.encode()
    ways = {plain, text.encode("utf-16-le"), text.encode("utf-16-be"), json.dumps(text)[1:-1].encode()}
    ways |= {quote(text).encode(), quote(text).lower().encode(), plain.hex().encode(), plain.hex().upper().encode()}
    if not text.isascii():
        ways |= {text.encode("cp949"), "".join(f"&#{ord(c)};" for c in text).encode()}
    for before in range(3):
        # Of base64 what does not depend on the bytes around it.
        coded = base64.b64encode(b"\0" * before + plain + b"\0" * 3)
        inner = coded[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]
        ways |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return ways


def _numbers(typed: str) -> set[bytes]:
    digits = typed.replace("-", "")
    return written(typed[1:]) | written(digits[1:]) | written(typed[1:].replace("-", " "))


@cache
def secrets_told() -> dict[str, set[bytes]]:
    """Each secret in the ways it could be written down."""
    ways = {name: written(text) for name, text in CANARY.items()}
    ways |= {name: _numbers(number) for name, number in NUMBERS.items()}
    for name, district in PLACES.items():
        ways[name] = {f'"{district.code}"'.encode(), f"'{district.code}'".encode()}
        ways[name] |= written(district.ko) | written(district.en)
    return ways


# What is in every one of them.
MARKS = written(LATIN) | written(KOREAN)
MARKS |= {way for area in ("10", "2") for dash in ("", "-", " ") for way in written(f"{area}{dash}9911{dash}770")}


def found_in(where: bytes, *, is_text: bool = False) -> list[str]:
    """What can be read there; a part of something counts as "a part". In text the bare code of a district as well:
    anywhere else those five digits may mean anything.
    """
    ways, has_marks = secrets_told(), any(mark in where for mark in MARKS)
    if not has_marks:
        ways = {name: ways[name] for name in PLACES}  # what else there is, has a mark in it
    found = {name for name, each in ways.items() if any(way in where for way in each)}
    if is_text:
        found |= {name for name, code in CODES.items() if code.search(where)}
    return sorted(found) or ["a part"] * has_marks


def found_in_files(files: Iterable[Path]) -> dict[str, list[str]]:
    """The same by file, of those with something in them: its name, its text, and what is packed into it."""
    found = {}
    for file in files:
        content = file.read_bytes() + b"\n" + str(file).encode()
        if zipfile.is_zipfile(io.BytesIO(content)):
            content += b"\n" + unpacked(content)
        if told := found_in(content, is_text=True):
            found[file.name] = told
    return found


def unpacked(content: bytes) -> bytes:
    """Everything in a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"\n".join(packed.read(name) for name in packed.namelist())


def files_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]

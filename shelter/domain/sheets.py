"""Lists as people keep them: a heading line somewhere near the top, one thing a line, cells typed by hand.

Nothing is guessed silently: a cell that cannot be read is a Problem with its line, and all come at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar

from shelter.domain.errors import DomainError

HEADING_WITHIN = 20  # lines: titles and dates stand above the headings


class Flaw(StrEnum):
    """Why a cell could not be read at all; also the code of its problem."""

    FORMULA = "cell_formula"  # computed, and the file does not say what came out
    ERROR = "cell_error"  # #N/A and its kind


NO_FLAWS: Mapping[int, Flaw] = {}


@dataclass(frozen=True)
class Row:
    """One line of a file. `flaws` are cells that could not be read at all, by position."""

    line: int
    cells: tuple[str, ...]
    flaws: Mapping[int, Flaw] = field(default_factory=lambda: NO_FLAWS)

    @property
    def is_blank(self) -> bool:
        return not any(self.cells) and not self.flaws


@dataclass(frozen=True)
class Sheet:
    """What one page of a workbook, or one text file (no name), holds."""

    name: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong where, as a code with parameters; `column` is the column's code, for its heading."""

    code: str
    line: int | None = None
    sheet: str | None = None
    column: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Headings:
    """Where which column is. `ignored` are headings nobody here knows."""

    line: int
    columns: Mapping[str, int]
    ignored: tuple[str, ...]
    repeated: tuple[str, ...]  # codes that two headings claim


def bare(text: str) -> str:
    """For comparing what people type: width, case, spaces and punctuation do not matter."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())


def tidy(text: str) -> str:
    """One line without the accidents of spreadsheets: widths, doubled spaces, breaks, invisible signs."""
    return " ".join(unicodedata.normalize("NFKC", _visible(text)).split())


def tidy_lines(text: str) -> str:
    """The same, line by line."""
    lines = [tidy(line) for line in text.splitlines()]
    return "\n".join(lines).strip()


def _visible(text: str) -> str:
    return "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def find_headings(sheet: Sheet, known: Mapping[str, str], needed: Iterable[str]) -> Headings | None:
    """The first line near the top that names a needed column and one more; None when there is none.

    `known` maps `bare` spellings to column codes.
    """
    wanted = set(needed)
    for row in sheet.rows[:HEADING_WITHIN]:
        found: dict[str, int] = {}
        ignored, repeated = [], []
        for position, cell in enumerate(row.cells):
            if not cell:
                continue
            code = _heading(cell, known)
            if code is None:
                ignored.append(tidy(cell)[:40])
            elif code in found:
                repeated.append(code)
            else:
                found[code] = position
        if len(found) >= 2 and wanted & set(found):
            return Headings(row.line, found, tuple(ignored), tuple(repeated))
    return None


def _heading(cell: str, known: Mapping[str, str]) -> str | None:
    without_brackets = re.sub(r"[(\[（].*?[)\]）]", "", cell)
    return known.get(bare(cell)) or known.get(bare(without_brackets))


YES = ("예", "네", "유", "있음", "가능", "해당", "y", "yes", "true", "1", "v", "✓", "✔", "☑")
YES_SIGNS = ("o", "○", "◯", "〇", "●", "◎", "ㅇ")
NO = ("아니오", "아니요", "무", "없음", "불가", "비해당", "n", "no", "false", "0")
NO_SIGNS = ("x", "×", "✕", "✗", "✘", "-", "–", "—")
_YES = frozenset(unicodedata.normalize("NFKC", word) for word in YES + YES_SIGNS)
_NO = frozenset(unicodedata.normalize("NFKC", word) for word in NO + NO_SIGNS)
_NUMBER = re.compile(r"(\d{1,6})(?:\.0+)?\s*(?:명|인|개|마리|개월|일)?")
_DATE = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?(?:[T ]+0?0:00(?::00)?)?")
_PLAIN_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


def parse_yes_no(text: str) -> bool | None:
    """None when it is neither."""
    said = tidy(text).casefold()
    if said in _YES:
        return True
    return False if said in _NO else None


def parse_number(text: str) -> int | None:
    """A whole number that is not negative, its counter word allowed (`2명`); None when it is none."""
    found = _NUMBER.fullmatch(tidy(text))
    return int(found[1]) if found else None


def parse_date(text: str) -> date | None:
    """Year first, as 2026-03-10, 2026. 3. 10., 20260310; None for the rest: 3/10/26 could be two days."""
    said = tidy(text)
    found = _DATE.fullmatch(said) or _PLAIN_DATE.fullmatch(said)
    if not found:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


@dataclass
class FileTooLarge(DomainError):
    megabytes: int
    code: ClassVar[str] = "file_too_large"
    field: ClassVar[str] = "file"


@dataclass
class FileTooLong(DomainError):
    rows: int
    columns: int
    code: ClassVar[str] = "file_too_long"
    field: ClassVar[str] = "file"


@dataclass
class FileEmpty(DomainError):
    code: ClassVar[str] = "file_empty"
    field: ClassVar[str] = "file"


@dataclass
class FileOldOrLocked(DomainError):
    """An .xls of long ago, or an .xlsx behind a password: they look alike."""

    code: ClassVar[str] = "file_old_or_locked"
    field: ClassVar[str] = "file"


@dataclass
class FileQuotesBroken(DomainError):
    """A quotation mark is opened and never closed, from this line on."""

    line: int
    code: ClassVar[str] = "file_quotes_broken"
    field: ClassVar[str] = "file"


@dataclass
class FileUnreadable(DomainError):
    code: ClassVar[str] = "file_unreadable"
    field: ClassVar[str] = "file"

"""The columns of a list of units in words: for the page, the template, and sentences about a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from shelter.domain.sheets import Problem
from shelter.domain.units_columns import BY_CODE, COLUMNS, NEEDED
from shelter.services.units_import import ImportResult
from shelter.web.errors import reason
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l

GUIDE: dict[str, Any] = {
    "site": _l("The code name. The same on every line of the site; a new one makes a new site."),
    "district": _l(
        "Name or code of the district, or “outside”. Needed for a new site. It is sealed: no page lists it."
        " Empty: kept as it is."
    ),
    "directions": _l("How to get there. Sealed like the district. Empty: kept as it is."),
    "night_line": _l("The number staff answer at night. Sealed. Empty: kept as it is."),
    "is_overflow": _l("Yes for a hotel or another temporary place."),
    "room": _l("The name or number of the room. The same on every line of a shared room."),
    "bed": _l("The name of the bed, one line each. Empty: the room is booked as a whole."),
    "floor": _l("Which floor. May be empty."),
    "sharing": _l("Who may be in the room together: one household (usual), women, men, any."),
    "capacity": _l("How many people, 1 to 20. For a bed 1."),
    "pets_allowed": _l("none (usual), small or any."),
    "max_pets": _l("How many pets at most. Empty: one."),
    "is_step_free": _l("Yes if a wheelchair can enter."),
    "has_cot": _l("Yes if there is a cot."),
    "audience": _l("Who may be placed there: women (usual), men, families, any."),
    "accepts_older_boys": _l("Yes if boys of 10 and more may come along."),
    "in_service_from": _l("The first night, like 2026-03-10. Empty: tonight."),
    "in_service_until": _l("The first day it is no longer there. Empty: no end."),
}


def heading(code: str) -> str:
    column = BY_CODE[code]
    return column.ko if _is_korean() else column.en


def _is_korean() -> bool:
    return str(get_locale()) == "ko"


@dataclass(frozen=True)
class ColumnRow:
    heading: str
    guide: str
    is_needed: bool


def rows() -> list[ColumnRow]:
    return [ColumnRow(heading(c.code), str(GUIDE[c.code]), c.code in NEEDED) for c in COLUMNS]


@dataclass(frozen=True)
class ProblemRow:
    sheet: str | None
    line: int | None
    column: str | None
    sentence: str

    def __str__(self) -> str:
        where = [self.sheet, _("line %(line)s", line=self.line) if self.line else None, self.column]
        return ": ".join([*([", ".join(filter(None, where))] if any(where) else []), self.sentence])


def problem_rows(problems: Iterable[Problem]) -> list[ProblemRow]:
    return [
        ProblemRow(p.sheet, p.line, heading(p.column) if p.column in BY_CODE else None, reason(p)) for p in problems
    ]


def field_names(codes: tuple[str, ...]) -> str:
    return ", ".join(heading(code) for code in codes)


def counts(result: ImportResult) -> str:
    """What was created, changed and left alone, in one sentence."""
    kinds = ((_("Sites"), result.sites), (_("Rooms"), result.rooms), (_("Units"), result.units))
    return "; ".join(
        _(
            "%(kind)s: %(created)s new, %(updated)s changed, %(unchanged)s unchanged",
            kind=kind,
            created=count.created,
            updated=count.updated,
            unchanged=count.unchanged,
        )
        for kind, count in kinds
    )


def summary(result: ImportResult, *, is_dry_run: bool) -> list[str]:
    """Line by line, for a terminal."""
    kinds = {"site": _("Site"), "room": _("Room"), "unit": _("Unit")}
    said = [
        f"{kinds[change.kind]} {change.name}: "
        + (_("New") if change.is_new else f"{_('Changed')} ({field_names(change.fields)})")
        for change in result.changes
    ]
    if result.sheets_not_read:
        names = ", ".join(result.sheets_not_read)
        said.append(_("Not read, because no headings were found: %(names)s", names=names))
    if result.ignored_headings:
        names = ", ".join(result.ignored_headings)
        said.append(_("Columns that are not read: %(names)s", names=names))
    return [*said, counts(result), *([_("Dry run: nothing was changed.")] if is_dry_run else [])]

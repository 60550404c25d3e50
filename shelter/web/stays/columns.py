"""The columns of a list of stays in words, and what a list would do: for pages, the template and the command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from shelter.domain.sheets import Problem
from shelter.domain.stays_columns import BY_CODE, COLUMNS, NEEDED
from shelter.services.stays_import import BroughtIn, StaysResult
from shelter.web import formats
from shelter.web.errors import label, reason
from shelter.web.language import gettext as _
from shelter.web.language import lazy_gettext as _l
from shelter.web.language import ngettext
from shelter.web.sites.columns import ProblemRow
from shelter.web.stays.words import length

GUIDE: dict[str, Any] = {
    "case": _l("The number of the old list. Lines with the same number are one stay. Sealed; no page lists it."),
    "site": _l("The code name of the site, as in the list of units."),
    "room": _l("The room they are in, or were in before."),
    "bed": _l("The bed, where the room is booked by beds."),
    "check_in": _l("The day of the real check-in, like 2026-03-10. The limit counts from it."),
    "check_in_time": _l("The time, if it was after midnight for the night before. May be empty."),
    "room_from": _l("From which day they were in this room. Empty: from the check-in on."),
    "room_until": _l("The day they moved on to another room. Empty: they are in it now."),
    "leave_on": _l("The planned day of leaving. Empty: the limit."),
    "extensions": _l("How many extensions were granted."),
    "limit_on": _l("What the old list says the limit is. Where it was counted otherwise, you are told."),
    "women": _l("How many adult women are in this room now."),
    "men": _l("How many adult men."),
    "older_boys": _l("How many boys of 10 and more."),
    "girls": _l("How many girls."),
    "boys": _l("How many boys under 10."),
    "infants": _l("How many infants."),
    "small_dogs": _l("How many small dogs."),
    "large_dogs": _l("How many larger dogs."),
    "cats": _l("How many cats."),
    "other_pets": _l("How many other animals."),
    "responsible": _l("Name or sign-in name of the coordinator. May be empty."),
}


def heading(code: str) -> str:
    column = BY_CODE[code]
    return column.ko if str(get_locale()) == "ko" else column.en


@dataclass(frozen=True)
class ColumnRow:
    heading: str
    guide: str
    is_needed: bool


def rows() -> list[ColumnRow]:
    return [ColumnRow(heading(c.code), str(GUIDE[c.code]), c.code in NEEDED) for c in COLUMNS]


def problem_rows(problems: tuple[Problem, ...]) -> list[ProblemRow]:
    return [
        ProblemRow(p.sheet, p.line, heading(p.column) if p.column in BY_CODE else None, reason(p)) for p in problems
    ]


def counted(stay: BroughtIn) -> str:
    """How a limit was worked out, beside what the old list says."""
    said = [
        _("Checked in on %(day)s", day=formats.on(stay.check_in_on)),
        length(stay.months, stay.days),
        label(stay.rule),
    ]
    if stay.granted:
        said.append(ngettext("%(num)s extension", "%(num)s extensions", stay.granted))
    return " · ".join(said)


def remarks(stay: BroughtIn) -> list[str]:
    """What somebody should look at."""
    said = []
    if stay.sheet_limit_on is not None:
        said.append(
            _(
                "The old list says %(sheet)s, counted here %(here)s (%(how)s).",
                sheet=formats.on(stay.sheet_limit_on),
                here=formats.on(stay.limit_on),
                how=counted(stay),
            )
        )
    if stay.is_leave_cut:
        said.append(_("The planned day of leaving lay past the limit and is the limit now."))
    if stay.is_crowded:
        said.append(_("More people than places in a room."))
    if stay.days_left <= 0:
        said.append(_("The limit is reached."))
    return said


def summary(result: StaysResult, *, is_dry_run: bool) -> list[str]:
    """What was done, or would be, line by line."""
    new, same = len(result.created), result.unchanged
    first = (
        _("Would bring in %(new)s stays; %(same)s are here already.", new=new, same=same)
        if is_dry_run
        else _("Brought in %(new)s stays; %(same)s were here already.", new=new, same=same)
    )
    lines = [first]
    for stay in result.created:
        lines += [f"{_('line %(line)s', line=stay.line)}, {stay.rooms}: {said}" for said in remarks(stay)]
    if result.ignored_headings:
        lines.append(_("Columns that are not read: %(names)s", names=", ".join(result.ignored_headings)))
    if result.sheets_not_read:
        names = ", ".join(result.sheets_not_read)
        lines.append(_("Not read, because no headings were found: %(names)s", names=names))
    return [*lines, *([_("Dry run: nothing was changed.")] if is_dry_run else [])]

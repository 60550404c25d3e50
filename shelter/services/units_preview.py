"""A list of units that was read and shown, waiting for the word to bring it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shelter.domain.permissions import Principal
from shelter.domain.sheets import Sheet
from shelter.services import sheet_drafts
from shelter.services.units_import import Change, Count, ImportResult

PURPOSE = "units-import"


@dataclass(frozen=True)
class Preview:
    sheets: tuple[Sheet, ...]
    result: ImportResult
    digest: str  # of the list: what is confirmed is what was shown


def keep(*, sheets: Sequence[Sheet], result: ImportResult, by: Principal) -> None:
    """In the place of an earlier one. Raises DraftTooLarge."""
    sheet_drafts.keep(purpose=PURPOSE, sheets=sheets, shown=asdict(result), by=by)


def kept(*, by: Principal) -> Preview | None:
    """What waits; None when nothing does."""
    waiting = sheet_drafts.kept(purpose=PURPOSE, by=by)
    if waiting is None:
        return None
    return Preview(waiting.sheets, _result(waiting.shown), waiting.digest)


def forget(*, by: Principal) -> None:
    sheet_drafts.forget(purpose=PURPOSE, by=by)


def _result(said: dict[str, Any]) -> ImportResult:
    return ImportResult(
        sites=Count(**said["sites"]),
        rooms=Count(**said["rooms"]),
        units=Count(**said["units"]),
        changes=[Change(**{**change, "fields": tuple(change["fields"])}) for change in said["changes"]],
        ignored_headings=tuple(said["ignored_headings"]),
        sheets_not_read=tuple(said["sheets_not_read"]),
    )

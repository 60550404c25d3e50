"""A list that was read and shown, waiting for the word to bring it in: sealed, for its own person alone."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shelter.domain.permissions import Principal
from shelter.domain.sheets import Flaw, Row, Sheet
from shelter.services import drafts
from shelter.services.units_import import Change, Count, ImportResult

PURPOSE = "units-import"


@dataclass(frozen=True)
class Preview:
    sheets: tuple[Sheet, ...]
    result: ImportResult
    digest: str  # of the list: what is confirmed is what was shown


def keep(*, sheets: Sequence[Sheet], result: ImportResult, by: Principal) -> None:
    """In the place of an earlier one. Raises DraftTooLarge."""
    packed = json.dumps({"sheets": [_rows(sheet) for sheet in sheets], "result": asdict(result)}).encode()
    body = {"packed": base64.b85encode(zlib.compress(packed, 9)).decode()}
    drafts.save_draft(purpose=PURPOSE, body=body, by=by)


def kept(*, by: Principal) -> Preview | None:
    """What waits; None when nothing does."""
    draft = drafts.read_draft(by=by, purpose=PURPOSE)
    if draft is None:
        return None
    packed = zlib.decompress(base64.b85decode(draft.body["packed"]))
    said = json.loads(packed)
    return Preview(
        tuple(_sheet(rows) for rows in said["sheets"]),
        _result(said["result"]),
        hashlib.sha256(packed).hexdigest(),
    )


def forget(*, by: Principal) -> None:
    drafts.drop_draft(by=by, purpose=PURPOSE)


def _rows(sheet: Sheet) -> dict[str, Any]:
    return {"name": sheet.name, "rows": [[row.line, row.cells, dict(row.flaws)] for row in sheet.rows]}


def _sheet(said: dict[str, Any]) -> Sheet:
    rows = (
        Row(line, tuple(cells), {int(position): Flaw(code) for position, code in flaws.items()})
        for line, cells, flaws in said["rows"]
    )
    return Sheet(said["name"], tuple(rows))


def _result(said: dict[str, Any]) -> ImportResult:
    return ImportResult(
        sites=Count(**said["sites"]),
        rooms=Count(**said["rooms"]),
        units=Count(**said["units"]),
        changes=[Change(**{**change, "fields": tuple(change["fields"])}) for change in said["changes"]],
        ignored_headings=tuple(said["ignored_headings"]),
        sheets_not_read=tuple(said["sheets_not_read"]),
    )

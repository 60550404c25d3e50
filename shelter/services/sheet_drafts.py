"""A list that was read and shown, waiting for the word to bring it in: sealed, for its own person alone."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shelter.domain.permissions import Principal
from shelter.domain.sheets import Flaw, Row, Sheet
from shelter.services import drafts


@dataclass(frozen=True)
class Waiting:
    """`shown` is what the preview said, as plain JSON values."""

    sheets: tuple[Sheet, ...]
    shown: Any
    digest: str  # of the list: what is confirmed is what was shown


def keep(*, purpose: str, sheets: Sequence[Sheet], shown: Any, by: Principal) -> None:
    """In the place of an earlier one. Raises DraftTooLarge."""
    packed = json.dumps({"sheets": [_plain(sheet) for sheet in sheets], "shown": shown}, default=str).encode()
    body = {"packed": base64.b85encode(zlib.compress(packed, 9)).decode()}
    drafts.save_draft(purpose=purpose, body=body, by=by)


def kept(*, purpose: str, by: Principal) -> Waiting | None:
    """What waits; None when nothing does."""
    draft = drafts.read_draft(by=by, purpose=purpose)
    if draft is None:
        return None
    packed = zlib.decompress(base64.b85decode(draft.body["packed"]))
    said = json.loads(packed)
    sheets = tuple(_sheet(sheet) for sheet in said["sheets"])
    return Waiting(sheets, said["shown"], hashlib.sha256(packed).hexdigest())


def forget(*, purpose: str, by: Principal) -> None:
    drafts.drop_draft(by=by, purpose=purpose)


def _plain(sheet: Sheet) -> dict[str, Any]:
    return {"name": sheet.name, "rows": [[row.line, row.cells, dict(row.flaws)] for row in sheet.rows]}


def _sheet(said: dict[str, Any]) -> Sheet:
    rows = (
        Row(line, tuple(cells), {int(position): Flaw(code) for position, code in flaws.items()})
        for line, cells, flaws in said["rows"]
    )
    return Sheet(said["name"], tuple(rows))

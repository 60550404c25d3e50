"""The audit trail: a keyed hash chain whose heads also go to the log and to a file outside the database.

PostgreSQL has 16 chains, one per process modulo 16, because a single locked head costs most of the throughput;
SQLite, with one writer, has one. What an intruder with the database alone cannot do is forge a link: the key is
not there. What they could do, cut the tail, shows against the anchored heads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, insert, select, update

from shelter import clock
from shelter.domain.permissions import Principal
from shelter.extensions import db, keyring
from shelter.models.audit import AuditEntry, AuditHead
from shelter.models.sealed import seal
from shelter.tables import uuid7

CHAINS = 16
_head = AuditHead.__table__
# Every act sends these: built once.
_LOCKED_HEAD = select(_head.c.seq, _head.c.mac).where(_head.c.chain == bindparam("of")).with_for_update()
_APPEND = insert(AuditEntry.__table__)  # type: ignore[arg-type]
_MOVE_HEAD = update(_head).where(_head.c.chain == bindparam("of")).values(seq=bindparam("to"), mac=bindparam("by"))  # type: ignore[arg-type]
GENESIS = b"\0" * 32
log = structlog.get_logger("audit")


@dataclass(frozen=True)
class Entry:
    action: str
    subject: str | None = None
    household: UUID | None = None
    details: dict[str, Any] | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True)
class Link:
    """What the log is told of a written entry: enough to miss it, too little to learn from."""

    chain: int
    seq: int
    mac: bytes


def write(by: Principal, entries: list[Entry]) -> list[Link]:
    """Append to this process's chain, inside the caller's transaction, as its last statements."""
    if not entries:
        return []
    chain = os.getpid() % CHAINS if db.engine.dialect.name == "postgresql" else 0
    seq, mac = db.session.execute(_LOCKED_HEAD, {"of": chain}).one()
    at = clock.now()
    rows, links = [], []
    for entry in entries:
        seq += 1
        row = {
            "id": entry.id,
            "chain": chain,
            "seq": seq,
            "at": at,
            "user_id": by.user_id,
            "address": by.address,
            "action": entry.action,
            "subject": entry.subject,
            "household_id": entry.household,
            "details_sealed": _sealed_details(entry),
        }
        mac = link_mac(mac, row)
        rows.append({**row, "mac": mac})
        links.append(Link(chain, seq, mac))
    db.session.execute(_APPEND, rows)
    db.session.execute(_MOVE_HEAD, {"of": chain, "to": seq, "by": mac})
    return links


def announce(links: list[Link]) -> None:
    """After the commit: each link to the log, so that a cut tail can be noticed outside the database."""
    for link in links:
        log.info("audit", chain=link.chain, seq=link.seq, mac=link.mac.hex())


def link_mac(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """The keyed hash over the previous one and everything the entry says; the sealed details as sealed."""
    details = row["details_sealed"]
    said = [
        row["id"].hex,
        row["chain"],
        row["seq"],
        row["at"].isoformat(timespec="microseconds"),
        row["user_id"].hex if row["user_id"] else None,
        row["address"],
        row["action"],
        row["subject"],
        row["household_id"].hex if row["household_id"] else None,
        details.hex() if details else None,
    ]
    return keyring.chain_mac(previous + json.dumps(said, separators=(",", ":")).encode())


def holds(previous: bytes, row: Mapping[str, Any]) -> bool:
    """Is the entry as it was written, after the one before? Its details may be under another key since."""
    return link_mac(previous, row) == row["mac"] or (
        row["resealed_mac"] is not None and resealed_mac(previous, row) == row["resealed_mac"]
    )


def resealed_mac(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """Said under the audit key by whoever sealed the details anew: they are those that `mac` was made of."""
    return link_mac(b"resealed" + previous + row["mac"], row)


def _sealed_details(entry: Entry) -> bytes | None:
    if not entry.details:
        return None
    plain = json.loads(json.dumps(entry.details, default=str))
    return seal(plain, AuditEntry.__tablename__, "details_sealed", entry.id)

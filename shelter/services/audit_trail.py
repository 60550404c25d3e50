"""The audit trail from outside a use case: refusals, failed sign-ins, verification, anchors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from shelter import clock
from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db, keyring
from shelter.models.audit import AuditEntry, AuditHead
from shelter.models.households import Household
from shelter.models.people import User
from shelter.queries.audit import Criteria, Lines, entries, household_id_of
from shelter.services.audit import GENESIS, holds
from shelter.services.unit_of_work import unit_of_work


def record_refusal(*, by: Principal, endpoint: str) -> None:
    """Somebody asked for what they may not have; in a transaction of its own."""
    with unit_of_work(by) as work:
        work.record("access.refused", subject=f"page:{endpoint}"[:80])


def record_hidden(*, by: Principal, endpoint: str, reference: str) -> None:
    """Somebody asked for a record that is hidden from them, or is none; in a transaction of its own."""
    with unit_of_work(by) as work:
        of = db.session.scalar(select(Household.id).where(Household.reference == reference.partition("-")[0]))
        work.record("access.hidden", subject=f"page:{endpoint}"[:80], household=of)


def record_failed_sign_in(*, login: str, address: str | None) -> None:
    """In a transaction of its own. An unknown login is kept as a hash: people type passwords there."""
    with unit_of_work(replace(SYSTEM, address=address)) as work:
        user_id = db.session.scalar(select(User.id).where(User.login == login))
        subject = f"user:{user_id}" if user_id else f"login:{keyring.index('login', login)[:16]}"
        work.record("user.sign_in_failed", subject=subject)


def read_trail(*, criteria: Criteria, number: int = 1, by: Principal) -> Lines:
    """A page of the access log. Reading it is an entry too."""
    with unit_of_work(by) as work:
        found = entries(criteria, number)
        asked = {name: value for name, value in vars(criteria).items() if value and name != "household"}
        of = household_id_of(criteria)
        work.record("audit.read", subject=f"page:{found.number}", household=of, **asked)
    return found


@dataclass(frozen=True)
class ChainReport:
    """What can be promised of one chain."""

    chain: int
    entries: int  # intact from the first one on
    intact_until: datetime | None
    broken_at: int | None = None  # the first sequence number that does not hold
    fault: str | None = None  # altered, missing, cut, rewritten, head

    @property
    def is_intact(self) -> bool:
        return self.broken_at is None


def verify(anchors: Path | None = None) -> list[ChainReport]:
    """Every chain from its first entry, up to where it can be promised; anchored heads must be in it."""
    anchored = read_anchors(anchors) if anchors else {}
    chains = set(db.session.scalars(select(AuditEntry.chain).distinct())) | set(_heads()) | set(anchored)
    try:
        return [_verify_chain(chain, anchored.get(chain, {})) for chain in sorted(chains)]
    finally:
        db.session.rollback()


def _heads() -> dict[int, tuple[int, bytes]]:
    rows = db.session.execute(select(AuditHead.chain, AuditHead.seq, AuditHead.mac))
    return {chain: (seq, mac) for chain, seq, mac in rows}


def _verify_chain(chain: int, anchors: dict[int, str]) -> ChainReport:
    head_seq, head_mac = _heads().get(chain, (0, GENESIS))
    known = anchors | {head_seq: head_mac.hex()} if head_seq else anchors
    table = AuditEntry.__table__
    entries = select(table).where(table.c.chain == chain).order_by(table.c.seq)
    seq, mac, until = 0, GENESIS, None
    with closing(db.session.execute(entries.execution_options(yield_per=1_000))) as found:
        for row in found.mappings():
            expected = seq + 1
            if row["seq"] != expected:
                return ChainReport(chain, seq, until, expected, "missing")
            if not holds(mac, dict(row)):
                return ChainReport(chain, seq, until, expected, "altered")
            if known.get(expected, row["mac"].hex()) != row["mac"].hex():
                return ChainReport(chain, seq, until, expected, "rewritten")
            seq, mac, until = expected, row["mac"], row["at"]
    if seq < max(known, default=0):
        return ChainReport(chain, seq, until, seq + 1, "cut")
    # Others may have written while we read; the head only moves forward.
    if seq > _heads().get(chain, (0, GENESIS))[0]:
        return ChainReport(chain, seq, until, seq, "head")
    return ChainReport(chain, seq, until)


def anchor_heads(file: Path) -> int:
    """Append each chain's new head to a file outside the database, out of an intruder's reach; how many."""
    heads = sorted(_heads().items())
    db.session.rollback()
    last = {chain: max(seqs) for chain, seqs in read_anchors(file).items()}
    at = clock.now().isoformat(timespec="seconds")
    news = [f"{at} {chain} {seq} {mac.hex()}\n" for chain, (seq, mac) in heads if seq > last.get(chain, 0)]
    if news:
        with file.open("a", encoding="ascii") as out:
            out.writelines(news)
    return len(news)


def begin_anchors_again(heads: Mapping[int, int]) -> int:
    """For a database that is older than its anchors: those later than its `heads` are kept in a file beside; how many.

    They prove what is lost: that there were entries after the backup.
    """
    file = anchor_file()
    lines = file.read_text(encoding="ascii").splitlines(keepends=True) if file.exists() else []
    known = [line for line in lines if int(line.split()[2]) <= heads.get(int(line.split()[1]), 0)]
    if len(known) < len(lines):
        file.rename(file.with_name(f"{file.name}.until-{clock.now():%Y%m%dT%H%M%SZ}"))
        with file.open("w", encoding="ascii") as out:
            out.writelines(known)
            out.flush()
            os.fsync(out.fileno())  # before the database can be started on: else a power cut brings the later ones back
        beside = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(beside)
        finally:
            os.close(beside)
    return len(lines) - len(known)


def anchor_file() -> Path:
    """Where the heads of this database are anchored: beside a SQLite file, else in `instance/`."""
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}.anchors")
    folder = Path.cwd() / "instance"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{url.database}.anchors"


def read_anchors(file: Path) -> dict[int, dict[int, str]]:
    """Anchored hashes by chain and sequence number; empty where there is no file yet."""
    found: dict[int, dict[int, str]] = {}
    for line in file.read_text(encoding="ascii").splitlines() if file.exists() else ():
        _at, chain, seq, mac = line.split()
        found.setdefault(int(chain), {})[int(seq)] = mac
    return found

"""Changing the field key: every sealed value is opened and sealed again under the first key of the settings.

No place is kept anywhere: what is still to be done is what the envelopes themselves say. A run that was killed is
begun again and does the rest. A value that changed between reading and writing is left alone and looked at again.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Table, bindparam, func, or_, select, tuple_, update

from shelter.database import rows_changed
from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db, keyring
from shelter.keyring import Keyring, Unreadable, place_of
from shelter.models.audit import AuditEntry
from shelter.models.data_map import Level, columns_at, index_beside
from shelter.services import audit
from shelter.services.messages import PHONE
from shelter.services.unit_of_work import unit_of_work

ROWS = 200  # read at once
AT_ONCE = 20  # written by one statement
WRITING = 0.025  # seconds of one transaction: on SQLite nobody else writes meanwhile
MOST_PASSES = 5  # a process that still writes under an old key must not keep us for ever

Row = Mapping[str, Any]


@dataclass
class Rotation:
    """How far it is. `remaining` were under other keys when it began."""

    key: str
    remaining: int
    resealed: int = 0
    unreadable: list[str] = field(default_factory=list)  # table.column|id
    left: int = 0  # still under other keys at the end

    @property
    def is_complete(self) -> bool:
        return not self.left


class Change(NamedTuple):
    """What one row holds, and what it is to hold instead."""

    row_id: UUID
    before: dict[str, bytes]
    after: dict[str, bytes | None]


def sealed_tables() -> list[tuple[Table, list[Column[Any]]]]:
    """Every table with sealed columns, from the data map: a new one is in it, or the build fails."""
    tables = db.metadata.tables
    return [(tables[t], [tables[t].c[name] for name in names]) for t, names in columns_at(Level.SEALED).items()]


def rotate(tell: Callable[[Rotation], None] = lambda _: None, *, by: Principal = SYSTEM) -> Rotation:
    """Seal everything under the first key, beside running processes that know it; `tell` hears after each commit.

    Safe to kill and to begin again at any time. Values no key opens are named and left as they are.
    """
    found = Rotation(keyring.writing_key, remaining=_under_other_keys())
    with unit_of_work(by) as work:
        work.record("keys.rotation_begun", subject=f"key:{found.key}", values=found.remaining)
    for _ in range(MOST_PASSES):
        if not _pass(found, tell, by):
            break
    found.left = _under_other_keys()
    with unit_of_work(by) as work:
        work.record(
            "keys.rotated",
            subject=f"key:{found.key}",
            resealed=found.resealed,
            unreadable=len(found.unreadable),
            left=found.left,
        )
    return found


def _pass(found: Rotation, tell: Callable[[Rotation], None], by: Principal) -> bool:
    """Once through all tables; whether there was anything to do."""
    found.unreadable.clear()
    had_work = False
    for table, columns in sealed_tables():
        for rows in batches(table, or_(*(_is_under_another_key(column) for column in columns))):
            changes = [change for row in rows if (change := _change(table, columns, row, found.unreadable))]
            if table is AuditEntry.__table__:
                _attest(rows, changes)
            db.session.rollback()  # read: nothing is kept open while others write
            had_work = had_work or bool(changes)
            for resealed in _write(table, changes, by):
                found.resealed += resealed
                tell(found)
    return had_work


def batches(table: Table, *where: Any) -> Iterator[Sequence[Row]]:
    """All rows in the order of their ids, some at a time."""
    last = None
    while True:
        after = () if last is None else (table.c.id > last,)
        page = select(table).where(*where, *after).order_by(table.c.id).limit(ROWS)
        rows: Sequence[Any] = db.session.execute(page).mappings().all()
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows


def _change(table: Table, columns: Iterable[Column[Any]], row: Row, unreadable: list[str]) -> Change | None:
    before: dict[str, bytes] = {}
    after: dict[str, bytes | None] = {}
    for name in (column.name for column in columns):
        place, envelope = place_of(table.name, name, row["id"]), row[name]
        try:
            if envelope is None or Keyring.key_of(envelope) == keyring.writing_key:
                continue
            after[name] = keyring.seal(keyring.unseal(envelope, place=place), place=place)
            before[name] = envelope
        except Unreadable:
            unreadable.append(place)
    return Change(row["id"], before, after) if after else None


def _attest(rows: Sequence[Row], changes: list[Change]) -> None:
    """The chain holds the details as they were sealed first: that they are the same is said under the audit key.

    Of an entry that does not hold nothing is said, so that it does not hold afterwards either.
    """
    entries = {row["id"]: row for row in rows}
    ones_before = [(row["chain"], row["seq"] - 1) for row in rows]
    place = tuple_(AuditEntry.chain, AuditEntry.seq)
    found = db.session.execute(select(AuditEntry.chain, AuditEntry.seq, AuditEntry.mac).where(place.in_(ones_before)))
    macs = {(chain, seq): mac for chain, seq, mac in found}
    for change in changes:
        row = entries[change.row_id]
        previous = macs.get((row["chain"], row["seq"] - 1), audit.GENESIS if row["seq"] == 1 else None)
        mac = None
        if previous is not None and audit.holds(previous, row):
            mac = audit.resealed_mac(previous, {**row, **change.after})
        change.after["resealed_mac"] = mac


def _write(table: Table, changes: Iterable[Change], by: Principal) -> Iterator[int]:
    """In short transactions, with a pause after each for whoever waits; how many values each changed."""
    waiting = deque(_alike(changes))
    while waiting:
        resealed = 0
        with unit_of_work(by):
            began = time.monotonic()
            while waiting and time.monotonic() - began < WRITING:
                resealed += _replace(table, waiting.popleft())
        took = time.monotonic() - began
        yield resealed
        time.sleep(took)


def _alike(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Some at a time that change the same columns: one statement does them."""
    by_columns = defaultdict(list)
    for change in changes:
        by_columns[tuple(change.before)].append(change)
    for same in by_columns.values():
        yield from (same[n : n + AT_ONCE] for n in range(0, len(same), AT_ONCE))


def _replace(table: Table, changes: list[Change]) -> int:
    """Only while a row still holds what was read: an envelope is never the same twice. How many values."""
    before, after = changes[0].before, changes[0].after
    unchanged = [table.c[name] == bindparam(f"before_{name}") for name in before]
    statement = (
        update(table)
        .where(table.c.id == bindparam("row_id"), *unchanged)
        .values({name: bindparam(f"after_{name}") for name in after})
    )
    values: list[dict[str, Any]] = [
        {"row_id": change.row_id}
        | {f"before_{name}": envelope for name, envelope in change.before.items()}
        | {f"after_{name}": value for name, value in change.after.items()}
        for change in changes
    ]
    return rows_changed(db.session.connection().execute(statement, values)) * len(before)


def _is_under_another_key(column: Column[Any]) -> Any:
    """False of an empty one."""
    prefix = keyring.prefix(keyring.writing_key)
    return func.substr(column, 1, len(prefix), type_=LargeBinary) != prefix


def _under_other_keys() -> int:
    """How many values."""
    counts = [
        select(func.count()).select_from(table).where(_is_under_another_key(column))
        for table, columns in sealed_tables()
        for column in columns
    ]
    found = sum(db.session.scalar(count) or 0 for count in counts)
    db.session.rollback()
    return found


# Looking at them all ------------------------------------------------------------------------------------------------


@dataclass
class Opened:
    """Every sealed value, opened: how many under which key, and what could not be."""

    by_key: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)  # table|column|id
    not_found: list[str] = field(default_factory=list)  # indexed under another key

    @property
    def is_whole(self) -> bool:
        return not self.unreadable and not self.not_found


def open_all() -> Opened:
    """Open every sealed value and compare every index with what it stands for. Nothing is shown or kept."""
    found = Opened()
    for table, columns in sealed_tables():
        for rows in batches(table):
            db.session.rollback()
            for row in rows:
                for column in columns:
                    _open(table, column, row, found)
    db.session.rollback()
    return found


def _open(table: Table, column: Column[Any], row: Row, found: Opened) -> None:
    envelope, place = row[column.name], place_of(table.name, column.name, row["id"])
    if envelope is None:
        return
    try:
        plain = keyring.unseal(envelope, place=place)
    except Unreadable:
        found.unreadable.append(place)
        return
    found.by_key[Keyring.key_of(envelope)] += 1
    index = index_beside(table.name, column.name)
    if index is not None and row[index] not in (None, keyring.index(PHONE, json.loads(plain))):
        found.not_found.append(place_of(table.name, index, row["id"]))

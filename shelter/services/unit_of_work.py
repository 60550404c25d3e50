"""One transaction per use case: locks in one order, audit last, commit at the end, rollback on anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from shelter import clock
from shelter.database import INSERT, WRITE_INTENT, is_full
from shelter.domain.errors import (
    ConstraintRefused,
    DatabaseBusy,
    DatabaseFull,
    KeyReused,
    OutcomeUnknown,
    UnitJustTaken,
)
from shelter.domain.permissions import Principal
from shelter.extensions import db
from shelter.models.constraints import LEDGER_KEY, violated_constraint
from shelter.models.households import Household
from shelter.models.people import IdempotentAct
from shelter.models.sites import Site
from shelter.models.stays import Stay
from shelter.services import audit

_act = IdempotentAct.__table__.c
# Every use case sends these: built once.
_CLAIM = {
    dialect: insert(IdempotentAct.__table__).on_conflict_do_nothing().returning(_act.key)
    for dialect, insert in INSERT.items()
}
_KEEP_RESULT = (
    update(IdempotentAct.__table__)  # type: ignore[arg-type]
    .where(_act.user_id == bindparam("by"), _act.key == bindparam("once"))
    .values(result=bindparam("told"))
)
_LOCK: dict[Any, Select[Any]] = {
    table: select(table.id)
    .where(table.id.in_(bindparam("ids", expanding=True)))
    .order_by(table.id)
    .with_for_update(key_share=True)
    for table in (Household, Stay, Site)
}
_IS_OPEN = "is_in_a_unit_of_work"  # what was flushed already would be lost with the rollback of an inner one


@dataclass(frozen=True)
class Once:
    """An act's idempotency key, made by the form, and the hash of the canonical form."""

    key: str
    fingerprint: str


@dataclass
class UnitOfWork:
    """What a use case is given. `result` is a short text (an id or a reference) a replay will return."""

    by: Principal
    result: str | None = None
    is_replay: bool = False
    _rank: int = 0
    _entries: list[audit.Entry] = field(default_factory=list)

    def lock(self, *, household: UUID | None = None, stay: UUID | None = None, sites: Iterable[UUID] = ()) -> None:
        """Lock rows, always household before stay before sites by id; out of order is a programming error.

        On SQLite the transaction holds the one write lock already, so that nothing more is asked of it.
        """
        steps = [(1, Household, [household] if household else []), (2, Stay, [stay] if stay else [])]
        steps.append((3, Site, sorted(set(sites), key=lambda site: site.hex)))
        for rank, table, ids in steps:
            if not ids:
                continue
            if rank <= self._rank:
                raise RuntimeError("locks are taken once and in order: household, stay, sites")
            self._rank = rank
            if db.engine.dialect.name == "postgresql":
                db.session.execute(_LOCK[table], {"ids": ids}).all()

    def record(
        self,
        action: str,
        *,
        subject: str | None = None,
        household: UUID | None = None,
        **details: Any,
    ) -> None:
        """Audit entry of this act, written as the last statement before COMMIT.

        `subject` is `kind:reference`; `household` whose data it is; details (before, after, reason) are sealed.
        """
        self._entries.append(audit.Entry(action, subject, household, details or None))


@contextmanager
def unit_of_work(by: Principal, once: Once | None = None) -> Iterator[UnitOfWork]:
    """A writing transaction of one person or of the system.

    With `once`, the key is inserted first: a replay gives `is_replay` and the stored `result`, and another body
    under the same key raises KeyReused. A lost race for a night raises UnitJustTaken, another refused constraint
    ConstraintRefused, a database that does not answer in time DatabaseBusy, one without room DatabaseFull, one
    that was lost during COMMIT OutcomeUnknown. Nothing half-written survives.
    """
    session = db.session()
    if _IS_OPEN in session.info or session.new or session.dirty or session.deleted:
        raise RuntimeError("a unit of work begins with nothing pending: use cases do not nest")
    session.rollback()
    session.info[_IS_OPEN] = True
    work = UnitOfWork(by=by)
    try:
        session.connection(execution_options=WRITE_INTENT)
        if once is not None:
            _claim(work, once)
        yield work
        if work.is_replay:
            session.rollback()
            return
        if once is not None:
            _keep_result(work, once)
        session.flush()
        written = audit.write(work.by, work._entries)
        _commit()
    except IntegrityError as refused:
        session.rollback()
        name = violated_constraint(refused)
        raise (UnitJustTaken() if name == LEDGER_KEY else ConstraintRefused(name or "unknown")) from refused
    except OperationalError as busy:
        session.rollback()
        raise (DatabaseFull() if is_full(busy) else DatabaseBusy()) from busy
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_IS_OPEN, None)
    audit.announce(written)


def _commit() -> None:
    """A refusal says that nothing was changed; silence says nothing."""
    try:
        db.session.commit()
    except OperationalError as lost:
        if lost.connection_invalidated:
            raise OutcomeUnknown() from lost
        raise


def _claim(work: UnitOfWork, once: Once) -> None:
    """Insert the key, or learn what was done under it. A concurrent twin makes us wait for its end."""
    values = {
        "user_id": work.by.user_id,
        "key": once.key,
        "fingerprint": once.fingerprint,
        "created_at": clock.now(),
    }
    if db.session.scalar(_CLAIM[db.engine.dialect.name], values) is not None:
        return
    earlier = db.session.get_one(IdempotentAct, (work.by.user_id, once.key))
    if earlier.fingerprint != once.fingerprint:
        raise KeyReused()
    work.is_replay, work.result = True, earlier.result


def _keep_result(work: UnitOfWork, once: Once) -> None:
    db.session.execute(_KEEP_RESULT, {"by": work.by.user_id, "once": once.key, "told": work.result})

"""Bringing a backup back, into an empty database only: checked before anything is written and again after it.

Until everything is done a mark stands in the database, and nothing starts on it. What the system did after the
backup is not known any more, so that it comes back silent: texts are stopped until a person lets them go, and whatever
waited to be sent is asked after at the provider first. See ADR 8.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import flask_migrate
from sqlalchemy import case, text, update

from shelter import age, clock, config
from shelter.database import rows_changed
from shelter.domain.backups import (
    BackupDamaged,
    BackupForged,
    BackupTooNew,
    DatabaseInUse,
    DatabaseNotEmpty,
    IdentityNotValid,
    KeysMissing,
    Manifest,
    NightsCountedOtherwise,
    NoRoomToRestore,
    NotABackup,
    OtherKindOfDatabase,
    RestoredDiffers,
    WrongIdentity,
)
from shelter.domain.messages import MessageState
from shelter.domain.permissions import SYSTEM
from shelter.extensions import db
from shelter.gateways import parcels
from shelter.gateways.copies import MARK, copies_of
from shelter.gateways.leadership import leadership_over
from shelter.models.clockwork import Installation
from shelter.models.messages import Direction, Message
from shelter.models.people import OneTimeLink
from shelter.paths import resource_dir
from shelter.queries.fingerprints import fingerprints
from shelter.queries.ledger_check import Checked, differences
from shelter.services import audit_trail, night_sheets
from shelter.services.audit_trail import ChainReport
from shelter.services.backups import MANIFEST, MEGABYTE, SEAL, Tell, keys_here, seal_of
from shelter.services.sign_in import end_sessions
from shelter.services.unit_of_work import unit_of_work


@dataclass(frozen=True)
class Restored:
    """What came back, and what was wrong with it already when it was backed up."""

    manifest: Manifest
    texts: int  # that waited to be sent
    sessions: int
    sheets: Path | None  # the night sheets of before: the job writes others in their place
    broken_chains: list[ChainReport]
    differences: list[str]  # of the ledger

    @property
    def is_in_order(self) -> bool:
        return not self.broken_chains and not self.differences


def restore(file: Path, identity: Iterable[str], tell: Tell) -> Restored:
    """Everything or nothing. Raises the refusals of `domain/backups.py`, and OSError."""
    with _opened(file, identity) as plain:
        papers, data = _unpacked(plain)
        manifest = Manifest.from_bytes(papers[MANIFEST])
        _check(manifest, papers)
        tell(f"whole, made {clock.local(manifest.made_at):%Y-%m-%d %H:%M} by version {manifest.application}")
        copies = copies_of(db.engine)
        copies.check_empty()
        leadership = leadership_over(db.engine)
        if not leadership.acquire():  # from now on no clockwork begins
            raise DatabaseInUse()
        try:
            copies.load(data)
            return _finish(manifest, tell)
        except DatabaseNotEmpty:
            raise
        except BaseException:
            db.session.remove()
            copies.discard()
            raise
        finally:
            leadership.release()


@contextmanager
def _opened(file: Path, identity: Iterable[str]) -> Iterator[IO[bytes]]:
    """What is inside, in a file without a name. All of it has been authenticated before any of it is looked at."""
    try:
        identities = age.identities_in(identity)
    except (ValueError, UnicodeDecodeError) as other:
        raise IdentityNotValid() from other
    # Where the database will be: the plain contents lie on no other disk. With PostgreSQL TMPDIR says where.
    place = copies_of(db.engine).workplace or Path(tempfile.gettempdir())
    _check_room(place, file.stat().st_size)
    with file.open("rb") as sealed, tempfile.TemporaryFile(dir=place) as plain:
        try:
            age.decrypt(sealed, plain, identities)
        except age.NotForThisIdentity as other:
            raise WrongIdentity() from other
        except age.Damaged as damaged:
            raise BackupDamaged() from damaged
        plain.seek(0)
        yield plain


def _check_room(place: Path, needed: int) -> None:
    if (free := shutil.disk_usage(place).free) < needed:
        raise NoRoomToRestore(str(place), needed_mb=needed // MEGABYTE + 1, free_mb=free // MEGABYTE)


def _unpacked(plain: IO[bytes]) -> tuple[dict[str, bytes], Iterator[bytes]]:
    try:
        return parcels.unpack(plain, (MANIFEST, SEAL), copies_of(db.engine).name)
    except parcels.NotAParcel as other:
        raise NotABackup() from other


def _check(manifest: Manifest, papers: dict[str, bytes]) -> None:
    """Everything that can be refused before a byte is written."""
    settings = config.active()
    if manifest.database != db.engine.dialect.name:
        raise OtherKindOfDatabase(manifest.database)
    if missing := manifest.keys.missing_in(keys_here()):
        raise KeysMissing(", ".join(missing))
    if papers[SEAL] != seal_of(papers[MANIFEST]):
        raise BackupForged()
    if manifest.migration not in _known_migrations():
        raise BackupTooNew(manifest.application)
    if (manifest.timezone, manifest.cutover_hours) != (settings.timezone, settings.cutover_hours):
        raise NightsCountedOtherwise(manifest.timezone, manifest.cutover_hours)


def _known_migrations() -> set[str]:
    return {file.name.partition("_")[0] for file in (resource_dir("migrations") / "versions").glob("[0-9]*.py")}


def _finish(manifest: Manifest, tell: Tell) -> Restored:
    """Compare, bring up to date, make silent, and only then take the mark away."""
    with db.engine.connect() as connection:
        found, _keys = fingerprints(connection, but=MARK)
    names = sorted({*found, *manifest.tables})
    if wrong := [name for name in names if found.get(name) != manifest.tables.get(name)]:
        raise RestoredDiffers(", ".join(wrong))
    tell(f"{len(found)} tables with {manifest.rows:,} rows are as they were")
    flask_migrate.upgrade()
    lost = audit_trail.begin_anchors_again(manifest.audit_heads)
    if lost:
        tell(f"{lost} anchored entries of the access log are later than the backup; their anchors are kept beside")
    if sheets := night_sheets.set_aside():
        tell(f"the night sheets until now are kept in {sheets}")
    chains = audit_trail.verify(audit_trail.anchor_file())
    wrong_nights = [str(difference) for difference in differences(Checked())]
    db.session.rollback()
    texts, sessions = _make_silent(manifest)
    return Restored(manifest, texts, sessions, sheets, [c for c in chains if not c.is_intact], wrong_nights)


def _make_silent(manifest: Manifest) -> tuple[int, int]:
    """Nobody is texted, signed in, or let in by an old link; the same transaction takes the mark away."""
    now = clock.now()
    waiting = (
        update(Message)
        .where(Message.direction == Direction.OUT)
        .where(Message.state.in_((MessageState.QUEUED, MessageState.SENDING)))
        .values(
            state=MessageState.UNKNOWN,
            attempts=case((Message.attempts == 0, 1), else_=Message.attempts),
            state_changed_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    links = update(OneTimeLink).where(OneTimeLink.expires_at > now).values(expires_at=now)
    with unit_of_work(SYSTEM) as work:
        installation = db.session.get_one(Installation, 1)
        installation.texts_stopped_at = installation.texts_stopped_at or now
        texts = rows_changed(db.session.execute(waiting))
        db.session.execute(links.execution_options(synchronize_session=False))
        sessions = end_sessions()
        db.session.execute(text(f"DROP TABLE {MARK}"))
        work.record(
            "backup.restored",
            subject=f"backup:{manifest.made_at:%Y-%m-%dT%H:%M:%SZ}",
            texts=texts,
            sessions=sessions,
        )
    return texts, sessions

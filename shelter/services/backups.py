"""Backups: the whole database at one moment, sealed for whoever holds the identity, which is not on this machine.

Inside of the age file is a tar: `manifest.json`, its seal under the audit key, and the database in parts. It can be
opened with standard tools alone; `services/restore.py` is the way that also checks everything.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select, text

from shelter import age, clock, config
from shelter.domain.backups import (
    NAME_ENDS,
    Keys,
    Manifest,
    NoBackupRecipient,
    NoRoomForBackup,
    superfluous,
)
from shelter.domain.permissions import SYSTEM
from shelter.extensions import db, keyring
from shelter.gateways import parcels
from shelter.gateways.copies import MARK, NAMELESS, Snapshot, copies_of
from shelter.models.audit import AuditHead
from shelter.queries.fingerprints import fingerprints
from shelter.services.unit_of_work import unit_of_work
from shelter.version import __version__

MANIFEST, SEAL = "manifest.json", "manifest.seal"
ENDING = ".age"
UNFINISHED = ".unfinished-"
FOLDER = "backups"
MEGABYTE = 1024 * 1024
SPARE = 64 * MEGABYTE  # of the disk, for the database itself
Tell = Callable[[str], None]


def _silent(_said: str) -> None:
    pass


@dataclass(frozen=True)
class Backup:
    file: Path
    rows: int
    bytes: int


def back_up(tell: Tell = _silent) -> Backup:
    """A new backup in `folder()`, complete and on the disk before it has its name; old ones go after that.

    Raises NoBackupRecipient, NoRoomForBackup, DatabaseDamaged, ProgramMissing, ProgramDiffers, ProgramFailed, OSError:
    then nothing is left of it, and nothing older is removed.
    """
    recipients = age.recipients_in(config.active().backup_recipient or "")
    if not recipients:
        raise NoBackupRecipient()
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    copies = copies_of(db.engine)
    places = [place, copies.workplace] if copies.workplace else [place]
    _sweep(places)
    _check_room(places, copies.size())
    file = place / f"{_stem()}-{clock.local(clock.now()):{NAME_ENDS}}{ENDING}"
    manifest = write(file, recipients, tell)
    made = Backup(file, manifest.rows, file.stat().st_size)
    with unit_of_work(SYSTEM) as work:
        work.record("backup.made", subject=f"backup:{file.name}"[:80], rows=made.rows, bytes=made.bytes)
    for old in superfluous((path.stem for path in place.glob(f"*{ENDING}")), _stem()):
        if old != file.stem:  # whatever the clock says
            (place / f"{old}{ENDING}").unlink()
    return made


def write(file: Path, recipients: list[Any], tell: Tell = _silent) -> Manifest:
    """One moment of the database, sealed; the file has its name when all of it is on the disk."""
    copies = copies_of(db.engine)
    with copies.snapshot(tell) as snapshot, _becoming(file) as out:
        manifest = _describe(snapshot)
        tell(f"{len(manifest.tables)} tables with {manifest.rows:,} rows")
        papers = {MANIFEST: manifest.to_bytes(), SEAL: seal_of(manifest.to_bytes())}
        data = _told(snapshot.data(), tell)
        age.encrypt(parcels.pack(papers, copies.name, data, manifest.made_at), out, recipients)
    return manifest


def folder() -> Path:
    """As set; else `backups/` beside a SQLite file, or in `instance/`."""
    if named := config.active().backup_dir:
        return named
    url = db.engine.url
    beside = Path(str(url.database)).parent if url.get_backend_name() == "sqlite" else Path.cwd() / "instance"
    return beside / FOLDER


def seal_of(manifest: bytes) -> bytes:
    """What only a system with the audit key can say of a manifest, and so of everything whose hashes are in it."""
    return keyring.chain_mac(b"manifest of a backup\n" + manifest).hex().encode()


def keys_here() -> Keys:
    """The keys of the settings, by their fingerprints."""
    field_keys = config.parse_field_keys(config.active().field_keys.get_secret_value())
    question = b"which key is this?"
    return Keys(
        field={kid: hmac.new(key, question, hashlib.sha256).hexdigest()[:16] for kid, key in field_keys.items()},
        index=keyring.index("backup", question.decode())[:16],
        audit=keyring.chain_mac(question).hex()[:16],
    )


def _describe(snapshot: Snapshot) -> Manifest:
    settings, keys = config.active(), keys_here()
    tables, sealed_with = fingerprints(snapshot.connection, but=MARK)
    heads = snapshot.connection.execute(select(AuditHead.chain, AuditHead.seq)).all()
    return Manifest(
        made_at=clock.now(),
        application=__version__,
        migration=str(snapshot.connection.scalar(text("SELECT version_num FROM alembic_version"))),
        database=db.engine.dialect.name,
        server=snapshot.server,
        timezone=settings.timezone,
        cutover_hours=settings.cutover_hours,
        tables=tables,
        audit_heads={head.chain: head.seq for head in heads},
        # A key that is not in the settings any more opens nothing here either: it is not asked for.
        keys=Keys({kid: keys.field[kid] for kid in sorted(sealed_with & set(keys.field))}, keys.index, keys.audit),
    )


def _stem() -> str:
    return Path(str(db.engine.url.database)).stem


def _check_room(places: list[Path], size: int) -> None:
    """For a copy in each of them, and two where they are on one disk."""
    for place in places:
        needed = size * sum(other.stat().st_dev == place.stat().st_dev for other in places) + SPARE
        if (free := shutil.disk_usage(place).free) < needed:
            raise NoRoomForBackup(place=str(place), needed_mb=needed // MEGABYTE, free_mb=free // MEGABYTE)


@contextmanager
def _becoming(file: Path) -> Iterator[IO[bytes]]:
    """A file without its name until everything in it is on the disk; locked, so that `_sweep` knows it is alive."""
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=file.parent)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
            os.rename(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    beside = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(beside)
    finally:
        os.close(beside)


def _sweep(places: list[Path]) -> None:
    """What a killed one left."""
    for left in (left for place in places for name in (UNFINISHED, NAMELESS) for left in place.glob(f"{name}*")):
        with left.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            left.unlink()


def _told(chunks: Iterator[bytes], tell: Tell) -> Iterator[bytes]:
    """Now and then how much it is so far."""
    done = told = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if done - told >= 100 * MEGABYTE:
            told = done
            tell(f"sealed {done // MEGABYTE:,} MB")

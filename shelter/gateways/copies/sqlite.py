"""SQLite: its own backup API into a file without a name; a restore is one file put in its place."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, StaticPool, create_engine, inspect

from shelter.domain.backups import DatabaseDamaged, DatabaseNotEmpty
from shelter.gateways.copies.protocol import MARK, NAMELESS, Snapshot, Tell

PAGES_AT_ONCE = 16_384
CHUNK = 1024 * 1024
MEGABYTE = 1024 * 1024
WRITE_VERSION = 18  # in the header: 2 asks for a write-ahead log beside the file, 1 for none
BESIDE = ("-wal", "-shm", "-journal")
GZIP = 16 + zlib.MAX_WBITS
FAST = 1


class SqliteCopies:
    name = "database.sqlite3.gz"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = Path(str(engine.url.database))
        self.workplace = self._file.parent

    def size(self) -> int:
        here = (self._file, self._file.with_name(f"{self._file.name}-wal"))
        return sum(file.stat().st_size for file in here if file.exists())

    @contextmanager
    def snapshot(self, tell: Tell) -> Iterator[Snapshot]:
        descriptor, name = tempfile.mkstemp(prefix=NAMELESS, dir=self.workplace)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # whoever sweeps leaves it alone
            with _explained():
                yield from self._snapshot(descriptor, name, tell)
        finally:
            os.close(descriptor)

    def _snapshot(self, descriptor: int, name: str, tell: Tell) -> Iterator[Snapshot]:
        with _opened(name) as copy:
            with _opened(name) as target:
                # Both have the file open. Without a name it is gone with this process, however that ends.
                target.execute("PRAGMA journal_mode=OFF")
                target.execute("PRAGMA synchronous=OFF")
                target.execute("CREATE TABLE placeholder (x)")
                copy.execute("SELECT * FROM sqlite_master").fetchall()
                Path(name).unlink(missing_ok=True)
                self._fill(target, tell)
            os.pwrite(descriptor, b"\1\1", WRITE_VERSION)
            _check(copy)
            engine = create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)
            with engine.connect() as connection:
                yield Snapshot(connection, sqlite3.sqlite_version, lambda: _chunks(descriptor))

    def _fill(self, target: sqlite3.Connection, tell: Tell) -> None:
        """One moment of the database: a reader keeps its view while others go on writing."""
        with _opened(str(self._file)) as source:
            (size,) = source.execute("PRAGMA page_size").fetchone()

            def progress(_status: int, remaining: int, total: int) -> None:
                tell(f"copied {(total - remaining) * size // MEGABYTE:,} of {total * size // MEGABYTE:,} MB")

            source.execute("BEGIN")
            source.execute("SELECT * FROM sqlite_master").fetchone()
            source.backup(target, pages=PAGES_AT_ONCE, progress=progress)
            source.execute("ROLLBACK")

    def check_empty(self) -> None:
        with self._engine.connect() as connection:
            if inspect(connection).get_table_names():
                raise DatabaseNotEmpty()

    def load(self, data: Iterable[bytes]) -> None:
        """Under another name first, complete on the disk; then renamed."""
        coming = self._file.with_name(f"{self._file.name}.restoring")
        coming.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                unpacked = zlib.decompressobj(GZIP)
                for chunk in data:
                    out.write(unpacked.decompress(chunk))
            with _explained(), _opened(str(coming)) as copy:
                copy.execute("PRAGMA synchronous=FULL")
                copy.execute(f"CREATE TABLE {MARK} (since TEXT)")
                _check(copy)
            _on_disk(coming)
            self._remove()
            coming.rename(self._file)
            _on_disk(self._file.parent)
        finally:
            coming.unlink(missing_ok=True)

    def discard(self) -> None:
        self._remove()

    def _remove(self) -> None:
        """The file, and what belongs to it: another file's log must not be read into the next one."""
        self._engine.dispose()
        for end in ("", *BESIDE):
            self._file.with_name(self._file.name + end).unlink(missing_ok=True)


@contextmanager
def _explained() -> Iterator[None]:
    """Raises DatabaseDamaged, or OSError where nothing but the disk or a lock is in the way."""
    try:
        yield
    except sqlite3.OperationalError as refused:
        raise OSError(str(refused)) from refused
    except sqlite3.DatabaseError as broken:
        raise DatabaseDamaged() from broken


def _check(copy: sqlite3.Connection) -> None:
    if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise DatabaseDamaged()


@contextmanager
def _opened(name: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(name, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


def _chunks(descriptor: int) -> Iterator[bytes]:
    """The file as gzip packs it."""
    packing, position = zlib.compressobj(FAST, wbits=GZIP), 0
    while chunk := os.pread(descriptor, CHUNK, position):
        position += len(chunk)
        yield packing.compress(chunk)
    yield packing.flush()


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

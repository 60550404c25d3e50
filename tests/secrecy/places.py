"""Everywhere running processes could leave something: each place as bytes to be searched."""

from __future__ import annotations

import gzip
import io
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine

from shelter import age
from shelter.gateways import parcels
from shelter.gateways.copies import copies_of
from shelter.services.backups import MANIFEST, SEAL
from tests.secrecy.canaries import MARKS, files_in, found_in
from tests.support.databases import Database
from tests.support.postgres import Server
from tests.support.servers import ROOT, Process
from tests.support.settings import IDENTITY, environment

# Binary: five digits are no code of a district there.
NO_TEXT = {"database files", "write-ahead log", "backup, sealed", "temporary files"}
SAY_ALL = ("-c", "log_statement=all", "-c", "log_parameter_max_length=-1", "-c", "log_min_duration_statement=0")


@dataclass
class House:
    """A database of its own, and the directories its processes write to."""

    database: Database
    server: Server | None
    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)
    passing: list[str] = field(default_factory=list)  # temporary files with something in them, gone by now perhaps

    def __post_init__(self) -> None:
        for name in ("temporary", "backups", "sheets"):
            (self.folder / name).mkdir()
        self.settings = {
            "TMPDIR": str(self.folder / "temporary"),
            "SHELTER_BACKUP_DIR": str(self.folder / "backups"),
            "SHELTER_NIGHT_SHEETS_DIR": str(self.folder / "sheets"),
        }

    def command(self, *words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *words],
            cwd=ROOT,
            env=environment(self.database.url, **self.settings),
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Temporary files are read again and again while they are there."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.005):
                self.passing += [path.name for path in files_in(self.folder / "temporary") if _has_a_mark(path)]

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    # The places ----------------------------------------------------------------------------------------------

    def all(self) -> dict[str, bytes]:
        self._settle()
        files, log = self._database_files()
        places = {
            "database files": _content(files),
            "write-ahead log": _content(log),
            "dump": self._dump(),
            "backup, sealed": _content(files_in(self.folder / "backups")),
            "backup, opened": b"".join(self._opened(file) for file in (self.folder / "backups").glob("*.age")),
            "temporary files": _content(files_in(self.folder / "temporary")),
            **{f"log of the {name}": process.log().encode() for name, process in self.processes.items()},
        }
        if self.server is not None:
            places["log of the database"] = self.server.log.read_bytes()
        return places

    def _settle(self) -> None:
        """What is only in memory or in the log is written to the files; the log stays as it is."""
        if self.server is not None:
            self.server.administer("CHECKPOINT")
            self.server.administer("SELECT pg_switch_wal()")
            return
        with closing(sqlite3.connect(self.database.conninfo)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _database_files(self) -> tuple[list[Path], list[Path]]:
        """Those of the database, and those of its write-ahead log."""
        if self.server is not None:
            found = files_in(self.server.data)
            log = [path for path in found if path.is_relative_to(self.server.data / "pg_wal")]
        else:
            file = Path(self.database.conninfo)
            found = sorted(file.parent.glob(file.name + "*"))
            log = [path for path in found if path.name.endswith("-wal")]
        assert log, "its log is gone"
        return [path for path in found if path not in log], log

    def _dump(self) -> bytes:
        if self.server is None:
            with closing(sqlite3.connect(self.database.conninfo)) as connection:
                return "\n".join(connection.iterdump()).encode()
        return _said_by("pg_dump", self.database.conninfo)

    def _opened(self, file: Path) -> bytes:
        """As somebody with the identity reads it: the SQLite file, PostgreSQL's own form as SQL."""
        plain = io.BytesIO()
        with file.open("rb") as sealed:
            age.decrypt(sealed, plain, age.identities_in([IDENTITY]))
        plain.seek(0)
        papers, data = parcels.unpack(plain, (MANIFEST, SEAL), copies_of(create_engine(self.database.url)).name)
        said, packed = b"".join(papers.values()), b"".join(data)
        if self.server is None:
            return said + gzip.decompress(packed)
        archive = self.folder / "archive"
        archive.write_bytes(packed)
        try:
            return said + _said_by("pg_restore", "--file=-", str(archive))
        finally:
            archive.unlink()


def _said_by(program: str, *words: str) -> bytes:
    found = shutil.which(program)
    assert found is not None
    return subprocess.run([found, *words], check=True, capture_output=True).stdout


def _content(files: list[Path]) -> bytes:
    return b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files)


def told_in(places: dict[str, bytes]) -> dict[str, list[str]]:
    """What can be read in each of them that has something."""
    told = {name: found_in(content, is_text=name not in NO_TEXT) for name, content in places.items()}
    return {name: found for name, found in told.items() if found}


def _has_a_mark(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except OSError:  # gone already
        return False
    return any(mark in content for mark in MARKS)

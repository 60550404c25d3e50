"""Backups: one moment of a database in use, sealed, complete before they have a name, and not too many of them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import subprocess
from collections import namedtuple
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from shelter import config
from shelter.config import parse_field_keys
from shelter.domain.backups import (
    KEPT_DAYS,
    DatabaseDamaged,
    NoBackupRecipient,
    NoRoomForBackup,
    ProgramDiffers,
    ProgramFailed,
    ProgramMissing,
)
from shelter.extensions import db, keyring
from shelter.gateways.copies import NAMELESS, copies_of, postgresql
from shelter.models.audit import AuditEntry
from shelter.queries.clockwork import last_backup
from shelter.services import backups
from tests.conftest import Clock
from tests.factories import make_contact, make_household, make_site
from tests.support.backups import differing, hashes, installed, opened
from tests.support.databases import Database


def test_it_is_sealed_and_for_its_owner_alone(context: Flask, folder: Path) -> None:
    make_site("Magnolia", directions="Left at the bakery")
    made = backups.back_up()
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [made.file]
    sealed = made.file.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    assert b"Magnolia" not in sealed


def test_with_age_and_tar_alone_it_can_be_opened(context: Flask, tmp_path: Path) -> None:
    make_site("Magnolia", directions="Left at the bakery")
    made, known = backups.back_up(), hashes()
    manifest = opened(made.file, tmp_path)
    assert differing(manifest.tables, known) == {"audit_entry", "audit_head"}, "only that it was made came later"
    assert manifest.database == db.engine.dialect.name
    assert (manifest.timezone, manifest.cutover_hours) == ("Asia/Seoul", 8)
    assert set(manifest.keys.field) == {keyring.writing_key}
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert names[1:] == ["manifest.json", "manifest.seal"]
    data = (tmp_path / names[0]).read_bytes()
    assert data.startswith(b"\x1f\x8b" if manifest.database == "sqlite" else b"PGDMP")


def test_no_key_is_in_it(context: Flask, tmp_path: Path) -> None:
    make_contact(make_household(), "+821012345678")
    opened(backups.back_up().file, tmp_path)
    settings = config.active()
    texts = (settings.secret_key, settings.index_key, settings.audit_key)
    secrets = [key.get_secret_value().encode() for key in texts]
    for key in parse_field_keys(settings.field_keys.get_secret_value()).values():
        secrets += [key, base64.b64encode(key), key.hex().encode()]
    for path in (path for path in tmp_path.iterdir() if path.is_file()):
        plain = path.read_bytes()
        assert not [secret for secret in secrets if secret in plain]


def test_it_is_recorded_for_those_who_watch(context: Flask, frozen_clock: Clock) -> None:
    from shelter.jobs.schedule import run_by_hand

    assert last_backup() is None
    make_site("Magnolia")
    run_by_hand("back-up-database")
    found = last_backup()
    assert found is not None
    assert found.rows > 0
    assert found.bytes == sum(path.stat().st_size for path in backups.folder().iterdir())
    entry = db.session.query(AuditEntry).filter_by(action="backup.made").one()
    assert entry.subject == f"backup:{next(backups.folder().iterdir()).name}"


def test_nothing_readable_has_a_name_meanwhile(context: Flask, folder: Path) -> None:
    make_site("Magnolia")
    seen = set()

    def look(_said: str) -> None:
        seen.update(path.name for path in folder.iterdir())
        assert not [path for path in folder.iterdir() if b"Magnolia" in path.read_bytes()]

    backups.back_up(look)
    assert not {name for name in seen if not name.startswith(backups.UNFINISHED)}


def test_those_of_fourteen_days_stay(context: Flask, folder: Path, frozen_clock: Clock) -> None:
    made = []
    for _day in range(KEPT_DAYS + 2):
        made.append(folder / f"{Path(str(db.engine.url.database)).stem}-{backups.clock.now():%Y%m%d-%H%M%S}.age")
        frozen_clock.forward(days=1)
    folder.mkdir()
    stem = made[0].stem.rsplit("-", 2)[0]
    others = [folder / f"{name}-20200101-034000.age" for name in ("another", f"{stem}-test", f"{stem}-kept")]
    for file in (*made, *others):
        file.touch()
    backups.back_up()
    assert {path for path in made if path.exists()} == set(made[3:])
    assert all(other.exists() for other in others)


def test_the_one_just_made_stays_even_where_the_clock_went_back(
    context: Flask, folder: Path, frozen_clock: Clock
) -> None:
    folder.mkdir()
    stem = Path(str(db.engine.url.database)).stem
    for day in range(1, KEPT_DAYS + 1):
        (folder / f"{stem}-203001{day:02}-034000.age").touch()
    assert backups.back_up().file.exists()


def test_without_a_recipient_none_is_made(context: Flask, folder: Path) -> None:
    config.activate(config.active().model_copy(update={"backup_recipient": None}))
    with pytest.raises(NoBackupRecipient):
        backups.back_up()
    assert not folder.exists()


usage = namedtuple("usage", "total used free")


def test_a_disk_that_the_database_needs_is_not_filled(
    context: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(NoRoomForBackup) as refused:
        backups.back_up()
    assert (refused.value.place, refused.value.free_mb) == (str(folder), 0)
    assert not list(folder.iterdir())


@pytest.mark.only("sqlite")
def test_the_disk_of_the_database_has_room_for_the_plain_copy_too(
    context: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Path(str(db.engine.url.database)).parent
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 0, 10**6 if place == beside else 10**9))
    with pytest.raises(NoRoomForBackup) as refused:
        backups.back_up()
    assert refused.value.place == str(beside)


@pytest.mark.only("sqlite")
def test_the_plain_copy_is_on_no_other_disk_than_the_database(context: Flask, folder: Path) -> None:
    beside, opened_files = Path(str(db.engine.url.database)).parent, set()

    def look(_said: str) -> None:
        for descriptor in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                opened_files.add(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    backups.back_up(look)
    assert {file.parent for file in opened_files if file.name.startswith(NAMELESS)} == {beside}


def test_one_that_breaks_off_leaves_nothing_and_removes_nothing(
    context: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch, frozen_clock: Clock
) -> None:
    good = backups.back_up().file
    frozen_clock.forward(days=30)

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups.parcels, "_parts", broken)
    with pytest.raises(OSError, match="No space"):
        backups.back_up()
    assert list(folder.iterdir()) == [good]


def test_what_a_killed_one_left_goes_and_a_running_one_stays(context: Flask, folder: Path) -> None:
    folder.mkdir()
    (folder / f"{backups.UNFINISHED}dead").write_bytes(b"half")
    beside = Path(str(db.engine.url.database)).with_name(f"{NAMELESS}dead")
    if db.engine.dialect.name == "sqlite":
        beside.touch()
    with pytest.raises(LookupError), backups._becoming(folder / "other.age"):
        alive = next(path for path in folder.iterdir() if path.name != f"{backups.UNFINISHED}dead")
        made = backups.back_up().file
        assert set(folder.iterdir()) == {alive, made}
        assert not beside.exists()
        raise LookupError
    assert list(folder.iterdir()) == [made]


@pytest.mark.only("sqlite")
def test_a_damaged_database_is_not_taken_for_a_good_backup(fresh_database: Database, folder: Path) -> None:
    with installed(fresh_database):
        make_site("Magnolia")
        good = backups.back_up().file
    fresh_database.connect().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Path(fresh_database.conninfo).open("r+b") as file:
        file.seek(4096 * 20)
        file.write(os.urandom(4096 * 4))
    with installed(fresh_database), pytest.raises(DatabaseDamaged):
        backups.back_up()
    assert list(folder.iterdir()) == [good]


PG_DUMP = '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}" && exit\n{then}\n'


@pytest.fixture
def pg_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Another pg_dump than ours."""

    def put(version: str, then: str) -> None:
        program = tmp_path / "pg_dump"
        program.write_text(PG_DUMP.format(version=version, then=then))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")

    return put


@pytest.fixture
def server_version(context: Flask) -> int:
    with db.engine.connect() as connection:
        return int(connection.scalar(text("SHOW server_version_num"))) // 10_000


@pytest.mark.only("postgresql")
def test_a_missing_program_is_said(context: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ProgramMissing):
        backups.back_up()
    assert not list(folder.iterdir())


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("by", [-1, 1, 84], ids=["older", "newer", "much newer"])
def test_a_program_of_another_version_than_the_server_is_said(
    context: Flask, folder: Path, pg_dump: Any, server_version: int, by: int
) -> None:
    pg_dump(f"{server_version + by}.1", "exit 1")
    with pytest.raises(ProgramDiffers) as refused:
        backups.back_up()
    assert (refused.value.version, refused.value.server) == (server_version + by, server_version)
    assert not list(folder.iterdir())


@pytest.mark.only("postgresql")
def test_a_program_that_fails_after_half_leaves_nothing(
    context: Flask, folder: Path, pg_dump: Any, server_version: int
) -> None:
    said = "pg_dump: error: connection lost\nCONTEXT: COPY site, line 1: Magnolia"
    pg_dump(f"{server_version}.99", f"echo half; printf '{said}' >&2; exit 1")
    with pytest.raises(ProgramFailed) as refused:
        backups.back_up()
    assert refused.value.said == "connection lost"
    assert not list(folder.iterdir())


@pytest.mark.only("postgresql")
def test_the_password_is_on_no_command_line(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[list[str], dict[str, str]]] = []

    class Listening(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: list[str], **more: Any) -> None:
            said.append((command, more["env"]))
            super().__init__(command, **more)

    url = db.engine.url.set(password="open sesame")
    copies = copies_of(db.engine)
    monkeypatch.setattr(copies, "_engine", namedtuple("Engine", "url dialect")(url, db.engine.dialect))
    monkeypatch.setattr(postgresql.subprocess, "Popen", Listening)
    assert sum(map(len, copies._dump(shutil.which("pg_dump")))) > 0  # type: ignore[attr-defined]
    [(command, environment)] = said
    assert "sesame" not in json.dumps(command)
    assert environment["PGPASSWORD"] == "open sesame"

"""What is not brought back: nothing is written then, and a sentence says why."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from shelter import age
from shelter.domain import backups as refusals
from shelter.domain.errors import DomainError
from shelter.extensions import db
from shelter.gateways.leadership import leadership_over
from shelter.services import backups, restore
from tests import factories as make
from tests.backups.conftest import Made
from tests.support.backups import bring_back, hashes, installed, is_blank, repacked
from tests.support.databases import Database
from tests.support.settings import IDENTITY, settings


def refused(
    file: Path, into: Database, why: type[DomainError], *, identity: str = IDENTITY, **changes: Any
) -> DomainError:
    with installed(into, **changes), pytest.raises(why) as said:
        bring_back(file, identity)
    assert is_blank(into)
    return said.value  # type: ignore[no-any-return]


@pytest.mark.only("sqlite")
def test_somebody_elses_identity_opens_nothing(made: Made, blank_database: Database) -> None:
    refused(made.file, blank_database, refusals.WrongIdentity, identity=age.new_identity()[0])
    refused(made.file, blank_database, refusals.IdentityNotValid, identity="# the identity is in the safe")


@pytest.mark.only("sqlite")
def test_a_damaged_file_writes_nothing(made: Made, blank_database: Database) -> None:
    whole = made.file.read_bytes()
    middle = len(whole) // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (whole[:middle], whole[:-1], altered, whole + b"x", b""):
        made.file.write_bytes(damaged)
        refused(made.file, blank_database, refusals.BackupDamaged)


@pytest.mark.only("sqlite")
def test_something_else_sealed_is_no_backup(made: Made, blank_database: Database) -> None:
    with made.file.open("wb") as out:
        age.encrypt([b"holiday pictures"], out, age.recipients_in(settings("sqlite:////x").backup_recipient or ""))
    refused(made.file, blank_database, refusals.NotABackup)


@pytest.mark.only("sqlite")
def test_whoever_knows_the_recipient_alone_makes_no_backup(
    made: Made, blank_database: Database, tmp_path: Path
) -> None:
    def forge(place: Path) -> None:
        manifest = place / backups.MANIFEST
        manifest.write_text(manifest.read_text().replace('"rows": 1', '"rows": 2'))

    refused(repacked(made.file, tmp_path / "x", forge), blank_database, refusals.BackupForged)


OTHER = "t2:" + "eA" * 21 + "A="
SAME_NAME = "t1:" + "eA" * 21 + "A="


@pytest.mark.only("sqlite")
def test_a_missing_key_is_named(made: Made, blank_database: Database) -> None:
    changed = {
        "field_keys": "SHELTER_FIELD_KEYS (t1)",
        "index_key": "SHELTER_INDEX_KEY",
        "audit_key": "SHELTER_AUDIT_KEY",
    }
    for setting, named in changed.items():
        other = OTHER if setting == "field_keys" else f"another-{setting}-0123456789abcdef-----"
        assert refused(made.file, blank_database, refusals.KeysMissing, **{setting: other}).params == {"names": named}
    under_its_name = refused(made.file, blank_database, refusals.KeysMissing, field_keys=SAME_NAME)
    assert under_its_name.params == {"names": changed["field_keys"]}


@pytest.mark.only("sqlite")
def test_nights_are_counted_as_they_were(made: Made, blank_database: Database) -> None:
    refused(made.file, blank_database, refusals.NightsCountedOtherwise, cutover_hours=6)
    refused(made.file, blank_database, refusals.NightsCountedOtherwise, timezone="Asia/Tokyo")
    with installed(blank_database):  # the clock of the process again
        pass


@pytest.mark.only("sqlite")
def test_a_newer_one_is_refused(made: Made, blank_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "_known_migrations", lambda: {"0001"})
    refused(made.file, blank_database, refusals.BackupTooNew)


@pytest.mark.only("sqlite")
def test_it_goes_back_to_the_same_kind_of_database(made: Made, blank_database: Database, tmp_path: Path) -> None:
    def other_kind(place: Path) -> None:
        manifest = json.loads((place / backups.MANIFEST).read_bytes())
        manifest["database"] = "another"
        (place / backups.MANIFEST).write_text(json.dumps(manifest))

    refused(repacked(made.file, tmp_path / "x", other_kind), blank_database, refusals.OtherKindOfDatabase)


def test_nothing_is_ever_overwritten(made: Made, database: Database) -> None:
    with installed(database):
        make.make_site("Rose")
        before = hashes()
        with pytest.raises(refusals.DatabaseNotEmpty):
            bring_back(made.file)
        assert hashes() == before


def test_the_clockwork_must_stand_still(made: Made, blank_database: Database) -> None:
    with installed(blank_database):
        clockwork = leadership_over(db.engine)
        assert clockwork.acquire()
        with pytest.raises(refusals.DatabaseInUse):
            bring_back(made.file)
        clockwork.release()
    assert is_blank(blank_database)


@pytest.mark.only("postgresql")
def test_nobody_else_may_be_connected(made: Made, blank_database: Database) -> None:
    other = blank_database.connect()
    refused_ = refused(made.file, blank_database, refusals.DatabaseInUse)
    other.close()
    assert refused_.code == "database_in_use"


def test_where_it_cannot_be_unpacked_nothing_is_begun(
    made: Made, blank_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage(10**9, 10**9 - 1000, 1000))
    said = refused(made.file, blank_database, refusals.NoRoomToRestore)
    is_sqlite = blank_database.dialect == "sqlite"
    assert said.params["place"] == (str(Path(blank_database.conninfo).parent) if is_sqlite else tempfile.gettempdir())

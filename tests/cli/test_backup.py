"""`flask backup` as an operator uses it: what it prints, what it refuses in words, how it ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from shelter.extensions import db
from shelter.services import audit_trail, backups
from tests.factories import make_site
from tests.support.backups import installed
from tests.support.databases import Database, application, dispose
from tests.support.settings import IDENTITY


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(backups, "folder", lambda: tmp_path / "backups")
    monkeypatch.setattr(audit_trail, "anchor_file", lambda: tmp_path / "anchors")
    return tmp_path / "backups"


@pytest.fixture
def identity(tmp_path: Path) -> str:
    file = tmp_path / "identity.txt"
    file.write_text(f"# kept in the safe\n{IDENTITY}\n")
    return str(file)


def test_there_and_back(
    app: Flask, blank_database: Database, folder: Path, identity: str
) -> None:
    with app.app_context():
        make_site("Magnolia")
    made = app.test_cli_runner().invoke(args=["backup", "create"])
    assert made.exit_code == 0, made.output
    [file] = folder.iterdir()
    assert f"{file}: " in made.stdout
    assert "Now copy it to another machine." in made.stdout
    with installed(blank_database) as elsewhere:
        restore = ["backup", "restore", str(file), "--identity", identity]
        back = elsewhere.test_cli_runner().invoke(args=restore)
        assert back.exit_code == 0, back.output
        assert "rows are as they were" in back.stdout
        assert "Everybody signs in again. Texts are stopped" in back.stdout
        again = elsewhere.test_cli_runner().invoke(args=restore)
        assert again.exit_code == 1
        assert "a restore overwrites nothing" in again.stderr
        assert "Traceback" not in again.output


@pytest.mark.only("sqlite")
def test_the_identity_may_be_typed_in(app: Flask, blank_database: Database, folder: Path) -> None:
    app.test_cli_runner().invoke(args=["backup", "create"])
    [file] = folder.iterdir()
    with installed(blank_database) as elsewhere:
        restore = ["backup", "restore", str(file), "--identity", "-"]
        assert elsewhere.test_cli_runner().invoke(args=restore, input=f"{IDENTITY}\n").exit_code == 0


@pytest.mark.only("sqlite")
def test_what_is_typed_in_at_a_terminal_is_not_shown(
    app: Flask, blank_database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.test_cli_runner().invoke(args=["backup", "create"])
    [file] = folder.iterdir()
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
    with installed(blank_database) as elsewhere:
        restore = ["backup", "restore", str(file), "--identity", "-"]
        said = elsewhere.test_cli_runner().invoke(args=restore, input=f"{IDENTITY}\n")
    assert said.exit_code == 0, said.output
    assert "Identity: " in said.output
    assert IDENTITY not in said.output


def test_the_database_is_named_without_who_we_are_to_it(
    app: Flask, blank_database: Database, folder: Path, identity: str
) -> None:
    made = app.test_cli_runner().invoke(args=["backup", "create"]).stdout
    [file] = folder.iterdir()
    with installed(blank_database) as elsewhere:
        with elsewhere.app_context():
            url = db.engine.url
        restored = elsewhere.test_cli_runner().invoke(args=["backup", "restore", str(file), "--identity", identity])
    assert f"Restoring into {url.database}" in restored.stdout
    assert made.startswith("Backup of ")
    assert "shelter@" not in made + restored.stdout
    assert "closed accounts, changed passwords, and roles and sites" in restored.stdout


def test_a_database_that_does_not_answer_is_said(
    app: Flask, folder: Path, identity: str, tmp_path: Path, dialect: str
) -> None:
    app.test_cli_runner().invoke(args=["backup", "create"])
    [file] = folder.iterdir()
    gone = tmp_path / "gone"
    url = f"sqlite:///{gone}/x.sqlite3" if dialect == "sqlite" else f"postgresql+psycopg://x:secret@/x?host={gone}"
    nowhere = application(url, backup_dir=tmp_path / "backups")
    for words in (["create"], ["restore", str(file), "--identity", identity]):
        said = nowhere.test_cli_runner().invoke(args=["backup", *words])
        assert said.exit_code == 1
        assert isinstance(said.exception, SystemExit), said.exception
        assert "secret" not in said.output
        if words == ["create"] or dialect == "postgresql":
            assert "does not answer. Look whether it runs" in said.stderr
        else:
            assert "The disk refused: No such file or directory" in said.stderr
    dispose(nowhere)


@pytest.mark.only("sqlite")
def test_a_refusal_is_a_sentence_and_recorded(app: Flask, folder: Path) -> None:
    from shelter import config

    config.activate(config.active().model_copy(update={"backup_recipient": None}))
    said = app.test_cli_runner().invoke(args=["backup", "create"])
    assert said.exit_code == 1
    assert "SHELTER_BACKUP_RECIPIENT is not set" in said.stderr
    listed = app.test_cli_runner().invoke(args=["jobs", "list"]).stdout
    assert re.search(r"back-up-database +03:40 daily +- ", listed)


@pytest.mark.only("sqlite")
def test_a_new_identity_is_printed_with_its_recipient_and_kept_nowhere(app: Flask, folder: Path) -> None:
    said = [app.test_cli_runner().invoke(args=["backup", "identity"]).stdout for _time in range(2)]
    identities = {re.search(r"^AGE-SECRET-KEY-1\w+$", text, re.MULTILINE)[0] for text in said}  # type: ignore[index]
    assert len(identities) == 2
    assert all("SHELTER_BACKUP_RECIPIENT=age1" in text for text in said)
    assert not folder.exists()

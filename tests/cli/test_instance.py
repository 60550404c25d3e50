"""Keys of an installation: made once, closed to others, never overwritten."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from shelter.cli import instance, processes
from shelter.cli.instance import Kind
from shelter.config import load_settings

COMPLETED = (*instance.KEY_NAMES, instance.RECIPIENT, "DATABASE_URL", "SHELTER_ENV", "SHELTER_BACKUP_DIR")  # by `use`


@pytest.fixture(autouse=True)
def _in_a_checkout_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # What `use` adds to the environment goes again after the test.
    for name in COMPLETED:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize("kind", Kind)
def test_the_key_file_is_for_its_owner_only(kind: Kind) -> None:
    assert instance.create_keys(kind)
    assert stat.S_IMODE(instance.key_file(kind).stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.directory().stat().st_mode) == 0o700


def test_keys_are_made_once() -> None:
    instance.create_keys(Kind.REAL)
    before = instance.key_file(Kind.REAL).read_text()
    assert not instance.create_keys(Kind.REAL)
    assert instance.key_file(Kind.REAL).read_text() == before


def test_no_keys_are_made_where_the_environment_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in instance.KEY_NAMES:
        monkeypatch.setenv(name, "set")
    assert not instance.create_keys(Kind.REAL)
    assert not instance.key_file(Kind.REAL).exists()


@pytest.mark.parametrize("kind", Kind)
def test_what_is_made_boots(kind: Kind) -> None:
    instance.create_keys(kind)
    instance.use(kind)
    settings = load_settings()
    assert settings.env == ("development" if kind is Kind.DEMO else "production")
    assert settings.database_url == f"sqlite:///{Path.cwd()}/instance/{kind.value}.sqlite3"


def test_the_environment_wins_over_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    instance.create_keys(Kind.REAL)
    monkeypatch.setenv("SHELTER_INDEX_KEY", "mine")
    instance.use(Kind.REAL)
    assert os.environ["SHELTER_INDEX_KEY"] == "mine"


@pytest.mark.parametrize("kind", Kind)
def test_plain_flask_uses_the_one_that_is_there(kind: Kind) -> None:
    instance.create_keys(kind)
    instance.use_what_is_there()
    assert load_settings().database_url.endswith(f"/{kind.value}.sqlite3")


def test_plain_flask_does_not_guess_between_both() -> None:
    for kind in Kind:
        instance.create_keys(kind)
    with pytest.raises(SystemExit, match="Say which one you mean"):
        instance.use_what_is_there()


def test_plain_flask_leaves_a_complete_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in Kind:
        instance.create_keys(kind)
    for name in (*instance.KEY_NAMES, "DATABASE_URL"):
        monkeypatch.setenv(name, "mine")
    instance.use_what_is_there()
    assert os.environ["SHELTER_INDEX_KEY"] == "mine"


def test_a_complete_environment_still_finds_for_whom_backups_are_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*instance.KEY_NAMES, "DATABASE_URL"):
        monkeypatch.setenv(name, "mine")
    instance.create_recipient(Kind.REAL, lambda _secret: None)
    named = os.environ.pop(instance.RECIPIENT)
    instance.use_what_is_there()
    assert os.environ[instance.RECIPIENT] == named
    assert os.environ["DATABASE_URL"] == "mine"


def test_what_the_environment_sets_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in COMPLETED:
        monkeypatch.setenv(name, "")
    shown: list[str] = []
    for _start in range(2):
        instance.create_keys(Kind.REAL)
        instance.use(Kind.REAL)
        instance.create_recipient(Kind.REAL, shown.append)
        monkeypatch.setenv(instance.RECIPIENT, "")
    assert len(shown) == 1
    monkeypatch.delenv("SHELTER_ENV")
    assert load_settings().database_url.endswith("/shelter.sqlite3")


def test_demonstration_and_real_thing_share_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in Kind:
        instance.create_keys(kind)
    values = [set(instance.key_file(kind).read_text().splitlines()[3:]) for kind in Kind]
    assert not values[0] & values[1]
    assert instance.database_file(Kind.DEMO) != instance.database_file(Kind.REAL)
    instance.use(Kind.DEMO)
    assert load_settings().backup_dir == instance.directory() / "demo" / "backups"
    monkeypatch.delenv("SHELTER_BACKUP_DIR")
    instance.use(Kind.REAL)
    assert load_settings().backup_dir is None


def test_a_recipient_of_backups_is_named_once_and_its_identity_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    instance.create_keys(Kind.REAL)
    instance.create_recipient(Kind.REAL, shown.append)
    named = os.environ[instance.RECIPIENT]
    instance.create_recipient(Kind.REAL, shown.append)
    monkeypatch.delenv(instance.RECIPIENT)
    instance.use(Kind.REAL)
    assert os.environ[instance.RECIPIENT] == named
    assert len(shown) == 1
    assert not [file for file in instance.directory().iterdir() if shown[0] in file.read_text()]


def test_an_identity_is_shown_on_a_terminal_and_never_to_the_journal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    processes._name_recipient(Kind.REAL)
    assert "No backups are made yet" in capsys.readouterr().out
    assert not instance.recipient_file(Kind.REAL).exists()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    processes._name_recipient(Kind.REAL)
    shown = capsys.readouterr().out
    assert "AGE-SECRET-KEY-1" in shown
    assert "This is no terminal" not in shown
    assert instance.recipient_file(Kind.REAL).exists()


def test_an_identity_shown_on_no_terminal_is_to_be_taken_out_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    processes._name_recipient(Kind.REAL)
    assert "This is no terminal" in capsys.readouterr().out


def test_the_demonstrations_backups_can_be_opened_beside_it() -> None:
    shown: list[str] = []
    instance.create_recipient(Kind.DEMO, shown.append)
    assert shown == []
    assert stat.S_IMODE(instance.demo_identity_file().stat().st_mode) == 0o600


def test_the_key_file_says_how_to_keep_it() -> None:
    instance.create_keys(Kind.REAL)
    assert "Keep a copy off this machine" in instance.key_file(Kind.REAL).read_text()

"""The commands that others rely on are there, and asking for help needs no settings."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from flask import Flask

from shelter.cli import GROUPS, main

PROMISED = {
    "audit": {"verify"},
    "backup": {"create", "restore"},
    "db": {"upgrade"},
    "demo": {"load"},
    "jobs": {"list", "run"},
    "ledger": {"verify"},
    "scheduler": {"run"},
    "stays": {"import"},
    "units": {"import"},
    "users": {"create"},
}


def test_help_needs_no_settings() -> None:
    said = CliRunner().invoke(main, ["--help"])
    assert said.exit_code == 0, said.output
    assert set(GROUPS) <= set(said.output.split())


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("group", GROUPS)
def test_every_promised_command_is_there(app: Flask, group: str) -> None:
    said = app.test_cli_runner().invoke(args=[group, "--help"])
    assert said.exit_code == 0, said.output
    assert PROMISED[group] <= set(said.output.split())


def test_missing_settings_are_a_sentence_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    said = CliRunner().invoke(main, ["users", "create"], env={"SHELTER_SECRET_KEY": None})
    assert said.exit_code == 1
    assert "SHELTER_SECRET_KEY is missing" in said.output

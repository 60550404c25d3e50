"""The commands that others rely on are there, and asking for help needs no settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from shelter.cli import GROUPS, main

ROOT = Path(__file__).parents[2]
PROMISED = {
    "audit": {"verify"},
    "backup": {"create", "restore"},
    "db": {"upgrade"},
    "demo": {"load"},
    "jobs": {"list", "run"},
    "keys": {"new", "rotate", "verify", "reindex"},
    "ledger": {"verify"},
    "scheduler": {"run"},
    "stays": {"import"},
    "tonight": {"print"},
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


def test_missing_settings_are_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "shelter.cli", "jobs", "list"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name == "PATH"} | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1, ran.stderr
    assert "SHELTER_SECRET_KEY is missing" in ran.stderr
    assert "Traceback" not in ran.stderr

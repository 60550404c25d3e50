"""Imports point inwards: the contracts of pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PACKAGE = Path(__file__).parents[2] / "shelter"
LAYERS = {"cli", "web", "jobs", "services", "queries", "gateways", "models", "domain"}
SHARED = {"__init__", "age", "clock", "config", "database", "extensions", "keyring", "logs", "outage", "paths"}
SHARED |= {"tables", "version"}


def test_every_contract_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PACKAGE.parent)
    result = lint_imports(cache_dir=None)
    assert result == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_module_stands_outside_the_layers() -> None:
    found = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert found <= LAYERS | SHARED, "a new top-level module is in no import contract"

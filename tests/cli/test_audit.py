"""`flask audit verify` says up to where it can promise."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from shelter.domain.permissions import SYSTEM
from shelter.extensions import db
from shelter.models.audit import AuditEntry
from shelter.services import audit_trail
from shelter.services.unit_of_work import unit_of_work

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture(autouse=True)
def anchors(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "anchors"
    monkeypatch.setattr(audit_trail, "anchor_file", lambda: file)
    with app.app_context():
        for _ in range(3):
            with unit_of_work(SYSTEM) as work:
                work.record("site.changed", subject="site:x")
    return file


def test_a_whole_log_is_said_to_be_whole(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["audit", "anchor"]).exit_code == 0
    said = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert said.exit_code == 0, said.output
    assert "3 entries hold" in said.output
    assert "whole" in said.output


def test_a_broken_link_is_named_with_exit_code_1(app: Flask) -> None:
    with app.app_context():
        db.session.execute(update(AuditEntry).where(AuditEntry.seq == 2).values(subject="site:y"))
        db.session.commit()
    said = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert said.exit_code == 1
    assert "BROKEN at entry 2" in said.output
    assert "1 entries hold" in said.output
    assert "whole" not in said.output


def test_without_anchors_it_says_what_it_cannot_know(app: Flask) -> None:
    assert "could not be noticed" in app.test_cli_runner().invoke(args=["audit", "verify"]).output

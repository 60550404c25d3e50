"""A house whose backup is made, for tests of what becomes of it. Nothing is written beside the databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shelter import clock
from shelter.domain.messages import MessageState, Template
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.messages import Message
from shelter.models.people import IdempotentAct, OneTimeLink
from shelter.services import audit_trail, backups, night_sheets
from tests import factories as make
from tests.conftest import Clock
from tests.support.backups import hashes, installed
from tests.support.databases import Database
from tests.support.people import open_session
from tests.support.texts import make_textable_stay, queue


@dataclass
class Made:
    """A backup, and what was in the database then."""

    file: Path
    hashes: dict[str, Any]
    texts: dict[str, UUID] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def folder(frozen_clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where backups are written."""
    monkeypatch.setattr(backups, "folder", lambda: tmp_path / "backups")
    monkeypatch.setattr(audit_trail, "anchor_file", lambda: tmp_path / "anchors")
    monkeypatch.setattr(night_sheets, "directory", lambda: tmp_path / "tonight")
    return tmp_path / "backups"


def live_since(day: date) -> None:
    """Otherwise since the databases of the tests were made, and of nights before that there is nothing."""
    db.session.get_one(Installation, 1).live_from = day
    db.session.commit()


def texts() -> dict[str, UUID]:
    """One that waits, one that is with the dispatcher, one for later, one that went."""
    made = {}
    for number, what in enumerate(("waits", "sending", "later", "went")):
        message = queue(make_textable_stay(f"+82101234567{number}"), Template.CONFIRMED)
        made[what] = message.id
    message = db.session.get_one(Message, made["sending"])
    message.state, message.attempts, message.claimed_at = MessageState.SENDING, 1, clock.now()
    db.session.get_one(Message, made["later"]).not_before = clock.now() + timedelta(hours=6)
    message = db.session.get_one(Message, made["went"])
    message.state, message.attempts, message.provider_id = MessageState.SENT, 1, "earlier"
    db.session.commit()
    return made


@pytest.fixture
def made(fresh_database: Database) -> Iterator[Made]:
    """A small house with texts on their way, somebody signed in, a link not yet used."""
    with installed(fresh_database) as app:
        live_since(date(2026, 1, 1))
        kept = texts()
        site = make.make_site("Magnolia", directions="Left at the bakery")
        make.make_stay(make.make_unit(site=site), household=make.make_household(women=1))
        user = make.make_user(Role.COORDINATOR, sites=[site])
        open_session(app, user=user)
        now = clock.now()
        link = OneTimeLink(token_hash="f" * 64, user_id=user.id, purpose="reset", created_at=now)
        link.expires_at = now + timedelta(days=1)
        db.session.add(link)
        db.session.add(IdempotentAct(user_id=user.id, key="k", fingerprint="f", result="r", created_at=now))
        db.session.commit()
        known = hashes()
        yield Made(backups.back_up().file, known, kept)

"""A backup brought back: the same as it was, everything or nothing; and nobody is texted."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from shelter import age, clock, config
from shelter.config import UnsafeSettings
from shelter.domain import backups as refusals
from shelter.domain.messages import MessageState, Suppression
from shelter.domain.permissions import SYSTEM, Role
from shelter.domain.stays import StayState
from shelter.extensions import db
from shelter.gateways.copies import MARK
from shelter.gateways.sms.recorded import RecordedGateway
from shelter.jobs.night_sheets import as_file
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.people import IdempotentAct, OneTimeLink, SignInSession
from shelter.models.sites import Site
from shelter.models.stays import Stay, Task
from shelter.services import audit_trail, backups, delivery, demo, messages, night_sheets, restore
from shelter.services.unit_of_work import unit_of_work
from tests import factories as make
from tests.backups.conftest import Made, live_since
from tests.conftest import Clock
from tests.support.backups import (
    CHANGED,
    bring_back,
    differing,
    hashes,
    installed,
    is_blank,
)
from tests.support.databases import Database, application, dispose, migrate
from tests.support.pages import page_of
from tests.support.people import PASSWORD, create_user
from tests.support.settings import IDENTITY, settings

# The drill ----------------------------------------------------------------------------------------------------------


def test_the_drill(fresh_database: Database, blank_database: Database, frozen_clock: Clock) -> None:
    """A lively network is backed up, brought back elsewhere, is the same, and goes on."""
    with installed(fresh_database):
        demo.load()
        names = {h.reference: [p.name for p in h.people] for h in db.session.scalars(select(Household))}
        of_stays = select(Household.reference).join(Stay).where(Stay.state == StayState.IN_HOUSE, Stay.number == 1)
        reference = next(r for r in sorted(db.session.scalars(of_stays)) if names[r][0])
        before = hashes()
        file = backups.back_up().file
    frozen_clock.forward(hours=9)
    with installed(blank_database):
        restored = bring_back(file)
        assert restored.is_in_order
        assert differing(before, hashes()) <= CHANGED
        assert {h.reference: [p.name for p in h.people] for h in db.session.scalars(select(Household))} == names
        db.session.rollback()
    with ExitStack() as stack:
        config.activate(settings(blank_database.url))
        app = application(blank_database.url)  # boots on it
        stack.callback(dispose, app)
        with app.app_context():
            sites = [row.id for row in db.session.scalars(select(Site))]
            colleague = create_user(app, roles={Role.COORDINATOR}, sites=sites)
            db.session.remove()
        browser = app.test_client()
        signing_in = page_of(browser.get("/login")).fields() | {"login": colleague.login, "password": PASSWORD}
        assert browser.post("/login", data=signing_in).status_code == 303
        assert browser.get("/").status_code == 200
        assert browser.get(f"/stays/{reference}-1").status_code == 200
        assert str(names[reference][0]) in page_of(browser.get(f"/households/{reference}")).text


# What goes wrong on the way -------------------------------------------------------------------------------------------


def test_what_is_not_the_same_afterwards_is_removed(
    made: Made, blank_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = restore.copies_of

    def lossy(engine: Any) -> Any:
        copies = load(engine)
        whole = copies.load

        def lose_a_row(data: Any) -> None:
            whole(data)
            with engine.begin() as connection:
                connection.execute(text("DELETE FROM idempotent_act"))

        copies.load = lose_a_row
        return copies

    monkeypatch.setattr(restore, "copies_of", lossy)
    with installed(blank_database), pytest.raises(refusals.RestoredDiffers) as refused:
        bring_back(made.file)
    assert refused.value.tables == "idempotent_act"
    assert is_blank(blank_database)


def test_on_one_that_was_not_finished_nothing_starts(
    made: Made, blank_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `kill -9`: nothing is tidied up."""

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with installed(blank_database):
        copies = restore.copies_of(db.engine)
        monkeypatch.setattr(copies, "discard", lambda: None)
        monkeypatch.setattr(restore, "copies_of", lambda _engine: copies)
        monkeypatch.setattr(restore, "_make_silent", killed)
        with pytest.raises(Killed):
            bring_back(made.file)
        assert MARK in db.inspect(db.engine).get_table_names()
        assert hashes().keys() > made.hashes.keys(), "everything else is there"
    monkeypatch.undo()
    with pytest.raises(UnsafeSettings, match="was not finished"):
        application(blank_database.url)


@pytest.mark.only("sqlite")
def test_one_that_is_damaged_already_comes_back_as_it_is_and_says_so(
    fresh_database: Database, blank_database: Database
) -> None:
    with installed(fresh_database):
        live_since(date(2026, 1, 1))
        make.make_stay(make.make_unit())
        make.make_user()
        with unit_of_work(SYSTEM) as work:
            work.record("site.changed", subject="site:x")
        db.session.execute(text("DELETE FROM unit_night WHERE night = (SELECT min(night) FROM unit_night)"))
        db.session.execute(text("UPDATE audit_entry SET subject = 'site:y'"))
        db.session.commit()
        file = backups.back_up().file
    with installed(blank_database):
        restored = bring_back(file)
    assert not restored.is_in_order
    assert [chain.broken_at for chain in restored.broken_chains] == [1]
    assert re.search("1 nights missing in the ledger", "\n".join(restored.differences))


def test_an_older_one_is_brought_up_to_date(all_databases: Any, dialect: str, blank_database: Database) -> None:
    older = all_databases.blank(dialect)
    migrate(older.url, "0009")
    with installed(older):
        backups.folder().mkdir()
        file = backups.folder() / "older.age"
        manifest = backups.write(file, age.recipients_in(config.active().backup_recipient or ""))
    all_databases.drop(older)
    assert manifest.migration == "0009"
    with installed(blank_database):
        assert bring_back(file).is_in_order
        assert hashes()["alembic_version"] != manifest.tables["alembic_version"]
        make.make_site("Magnolia")  # the tables are those of this version


RULES = """
    SELECT conrelid::regclass::text, concat(contype, conname) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tablename, split_part(indexdef, ' WHERE ', 1) FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT table_name, concat(column_name, column_default, is_identity, is_nullable)
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT sequencename, last_value::text FROM pg_sequences WHERE schemaname = 'public'
"""


@pytest.mark.only("postgresql")
def test_every_key_rule_and_counter_comes_back_with_the_rows(
    made: Made, fresh_database: Database, blank_database: Database
) -> None:
    there = fresh_database.connect()
    known = sorted(there.execute(RULES).fetchall(), key=str)
    there.close()
    assert any("UNIQUE" in definition for _table, definition in known)
    with installed(blank_database):
        copies = restore.copies_of(db.engine)
        with restore._opened(made.file, [IDENTITY]) as plain:
            copies.load(restore._unpacked(plain)[1])
        with db.engine.connect() as connection:
            connection.execute(text(f"DROP TABLE {MARK}"))
            found = sorted((tuple(row) for row in connection.execute(text(RULES))), key=str)
    # The entry that the backup was made came after it.
    assert [row for row in found if "audit" not in row[0]] == [row for row in known if "audit" not in row[0]]


@pytest.mark.only("postgresql")
def test_what_an_administrator_added_to_the_database_is_no_part_of_it(
    fresh_database: Database, blank_database: Database
) -> None:
    """An extension or a schema of somebody else's: our role could not make them again."""
    theirs = fresh_database.connect()
    theirs.execute("CREATE EXTENSION vector; CREATE SCHEMA watching; CREATE TABLE watching.load (at timestamptz)")
    theirs.close()
    owner = blank_database.connect()
    owner.execute("CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain")
    owner.close()
    with installed(fresh_database):
        make.make_site("Magnolia")
        file = backups.back_up().file
    with installed(replace(blank_database, url=blank_database.url.replace("//shelter@", "//plain@"))):
        assert bring_back(file).is_in_order
        assert [site.code_name for site in db.session.scalars(select(Site))] == ["Magnolia"]


# Afterwards -----------------------------------------------------------------------------------------------------------


def test_everybody_signs_in_again_and_no_old_link_opens(made: Made, blank_database: Database) -> None:
    with installed(blank_database):
        restored = bring_back(made.file)
        assert restored.sessions == 1
        assert [row.ended_at for row in db.session.scalars(select(SignInSession))] != [None]
        assert [row.expires_at <= clock.now() for row in db.session.scalars(select(OneTimeLink))] == [True]
        assert db.session.query(IdempotentAct).count() == 1, "a replay of what is in it still finds it"


def state_of(message_id: UUID) -> tuple[MessageState, Suppression | None]:
    db.session.rollback()
    message = db.session.get_one(Message, message_id)
    return message.state, message.suppression


def work_off(gateway: RecordedGateway, frozen_clock: Clock) -> None:
    """The clockwork of some hours, as far as texts are concerned."""
    for _time in range(6):
        delivery.settle_unknown(gateway)
        delivery.deliver_due(gateway)
        frozen_clock.forward(minutes=2)
    frozen_clock.forward(hours=7)
    delivery.deliver_due(gateway)
    db.session.rollback()


@pytest.mark.parametrize("is_told", [True, False], ids=["the provider has them", "the provider has none"])
def test_nobody_is_texted_twice_or_unasked(
    made: Made, fresh_database: Database, blank_database: Database, frozen_clock: Clock, is_told: bool
) -> None:
    gateway = RecordedGateway()
    if is_told:  # the system lived on for an hour after the backup
        work_off(gateway, frozen_clock)
        assert len(gateway.sent) == 3
    before = len(gateway.sent)
    with installed(blank_database):
        assert bring_back(made.file).texts == 3
        work_off(gateway, frozen_clock)
        assert len(gateway.sent) == before
        states = {what: state_of(message_id) for what, message_id in made.texts.items()}
        asked = {task.data["message_id"] for task in db.session.scalars(select(Task))}
        if is_told:
            assert states == dict.fromkeys(made.texts, (MessageState.SENT, None))
            assert asked == set()
        else:
            silenced = {state for what, state in states.items() if what != "went"}
            assert silenced == {(MessageState.SUPPRESSED, Suppression.STOPPED)}
            assert asked == {str(made.texts[what]) for what in ("waits", "sending", "later")}
        assert states["went"] == (MessageState.SENT, None)


@pytest.mark.only("sqlite")
def test_when_a_person_lets_texts_go_what_never_went_goes_once(
    made: Made, blank_database: Database, frozen_clock: Clock
) -> None:
    gateway = RecordedGateway()
    with installed(blank_database):
        bring_back(made.file)
        boss = make.make_user(Role.ADMINISTRATOR)
        messages.resume_texts(by=boss.principal)
        work_off(gateway, frozen_clock)
        assert len(gateway.sent) == len({sent.number for sent in gateway.sent}) == 3


@pytest.mark.only("sqlite")
def test_control_arm_a_copy_that_is_simply_put_back_texts_them_twice(
    made: Made, fresh_database: Database, blank_database: Database, frozen_clock: Clock
) -> None:
    gateway = RecordedGateway()
    work_off(gateway, frozen_clock)
    with installed(blank_database):
        copies = restore.copies_of(db.engine)
        with restore._opened(made.file, [IDENTITY]) as plain:
            copies.load(restore._unpacked(plain)[1])
        work_off(gateway, frozen_clock)
    numbers = [sent.number for sent in gateway.sent]
    assert len(numbers) > len(set(numbers))


@pytest.mark.only("sqlite")
def test_texts_that_were_stopped_already_stay_so_since_then(
    made: Made, fresh_database: Database, blank_database: Database, frozen_clock: Clock
) -> None:
    stopped_at = clock.now()
    messages.stop_all_texts(by=make.make_user(Role.ADMINISTRATOR).principal)
    frozen_clock.forward(hours=1)
    file = backups.back_up().file
    with installed(blank_database):
        bring_back(file)
        assert db.session.get_one(Installation, 1).texts_stopped_at == stopped_at


@pytest.mark.only("sqlite")
def test_anchors_later_than_the_backup_are_kept_beside(
    made: Made, fresh_database: Database, blank_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk, really = set(), os.fsync

    def fsync(descriptor: int) -> None:
        on_disk.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    anchors = tmp_path / "anchors"
    audit_trail.anchor_heads(anchors)
    lines = anchors.read_text()
    with installed(blank_database):
        assert bring_back(made.file).is_in_order
        assert all(report.is_intact for report in audit_trail.verify(anchors))
    assert [path.read_text() for path in tmp_path.glob("anchors.until-*")] == [lines]
    assert {str(anchors), str(tmp_path)} <= on_disk, "a power cut does not bring them back"


def test_the_night_sheets_of_what_is_lost_are_not_written_over(
    made: Made, fresh_database: Database, blank_database: Database, tmp_path: Path
) -> None:
    make.make_site("Rose")  # after the backup
    night_sheets.refresh_sheets(as_file)
    before = {path.name: path.read_bytes() for path in (tmp_path / "tonight").iterdir()}
    assert "tonight-rose.ko.html" in before
    with installed(blank_database):
        aside = bring_back(made.file).sheets
        assert aside is not None
        night_sheets.refresh_sheets(as_file)  # as the clockwork does at the start
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == before
    now = {path.name for path in (tmp_path / "tonight").iterdir()}
    assert "tonight-magnolia.ko.html" in now
    assert "tonight-rose.ko.html" not in now


@pytest.mark.only("sqlite")
def test_where_there_are_no_night_sheets_none_are_set_aside(
    made: Made, blank_database: Database, tmp_path: Path
) -> None:
    with installed(blank_database):
        assert bring_back(made.file).sheets is None
    assert not (tmp_path / "tonight").exists()

"""`flask keys`: what an operator reads, and that nothing starts with keys the database was not written with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from shelter.config import UnsafeSettings, parse_field_keys
from shelter.extensions import db
from shelter.gateways.leadership import leadership_over
from shelter.models.households import ContactNumber
from tests import factories
from tests.conftest import Clock
from tests.support.databases import Database, application, dispose
from tests.support.keys import BOTH, NEW, OLD, holding

OTHER_INDEX = "another-index-key-of-the-tests-0123456789"
MakeApp = Callable[..., Flask]


def newest_number() -> ContactNumber:
    return db.session.scalars(select(ContactNumber).order_by(ContactNumber.id.desc()).limit(1)).one()


def damage(row: ContactNumber) -> str:
    """What no key opens any more; its place."""
    row.number_sealed = row.number_sealed[:-1] + bytes([row.number_sealed[-1] ^ 1])
    db.session.commit()
    return f"contact_number|number_sealed|{row.id.hex}"


@pytest.fixture(autouse=True)
def household(app: Flask) -> Iterator[None]:
    with holding(OLD):
        with app.app_context():
            factories.make_contact(factories.make_household(), "+821012345678")
        yield


def test_a_new_key_is_printed_with_what_to_do_and_nothing_changes(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["keys", "new"])
    assert said.exit_code == 0, said.output
    assert list(parse_field_keys(said.stdout.strip())) == ["k1"]
    assert "flask keys rotate" in said.stderr
    assert "t1" in app.test_cli_runner().invoke(args=["keys", "verify"]).stdout


def test_rotating_says_which_key_may_go_and_for_which_backups_it_is_kept(
    make_app: MakeApp, frozen_clock: Clock
) -> None:
    runner = make_app(field_keys=SecretStr(BOTH)).test_cli_runner()
    before = runner.invoke(args=["keys", "verify"])
    assert "t2: 0 values (writes)" in before.stdout
    said = runner.invoke(args=["keys", "rotate"])
    assert said.exit_code == 0, said.output
    assert "t1 may be taken out of SHELTER_FIELD_KEYS" in said.stdout
    assert "for the backups made until now (2026-03-10 12:00)" in said.stdout
    after = runner.invoke(args=["keys", "verify"])
    assert "t1: 0 values\n" in after.stdout
    assert "Every sealed value can be opened" in after.stdout


def test_a_key_that_is_still_needed_is_not_let_go(make_app: MakeApp, app: Flask) -> None:
    with app.app_context():
        place = damage(newest_number())
        factories.make_contact(factories.make_household(), "+821022223333")
    runner = make_app(field_keys=SecretStr(BOTH)).test_cli_runner()
    said = runner.invoke(args=["keys", "rotate"])
    assert said.exit_code == 1, said.output
    assert f"No key opens {place}" in said.stderr
    assert "keep t1" in said.stderr
    verified = runner.invoke(args=["keys", "verify"])
    assert verified.exit_code == 1
    assert place in verified.stderr


@pytest.mark.parametrize(
    ("keys", "named"),
    [({"field_keys": NEW}, "SHELTER_FIELD_KEYS"), ({"index_key": OTHER_INDEX}, "SHELTER_INDEX_KEY")],
)
def test_nothing_starts_with_keys_the_database_was_not_written_with(
    make_app: MakeApp, keys: dict[str, str], named: str
) -> None:
    with pytest.raises(UnsafeSettings, match=named):
        make_app(**{name: SecretStr(key) for name, key in keys.items()})
    make_app()


def test_one_damaged_number_does_not_keep_the_house_closed(make_app: MakeApp, app: Flask) -> None:
    with app.app_context():
        factories.make_contact(factories.make_household(), "+821022223333")
        damage(newest_number())
    make_app()


def test_a_new_index_key_is_taken_while_nothing_runs(fresh_database: Database) -> None:
    app = application(fresh_database.url)
    with app.app_context():
        factories.make_contact(factories.make_household(), "+821012345678")
        leadership = leadership_over(db.engine)
    how = {"args": ["keys", "reindex"], "env": {"SHELTER_NEW_INDEX_KEY": OTHER_INDEX}}
    assert leadership.acquire()
    refused = app.test_cli_runner().invoke(**how)  # type: ignore[arg-type]
    leadership.release()
    assert (refused.exit_code, "The clockwork runs" in refused.stderr) == (1, True)
    said = app.test_cli_runner().invoke(**how)  # type: ignore[arg-type]
    assert said.exit_code == 0, said.output
    assert "Keep the former key for the backups made until now (20" in said.stdout
    dispose(app)
    with pytest.raises(UnsafeSettings, match="SHELTER_INDEX_KEY"):
        application(fresh_database.url)
    changed = application(fresh_database.url, index_key=SecretStr(OTHER_INDEX))
    assert changed.test_cli_runner().invoke(args=["keys", "verify"]).exit_code == 0
    dispose(changed)


def test_a_short_index_key_is_refused(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["keys", "reindex", "--key", "short"])
    assert (said.exit_code, "32 characters" in said.stderr) == (2, True)
    assert OLD not in said.output

"""The migrations make the models' tables, on both databases, forth and back, without losing a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import event

from shelter import clock
from shelter.domain.matching import PetSize, Species
from shelter.domain.permissions import Role
from shelter.domain.stays import PlacementState
from shelter.paths import resource_dir
from tests import factories
from tests.support.databases import Database, application, dispose

FILE_NAME = re.compile(r"\d{3,4}_[a-z0-9_]+\.py")


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")))
    return ScriptDirectory.from_config(config)


def revisions() -> list[str]:
    """From the first to the last."""
    return [revision.revision for revision in script().walk_revisions()][::-1]


def test_there_is_one_head_and_one_line_to_it() -> None:
    assert len(script().get_heads()) == 1
    forks = [r.revision for r in script().walk_revisions() if r.is_merge_point or r.is_branch_point]
    assert not forks


def test_migrations_are_numbered_in_their_order() -> None:
    names = [Path(r.path).name for r in script().walk_revisions()][::-1]
    assert all(FILE_NAME.fullmatch(name) for name in names)
    assert names == sorted(names)


def test_every_migration_says_what_it_is_about_and_can_be_undone() -> None:
    for revision in script().walk_revisions():
        assert revision.doc, revision.revision
        assert callable(revision.module.downgrade), revision.revision


@pytest.fixture
def blank_app(blank_database: Database) -> Iterator[Flask]:
    app = application(blank_database.url)
    with app.app_context():
        yield app
    dispose(app)


def test_the_migrations_make_exactly_the_tables_of_the_models(blank_app: Flask) -> None:
    from shelter.extensions import db

    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), db.metadata)
    assert differences == []


@pytest.mark.only("sqlite")
def test_foreign_keys_are_off_while_tables_are_rebuilt(blank_app: Flask) -> None:
    """A batch operation drops the old table: with foreign keys on, that would empty its children."""
    from shelter.extensions import db

    enforced = set()

    def look(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.strip().startswith("CREATE TABLE"):
            enforced.add(cursor.connection.execute("PRAGMA foreign_keys").fetchone()[0])

    event.listen(db.engine, "before_cursor_execute", look)
    flask_migrate.upgrade()
    assert enforced == {0}


def test_migrating_twice_is_harmless(blank_app: Flask, blank_database: Database) -> None:
    flask_migrate.upgrade()
    before = contents(blank_database)
    flask_migrate.upgrade()
    assert contents(blank_database) == before


def test_every_migration_goes_forth_and_back_alone(blank_app: Flask, blank_database: Database) -> None:
    for revision in revisions():
        flask_migrate.upgrade(revision=revision)
        flask_migrate.downgrade()
        flask_migrate.upgrade(revision=revision)
    flask_migrate.downgrade(revision="base")
    assert blank_database.tables() == []


@pytest.fixture
def filled_database(fresh_database: Database) -> Iterator[Database]:
    """A small shelter in use."""
    app = application(fresh_database.url)
    with app.app_context():
        somebody = factories.make_user(Role.COORDINATOR)
        site = factories.make_site(district="one", directions="two")
        units = [factories.make_unit(site=site) for _ in range(3)]
        household = factories.make_household(
            children=1, pets=[(Species.DOG, PetSize.SMALL)], not_in=["three"], not_at=[factories.make_site()]
        )
        factories.make_stay(units[0], household=household, responsible=somebody)
        factories.make_stay(units[1], state=PlacementState.IN_HOUSE)
        tonight = clock.shelter_day()
        factories.make_closure(units[2], from_on=tonight, until_on=tonight + timedelta(days=3))
        yield fresh_database
    dispose(app)


def test_undoing_and_redoing_a_migration_keeps_every_row_it_is_not_about(filled_database: Database) -> None:
    for _ in revisions():
        before = contents(filled_database)
        flask_migrate.downgrade()
        assert counts(filled_database) == {table: len(before[table]) for table in filled_database.tables()}
    assert filled_database.tables() == []
    flask_migrate.upgrade()


def test_redoing_the_last_migration_keeps_every_row(filled_database: Database) -> None:
    before = contents(filled_database)
    flask_migrate.downgrade()
    kept = filled_database.tables()
    flask_migrate.upgrade()
    after = contents(filled_database)
    assert {table: after[table] for table in kept} == {table: before[table] for table in kept}


def counts(database: Database) -> dict[str, int]:
    return {table: len(rows) for table, rows in contents(database).items()}


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in an order of its own."""
    with_rows = {}
    for table in database.tables():
        with_rows[table] = sorted(database.rows(table), key=repr)
    return with_rows

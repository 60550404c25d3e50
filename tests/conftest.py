"""Fixtures for all tests. A test that needs no database starts none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
import time_machine
from flask import Flask

from tests.support import network
from tests.support.databases import (
    DIALECTS,
    Database,
    Databases,
    application,
    chosen,
    databases,
    dispose,
)
from tests.support.figures import figures, pytest_terminal_summary
from tests.support.pages import PageClient
from tests.support.settings import forget_environment, settings
from tests.support.statements import count_statements

__all__ = ["count_statements", "figures", "pytest_terminal_summary"]

PURE = Path(__file__).parent / "domain"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=DIALECTS, help="only on this database")
    parser.addoption("--prove", action="store_true", help="campaigns at full size (make prove)")


def pytest_configure(config: pytest.Config) -> None:
    forget_environment()
    network.guard()
    # A time limit per example would test the machine. `make test` draws the same examples every time.
    hypothesis.settings.register_profile("quick", deadline=None, derandomize=True, database=None)
    hypothesis.settings.register_profile("prove", deadline=None, max_examples=1_000, print_blob=True)
    hypothesis.settings.load_profile("prove" if config.getoption("--prove") else "quick")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        marked = metafunc.definition.iter_markers("only")
        dialects = chosen(metafunc.config.getoption("database"), [name for m in marked for name in m.args])
        metafunc.parametrize("dialect", dialects, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if PURE in item.path.parents and "dialect" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid}: a test of the domain may not use a database")


@pytest.fixture(scope="session")
def is_proof(pytestconfig: pytest.Config) -> bool:
    """Whether a campaign runs at full size, or in the quick form of `make test`."""
    return bool(pytestconfig.getoption("--prove"))


@pytest.fixture(scope="session")
def all_databases() -> Iterator[Databases]:
    with databases() as made:
        yield made


@pytest.fixture(scope="session")
def shared_database(all_databases: Databases, dialect: str) -> Database:
    database = all_databases.fresh(dialect)
    database.remember()
    return database


@pytest.fixture
def database(shared_database: Database) -> Iterator[Database]:
    """A migrated database, empty but for what the migrations put there."""
    yield shared_database
    shared_database.empty()


@pytest.fixture
def fresh_database(all_databases: Databases, dialect: str) -> Iterator[Database]:
    """The same, but a database of its own, for tests that stop, kill, copy or migrate it."""
    made = all_databases.fresh(dialect)
    yield made
    all_databases.drop(made)


@pytest.fixture
def fresh_app(fresh_database: Database) -> Iterator[Flask]:
    """An application in this process on `fresh_database`: to prepare it and to look at it."""
    from shelter import config

    before = config._active
    app = application(fresh_database.url)
    yield app
    dispose(app)
    config._active = before


@pytest.fixture
def blank_database(all_databases: Databases, dialect: str) -> Iterator[Database]:
    """A database without a table."""
    made = all_databases.blank(dialect)
    yield made
    all_databases.drop(made)


@pytest.fixture(scope="session")
def shared_app(shared_database: Database) -> Iterator[Flask]:
    app = application(shared_database.url)
    yield app
    dispose(app)


@pytest.fixture
def app(shared_app: Flask, database: Database) -> Iterator[Flask]:
    """The application as production has it, on `database`. No context is pushed: `with app.app_context()`."""
    from shelter import config
    from shelter.extensions import db

    config.activate(settings(database.url))  # a test before may have made another application
    yield shared_app

    with shared_app.app_context():
        db.session.remove()


@pytest.fixture
def make_app(database: Database) -> Iterator[Callable[..., Flask]]:
    """`make_app(max_hold_minutes=5)`: another application on the same database."""
    from shelter import config

    made: list[Flask] = []
    before = config._active

    def make(**changes: Any) -> Flask:
        made.append(application(database.url, **changes))
        return made[-1]

    yield make
    for app in made:
        dispose(app)
    config._active = before


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An application context around the whole test, for services and queries."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> PageClient:
    """A browser that checks every page it is given (tests.support.pages)."""
    made = app.test_client()
    assert isinstance(made, PageClient)
    return made


class Clock:
    """The shelter's wall clock, standing still until told otherwise."""

    zone = ZoneInfo("Asia/Seoul")

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def set(self, wall: str | datetime) -> None:
        """`"2026-03-10 14:00"`: local time of the shelter; an aware datetime is taken as it is."""
        moment = datetime.fromisoformat(wall) if isinstance(wall, str) else wall
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
        self._traveller.move_to(moment.astimezone(UTC))

    def forward(self, **how_far: float) -> None:
        """`forward(hours=2)`"""
        self._traveller.shift(timedelta(**how_far))


@pytest.fixture
def frozen_clock() -> Iterator[Clock]:
    """Stands at noon of 2026-03-10 in Seoul: `set` and `forward` move it."""
    with time_machine.travel(datetime(2026, 3, 10, 3, tzinfo=UTC), tick=False) as traveller:
        yield Clock(traveller)

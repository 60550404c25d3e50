"""Around each corner: noon of 10 March 2026, a unit, its coordinator and an administrator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.clockwork import Installation
from shelter.models.sites import Unit
from shelter.queries.ledger_check import Checked, differences
from tests import factories as make
from tests.conftest import Clock
from tests.support.nights import day
from tests.support.people import Account


@pytest.fixture(autouse=True)
def _noon(context: Flask, frozen_clock: Clock) -> Iterator[None]:
    """Noon of 10 March 2026; afterwards the ledger agrees with what owns its nights."""
    db.session.get_one(Installation, 1).live_from = day("2026-01-01")
    db.session.commit()
    yield
    db.session.rollback()
    assert [str(difference) for difference in differences(Checked())] == []


@pytest.fixture
def unit() -> Unit:
    return make.make_unit()


@pytest.fixture
def kim(unit: Unit) -> Account:
    return make.make_user(sites=[unit.site_id])


@pytest.fixture
def admin() -> Account:
    return make.make_user(Role.ADMINISTRATOR)

"""A day no calendar arithmetic reaches is refused beside its field, whichever form asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import walk_packages
from typing import Any

import pytest
import wtforms
from flask import Flask
from wtforms.fields.core import UnboundField
from wtforms.validators import Optional

from shelter import web
from shelter.domain.periods import EARLIEST, LATEST
from shelter.web import fields
from shelter.web.forms import Form
from tests.support.pages import PageClient, page_of
from tests.web.test_stays import House, browser, house, send

pytestmark = pytest.mark.only("sqlite")
__all__ = ["browser", "house"]

DAY = timedelta(days=1)


class AnyForm(Form):
    on = fields.DateField("On", [Optional()])
    at = fields.DateTimeLocalField("At", [Optional()], format="%Y-%m-%dT%H:%M")


def forms() -> Iterator[type[wtforms.Form]]:
    for found in walk_packages(web.__path__, f"{web.__name__}."):
        for _name, one in getmembers(import_module(found.name), isclass):
            if issubclass(one, wtforms.Form):
                yield one


def asked(form: type[wtforms.Form]) -> Iterator[type[wtforms.Field]]:
    return (field.field_class for _name, field in getmembers(form) if isinstance(field, UnboundField))


def test_every_day_and_moment_is_asked_with_the_fields_that_look_at_it() -> None:
    days = (wtforms.DateTimeField, wtforms.MonthField, wtforms.WeekField)
    kinds = {kind for form in forms() for kind in asked(form)}
    found = {kind for kind in kinds if issubclass(kind, days) and not issubclass(kind, wtforms.TimeField)}
    assert found == {fields.DateField, fields.DateTimeLocalField}


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1, 1, 2), EARLIEST - DAY, LATEST + DAY, date(9999, 12, 31)])
def test_a_day_out_of_reach_is_refused_beside_its_field(app: Flask, day: date) -> None:
    with app.test_request_context(method="POST", data={"on": day.isoformat(), "at": f"{day.isoformat()}T23:59"}):
        form = AnyForm(meta={"csrf": False})
        assert not form.validate()
        assert form.on.data is form.at.data is None
        assert form.errors == {name: ["2000년에서 2100년 사이의 날짜를 선택해 주십시오."] for name in ("on", "at")}


@pytest.mark.parametrize("day", [EARLIEST, LATEST])
def test_the_first_and_the_last_day_are_within_reach(app: Flask, day: date) -> None:
    with app.test_request_context(method="POST", data={"on": day.isoformat(), "at": f"{day.isoformat()}T00:00"}):
        form = AnyForm(meta={"csrf": False})
        assert form.validate()
        assert (form.on.data, form.at.data.date()) == (day, day)


@pytest.mark.parametrize(
    ("state", "page", "typed"),
    [
        ("booked", "check-in", {"when": "earlier", "happened_at": "0001-01-01T00:00", "reason": "paper"}),
        ("in_house", "check-in/correct", {"happened_at": "0001-01-01T00:00", "reason": "paper"}),
        ("in_house", "transfer", {"from_night": "9999-12-31"}),
        ("in_house", "transfer", {"from_night": "9999-12-31", "look": "1"}),
    ],
)
def test_a_slip_of_the_hand_in_the_year_is_said_and_nothing_breaks(
    browser: PageClient, house: House, state: str, page: str, typed: dict[str, Any]
) -> None:
    reference = house.in_house() if state == "in_house" else house.stay()
    answer = send(browser, f"/stays/{reference}/{page}", **typed)
    assert answer.status_code == (200 if "look" in typed else 422)
    assert "look" in typed or "between 2000 and 2100" in page_of(answer).text

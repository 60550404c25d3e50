"""What every address of the application keeps to."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule, UnicodeConverter

pytestmark = pytest.mark.only("sqlite")

STATIC = "static"
PATH = re.compile(r"/|(?:/(?:[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)?|<[^>]+>))+")
# Addresses are seen over shoulders and kept in histories: none of these may be in one.
SPEAKING = {"name", "phone", "number", "district", "login", "email", "directions", "search", "query", "q"}


@pytest.fixture
def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != STATIC]


def test_every_view_says_who_may_open_it(app: Flask, rules: list[Rule]) -> None:
    silent = {r.endpoint for r in rules if getattr(app.view_functions[r.endpoint], "access", None) is None}
    assert not silent, "mark them with @requires(…), @signed_in or @public(because=…)"


def test_every_public_view_says_why(app: Flask, rules: list[Rule]) -> None:
    marks = {r.endpoint: app.view_functions[r.endpoint].access for r in rules}
    public = {endpoint: mark.public_because for endpoint, mark in marks.items() if mark.public_because is not None}
    assert public
    assert not [endpoint for endpoint, reason in public.items() if len(reason.split()) < 2]


def test_paths_are_lower_case_words_with_hyphens(rules: list[Rule]) -> None:
    assert not [rule.rule for rule in rules if not PATH.fullmatch(rule.rule)]


def test_every_parameter_has_a_type(rules: list[Rule]) -> None:
    untyped = [
        f"{rule.rule}: {name}"
        for rule in rules
        for name, converter in rule._converters.items()
        if type(converter) is UnicodeConverter
    ]
    assert not untyped


def test_no_parameter_says_who_or_where(rules: list[Rule]) -> None:
    assert not [rule.rule for rule in rules if rule.arguments & SPEAKING]


def test_addresses_are_read_or_posted_to_and_nothing_else(rules: list[Rule]) -> None:
    assert not [r.rule for r in rules if not (r.methods or set()) <= {"GET", "HEAD", "OPTIONS", "POST"}]


def test_endpoints_are_named_by_area_and_view(app: Flask, rules: list[Rule]) -> None:
    assert not [r.endpoint for r in rules if r.endpoint.count(".") != 1]
    assert {r.endpoint.split(".")[0] for r in rules} <= set(app.blueprints)


def test_no_address_is_served_twice(rules: list[Rule]) -> None:
    served = [(rule.rule, method) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    assert len(served) == len(set(served))

"""Whatever is sent, by whomever, to whichever address: a sentence in the reader's language, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from shelter import config
from tests.secrecy.bad_requests import Asker
from tests.secrecy.bad_values import KINDS
from tests.support.databases import Database
from tests.support.figures import Figures
from tests.support.settings import settings

SHARDS, IN_EACH = 4, 1_300  # on each database: 10,400 in all
SEEDS = {"sqlite": 20_260_310, "postgresql": 20_260_830}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", range(SHARDS if metafunc.config.getoption("--prove") else 1))


@pytest.fixture
def open_app(app: Flask, database: Database) -> Iterator[Flask]:
    """Without form tokens, which would keep most of it out; with a provider whose signature is looked at."""
    config.activate(settings(database.url, twilio_auth_token=SecretStr("t" * 32)))
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.mark.slow
def test_bad_requests_are_answered_with_a_sentence(
    open_app: Flask, dialect: str, shard: int, is_proof: bool, figures: Figures
) -> None:
    """In the quick form each address is asked once with each of its methods."""
    asker = Asker(open_app, SEEDS[dialect] + shard)
    asker.ask_many(IN_EACH if is_proof else len(asker.rules))
    tell("bad requests", asker, figures)
    assert {200, 303, 404, 422} <= set(asker.answers), "the requests did not get far enough to prove anything"
    assert not is_proof or not set(KINDS) - set(+asker.kinds), "of these nothing was sent"


@pytest.mark.slow
def test_every_address_answers_every_method_and_role(
    open_app: Flask, dialect: str, shard: int, is_proof: bool, figures: Figures
) -> None:
    """All of them in the campaign; in the quick form every twentieth."""
    asker = Asker(open_app, SEEDS[dialect] + SHARDS + shard)
    rules = list({rule.rule: rule for rule, _ in asker.rules}.values())
    asker.sweep(rules[shard::SHARDS] if is_proof else rules[::20])
    tell("every address, method and role", asker, figures)
    assert {200, 302, 303, 403, 404, 405, 422} <= set(asker.answers)


def tell(what: str, asker: Asker, figures: Figures) -> None:
    refused = sum(n for status, n in asker.answers.items() if status >= 400)
    numbers = {"requests": asker.asked, "refused with a sentence": refused, "crashed or speechless": len(asker.wrong)}
    figures(what, **numbers, **{kind: asker.kinds[kind] for kind in KINDS})
    assert not asker.wrong, f"{len(asker.wrong)} of {asker.asked}:\n" + "\n".join(asker.wrong[:40])


def breaks() -> str:
    raise ZeroDivisionError


def is_silent() -> tuple[str, int]:
    return "", 422


def tells() -> tuple[str, int]:
    return '<html lang="ko"><main><h1>안녕</h1>Traceback (most recent call last)</main>', 422


def speaks_english() -> tuple[str, int]:
    return '<html lang="en"><main><h1>No</h1>That is not a date.</main>', 422


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (breaks, "ZeroDivisionError"),
        (is_silent, "without a sentence"),
        (tells, "says how it is made"),
        (speaks_english, "for a reader of ko"),
    ],
)
def test_the_campaign_notices_what_must_not_be(open_app: Flask, planted: Callable[[], Any], said: str) -> None:
    """The control: one view that breaks, tells or speaks the wrong language is found."""
    asker = Asker(open_app, SEEDS["sqlite"])
    asker.rules = [pair for pair in asker.rules if pair[0].endpoint == "stays.index"]
    with in_the_place_of(open_app, "stays.index", planted):
        asker.ask_many(20)
    assert any(said in line for line in asker.wrong)


@contextmanager
def in_the_place_of(app: Flask, endpoint: str, planted: Callable[[], Any]) -> Iterator[None]:
    kept = app.view_functions[endpoint]
    planted.access = kept.access  # type: ignore[attr-defined]
    app.view_functions[endpoint] = planted
    try:
        yield
    finally:
        app.view_functions[endpoint] = kept

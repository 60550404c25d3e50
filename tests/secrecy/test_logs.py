"""Nothing of a person, no secret and no forged line gets into the log, whichever way it tries.

The control is the same table without the scrubber: it lets every one of them through.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from shelter import logs
from shelter.extensions import db
from tests.support.figures import Figures

ROOT = Path(__file__).parents[2]
WHAT = "nothing of a person in the log"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
log = structlog.get_logger("test")
other = logging.getLogger("some.library")
MESSAGE = "0198f0c2-1234-7123-8123-012345678901"
FORGED = '\nINFO administrator-signed-in'
CANARIES = {
    "name": "Kim Haneul",
    "korean name": "김하늘",
    "number": "010-1234-5678",
    "number, bare": "01012345678",
    "number, abroad": "+82 10 1234 5678",
    "number of a town": "(02) 123-4567",
    "e-mail": "haneul.kim@example.org",
    "token": "p8Qx2vK0m4Zr7Lw1Tn6Yc3Bs9Df5Gh8Jk2Qa4We6Rt0",
    "cookie": "__Host-shelter=p8Qx2vK0m4Zr7Lw1Tn6Yc3Bs9Df5",
    "header": "Authorization: Bearer lantern",
    "place": "Magnolia, 12 Willow Lane",
    "text": "내일 3시에 전화 주세요",
    "forged line": FORGED,
    "ANSI": "\x1b[2K\x1b[1A\x1b[31mgone",
    "line separator": "one\u2028two\x85three",
}


def by_value(said: str) -> None:
    log.info("a person came", who=said, note=[said], more={"deep": {said: [said]}})


def under_a_known_name(said: str) -> None:
    """Where something else is expected."""
    log.info("a job ended", **dict.fromkeys(logs.SHAPES.keys() - {"level", "timestamp"}, said))


def as_a_name(said: str) -> None:
    log.info("a job ended", **{said: 1})


def bound(said: str) -> None:
    log.bind(guest=said).warning("bound")
    with structlog.contextvars.bound_contextvars(visitor=said):
        log.warning("bound to the request")


def in_an_exception(said: str) -> None:
    try:
        raise ValueError(f"cannot place {said}")
    except ValueError:
        log.exception("a view failed")


def in_what_it_came_from(said: str) -> None:
    try:
        try:
            raise KeyError(said)
        except KeyError as first:
            raise RuntimeError(said) from first
    except RuntimeError as broken:
        log.error("a view failed", exc_info=broken)
        told = dict.fromkeys(("error", "frames", "exception", "stack"), said)
        log.error("a view failed", exc_info=(type(broken), broken, None), **told)


def in_a_group(said: str) -> None:
    log.error("several broke", exc_info=ExceptionGroup(said, [ValueError(said)]))


def in_a_statement(said: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(f"SELECT '{said}' FROM nowhere WHERE x = ?", (said,))
        except sqlite3.Error as broken:
            broken.add_note(said)
            log.error("the database does not answer", exc_info=broken, parameters=(said,), statement=said)


def as_an_object(said: str) -> None:
    class Guest:
        def __repr__(self) -> str:
            return said

        __str__ = __format__ = __repr__  # type: ignore[assignment]

    log.info("a person came", guest=Guest(), job=Guest(), raw=said.encode(), seq=Guest())


def by_another_library(said: str) -> None:
    other.warning("could not reach %s", said)
    other.warning("could not reach %(who)s", {"who": said})
    other.warning(f"could not reach {said}")
    other.warning("could not reach " + said)
    other.warning(said)
    other.warning(ValueError(said))


def by_an_exception_elsewhere(said: str) -> None:
    try:
        raise OSError(said)
    except OSError:
        other.exception("it broke: %s", said)


def by_gunicorn(said: str) -> None:
    """It quotes what was asked for."""
    message = "Invalid request from ip={ip}: {error}"
    logging.getLogger("gunicorn.error").warning(message.format(ip="127.0.0.1", error=said))


def from_a_thread(said: str) -> None:
    def work() -> None:
        raise ValueError(said)

    thread = threading.Thread(target=work, name=said)
    thread.start()
    thread.join()


WAYS: list[Callable[[str], None]] = [
    by_value,
    under_a_known_name,
    as_a_name,
    bound,
    in_an_exception,
    in_what_it_came_from,
    in_a_group,
    in_a_statement,
    as_an_object,
    by_another_library,
    by_an_exception_elsewhere,
    by_gunicorn,
    from_a_thread,
]


@contextlib.contextmanager
def scrubbed(*, is_development: bool = False) -> Iterator[io.StringIO]:
    """What gets to standard error meanwhile."""
    said, hook = io.StringIO(), threading.excepthook
    other.disabled = False  # some library may have set up its own logging in this process
    with contextlib.redirect_stderr(said):
        logs.configure(is_development=is_development)
        logs.say_what_nobody_caught()
        try:
            yield said
        finally:
            threading.excepthook, sys.excepthook = hook, sys.__excepthook__
            logs.configure(is_development=False)


@contextlib.contextmanager
def unscrubbed() -> Iterator[io.StringIO]:
    """The control: the same, as structlog and logging do it by themselves."""
    said = io.StringIO()
    handler, other.disabled = logging.StreamHandler(said), False
    loggers = [logging.getLogger(), logging.getLogger("gunicorn.error")]
    kept = [logger.handlers[:] for logger in loggers]
    hook = threading.excepthook
    with contextlib.redirect_stderr(said):
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(repr_native_str=False),
            ],
            logger_factory=lambda *_: structlog.PrintLogger(said),
        )
        for logger in loggers:
            logger.handlers = [handler]
        threading.excepthook = threading.__excepthook__
        try:
            yield said
        finally:
            threading.excepthook = hook
            for logger, handlers in zip(loggers, kept, strict=True):
                logger.handlers = handlers
            structlog.reset_defaults()
            logs.configure(is_development=False)


def pieces(canary: str) -> list[str]:
    """What of it may not be found: itself, and the words that make it."""
    return [canary, canary.strip(), *(word for word in canary.split() if len(word) > 5)]


def check(lines: str, canary: str) -> None:
    assert lines
    found = [piece for piece in pieces(canary) if piece in lines]
    assert not found
    assert all(character == "\n" or character.isprintable() for character in lines)


QUIET = {by_value, under_a_known_name, as_a_name, as_an_object}  # no more than an information


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_it_does_not_get_into_the_log(way: Callable[[str], None], figures: Figures) -> None:
    for canary in CANARIES.values():
        with scrubbed() as said:
            way(canary)
        check(said.getvalue(), canary)
        for line in said.getvalue().splitlines():
            assert set(json.loads(line)) >= {"event", "level", "timestamp"}
    figures(WHAT, tried=len(CANARIES), got_into_the_log=0)


@pytest.mark.parametrize("way", [way for way in WAYS if way not in QUIET], ids=lambda way: way.__name__)
def test_nor_into_that_of_the_demonstration(way: Callable[[str], None]) -> None:
    for canary in CANARIES.values():
        with scrubbed(is_development=True) as said:
            way(canary)
        check(said.getvalue(), canary)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_without_the_scrubber_it_gets_there(way: Callable[[str], None], figures: Figures) -> None:
    got_there = 0
    for canary in CANARIES.values():
        with unscrubbed() as said:
            way(canary)
        with pytest.raises(AssertionError):
            check(said.getvalue(), canary)
        got_there += 1
    figures(WHAT, arm="control", tried=len(CANARIES), got_into_the_log=got_there)


CANARY = st.sampled_from([*CANARIES.values()])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | CANARY,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([*logs.SHAPES, *logs.COUNTED, "event", "exc_info", "who"]) | st.text(min_size=1)


@given(
    canary=CANARY,
    around=st.tuples(st.text(), st.text()),
    name=NAMES,
    rest=st.dictionaries(NAMES, ANYTHING),
)
def test_no_entry_says_it_however_it_is_put(
    canary: str, around: tuple[str, str], name: str, rest: dict[str, Any]
) -> None:
    hidden = f"{around[0]}{canary}{around[1]}"
    entry = {"event": "a person came", **rest, name: [hidden] if name == "event" else hidden}
    kept = dict(logs.scrub(None, "info", logs.safe_traceback(None, "info", entry)))
    assert kept.pop("event") in ("a person came", logs.HIDDEN)
    assert all(value == logs.HIDDEN or known(value) for value in kept.values())
    check(json.dumps(kept), canary)


def known(value: Any) -> bool:
    is_text = isinstance(value, str) and any(shape.fullmatch(value) for shape in logs.SHAPES.values())
    return value is None or isinstance(value, bool | int | float) or is_text


@given(st.integers(min_value=10**7), st.sampled_from(["who", "number", "phone", "at"]))
def test_a_large_number_could_be_somebodys(number: int, name: str) -> None:
    assert str(number) not in str(logs.scrub(None, "info", {"event": "x", name: number, "more": -number}))


# What must get through: a log that says nothing helps nobody.


def test_what_operators_need_gets_through() -> None:
    with scrubbed() as said:
        log.info("job done", job="flag-stays-nearing-limit", stays=12, flags=30)
        log.info("audit", chain=3, seq=123_456_789, mac="a1" * 32)
        log.warning("a call to the gateway broke off", kind="ReadTimeout", message_id=MESSAGE)
        log.info("leading", process="shelter-1.example.internal:12345")
        other.warning("worker %s of %d was stopped", "Kim", 7)
        in_an_exception("x")
    job, audit, sms, leading, foreign, failed = map(json.loads, said.getvalue().splitlines())
    assert (job["job"], job["stays"], job["flags"]) == ("flag-stays-nearing-limit", 12, 30)
    assert (audit["chain"], audit["seq"], audit["mac"]) == (3, 123_456_789, "a1" * 32)
    assert (sms["kind"], sms["message_id"]) == ("ReadTimeout", MESSAGE)
    assert leading["process"] == "shelter-1.example.internal:12345"
    assert (foreign["event"], foreign["logger"]) == ("worker [removed] of 7 was stopped", "some.library")
    assert foreign["at"].startswith("secrecy/test_logs.py:")
    assert failed["error"] == "ValueError"
    assert failed["frames"].startswith("in_an_exception:")


def test_an_error_says_what_it_came_from() -> None:
    with scrubbed() as said:
        in_what_it_came_from("Kim")
    assert json.loads(said.getvalue().splitlines()[0])["error"] == "RuntimeError from KeyError"


@pytest.mark.only("sqlite")
def test_an_error_of_the_database_is_said_without_its_values(context: Flask) -> None:
    with scrubbed() as said:
        try:
            db.session.execute(text("SELECT :name FROM nowhere"), {"name": "Kim Haneul"})
        except Exception as broken:
            db.session.rollback()
            log.error("the database does not answer", exc_info=broken)
    assert "Kim" not in said.getvalue()
    assert json.loads(said.getvalue())["error"] == "OperationalError from OperationalError"


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Every call of a structlog logger in the product."""
    found = []
    for file in sorted((ROOT / "shelter").rglob("*.py")):
        source = file.read_text("utf-8")
        for node in ast.walk(ast.parse(source)) if "structlog.get_logger" in source else ():
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                    found.append((f"{file.relative_to(ROOT)}:{node.lineno}", node))
    return found


def test_the_sentence_of_an_entry_stands_in_the_code() -> None:
    composed = [where for where, call in calls() if not (call.args and isinstance(call.args[0], ast.Constant))]
    assert len(calls()) > 10
    assert composed == []


def test_every_value_that_is_logged_has_a_shape() -> None:
    """What has none is hidden: whoever logs it would never see it."""
    named = {(where, word.arg) for where, call in calls() for word in call.keywords if word.arg}
    assert {(w, name) for w, name in named if name not in logs.SHAPES.keys() | logs.COUNTED | {"exc_info"}} == set()

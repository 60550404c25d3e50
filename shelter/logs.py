"""Structured logs to standard error, through a scrubber: what looks like a person never gets out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# A Korean or international phone number, in any grouping.
PHONE = re.compile(r"(?<![\w.])(?:\+?\d{1,3}[ .-]?)?\(?0?\d{1,3}\)?[ .-]?\d{3,4}[ .-]?\d{4}(?!\w)")
SECRET_NAMES = frozenset(
    {"password", "token", "number", "phone", "name", "body", "directions", "district", "code_word"}
)
HIDDEN = "[removed]"


def scrub(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Removes values under telling names and anything shaped like a phone number; keeps hashes and ids."""
    for key, value in event.items():
        if key not in {"mac", "timestamp"}:
            event[key] = _scrubbed(key, value)
    return event


def _scrubbed(key: str, value: Any) -> Any:
    """Whatever is inside of it as well."""
    if key in SECRET_NAMES:
        return HIDDEN
    match value:
        case str():
            said = PHONE.sub(HIDDEN, value)
            return said if key == "exception" else one_line(said)
        case dict():
            return {name: _scrubbed(str(name), each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed("", each) for each in value]
        case _:
            return value


def one_line(text: str) -> str:
    """Control characters made visible: a log entry cannot be forged by a line break in it."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def safe_traceback(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it broke and the kind of error, without its message: messages quote values."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    if error and error[0] is not None:
        frames, trace = [], error[2]
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["error"] = error[0].__name__
        event["frames"] = " > ".join(frames[-12:])
    return event


def configure(*, is_development: bool) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        safe_traceback,
        scrub,
    ]
    renderer = structlog.dev.ConsoleRenderer(colors=False) if is_development else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if is_development else logging.INFO),
        # Looked up at each call: standard output is for the answers of commands.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for noisy in ("twilio.http_client", "apscheduler", "werkzeug", "psycopg"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

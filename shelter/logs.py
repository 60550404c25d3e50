"""Structured logs to standard error, through a scrubber: what is not known to be harmless never gets out.

A value passes when its name is known here and it has the shape that name always has, or when it is a small number:
names of people, numbers, texts and tokens have no shape to be recognised by, so nothing is asked what it looks like.
The sentence of an entry stands in our own code. What other libraries log passes only where it stands, word for word,
in the code that logs it; its parameters never do.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from types import FrameType, TracebackType
from typing import Any

import structlog

HIDDEN = "[removed]"
LARGEST = 9_999_999  # longer numbers could be somebody's
LONGEST_EVENT = 200
MOST_FRAMES = 12
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What may be said besides small numbers, and how it always looks.
SHAPES = {
    name: re.compile(shape, re.ASCII)
    for name, shape in {
        "at": r"[\w./-]{1,80}\.py:\d{1,5}",
        "endpoint": r"[a-z_]{1,40}(?:\.[a-z_]{1,40})?",
        "error": r"[A-Za-z_]\w{0,59}(?: from [A-Za-z_]\w{0,59}){0,3}",
        "frames": r"(?:[\w<>]{1,80}:\d{1,5}(?: > )?)*",
        "job": r"[a-z-]{1,60}",
        "kind": r"status \d{3}|no id|[A-Z]\w{0,40}(?:Error|Exception|Refused|Timeout)",
        "level": r"[a-z]{1,10}",
        "logger": r"[a-z_]\w{0,30}(?:\.\w{1,30}){0,5}",
        "mac": r"[0-9a-f]{64}",
        "message_id": UUID,
        "method": r"[A-Z]{3,7}",
        "process": r"[a-z0-9.-]{1,60}:\d{1,8}",
        "provider_id": r"(?:[A-Z]{2}|console-)[0-9a-f]{32}",
        "status": r"\d{3}",
        "task": r"[a-z_]{1,40}",
        "timestamp": r"[\d-]{10}T[\d:.]{8,15}Z",
        "why": r"[a-z_]{1,40}",
    }.items()
}
RANDOM = frozenset({"mac", "message_id", "provider_id", "timestamp"})  # long digits are nobody's number there
# Counted by us; nobody's number, however large.
COUNTED = frozenset({"bytes", "chain", "rows", "seq"})
TELEPHONE = r"(?<![\w.])(?:\+?\d{1,3}[ .-]?)?\(?0?\d{1,3}\)?[ .-]?\d{3,4}[ .-]?\d{4}(?!\w)"
NUMBER = re.compile(TELEPHONE)
# In the sentence itself, in case one is ever put together from values.
SUSPICIOUS = re.compile(
    TELEPHONE
    + r"|\S+@\S+"  # an e-mail address
    r"|(?i:cookie|authorization|bearer|passw\w*|secret|token|key)\s*[:=].*"  # and what stands behind such a word
    r"|[\w=+/-]{24,}"  # a token, a key, sealed bytes
)
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


def scrub(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keeps what is known to be harmless; the rest is named and not said."""
    kept: dict[str, Any] = {"event": sentence(event.pop("event", ""))}
    for name, value in event.items():
        kept[name if NAME.fullmatch(name) else HIDDEN] = _harmless(name, value)
    return kept


def _harmless(name: str, value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case int() if name in COUNTED or abs(value) <= LARGEST:
            return value
        case float() if abs(value) <= LARGEST:
            return round(value, 3)
        case str() if name in SHAPES and SHAPES[name].fullmatch(value):
            return value if name in RANDOM or not NUMBER.search(value) else HIDDEN
        case _:
            return HIDDEN


def sentence(said: Any) -> str:
    """On one line and short."""
    if not isinstance(said, str):
        return HIDDEN
    return one_line(SUSPICIOUS.sub(HIDDEN, said[:LONGEST_EVENT]))


def one_line(text: str) -> str:
    """Control characters made visible: a log entry cannot be forged by a line break in it."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def safe_traceback(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where it broke and the kind of error, without its message: messages quote values."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    event.pop("error", None)
    if isinstance(error, BaseException):
        event["error"], event["frames"] = _kinds(error), _frames(error.__traceback__)
    return event


def _kinds(error: BaseException) -> str:
    """The error and what it came from."""
    kinds = [type(error).__name__]
    while len(kinds) < 4 and (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)):
        error = cause
        kinds.append(type(error).__name__)
    return " from ".join(kinds)


def _frames(trace: TracebackType | None) -> str:
    frames = []
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-MOST_FRAMES:])


class OtherLibraries(logging.Handler):
    """What others say through `logging`, as an entry of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        caller = _caller(record)
        said = record.msg if caller and record.msg in caller.f_code.co_consts else HIDDEN
        folder, _, file = record.pathname.rpartition("/")
        entry = {
            "event": said if said == HIDDEN else _without_values(said, record.args),
            "logger": record.name,
            "at": f"{folder.rpartition('/')[2]}/{file}:{record.lineno}",
        }
        structlog.get_logger().log(record.levelno, **entry, exc_info=record.exc_info or None)


def _caller(record: logging.LogRecord) -> FrameType | None:
    """The function that logs."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (frame.f_code.co_filename, frame.f_lineno) != (record.pathname, record.lineno):
        frame = frame.f_back
    return frame


def _without_values(template: str, values: Any) -> str:
    """Filled in with its small numbers alone."""
    if not isinstance(values, tuple) or not values:
        return template
    try:
        return template % tuple(v if isinstance(v, int) and abs(v) <= LARGEST else HIDDEN for v in values)
    except (TypeError, ValueError):  # it wants a number where there is none
        return template


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
    _take_over(logging.getLogger())
    _take_over(logging.getLogger("gunicorn.error"))  # it keeps to itself, and quotes what was asked for


def _take_over(logger: logging.Logger) -> None:
    """One handler of ours; those that write to standard error by themselves go."""
    ours = [handler for handler in logger.handlers if isinstance(handler, OtherLibraries)]
    for handler in logger.handlers[:]:
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    if not ours and (logger.name == "root" or not logger.propagate):
        logger.addHandler(OtherLibraries())


def say_what_nobody_caught() -> None:
    """For processes without a terminal: an error that ends a process or a thread goes the same way."""

    def end(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            structlog.get_logger().critical("ended by an error", exc_info=error)

    sys.excepthook = end
    threading.excepthook = lambda ended: structlog.get_logger().error("a thread ended", exc_info=ended.exc_value)

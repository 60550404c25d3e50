"""How long ago, how often, how much: as the operators' page says it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from shelter.domain.operations import Finding
from shelter.domain.timetable import Timing
from shelter.web.language import gettext as _
from shelter.web.sentences.operations import ADVICE, JOBS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TYPED = re.compile(r"`([^`]+)`")
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def how_long(span: timedelta) -> str:
    """In one unit, rounded down: nobody compares seconds with days."""
    span = max(span, timedelta())
    if span < MINUTE:
        return _("%(n)s s", n=int(span.total_seconds()))
    if span < HOUR:
        return _("%(n)s min", n=span // MINUTE)
    if span < 2 * DAY:
        return _("%(n)s h", n=span // HOUR)
    return _("%(n)s days", n=span // DAY)


def since(then: datetime, now: datetime) -> str:
    return how_long(now - then)


def how_often(timing: Timing) -> str:
    if timing.at is not None:
        return _("daily %(time)s", time=f"{timing.at:%H:%M}")
    assert timing.every is not None
    return _("every %(span)s", span=how_long(timing.every))


def gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f}" if count < 100e9 else f"{count / 1e9:,.0f}"


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"


def advice(finding: Finding) -> Markup:
    """What to do about it; what is to be typed looks like it."""
    said = str(escape(str(ADVICE[finding.trouble]) % finding.params))
    return Markup(TYPED.sub(r"<code>\1</code>", said))  # noqa: S704


def job(timing: Timing) -> str:
    """What it does, in a few words."""
    return str(JOBS[timing.name])

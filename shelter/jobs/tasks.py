"""What the jobs do: each a thin door onto a use case. Imported when they run: a web process has none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from shelter import clock, config

if TYPE_CHECKING:
    from shelter.gateways.sms import SmsGateway

Counts = Mapping[str, int]


def _never() -> bool:
    return False


def silent(_said: str) -> None:
    pass


@dataclass(frozen=True)
class Run:
    """`day` is set when it is to work for another day than this; `should_stop` tells long work to end early.

    `tell` is there for people who look on.
    """

    day: date | None = None
    should_stop: Callable[[], bool] = _never
    tell: Callable[[str], None] = silent

    @property
    def today(self) -> date:
        """The calendar day it works for."""
        return self.day or clock.today()


@lru_cache(maxsize=1)
def _gateway(settings: config.Settings) -> SmsGateway:
    from shelter.gateways.sms import gateway_from

    return gateway_from(settings)


def deliver_messages(run: Run) -> Counts:
    from shelter.services import delivery

    return delivery.deliver_due(_gateway(config.active()), should_stop=run.should_stop)


def settle_unknown_messages(run: Run) -> Counts:
    from shelter.services import delivery

    return delivery.settle_unknown(_gateway(config.active()), should_stop=run.should_stop)


def flag_stays_nearing_limit(run: Run) -> Counts:
    from shelter.services import limits

    return limits.flag_stays_nearing_limit(run.today)


def send_limit_digests(run: Run) -> Counts:
    from shelter.services import limits

    return limits.send_limit_digests(run.today)


def roll_overstays(run: Run) -> Counts:
    from shelter.services import overstays

    return asdict(overstays.roll_overstays(run.day))  # otherwise the operating night, not the calendar day


def expire_holds(run: Run) -> Counts:
    from shelter.services import placements

    return {"expired": placements.expire_holds()}


def renew_closures(run: Run) -> Counts:
    from shelter.services import closures

    return {"tasks": closures.raise_closure_renewals(run.today)}


def anchor_audit(run: Run) -> Counts:
    from shelter.services import audit_trail

    return {"heads": audit_trail.anchor_heads(audit_trail.anchor_file())}


def print_night_sheets(run: Run) -> Counts:
    from shelter.jobs.night_sheets import as_file
    from shelter.services import night_sheets

    return {"files": len(night_sheets.refresh_sheets(as_file))}


def back_up_database(run: Run) -> Counts:
    from shelter.services import backups

    made = backups.back_up(run.tell)
    return {"copies": 1, "rows": made.rows, "bytes": made.bytes}


def forget_dead_sessions(run: Run) -> Counts:
    from shelter.services import drafts, sign_in

    return {"rows": sign_in.forget_dead(), "drafts": drafts.forget_old_drafts()}


def prune_job_runs(run: Run) -> Counts:
    from shelter.domain.timetable import TIMETABLE
    from shelter.services import clockwork

    frequent = [timing.name for timing in TIMETABLE if not timing.is_daily]
    return {"rows": clockwork.prune_runs(frequent=frequent, now=clock.now())}

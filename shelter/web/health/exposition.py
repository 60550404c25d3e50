"""The figures as Prometheus reads them. Nothing by site, nothing of a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from shelter.domain.messages import MessageState
from shelter.domain.operations import JobState
from shelter.domain.stays import RUNNING
from shelter.domain.timetable import NIGHTLY
from shelter.queries.operations import Operations
from shelter.version import __version__
from shelter.web.health.tally import BOUNDS, Row

Labels = Mapping[str, str]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NEVER = -1.0  # the age of what never happened


@dataclass(frozen=True)
class Family:
    """One figure, or one for each set of labels."""

    name: str
    what: str
    values: Iterable[tuple[Labels, float]]

    def lines(self) -> Iterator[str]:
        yield f"# HELP shelter_{self.name} {self.what}"
        yield f"# TYPE shelter_{self.name} gauge"
        for labels, value in self.values:
            yield f"shelter_{self.name}{_braces(labels)} {_number(value)}"


def text(operations: Operations, requests: Iterable[Row], now: datetime) -> str:
    """Of the whole system; of this server alone while the database cannot be used."""
    vitals = operations.vitals
    build = {"version": __version__, "database": operations.database, "schema": vitals.schema or ""}
    families = [
        Family("build_info", "What is running here.", [(build, 1)]),
        Family("database_up", "Whether the database answers.", [({}, vitals.database_answers)]),
        Family("ready", "Whether /readyz says yes.", [({}, not any(f.is_unready for f in operations.findings))]),
        Family("disk_free_bytes", "Left on the disk of the database.", [({}, operations.room.free)]),
    ]
    if vitals.is_database_usable:
        families += [*_clockwork(operations, now), *_work(operations, now)]
    lines = [line for family in families for line in family.lines()]
    return "\n".join([*lines, *_histogram(requests)]) + "\n"


def _clockwork(operations: Operations, now: datetime) -> Iterator[Family]:
    vitals = operations.vitals
    slots = [job for job in vitals.jobs if job.timing.has_slots]

    def each(what: Iterable[tuple[JobState, float]]) -> list[tuple[Labels, float]]:
        return [({"job": job.timing.name}, value) for job, value in what]

    overdue = {finding.params["job"] for finding in operations.findings if "job" in finding.params}
    yield Family(
        "clockwork_silent_seconds",
        "Since the clockwork last ticked; -1 before the first.",
        [({}, _age(vitals.beat_at, now))],
    )
    yield Family(
        "nightly_run_age_seconds",
        f"Since {NIGHTLY} last ended well; -1 before the first.",
        [({}, _age(operations.nightly_at, now))],
    )
    yield Family(
        "nightly_flags",
        f"What the last good run of {NIGHTLY} counted.",
        [({"counted": name}, count) for name, count in sorted(operations.nightly_counts.items())],
    )
    yield Family(
        "job_last_good_age_seconds",
        "Since a run of the job last ended well; -1 before the first.",
        each((job, _age(job.last_good_at, now)) for job in slots),
    )
    yield Family(
        "job_failures", "Slots of the last day that ended badly.", each((job, job.failures) for job in slots)
    )
    yield Family(
        "job_in_trouble",
        "Whether its slot is overdue, or failed.",
        each((job, job.timing.name in overdue) for job in slots),
    )


def _work(operations: Operations, now: datetime) -> Iterator[Family]:
    texts = operations.texts
    yield Family("messages_due", "Texts that are due and not yet sent.", [({}, texts.due)])
    yield Family(
        "oldest_message_due_seconds", "Age of the oldest text due; -1 if none.", [({}, _age(texts.oldest_due_at, now))]
    )
    yield Family(
        "messages",
        "Texts by state.",
        [({"state": state.value}, texts.by_state.get(state, 0)) for state in MessageState],
    )
    yield Family("messages_stopped", "Whether all texts are stopped.", [({}, texts.stopped_at is not None)])
    stays = [({"state": state.value}, operations.stays.get(state, 0)) for state in sorted(RUNNING)]
    yield Family("stays", "Stays that go on, by state.", stays)
    yield Family("holds", "Places held and not yet confirmed.", [({}, operations.holds)])
    yield Family("holds_run_out", "Those whose time is over.", [({}, operations.holds_run_out)])
    backup_at = operations.backup.made_at if operations.backup else None
    yield Family("backup_age_seconds", "Since the last good backup; -1 before the first.", [({}, _age(backup_at, now))])


def _histogram(rows: Iterable[Row]) -> Iterator[str]:
    name = "shelter_request_seconds"
    yield f"# HELP {name} Requests by endpoint and status: how many, and how long they took."
    yield f"# TYPE {name} histogram"
    for row in rows:
        labels = {"endpoint": row.endpoint, "status": str(row.status) if row.status else "other"}
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], row.counts, strict=True):
            yield f"{name}_bucket{_braces({**labels, 'le': bound})} {count}"
        yield f"{name}_sum{_braces(labels)} {row.seconds:.6f}"
        yield f"{name}_count{_braces(labels)} {row.counts[-1]}"


def _braces(labels: Labels) -> str:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'

    return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _age(at: datetime | None, now: datetime) -> float:
    return NEVER if at is None else (now - at).total_seconds()

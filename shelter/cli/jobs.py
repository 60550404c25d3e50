"""`flask jobs`: what is in the timetable, and one run by hand."""

from __future__ import annotations

from datetime import date, datetime

import click
from flask.cli import with_appcontext

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.timetable import TIMETABLE
from shelter.queries import clockwork


@click.group("jobs")
def jobs() -> None:
    """List and run the jobs of the timetable."""


@jobs.command("list")
@with_appcontext
def list_jobs() -> None:
    """Every job, when it runs, and when it last ended well."""
    done = clockwork.last_done()
    width = max(len(job.name) for job in TIMETABLE)
    for job in TIMETABLE:
        last = done.get(job.name)
        said = f"{clock.local(last):%Y-%m-%d %H:%M}" if last else "-"
        click.echo(f"{job.name:{width}}  {job.when:14}  {said:16}  {job.what}")


@jobs.command("run")
@click.argument("name")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="Work as if it were this day, YYYY-MM-DD.")
@with_appcontext
def run_job(name: str, today: datetime | None) -> None:
    """Run the job NAME once, now. Safe beside the scheduler: nothing is done twice."""
    from shelter.jobs.schedule import JOBS, run_by_hand

    if name not in JOBS:
        raise click.UsageError(f"There is no job {name!r}. There are: {', '.join(sorted(JOBS))}.")
    day: date | None = today.date() if today else None
    try:
        counts = run_by_hand(name, today=day)
    except DomainError as refused:
        from shelter.web.errors import say

        raise click.ClickException(f"{name}: {say(refused, 'en')}") from None
    said = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items())
    click.echo(f"{name}: {said or 'done'}")

"""`flask scheduler`: the clockwork as a process."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext


@click.group("scheduler")
def scheduler() -> None:
    """The clockwork: one process that runs the timetable."""


@scheduler.command("run")
@with_appcontext
def run_scheduler() -> None:
    """Lead, or wait to lead, until SIGTERM. Ends with 3 when another process leads in our place."""
    from shelter import logs
    from shelter.cli.durability import refuse_forgetful_database
    from shelter.extensions import db
    from shelter.gateways.leadership import leadership_over
    from shelter.jobs.clockwork import Clockwork

    logs.say_what_nobody_caught()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    refuse_forgetful_database(app)
    sys.exit(Clockwork(app, leadership_over(db.engine)).run())

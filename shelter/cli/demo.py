"""`flask demo`: example data. Refuses a database that somebody uses."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext

from shelter.domain.permissions import Role

WORDS = {
    Role.COORDINATOR: "coordinator",
    Role.MANAGER: "manager",
    Role.ADMINISTRATOR: "administrator",
    Role.AUDITOR: "auditor",
}


@click.group("demo")
def demo() -> None:
    """Demonstration data."""


@demo.command("load")
@click.option("--units", type=click.IntRange(1), help="How many units; the example's 60 by default.")
@click.option("--sites", type=click.IntRange(1), help="How many sites they are at; of forty units by default.")
@click.option("--years", type=click.FloatRange(0.1, 20), help="Years of past stays.")
@click.option("--stays", type=click.IntRange(1), help="About how many stays in those years.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same network.")
@with_appcontext
def load(
    units: int | None = None,
    sites: int | None = None,
    years: float | None = None,
    stays: int | None = None,
    seed: int = 1,
) -> None:
    """Fill a new database with invented people; with figures a large one, in bulk."""
    from shelter.queries import people
    from shelter.services import demo as services

    if people.has_staff():
        raise click.ClickException("This database is in use: demonstration data are only for a new one.")
    started = time.monotonic()
    is_large = any(value is not None for value in (units, sites, years, stays))

    def progress(what: str) -> None:
        if is_large:
            click.echo(f"  {time.monotonic() - started:7.1f} s  {what}")

    loaded = services.load(units=units, sites=sites, years=years, stays=stays, seed=seed, progress=progress)
    _run_nightly()
    click.echo(
        f"Demonstration data: {loaded.sites} sites, {loaded.units} units, {loaded.stays} stays,"
        f" in {time.monotonic() - started:.1f} s. Nobody in them is real."
    )


def _run_nightly() -> None:
    """The limits are flagged at once, not first in the coming night."""
    from shelter.jobs.schedule import run_by_hand

    run_by_hand("flag-stays-nearing-limit")


def print_sign_ins() -> None:
    """Who can sign in to the demonstration."""
    from shelter.services.demo import PASSWORD, STAFF

    click.echo("\nSign in with one of these names; the password is the same for all:\n")
    for colleague in STAFF:
        click.echo(f"  {colleague.login:14} {WORDS[colleague.role]}")
    click.echo(f"\n  password: {PASSWORD}\n")

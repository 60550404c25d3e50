"""`flask keys`: new keys, and everything brought under them."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext

from shelter import clock
from shelter.cli.instance import random_key
from shelter.extensions import db, keyring

NEW_INDEX_KEY = "SHELTER_NEW_INDEX_KEY"
SHOWN_EVERY = 1.0  # seconds


@click.group("keys")
def keys() -> None:
    """Keys of the sealed fields and of the number index."""


@keys.command("new")
@with_appcontext
def new() -> None:
    """Print a new field key and what to do with it. Changes nothing."""
    number = 1
    while (kid := f"k{number}") in keyring.keys:
        number += 1
    click.echo(f"{kid}:{random_key()}")
    click.echo(
        "Put this and a comma in front of what SHELTER_FIELD_KEYS holds, keep a copy off this machine, restart every"
        " process, then: flask keys rotate",
        err=True,
    )


@keys.command("rotate")
@with_appcontext
def rotate() -> None:
    """Seal every value again under the first key of SHELTER_FIELD_KEYS, while people work.

    May be stopped at any time and begun again. Every process must know the new key before: restart them first.
    """
    from shelter.domain.errors import DatabaseBusy
    from shelter.services import field_keys

    last = 0.0

    def tell(rotation: field_keys.Rotation) -> None:
        nonlocal last
        if time.monotonic() - last >= SHOWN_EVERY:
            last = time.monotonic()
            click.echo(f"{rotation.resealed:,} of {rotation.remaining:,} values")

    try:
        done = field_keys.rotate(tell)
    except DatabaseBusy:
        raise click.ClickException("The database does not answer in time. Begin again: it goes on from here.") from None
    click.echo(f"{done.resealed:,} values are sealed under {done.key} now.")
    for place in done.unreadable:
        click.echo(f"No key opens {place}: left as it is.", err=True)
    former = ", ".join(kid for kid in keyring.keys if kid != done.key)
    if not done.is_complete:
        raise click.ClickException(
            f"{done.left:,} values are still under another key: keep {former or 'the former keys'}. If a process"
            " still writes under a former key, restart it and begin again."
        )
    if former:
        click.echo(
            f"{former} may be taken out of SHELTER_FIELD_KEYS. {_for_old_backups()}"
        )


@keys.command("verify")
@with_appcontext
def verify() -> None:
    """Open every sealed value and count them by key; exit code 1 where one cannot be opened or found."""
    from shelter.services import field_keys

    found = field_keys.open_all()
    for kid in keyring.keys:
        click.echo(f"{kid}: {found.by_key[kid]:,} values{' (writes)' if kid == keyring.writing_key else ''}")
    for place in found.unreadable:
        click.echo(f"No key opens {place}.", err=True)
    for place in found.not_found:
        click.echo(f"SHELTER_INDEX_KEY does not find {place}.", err=True)
    if not found.is_whole:
        raise click.ClickException(f"{len(found.unreadable) + len(found.not_found):,} values are not as they must be.")
    click.echo("Every sealed value can be opened, every number found.")


@keys.command("reindex")
@click.option(
    "--key", envvar=NEW_INDEX_KEY, required=True, help=f"The new key; better in the environment, as {NEW_INDEX_KEY}."
)
@with_appcontext
def reindex(key: str) -> None:
    """Find every telephone number by a new key. Stop the system first; then put the key into SHELTER_INDEX_KEY."""
    from shelter.gateways.leadership import leadership_over
    from shelter.keyring import Unreadable
    from shelter.services import index_key

    if len(key) < 32:
        raise click.UsageError(f"{NEW_INDEX_KEY} must be at least 32 characters of random text.")
    leadership = leadership_over(db.engine)
    if not leadership.acquire():
        raise click.ClickException("The clockwork runs. Stop the whole system first: nothing may be texted meanwhile.")
    try:
        rebuilt = index_key.rebuild(key)
    except Unreadable as closed:
        raise click.ClickException(f"No key opens {closed}. Nothing was changed.") from None
    finally:
        leadership.release()
    click.echo(
        f"{rebuilt:,} numbers are found by the new key now. Put it into SHELTER_INDEX_KEY in place of the former one,"
        f" then start. {_for_old_backups()}"
    )


def _for_old_backups() -> str:
    """Of a key that is not in the settings any more."""
    now = clock.local(clock.now())
    return f"Keep the former key for the backups made until now ({now:%Y-%m-%d %H:%M}): they need it."

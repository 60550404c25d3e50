"""`flask backup`: the whole database sealed into one file, and brought back from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from shelter import clock
from shelter.domain.errors import DatabaseBusy, DomainError
from shelter.extensions import db

KEEP_APART = """\
# Whoever has this identity and a backup can read everything in it that the keys of the installation do not seal;
# whoever loses it can open no backup any more. Keep it off this machine and apart from the backups: on paper in a
# safe, or in a password manager two people can open."""


@click.group("backup")
def backup() -> None:
    """Sealed backups of the whole database, and bringing one back."""


@backup.command("identity")
def identity() -> None:
    """Make a new identity and print it; it is kept nowhere. Its recipient goes into SHELTER_BACKUP_RECIPIENT."""
    from shelter import age

    secret, recipient = age.new_identity()
    click.echo(f"{KEEP_APART}\n# SHELTER_BACKUP_RECIPIENT={recipient}\n{secret}")


@backup.command("create")
@with_appcontext
def create() -> None:
    """Make a backup now, while people work, and keep those of the latest fourteen days.

    The same as the nightly job, and recorded like it.
    """
    from shelter.domain.timetable import BACKUP
    from shelter.jobs.schedule import run_by_hand
    from shelter.services.backups import folder

    click.echo(f"Backup of {_database()}")
    with _sentences():
        counts = run_by_hand(BACKUP, tell=_timed())
    newest = max(folder().glob("*.age"), key=lambda file: file.stat().st_mtime)
    click.echo(f"{newest}: {counts['rows']:,} rows, {counts['bytes'] / 1e6:,.1f} MB. Now copy it to another machine.")


@backup.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--identity", type=click.File("r"), required=True, help="The file of the identity; - reads it typed in.")
@with_appcontext
def restore(file: Path, identity: IO[str]) -> None:
    """Bring FILE back into the empty database of DATABASE_URL; everything or nothing.

    The keys of the installation must be those it was made with. Stop the whole system before. Exit code 1 also where
    the log or the ledger was not in order already when the backup was made.
    """
    from shelter.services.restore import restore as bring_back

    click.echo(f"Restoring into {_database()}")
    # Whoever types it in is perhaps not alone before the screen.
    lines = [click.prompt("Identity", hide_input=True)] if identity.isatty() else identity
    with _sentences():
        restored = bring_back(file, lines, _timed())
    made_at = clock.local(restored.manifest.made_at)
    sheets = f"the night sheets in {restored.sheets}" if restored.sheets else "the night sheets"
    click.echo(
        f"Restored as of {made_at:%Y-%m-%d %H:%M}. Everybody signs in again. Texts are stopped, {restored.texts} that"
        " waited are asked after at the provider; let them go again under Messages.\n"
        f"Enter what happened since {made_at:%H:%M} from {sheets}, each act with its real time. Look first for"
        " consents withdrawn, danger numbers, exclusions, closed accounts, changed passwords, and roles and sites taken"
        " from somebody: they are as they were."
    )
    for chain in restored.broken_chains:
        click.echo(f"The access log breaks in chain {chain.chain} at entry {chain.broken_at}.", err=True)
    for difference in restored.differences:
        click.echo(difference, err=True)
    if not restored.is_in_order:
        raise click.ClickException("The database is as it was backed up, but it was not in order then.")


def _database() -> str:
    """Which it is, without who we are to it."""
    url = db.engine.url
    host = url.host or url.query.get("host")
    return f"{url.database} at {host}" if host else str(url.database)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except DomainError as refused:
        if type(refused) is DatabaseBusy:
            raise _no_answer() from None
        from shelter.web.errors import say

        raise click.ClickException(say(refused, "en")) from None
    except OperationalError:
        raise _no_answer() from None
    except OSError as failed:
        raise click.ClickException(f"The disk refused: {failed.strerror or failed}.") from None


def _no_answer() -> click.ClickException:
    return click.ClickException(
        f"{_database()} does not answer. Look whether it runs, and whether DATABASE_URL names the right one."
    )


def _timed() -> Callable[[str], None]:
    started = time.monotonic()
    return lambda said: click.echo(f"  {time.monotonic() - started:7.1f} s  {said}")

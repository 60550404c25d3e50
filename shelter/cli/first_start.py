"""What is done before the processes start: migrations, and what a new database needs."""

from __future__ import annotations

import click
from flask.cli import with_appcontext


@click.command("prepare", hidden=True)
@click.option("--demo", is_flag=True)
@click.option("--keys-are-new", is_flag=True)
@with_appcontext
def prepare(*, demo: bool, keys_are_new: bool) -> None:
    """Bring the database up to date; a new one gets demonstration data or the first administrator's link."""
    import flask_migrate

    flask_migrate.upgrade()

"""`flask ledger`: the nights, checked against what owns them."""

from __future__ import annotations

import click
from flask.cli import with_appcontext


@click.group("ledger")
def ledger() -> None:
    """The ledger of nights."""


@ledger.command("verify")
@with_appcontext
def verify() -> None:
    """Compare every placement and closure with its nights; exit code 1 where one differs."""
    from shelter.queries.ledger_check import Checked, differences

    checked = Checked()
    found = 0
    for difference in differences(checked):
        found += 1
        click.echo(str(difference))
    click.echo(f"{checked.placements} placements, {checked.closures} closures, {checked.nights} nights looked at.")
    if found:
        raise click.ClickException(f"{found} differences.")
    click.echo("The ledger agrees.")

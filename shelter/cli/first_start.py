"""What is done before the processes start: migrations, and what a new database needs."""

from __future__ import annotations

import click
from flask import current_app, url_for
from flask.cli import with_appcontext

from shelter import clock, config

FIRST_LOGIN = "admin"
OTHER_KEYS = 3  # exit code


@click.command("prepare", hidden=True)
@click.option("--demo", is_flag=True)
@click.option("--keys-are-new", is_flag=True)
@with_appcontext
def prepare(*, demo: bool, keys_are_new: bool) -> None:
    """Bring the database up to date; a new one gets demonstration data or the first administrator's link."""
    import flask_migrate

    from shelter.cli.durability import refuse_forgetful_database
    from shelter.queries import people

    refuse_forgetful_database(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.upgrade()
    is_new = not people.has_staff()
    if keys_are_new and not is_new:
        click.echo(
            "This database was written with other keys, which are not here: nothing sealed in it could be read."
            " Put the old keys back, or name another DATABASE_URL.",
            err=True,
        )
        click.get_current_context().exit(OTHER_KEYS)
    if demo:
        _demonstrate(is_new=is_new)
    else:
        _invite_first_administrator(is_new=is_new)


def _demonstrate(*, is_new: bool) -> None:
    """Example data when the database is new; who can sign in, every time."""
    from shelter.cli import demo

    if is_new:
        click.echo("New database: loading the demonstration data…")
        click.get_current_context().invoke(demo.load)
    demo.print_sign_ins()


def _invite_first_administrator(*, is_new: bool) -> None:
    """A one-time link, as long as no administrator has chosen a password; an older one stops working."""
    from shelter.domain.permissions import SYSTEM, Role
    from shelter.queries import people
    from shelter.services import users

    administrators = [p for p in people.staff(only_active=True) if Role.ADMINISTRATOR in p.roles]
    if any(person.has_password for person in administrators):
        return
    if is_new:
        newcomer = users.NewUser(login=FIRST_LOGIN, name="Administrator", roles=[Role.ADMINISTRATOR])
        link = users.invite_user(newcomer, by=SYSTEM)
    elif administrators:
        link = users.make_link(user_id=administrators[0].id, by=SYSTEM)
    else:
        return
    with current_app.test_request_context(base_url=config.active().public_url):
        address = url_for("auth.use_link", secret=link.token, _external=True)
    until = clock.local(link.expires_at)
    click.echo(
        f"The first administrator is invited: open this link before {until:%Y-%m-%d %H:%M} and choose a"
        f" password.\nIt works once; a new one is printed at the next start.\n\n  {address}\n"
    )

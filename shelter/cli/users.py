"""`flask users`: people who sign in."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from shelter import clock, config
from shelter.domain.errors import DomainError
from shelter.domain.permissions import SYSTEM, Role
from shelter.queries import people, sites
from shelter.services import users as service
from shelter.services.users import Link, NewUser


@click.group("users")
def users() -> None:
    """People who sign in."""


@users.command("create")
@click.argument("login")
@click.option("--name", required=True, help="As colleagues see it.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([r.value for r in Role]))
@click.option("--site", "code_names", multiple=True, help="Code name of a site the person coordinates from today on.")
@click.option("--phone", default="", help="For the morning digest.")
@click.option("--language", type=click.Choice(["ko", "en"]), default="ko", show_default=True)
@with_appcontext
def create(
    login: str, name: str, roles: tuple[str, ...], code_names: tuple[str, ...], phone: str, language: str
) -> None:
    """Make the account LOGIN and print the one-time link under which its person chooses a password."""
    known = {code_name: site_id for site_id, code_name in sites.site_choices()}
    if unknown := [code_name for code_name in code_names if code_name not in known]:
        raise click.ClickException(f"There is no site {', '.join(unknown)}. There are: {', '.join(known) or 'none'}.")
    person = NewUser(
        login=login,
        name=name,
        roles={Role(role) for role in roles},
        locale=language,
        phone=phone,
        sites=[known[code_name] for code_name in code_names],
    )
    try:
        show(service.invite_user(person, by=SYSTEM))
    except DomainError as refused:
        raise click.ClickException(_said(refused)) from None


@users.command("link")
@click.argument("login")
@with_appcontext
def link(login: str) -> None:
    """Print a new one-time link for LOGIN: a forgotten password, a lost invitation. Earlier links stop working."""
    user_id = people.user_named(login)
    if user_id is None:
        raise click.ClickException(f"There is no account {login}.")
    try:
        show(service.make_link(user_id=user_id, by=SYSTEM))
    except DomainError as refused:
        raise click.ClickException(_said(refused)) from None


@users.command("list")
@with_appcontext
def list_all() -> None:
    """Everybody with an account."""
    for member in people.staff():
        state = "closed" if not member.is_active else "invited" if member.waits_for_link else "active"
        roles = ", ".join(sorted(member.roles))
        click.echo(f"{member.login:24} {state:8} {roles:32} {member.name}")


def show(link: Link) -> None:
    """The link, whom to give it, and until when; also for the first administrator of a new installation."""
    click.echo(f"{config.active().public_url.rstrip('/')}/link/{link.token}")
    until = f"{clock.local(link.expires_at):%Y-%m-%d %H:%M}"
    click.echo(f"This link works once, until {until}. Hand it over in person; it is not shown again.", err=True)


def _said(refused: DomainError) -> str:
    from shelter.web.errors import say

    return say(refused, "en")

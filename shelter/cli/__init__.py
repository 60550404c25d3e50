"""Commands: a third thin door onto the same use cases, beside pages and jobs.

`flask <command>` runs them with the settings of the environment. `shelter <command>` adds the keys and the
database that `make start` keeps in `instance/`; `shelter --demo <command>` those of `make run`.
Exit codes: 0 done, 1 refused with a sentence, 2 called wrongly.
"""

from __future__ import annotations

import importlib
from functools import cached_property

import click
from flask import Flask
from flask.cli import FlaskGroup

from shelter.cli import instance
from shelter.cli.first_start import prepare
from shelter.cli.processes import serve

GROUPS = {
    "audit": "Read and verify the audit trail.",
    "backup": "Sealed backups of the whole database, and bringing one back.",
    "demo": "Demonstration data.",
    "jobs": "List and run the jobs of the timetable.",
    "keys": "Keys of the sealed fields and of the number index.",
    "ledger": "The ledger of nights, checked against what owns them.",
    "scheduler": "The clockwork: one process that runs the timetable.",
    "stays": "Bring running stays in from a file.",
    "tonight": "The night sheets, for when power or network fails.",
    "units": "Bring sites, rooms and units in from a file.",
    "users": "People who sign in.",
}


class Deferred(click.Group):
    """A group whose module is imported when it is called: web workers carry no commands."""

    @cached_property
    def actual(self) -> click.Group:
        module = importlib.import_module(f"shelter.cli.{self.name}")
        return next(g for g in vars(module).values() if isinstance(g, click.Group) and g.name == self.name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self.actual.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.actual.get_command(ctx, cmd_name)


def register(app: Flask) -> None:
    """Every command, under `flask`."""
    _add_to(app.cli)


def _add_to(group: click.Group) -> None:
    for name, sentence in GROUPS.items():
        group.add_command(Deferred(name, help=sentence))
    group.add_command(prepare)
    group.add_command(serve)


KIND = "shelter.instance"


def _create_app() -> Flask:
    from shelter import create_app

    # Only here: `serve` says itself which of the two it serves, and what is in the environment is not replaced.
    instance.use(click.get_current_context().find_root().meta.get(KIND, instance.Kind.REAL))
    return create_app()


def _note_instance(ctx: click.Context, _option: click.Parameter, is_demo: bool) -> None:
    ctx.meta[KIND] = instance.Kind.DEMO if is_demo else instance.Kind.REAL


class Installed(FlaskGroup):
    """Lists its commands without an application: help must not need settings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load_plugin_commands()
        return click.Group.list_commands(self, ctx)


main = Installed(
    name="shelter",
    create_app=_create_app,
    help="Emergency shelter booking: every command of `flask`, on the database and keys in instance/.",
    params=[
        click.Option(
            ["--demo"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_note_instance,
            help="The demonstration's database and keys.",
        )
    ],
)
_add_to(main)

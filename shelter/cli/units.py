"""`flask units`: a network's own list, brought in from a file."""

from __future__ import annotations

import os
from pathlib import Path

import click
from flask.cli import with_appcontext

from shelter.domain.errors import DomainError
from shelter.domain.permissions import SYSTEM
from shelter.services.sheet_files import MAX_BYTES, read_sheets
from shelter.services.units_import import ListRefused, import_units
from shelter.web.language import in_language


@click.group("units")
def units() -> None:
    """Bring sites, rooms and units in from a file."""


@units.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--language", type=click.Choice(["ko", "en"]), help="Of what is said; that of the terminal by default.")
@with_appcontext
def import_file(file: Path, is_dry_run: bool, language: str | None) -> None:
    """Bring in FILE, .xlsx or .csv: everything, or nothing and every line that is wrong.

    The same file again changes nothing.
    """
    from shelter.web.errors import sentence
    from shelter.web.sites import columns

    with in_language(language or terminal_language()):
        try:
            with file.open("rb") as opened:
                sheets = read_sheets(opened.read(MAX_BYTES + 1))
            result = import_units(sheets=sheets, is_dry_run=is_dry_run, by=SYSTEM)
        except ListRefused as refused:
            for problem in columns.problem_rows(refused.problems):
                click.echo(str(problem), err=True)
            raise click.ClickException(sentence(refused)) from None
        except DomainError as refused:
            raise click.ClickException(sentence(refused)) from None
        for line in columns.summary(result, is_dry_run=is_dry_run):
            click.echo(line)


def terminal_language() -> str:
    said = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ko" if said.startswith("ko") else "en"

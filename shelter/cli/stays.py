"""`flask stays`: stays that were running before this system was, brought in from a file."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from shelter.cli.units import terminal_language
from shelter.domain.errors import DomainError
from shelter.domain.permissions import SYSTEM
from shelter.services.sheet_files import MAX_BYTES, read_sheets
from shelter.services.stays_import import import_stays
from shelter.services.units_import import ListRefused
from shelter.web.language import in_language


@click.group("stays")
def stays() -> None:
    """Bring running stays in from a file."""


@stays.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--language", type=click.Choice(["ko", "en"]), help="Of what is said; that of the terminal by default.")
@with_appcontext
def import_file(file: Path, is_dry_run: bool, language: str | None) -> None:
    """Bring in FILE, .xlsx or .csv: every running stay, or nothing and every line that is wrong.

    Nobody is texted. The same file again changes nothing.
    """
    from shelter.web.errors import sentence
    from shelter.web.stays import columns

    with in_language(language or terminal_language()):
        try:
            with file.open("rb") as opened:
                sheets = read_sheets(opened.read(MAX_BYTES + 1))
            result = import_stays(sheets=sheets, is_dry_run=is_dry_run, by=SYSTEM)
        except ListRefused as refused:
            for problem in columns.problem_rows(refused.problems):
                click.echo(str(problem), err=True)
            raise click.ClickException(sentence(refused)) from None
        except DomainError as refused:
            raise click.ClickException(sentence(refused)) from None
        for line in columns.summary(result, is_dry_run=is_dry_run):
            click.echo(line)

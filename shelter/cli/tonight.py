"""`flask tonight`: the night sheets as files, by hand; or where the last ones are, when the database is down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from shelter import clock
from shelter.domain.errors import DomainError

if TYPE_CHECKING:
    from shelter.services.night_sheets import Written


@click.group("tonight")
def tonight() -> None:
    """The night sheets, for when power or network fails."""


@tonight.command("print")
@click.option("--site", help="The code name of one site; all of them and the overview by default.")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Another directory, a stick for instance.")
@click.option("--language", type=click.Choice(["ko", "en"]), help="One language only.")
@with_appcontext
def print_sheets(site: str | None, to: Path | None, language: str | None) -> None:
    """Write tonight's sheets, one HTML file per site and language; open one in any browser and print it.

    When the database does not answer, or the disk takes no more, the last sheets are named, with their age (exit
    code 1).
    """
    from shelter.jobs.night_sheets import as_file
    from shelter.services import night_sheets
    from shelter.web.errors import say

    languages = [language] if language else night_sheets.LANGUAGES
    try:
        written = night_sheets.print_sheets(as_file, to=to, code_name=site, languages=languages)
    except SQLAlchemyError:
        _tell_of_the_last_ones("The database does not answer.", site, language)
    except DomainError as refused:
        raise click.ClickException(f"{site}: {say(refused, 'en')}") from None
    except OSError as failed:
        said = f"Nothing could be written to {to or night_sheets.directory()}: {failed.strerror or failed}."
        if to:
            raise click.ClickException(said) from None
        elsewhere = f"{said} With --to fresh ones are written to another disk, a stick for instance."
        _tell_of_the_last_ones(elsewhere, site, language)
    else:
        for path in written:
            click.echo(str(path))


def _tell_of_the_last_ones(why: str, site: str | None, language: str | None) -> None:
    from shelter.services import night_sheets

    folder = night_sheets.directory()
    found = [sheet for sheet in night_sheets.last_sheets(folder, site) if language in (None, sheet.language)]
    click.echo(f"{why} Print the last sheets and go on with paper:", err=True)
    for sheet in found:
        click.echo(f"{sheet.path}  {_age(sheet)}")
    if not found:
        raise click.ClickException(f"There are none in {folder}.")
    raise SystemExit(1)


def _age(sheet: Written) -> str:
    if sheet.as_of is None:
        return "of an unknown time"
    minutes = max(0, int((clock.now() - sheet.as_of).total_seconds() // 60))
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"as of {clock.local(sheet.as_of):%Y-%m-%d %H:%M}, {age} old"

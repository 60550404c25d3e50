"""The night sheets: opened by a person, which is written down, or written to files for when nothing else works.

The files are kept fresh by a job. They hold references, code names and the numbers of staff, nothing sealed
besides, and are for the eyes of the account the system runs under.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import make_url

from shelter import clock, config
from shelter.domain.errors import DatabaseBusy, NotFound, NotPermitted
from shelter.domain.permissions import SYSTEM, Permission, Principal
from shelter.extensions import db
from shelter.queries.tonight import SiteSheet, Tonight, tonight
from shelter.services.unit_of_work import unit_of_work

LANGUAGES = ("ko", "en")
EVERY_SITE = "all-sites"
AS_OF = re.compile(r'data-as-of="([^"]+)"')
# What a night, a site's sheet (None: all sites) and a language make: the text of one file.
Render = Callable[[Tonight, SiteSheet | None, str], str]


@dataclass(frozen=True)
class Written:
    """A sheet as a file."""

    path: Path
    language: str
    as_of: datetime | None  # None: it does not say


def open_sheet(*, site_id: UUID, by: Principal) -> Tonight:
    """The sheet of one site, for whoever coordinates it; written down as printed. Raises NotFound, NotPermitted."""
    if not by.can(Permission.HOUSEHOLDS_READ):
        raise NotPermitted()
    if not by.is_system and site_id not in by.site_ids:
        raise NotFound()
    with unit_of_work(by) as work:
        found = tonight([site_id])
        if not found.sites:
            raise NotFound()
        work.record("night_sheet.printed", subject=f"site:{site_id}")
    return found


def open_overview(*, by: Principal) -> Tonight:
    """All sites at a glance, for any coordinator: counts and what is free. Written down as printed."""
    if not by.can(Permission.HOUSEHOLDS_READ):
        raise NotPermitted()
    with unit_of_work(by) as work:
        work.record("night_sheet.printed", subject="sites:all")
        return tonight()


def refresh_sheets(render: Render) -> list[Path]:
    """The job: every site and the overview, in every language, in the directory of the settings."""
    found = tonight()
    db.session.rollback()  # nothing is held while files are written
    return _write(found, directory(), render, LANGUAGES)


def print_sheets(
    render: Render, *, to: Path | None = None, code_name: str | None = None, languages: Iterable[str] = LANGUAGES
) -> list[Path]:
    """The same by hand, written down as printed: all, or one site's. Raises NotFound, OSError."""
    found = tonight()
    chosen = None if code_name is None else _named(found, code_name)
    # A sheet is needed most when the database can only be read: then the log has to do without this entry.
    with suppress(DatabaseBusy), unit_of_work(SYSTEM) as work:
        work.record("night_sheet.printed", subject=f"site:{chosen.site_id}" if chosen else "sites:all")
    return _write(found, to or directory(), render, languages, only=chosen)


def directory() -> Path:
    """Where the sheets are: as set, else beside a SQLite database, else in `instance/`. Needs no database."""
    settings = config.active()
    if settings.night_sheets_dir is not None:
        return settings.night_sheets_dir
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database))
        return file.parent / file.stem / "tonight"
    return Path.cwd() / "instance" / str(url.database) / "tonight"


def last_sheets(folder: Path, code_name: str | None = None) -> list[Written]:
    """The sheets that are there, read from their files alone: for when the database does not answer."""
    slug = "*" if code_name is None else _slug(code_name)
    found = []
    for path in sorted(folder.glob(f"tonight-{slug}.*.html")):
        said = AS_OF.search(path.read_text(encoding="utf-8"))
        as_of = datetime.fromisoformat(said[1]) if said else None
        found.append(Written(path, path.name.split(".")[-2], as_of))
    return found


def set_aside() -> Path | None:
    """Out of the way of the next ones, into a folder of their own: where they are now; None where there are none.

    For a database that is older than its sheets: what is on them and not in it has to be entered again.
    """
    if not (sheets := sorted(directory().glob("tonight-*.*.html"))):
        return None
    aside = directory() / f"until-{clock.now():%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700, exist_ok=True)
    for sheet in sheets:
        sheet.rename(aside / sheet.name)
    return aside


def _named(found: Tonight, code_name: str) -> SiteSheet:
    for sheet in found.sites:
        if _slug(sheet.code_name) == _slug(code_name):
            return sheet
    raise NotFound()


def _write(
    found: Tonight,
    folder: Path,
    render: Render,
    languages: Iterable[str],
    *,
    only: SiteSheet | None = None,
) -> list[Path]:
    """Every text is made before the first is written; each replaces its older self whole. What is no site's goes."""
    sheets = [only] if only else [None, *found.sites]
    names = _names(found)
    texts = {
        folder / f"tonight-{names[sheet.site_id] if sheet else EVERY_SITE}.{language}.html": render(
            found, sheet, language
        )
        for language in languages
        for sheet in sheets
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder == directory() and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)  # somebody else made it; a stick they are copied to is left as it is
    for path, text in texts.items():
        _replace(path, text)
    if only is None:
        kept = {path.name.split(".")[0] for path in texts}
        for old in folder.glob("tonight-*.*.html"):
            if old.name.split(".")[0] not in kept:
                old.unlink(missing_ok=True)
    return list(texts)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.part")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)  # a full disk needs the room
        raise


def _names(found: Tonight) -> dict[UUID, str]:
    """What each site's file is called: its code name, as file systems take it."""
    names: dict[UUID, str] = {}
    for sheet in found.sites:
        name = _slug(sheet.code_name)
        is_taken = name in names.values() or name == EVERY_SITE
        names[sheet.site_id] = f"{name}-{sheet.site_id.hex[-6:]}" if is_taken or not name else name
    return names


def _slug(code_name: str) -> str:
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", code_name).lower()).strip("-")

"""The daily copy of a SQLite database: whole, checked, beside it; sealed values stay sealed, keys are not in it.

PostgreSQL is backed up by its own tools; the operator's guide says how.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from shelter import clock
from shelter.extensions import db

KEEP = 14
FOLDER = "backups"


class BackupBroken(Exception):
    """The copy does not pass SQLite's own check; the last good one is kept."""


def back_up() -> Path | None:
    """A copy named after today in `backups/` beside the database, for its owner's eyes only; the 14 latest stay.

    None on PostgreSQL. Raises BackupBroken, OSError.
    """
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        return None
    source = Path(str(url.database))
    folder = source.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    done = folder / f"{source.stem}-{clock.today():%Y%m%d}{source.suffix}"
    fresh = done.with_suffix(".unfinished")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(fresh)) as copy:
        database.backup(copy)
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupBroken(done.name)
    os.replace(fresh, done)
    for old in sorted(folder.glob(f"{source.stem}-*{source.suffix}"))[:-KEEP]:
        old.unlink()
    return done

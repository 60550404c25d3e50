"""Backups: why none is made, why one is not brought back."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

SENTENCES = {
    "no_backup_recipient": _l(
        "No backup is made, because SHELTER_BACKUP_RECIPIENT is not set. `flask backup identity` makes one."
    ),
    "no_room_for_backup": _l(
        "No backup is made: it may need %(needed_mb)s MB on the disk of %(place)s, which has %(free_mb)s MB left. Make"
        " room, or move old backups to another machine."
    ),
    "no_room_to_restore": _l(
        "Nothing was written: to open the backup takes %(needed_mb)s MB on the disk of %(place)s, which has"
        " %(free_mb)s MB left. Make room there; with PostgreSQL TMPDIR names another place."
    ),
    "database_damaged": _l(
        "The database does not pass its own check. Nothing was written and no older backup was removed. Keep a copy of"
        " the file and restore the last good backup."
    ),
    "program_missing": _l(
        "%(program)s was not found. Install the programs of PostgreSQL (package postgresql-client) in the version of"
        " the server."
    ),
    "program_differs": _l(
        "%(program)s is of version %(version)s, but the server of version %(server)s. Install the programs of"
        " PostgreSQL in the version of the server, and put them first in PATH."
    ),
    "program_failed": _l("%(program)s ended with an error: %(said)s"),
    "identity_not_valid": _l(
        "There is no identity in this file. It is a line that begins with AGE-SECRET-KEY-1; look where it was put when"
        " the backups were set up."
    ),
    "wrong_identity": _l("This identity does not open the backup: it was made for another one."),
    "backup_damaged": _l("The file is damaged or not complete. Take another copy of it, or an older backup."),
    "not_a_backup": _l("The file can be opened, but no backup of this system is in it."),
    "backup_forged": _l(
        "This backup was not made by a system with these keys, or somebody altered it. Nothing was written."
    ),
    "backup_too_new": _l(
        "This backup is from a newer version (%(application)s). Install that version, or a later one, and restore it"
        " there."
    ),
    "other_kind_of_database": _l(
        "This backup is of another kind of database (%(kind)s). Name an empty one of that kind in DATABASE_URL."
    ),
    "keys_missing": _l(
        "What is sealed in this backup could not be read here. Put these keys back as they were when it was made:"
        " %(names)s."
    ),
    "nights_counted_otherwise": _l(
        "This backup counts nights otherwise. Set SHELTER_TIMEZONE=%(timezone)s and"
        " SHELTER_CUTOVER_HOURS=%(cutover_hours)s."
    ),
    "database_not_empty": _l(
        "There is something in this database, and a restore overwrites nothing. Name an empty one in DATABASE_URL."
    ),
    "database_in_use": _l(
        "Somebody is connected to this database. Stop the whole system first, the clockwork too, and restore again."
    ),
    "restored_differs": _l(
        "What was written is not what was backed up (%(tables)s). It was removed again. Check the disk, and restore"
        " again or take an older backup."
    ),
}

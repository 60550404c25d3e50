"""The system itself: what is wrong with it, what to do, and what its jobs are for."""

from __future__ import annotations

from shelter.domain.operations import Trouble
from shelter.web.language import lazy_gettext as _l

REASONS = {
    Trouble.DATABASE_SILENT.value: _l("The database does not answer."),
    Trouble.SCHEMA_DIFFERS.value: _l("The database is at migration %(found)s, this program needs %(wanted)s."),
    Trouble.DATABASE_FORGETS.value: _l(
        "The database's setting %(setting)s is %(value)s: a crash or a power cut could lose bookings that were already"
        " confirmed."
    ),
    Trouble.CLOCKWORK_NEVER_RAN.value: _l("The clockwork has never run: no texts go out and no limits are watched."),
    Trouble.CLOCKWORK_SILENT.value: _l(
        "The clockwork stands still since %(since)s: no texts go out and no limits are watched."
    ),
    Trouble.SLOT_OVERDUE.value: _l("%(job)s was due at %(due)s and has not ended well."),
    Trouble.TEXTS_LATE.value: _l("Texts are due and do not leave: %(number)s, the oldest since %(since)s."),
    Trouble.ROOM_GONE.value: _l("The disk is full but for %(percent)s %%: soon nothing can be booked."),
    Trouble.ROOM_LOW.value: _l("The disk fills up: %(percent)s %% are left."),
    Trouble.BACKUP_MISSING.value: _l("There is no backup."),
    Trouble.BACKUP_OLD.value: _l("The last good backup is from %(since)s."),
    Trouble.JOB_FAILED.value: _l("%(job)s failed (%(error)s); it is tried again within an hour."),
    Trouble.TEXTS_STOPPED.value: _l("All texts are stopped since %(since)s."),
    Trouble.TEXTS_UNKNOWN.value: _l("Texts whose outcome is unknown for more than 15 minutes: %(number)s."),
    Trouble.TEXTS_FAILED.value: _l("Texts that failed within the last day: %(number)s."),
}

# What whoever keeps the system running does about it.
ADVICE = {
    Trouble.DATABASE_SILENT: _l("Start it again, and look whether its disk is full."),
    Trouble.SCHEMA_DIFFERS: _l("Stop the system, run `flask db upgrade`, start it again."),
    Trouble.DATABASE_FORGETS: _l(
        "PostgreSQL: `ALTER SYSTEM SET %(setting)s = on; SELECT pg_reload_conf()`. SQLite: put its file"
        " on a local disk."
    ),
    Trouble.CLOCKWORK_NEVER_RAN: _l("Start it: `flask scheduler run`, or `make start` for everything."),
    Trouble.CLOCKWORK_SILENT: _l(
        "Start it again (`flask scheduler run`); its log says why it ended. What was missed is caught up by itself."
    ),
    Trouble.SLOT_OVERDUE: _l("Run it by hand, `flask jobs run %(job)s`: it says what is wrong. Nothing is done twice."),
    Trouble.TEXTS_LATE: _l(
        "`flask jobs run deliver-messages` says what is wrong. Until they leave, tell those concerned by telephone."
    ),
    Trouble.ROOM_GONE: _l("Make room now: old backups and logs first. Never delete a file whose name ends in -wal."),
    Trouble.ROOM_LOW: _l("Make room, or move the backups to another disk."),
    Trouble.BACKUP_MISSING: _l("Make one now: `flask backup create`. Keep it and the keys apart from each other."),
    Trouble.BACKUP_OLD: _l("Make one now: `flask backup create` says why the nightly one does not come about."),
    Trouble.JOB_FAILED: _l("If it does not mend by itself: `flask jobs run %(job)s` says what is wrong."),
    Trouble.TEXTS_STOPPED: _l("Whoever stopped them lets them go again under Messages."),
    Trouble.TEXTS_UNKNOWN: _l("The provider is asked every minute; look whether it answers."),
    Trouble.TEXTS_FAILED: _l("Staff have a task for each. Many at once: look at the reasons under Messages."),
}

# By the name of the job.
JOBS = {
    "deliver-messages": _l("Texts that are due"),
    "expire-holds": _l("Holds that have run out"),
    "settle-unknown-messages": _l("Asking what became of texts"),
    "back-up-database": _l("Backup of the database"),
    "anchor-audit": _l("Access log anchored outside"),
    "print-night-sheets": _l("Night sheets for an outage"),
    "roll-overstays": _l("Rooms of those who have not left"),
    "flag-stays-nearing-limit": _l("Stays nearing their limit"),
    "renew-closures": _l("Closures about to end"),
    "prune-job-runs": _l("Old rows about jobs"),
    "forget-dead-sessions": _l("Old sessions and drafts"),
    "send-limit-digests": _l("Digest of limits to coordinators"),
}

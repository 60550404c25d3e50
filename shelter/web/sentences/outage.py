"""When the database cannot keep something."""

from __future__ import annotations

from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "database_full": _l(
        "Nothing was saved: the disk of the database is full. Tell your administrator now, and use the paper sheet"
        " for an outage."
    ),
    "outcome_unknown": _l(
        "The database was lost while this was being saved: it may be done, or not. Send it again: what was done"
        " already is not done twice."
    ),
    "postgresql_not_durable": _l(
        "The PostgreSQL setting %(setting)s is %(value)s, so that a crash or a power cut could lose bookings that were"
        " already confirmed. Set it to on: ALTER SYSTEM SET %(setting)s = on; SELECT pg_reload_conf(); and reset it"
        " where ALTER ROLE or ALTER DATABASE set it."
    ),
    "sqlite_not_durable": _l(
        "SQLite says that %(setting)s is %(value)s, so that a crash or a power cut could lose bookings that were"
        " already confirmed. Put the database file on a local disk, not on a network share."
    ),
}

"""Changing the key of the blind index: every number is opened and indexed again, all of them or none.

Danger numbers are found by this index. Half of it under another key would let a text through to one, so it is
changed in one transaction, while nothing else runs; and nothing starts with a key the index was not made with
(`services/installation.py`).
"""

from __future__ import annotations

from sqlalchemy import update

from shelter.domain.permissions import SYSTEM, Principal
from shelter.extensions import db
from shelter.keyring import blind_index
from shelter.models.data_map import Level, columns_at
from shelter.models.sealed import unseal
from shelter.services.field_keys import batches
from shelter.services.messages import PHONE
from shelter.services.unit_of_work import unit_of_work


def rebuild(key: str, *, by: Principal = SYSTEM) -> int:
    """Index every number under `key`, in one transaction; how many. Raises Unreadable when one cannot be opened."""
    rebuilt = 0
    with unit_of_work(by) as work:
        for name, columns in columns_at(Level.INDEXED).items():
            table = db.metadata.tables[name]
            for index in columns:
                sealed = index.removesuffix("_index") + "_sealed"
                for row in (row for rows in batches(table, table.c[index].is_not(None)) for row in rows):
                    found = blind_index(key.encode(), PHONE, unseal(row[sealed], name, sealed, row["id"]))
                    db.session.execute(update(table).where(table.c.id == row["id"]).values({index: found}))
                    rebuilt += 1
        work.record("keys.index_rebuilt", values=rebuilt)
    return rebuilt

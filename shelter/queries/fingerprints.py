"""What a whole database holds, table by table, and which keys sealed it: to compare a copy with its original."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, inspect, text

from shelter.domain.backups import Table

AT_ONCE = 5_000
MODULUS = 1 << 256
SEALED = "_sealed"


def fingerprints(connection: Connection, *, but: str) -> tuple[dict[str, Table], set[str]]:
    """Rows and hash of every table `but` one, and the ids of all field keys that sealed something in them.

    A hash is the sum of the hashes of the rows as the driver gives them: no order is needed, and two databases of
    one kind with equal rows have equal ones.
    """
    beginnings: set[bytes] = set()  # of envelopes: they name the key
    tables = {
        name: _table(connection, name, beginnings)
        for name in sorted(inspect(connection).get_table_names())
        if name != but
    }
    return tables, {beginning[2:].decode(errors="replace") for beginning in beginnings}


def _table(connection: Connection, name: str, beginnings: set[bytes]) -> Table:
    quoted = connection.dialect.identifier_preparer.quote(name)
    # The name is the catalogue's own.
    found = connection.execute(text(f"SELECT * FROM {quoted}"), execution_options={"yield_per": AT_ONCE})  # noqa: S608
    sealed = [at for at, column in enumerate(found.keys()) if column.endswith(SEALED)]
    rows = total = 0
    for row in found:
        rows += 1
        total += int.from_bytes(hashlib.sha256(repr(row).encode(errors="surrogatepass")).digest())
        for at in sealed:
            if envelope := row[at]:
                beginnings.add(envelope[: 2 + envelope[1]])
    return Table(rows, f"{total % MODULUS:064x}")

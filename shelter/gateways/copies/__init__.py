"""Copies of a whole database, behind one protocol: taken while it is used, put into an empty one."""

from __future__ import annotations

from sqlalchemy import Engine

from shelter.gateways.copies.protocol import MARK, NAMELESS, Copies, Snapshot

__all__ = ["MARK", "NAMELESS", "Copies", "Snapshot", "copies_of"]


def copies_of(engine: Engine) -> Copies:
    if engine.dialect.name == "postgresql":
        from shelter.gateways.copies.postgresql import PostgresqlCopies

        return PostgresqlCopies(engine)
    from shelter.gateways.copies.sqlite import SqliteCopies

    return SqliteCopies(engine)

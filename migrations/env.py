"""How migrations run: on the application's own engine, logging left alone."""

from __future__ import annotations

from alembic import context
from flask import current_app

import shelter.models  # noqa: F401  (all tables known)

db = current_app.extensions["migrate"].db
engine = db.engine


def run() -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            # A batch operation rebuilds its table: with foreign keys on, dropping the old one would empty its
            # children. Said on the driver's connection, because inside a transaction the pragma is ignored.
            driver = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            compare_server_default=False,
            render_as_batch=is_sqlite,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if is_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            connection.commit()
            driver.execute("PRAGMA foreign_keys=ON")
            if broken:
                raise RuntimeError(f"foreign keys are broken after the migration: {broken[:5]}")


if context.is_offline_mode():
    raise SystemExit("Migrations run on the database itself; there is no offline mode.")
run()

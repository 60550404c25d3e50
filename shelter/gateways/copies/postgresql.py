"""PostgreSQL: pg_dump of an exported snapshot, straight into whoever reads; pg_restore in a single transaction."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, inspect, text

from shelter.domain.backups import DatabaseInUse, DatabaseNotEmpty, ProgramDiffers, ProgramFailed, ProgramMissing
from shelter.gateways.copies.protocol import MARK, Snapshot, Tell

CHUNK = 1024 * 1024
LONGEST_SAID = 200
# Only the schema our tables are in: what an administrator keeps in another, or adds with CREATE EXTENSION, is not ours
# to read, and could not be made again by our role.
DUMP = ("--format=custom", "--no-owner", "--no-privileges", "--no-password")
RESTORE = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password")


class PostgresqlCopies:
    name = "database.dump"
    workplace = None

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def size(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)

    @contextmanager
    def snapshot(self, tell: Tell) -> Iterator[Snapshot]:
        reading = self._engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with reading as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            program = _program("pg_dump", connection)
            moment = connection.scalar(text("SELECT pg_export_snapshot()"))
            server = str(connection.scalar(text("SHOW server_version")))
            schema = _quoted(_schema(connection))
            yield Snapshot(
                connection, server, lambda: self._dump(program, f"--snapshot={moment}", f"--schema={schema}")
            )

    def _dump(self, program: str, *options: str) -> Iterator[bytes]:
        with tempfile.TemporaryFile() as said:
            command = [program, *DUMP, *options, self._address()]
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=self._environment()
            ) as running:
                assert running.stdout is not None
                try:
                    while chunk := running.stdout.read(CHUNK):
                        yield chunk
                except BaseException:  # whoever reads has given up
                    running.kill()
                    raise
            _check(running, "pg_dump", said)

    def check_empty(self) -> None:
        with self._engine.connect() as connection:
            others = connection.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            )
            if set(inspect(connection).get_table_names()) - {MARK}:
                raise DatabaseNotEmpty()
            if others:
                raise DatabaseInUse()

    def load(self, data: Iterable[bytes]) -> None:
        with self._engine.begin() as connection:
            program, schema = _program("pg_restore", connection), _schema(connection)
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS {MARK} (since timestamptz)"))
        with tempfile.TemporaryFile() as said:
            command = [program, *RESTORE, f"--schema={schema}", self._address()]
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=self._environment()
            ) as running:
                assert running.stdin is not None
                try:
                    for chunk in data:
                        running.stdin.write(chunk)
                    running.stdin.close()
                except BrokenPipeError:
                    pass  # it says why itself
                except BaseException:
                    running.kill()  # before it sees an end that is none
                    raise
            _check(running, "pg_restore", said)

    def discard(self) -> None:
        with self._engine.begin() as connection:
            quote = connection.dialect.identifier_preparer.quote
            names = [quote(name) for name in inspect(connection).get_table_names()]
            if names:
                connection.execute(text(f"DROP TABLE {', '.join(names)} CASCADE"))

    def _address(self) -> str:
        """Where it is and who we are. Not the password: a command line can be read by everybody on the machine."""
        options = self._engine.dialect.create_connect_args(self._engine.url)[1]
        return "--dbname=" + make_conninfo(**{k: v for k, v in options.items() if k not in ("password", "context")})

    def _environment(self) -> dict[str, str]:
        password = self._engine.url.password
        ours = {"PGPASSWORD": str(password)} if password else {}
        return {**os.environ, "LC_ALL": "C", **ours}


def _program(name: str, connection: Connection) -> str:
    """The program, of the server's version. Raises ProgramMissing, ProgramDiffers.

    An older one does not understand the server. A newer one writes what the server's own programs cannot read, or
    says to it what only a newer one understands: a backup that nobody could bring back.
    """
    found = shutil.which(name)
    if found is None:
        raise ProgramMissing(name)
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.search(r"(\d+)\.?\d*", said)
    server = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if version is None or int(version[1]) != server:
        raise ProgramDiffers(name, int(version[1]) if version else 0, server)
    return found


def _schema(connection: Connection) -> str:
    """Where our tables are, or will be."""
    return str(connection.scalar(text("SELECT current_schema()")))


def _quoted(name: str) -> str:
    """As pg_dump takes a name that is no pattern."""
    return '"' + name.replace('"', '""') + '"'


def _check(ended: subprocess.Popen[bytes], program: str, said) -> None:  # type: ignore[no-untyped-def]
    if ended.returncode == 0:
        return
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    # The rest may quote rows.
    first = next((line for line in lines if "error" in line.lower()), f"exit code {ended.returncode}")
    raise ProgramFailed(program, first.removeprefix(f"{program}: ").removeprefix("error: ")[:LONGEST_SAID])

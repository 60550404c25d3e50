"""What one installation keeps beside the code, in `instance/`: its keys and, on SQLite, its database.

The environment always wins: what is set there is never read from a file. What is set to nothing is not set.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from enum import Enum
from pathlib import Path

KEY_NAMES = ("SHELTER_SECRET_KEY", "SHELTER_FIELD_KEYS", "SHELTER_INDEX_KEY", "SHELTER_AUDIT_KEY")
SAFE_KEEPING = """\
# The keys of this installation. Whoever has this file and the database can read everything in it;
# whoever loses this file can never read the sealed fields again, from no backup.
# Keep a copy off this machine, apart from the backups: on paper in a safe, or in a password manager.
"""
RECIPIENT = "SHELTER_BACKUP_RECIPIENT"


class Kind(Enum):
    """The demonstration and the real thing share no file."""

    DEMO = "demo"
    REAL = "shelter"


def directory() -> Path:
    return Path.cwd() / "instance"


def key_file(kind: Kind) -> Path:
    return directory() / ("demo-keys.env" if kind is Kind.DEMO else "keys.env")


def recipient_file(kind: Kind) -> Path:
    """For whom backups are sealed: no secret."""
    return directory() / ("demo-backup.env" if kind is Kind.DEMO else "backup.env")


def demo_identity_file() -> Path:
    """The demonstration protects nobody, so that its backups can be opened beside it."""
    return directory() / "demo-backup-identity.txt"


def database_file(kind: Kind) -> Path:
    return directory() / f"{kind.value}.sqlite3"


def use(kind: Kind) -> None:
    """Complete the environment from what is in `instance/`; makes nothing."""
    defaults = {"DATABASE_URL": f"sqlite:///{database_file(kind)}"}
    if kind is Kind.DEMO:
        defaults["SHELTER_ENV"] = "development"
        # Where the real thing keeps its backups the oldest are removed: no example takes the place of one of them.
        defaults["SHELTER_BACKUP_DIR"] = str(directory() / kind.value / "backups")
    for file in (key_file(kind), recipient_file(kind)):
        if file.exists():
            defaults |= _read(file)
    for name, value in defaults.items():
        if not os.environ.get(name):
            os.environ[name] = value


def use_what_is_there() -> None:
    """The same for plain `flask` in a checkout: whichever of the two there is. Refuses to guess between both."""
    there = [kind for kind in Kind if key_file(kind).exists()]
    if all(os.environ.get(name) for name in (*KEY_NAMES, "DATABASE_URL")):
        there = [Kind.REAL]  # for whom backups are sealed may stand there alone
    if not there:
        return
    if len(there) > 1:
        raise SystemExit(
            "instance/ holds a demonstration and a real installation. Say which one you mean:\n"
            "  python -m shelter.cli --demo …   or   python -m shelter.cli …"
        )
    use(there[0])


def create_keys(kind: Kind) -> bool:
    """Make the key file where there is none and the environment has not all keys; True when it is new."""
    if key_file(kind).exists() or all(os.environ.get(name) for name in KEY_NAMES):
        return False
    directory().mkdir(mode=0o700, exist_ok=True)
    values = [
        secrets.token_urlsafe(48),
        f"k1:{random_key()}",
        secrets.token_urlsafe(48),
        secrets.token_urlsafe(48),
    ]
    text = SAFE_KEEPING + "".join(f"{name}={value}\n" for name, value in zip(KEY_NAMES, values, strict=True))
    _write(key_file(kind), text)
    return True


def create_recipient(kind: Kind, show: Callable[[str], None]) -> None:
    """Where nobody is named for whom to seal backups: a new identity. It is shown, and only its recipient is kept."""
    if os.environ.get(RECIPIENT):
        return
    from shelter import age

    secret, recipient = age.new_identity()
    directory().mkdir(mode=0o700, exist_ok=True)
    if kind is Kind.DEMO:
        _write(demo_identity_file(), f"{secret}\n")
    else:
        show(secret)
    _write(recipient_file(kind), f"{RECIPIENT}={recipient}\n")
    os.environ[RECIPIENT] = recipient


def _write(file: Path, text: str) -> None:
    # Created closed, not closed after: nobody else may open it in between.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def random_key() -> str:
    """For a sealed field: 32 bytes, as base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _read(file: Path) -> dict[str, str]:
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}

"""The settings tests run with: production's, on loopback, with keys that protect nothing."""

from __future__ import annotations

import base64
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shelter.config import Settings
from tests.support.postgres import programs

KEYS = {
    "secret_key": "secret-key-of-the-tests-0123456789abcdef",
    "field_keys": "t1:" + base64.b64encode(bytes(range(32))).decode(),
    "index_key": "index-key-of-the-tests-0123456789abcdef-",
    "audit_key": "audit-key-of-the-tests-0123456789abcdef-",
    "backup_recipient": "age1evujp4x6jvhetk5tkh40n9ljhsetu0vql4quz530xz4htycaf3gq7sd7j5",
}
IDENTITY = "AGE-SECRET-KEY-15D6NEX2P9UEWT29XWWKL3Z666FGN6702VD0GE977S5R8FZPYQETQFELSAY"  # opens the backups
OURS = ("SHELTER_", "TWILIO_", "DATABASE_URL")


def forget_environment() -> None:
    """A developer's own settings and programs must not change what the tests say."""
    os.environ["PATH"] = os.pathsep.join((str(programs()), os.environ.get("PATH", os.defpath)))
    for name in list(os.environ):
        if name.startswith(OURS):
            del os.environ[name]


def settings(database_url: str, **changes: Any) -> Settings:
    """As production has them, unless a test says otherwise."""
    where = {"database_url": database_url, "backup_dir": _backups(database_url)}
    return Settings(**({"env": "production"} | where | KEYS | changes))


def environment(database_url: str, **changes: str) -> dict[str, str]:
    """The same for a child process: what to put into its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    named = {f"SHELTER_{name.upper()}": value for name, value in KEYS.items()}
    if backups := _backups(database_url):
        named["SHELTER_BACKUP_DIR"] = backups
    return clean | named | {"SHELTER_ENV": "production", "DATABASE_URL": database_url} | changes


def _backups(database_url: str) -> str | None:
    """With the data of our PostgreSQL, which go with it; beside a SQLite file they are anyway."""
    return next((f"{host}/backups" for host in parse_qs(urlsplit(database_url).query).get("host", [])), None)

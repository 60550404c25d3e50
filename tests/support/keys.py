"""Field keys for tests: another one, and this process with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from shelter.config import parse_field_keys
from shelter.extensions import keyring
from tests.support.settings import KEYS

OLD = KEYS["field_keys"]
NEW = "t2:" + base64.b64encode(bytes(range(32, 64))).decode()
BOTH = f"{NEW},{OLD}"


@contextmanager
def holding(field_keys: str, *, index_key: str = KEYS["index_key"]) -> Iterator[None]:
    """This process with other keys for a while, then with those it had."""
    before = dict(vars(keyring))
    keyring.configure(parse_field_keys(field_keys), index_key, KEYS["audit_key"])
    try:
        yield
    finally:
        vars(keyring).update(before)

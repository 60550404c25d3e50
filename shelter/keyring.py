"""The keys, and what is done with them: sealing fields, indexing phone numbers, chaining audit entries.

Envelope of a sealed value: version (1 byte) | length of the key id (1) | key id | nonce (12) | ciphertext and tag.
AES-256-GCM with the associated data `table|column|id`, so that a ciphertext moved to another row or column fails.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
NONCE = 12


class Unreadable(Exception):
    """The sealed value was moved, altered, or its key is not there."""


class Keyring:
    def __init__(self) -> None:
        self._ciphers: dict[str, AESGCM] = {}
        self._writing = ""
        self._index = b""
        self._audit = b""

    def configure(self, field_keys: dict[str, bytes], index_key: str, audit_key: str) -> None:
        """`field_keys` in order: the first writes, all read."""
        self._ciphers = {kid: AESGCM(key) for kid, key in field_keys.items()}
        self._writing = next(iter(field_keys))
        self._index, self._audit = index_key.encode(), audit_key.encode()

    @property
    def writing_key(self) -> str:
        return self._writing

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of the field keys, the writing one first."""
        return tuple(self._ciphers)

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Envelope for `plain`; `place` is table|column|id."""
        nonce = os.urandom(NONCE)
        cipher = self._ciphers[self._writing].encrypt(nonce, plain, place.encode())
        return self.prefix(self._writing) + nonce + cipher

    def unseal(self, envelope: bytes, *, place: str) -> bytes:
        """The plain bytes. Raises Unreadable."""
        kid, rest = self.key_of(envelope), envelope[2 + envelope[1] :]
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise Unreadable(f"no key {kid!r}")
        try:
            return cipher.decrypt(rest[:NONCE], rest[NONCE:], place.encode())
        except InvalidTag as moved:
            raise Unreadable(place) from moved

    @staticmethod
    def key_of(envelope: bytes) -> str:
        """The id of the key an envelope was sealed with. Raises Unreadable."""
        if len(envelope) < 2 + NONCE or envelope[0] != VERSION:
            raise Unreadable("not an envelope of this version")
        return envelope[2 : 2 + envelope[1]].decode(errors="replace")

    @staticmethod
    def prefix(kid: str) -> bytes:
        """How every envelope of a key begins, and no other."""
        return bytes((VERSION, len(kid.encode()))) + kid.encode()

    def index(self, kind: str, value: str) -> str:
        """Blind index: equal values of one kind are equal here, and say nothing without the key."""
        return blind_index(self._index, kind, value)

    def chain_mac(self, data: bytes) -> bytes:
        """The keyed hash that links audit entries."""
        return hmac.new(self._audit, data, hashlib.sha256).digest()


def blind_index(key: bytes, kind: str, value: str) -> str:
    return hmac.new(key, f"{kind}|{value}".encode(), hashlib.sha256).hexdigest()


def place_of(table: str, column: str, row_id: UUID) -> str:
    return f"{table}|{column}|{row_id.hex}"

"""The key that makes a second click, a reload or a replay the same act as the first."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import Any

from flask import abort, request

from shelter.extensions import keyring
from shelter.services.unit_of_work import Once

FIELD = "once"
NOT_THE_BODY = {FIELD, "csrf_token"}
KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


def new_once() -> str:
    """A fresh key for a form about to be shown."""
    return secrets.token_urlsafe(18)


def once_from(form: Any = None) -> Once:
    """The key and the fingerprint of what was sent here. `form` is a WTForms form or None: the request tells.

    A POST that should carry a key and does not is no form of ours (400).
    """
    key = form[FIELD].data if form is not None and FIELD in form else request.form.get(FIELD)
    if not key or not KEY.fullmatch(key):
        abort(400)
    return Once(key=key, fingerprint=fingerprint())


def fingerprint() -> str:
    """Keyed hash of the canonical request: path, every field but key and token, and the content of files.

    Keyed, because it is kept: whoever has the table alone must not be able to try all telephone numbers on it.
    """
    fields = sorted((name, values) for name, values in request.form.lists() if name not in NOT_THE_BODY)
    files = []
    for name, file in sorted(request.files.items(multi=True), key=lambda pair: pair[0]):
        files.append([name, hashlib.sha256(file.stream.read()).hexdigest()])
        file.stream.seek(0)
    said = json.dumps([request.path, fields, files], ensure_ascii=False, separators=(",", ":"))
    return keyring.index("act", said)

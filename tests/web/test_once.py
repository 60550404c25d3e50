"""The key of an act, and the fingerprint of what was sent under it."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest

from shelter.web.once import new_once, once_from

pytestmark = pytest.mark.only("sqlite")
KEY = "k" * 24


def fingerprint(app: Flask, path: str = "/act", **sent: object) -> str:
    with app.test_request_context(path, method="POST", data={"once": KEY} | sent):
        return once_from().fingerprint


def test_keys_are_never_the_same_and_always_accepted(app: Flask) -> None:
    keys = {new_once() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        with app.test_request_context("/act", method="POST", data={"once": key}):
            assert once_from().key == key


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space in it, long", "ключключключключ"])
def test_what_is_no_key_of_ours_is_refused(app: Flask, key: str) -> None:
    with app.test_request_context("/act", method="POST", data={"once": key}), pytest.raises(BadRequest):
        once_from()


def test_key_and_token_are_no_part_of_the_body(app: Flask) -> None:
    assert fingerprint(app, a="1", csrf_token="x") == fingerprint(app, a="1", csrf_token="y", once="z" * 24)


def test_the_order_of_fields_does_not_matter(app: Flask) -> None:
    assert fingerprint(app, a="1", b="2") == fingerprint(app, b="2", a="1")


def test_another_body_another_place_another_file_are_another_act(app: Flask) -> None:
    def upload(content: bytes) -> str:
        return fingerprint(app, a="1", file=(io.BytesIO(content), "list.csv"))

    seen = [
        fingerprint(app, a="1"),
        fingerprint(app, a="2"),
        fingerprint(app, a=["1", "1"]),
        fingerprint(app, "/other", a="1"),
        upload(b"one"),
        upload(b"two"),
    ]
    assert len(set(seen)) == len(seen)
    assert upload(b"one") == upload(b"one")

"""A browser without a screen: one kept-alive connection over real HTTP, its cookies and its form token."""

from __future__ import annotations

import http.client
import re
import secrets
import select
from collections.abc import Iterable, Mapping
from email.message import Message
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from tests.support.people import Account, open_session

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECONDS = 30.0


def new_once() -> str:
    """A key as the forms have it: one act, however often it is sent."""
    return secrets.token_urlsafe(18)


class Browser:
    """`get` and `post` answer with the status; `text`, `location` and `headers` are those of the last answer.

    For one thread. A connection the server closed while idle is opened again; one that breaks during a request
    raises (OSError, http.client.HTTPException), and nobody knows then whether the act was done.
    """

    def __init__(self, port: int, *, timeout: float = SECONDS) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.text = ""
        self.location = ""
        self.headers: Message = Message()

    def get(self, path: str, **headers: str) -> int:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **more: Any) -> int:
        """As a form would be sent, with the token of the last page that had one; a list is a repeated field."""
        return self._ask("POST", path, self.form(fields, **more), FORM)

    def form(self, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **more: Any) -> bytes:
        pairs = [*(fields.items() if isinstance(fields, Mapping) else fields), *more.items()]
        if self.token and not any(name == "csrf_token" for name, _ in pairs):
            pairs.append(("csrf_token", self.token))
        return urlencode(pairs, doseq=True).encode()

    def send(self, path: str, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **more: Any) -> None:
        """Post, and do not wait. Then `receive`, or `close` as a client that gave up."""
        self._send("POST", path, self.form(fields, **more), FORM)

    def receive(self) -> int:
        """The answer to what was sent."""
        try:
            answer = self._connection.getresponse()
            content = answer.read()
        except BaseException:
            self.close()  # the next request begins on a connection of its own
            raise
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.headers, self.location = answer.headers, answer.headers.get("Location", "")
        self.text = content.decode(errors="replace")
        if found := TOKEN.search(self.text):
            self.token = found[1]
        return answer.status

    def sign_in(self, login: str, password: str) -> None:
        """With the form: a real password check, which is slow on purpose."""
        self.get("/login")
        assert self.token, "the sign-in page has no form token"
        status = self.post("/login", login=login, password=password)
        assert status == 303, f"{login} could not sign in: {status}"

    def enter(self, app: Flask, **who: Any) -> Account:
        """Signed in at once, by a session written to the database; `who` as people.sign_in takes it."""
        cookie, token, account = open_session(app, **who)
        self.cookies[cookie] = token
        assert self.get("/account") == 200, f"the session is not taken: {self.location or self.text[:200]}"
        assert self.token
        return account

    def twin(self) -> Browser:
        """Another connection of the same browser: a second tab, or a second click."""
        other = Browser(self._connection.port, timeout=self._connection.timeout)  # type: ignore[arg-type]
        other.cookies, other.token = dict(self.cookies), self.token
        return other

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> int:
        self._send(method, path, body, headers)
        return self.receive()

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        self._reopen_if_closed()
        try:
            self._connection.request(method, path, body, {**headers, **self._cookie()})
        except BaseException:
            self.close()
            raise

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _reopen_if_closed(self) -> None:
        """A server may close a connection nobody used for a while: seen before anything is sent on it."""
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            self.close()

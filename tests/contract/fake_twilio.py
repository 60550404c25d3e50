"""A double of Twilio's Messages resource on loopback, held to Twilio's own specification in both directions.

It answers as Twilio does, refuses what Twilio's specification refuses (422, kept in `violations`), has an error
table by recipient, and fails on demand: before taking a text, or after. Callbacks are signed as Twilio signs them.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from twilio.request_validator import RequestValidator
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.contract import specification

ACCOUNT = "AC" + "0a" * 16
TOKEN = "token-of-the-double"
SERVICE = "MG" + "0b" * 16
ROUTES = Map([Rule(specification.LIST.replace("{", "<").replace("}", ">"), endpoint=specification.LIST)])
ROUTES.add(Rule(specification.ONE.replace("{", "<").replace("}", ">"), endpoint=specification.ONE))

# Recipient → (status, code): as Twilio's own magic numbers, but ours.
REFUSED = {
    "+821000021211": (400, 21211),
    "+821000021610": (400, 21610),
    "+821000021614": (400, 21614),
    "+821000021408": (403, 21408),
    "+821000021606": (400, 21606),
    "+821000099999": (400, 99999),
}


class Fault(Enum):
    """How one call goes wrong."""

    ERROR = "500, and the text was not taken"
    BUSY = "429, and the text was not taken"
    TAKEN_THEN_ERROR = "500, but the text was taken"
    TAKEN_THEN_SILENCE = "no answer in time, but the text was taken"
    TAKEN_THEN_CLOSED = "the connection breaks, but the text was taken"
    GARBAGE = "200 and something that is no answer, but the text was taken"


TAKEN = {Fault.TAKEN_THEN_ERROR, Fault.TAKEN_THEN_SILENCE, Fault.TAKEN_THEN_CLOSED, Fault.GARBAGE}


@dataclass
class Taken:
    """A text the double took."""

    sid: str
    to: str
    body: str
    status_callback: str | None
    form: dict[str, str]
    created_at: datetime
    status: str = "queued"
    error_code: int | None = None


@dataclass
class FakeTwilio:
    token: str = TOKEN
    taken: list[Taken] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: deque[Fault | None] = field(default_factory=deque)  # one for each coming POST; None lets it through
    is_down: bool = False  # every request is answered 503
    is_forgetful: bool = False  # the list does not show what was taken
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _number: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    decide: Callable[[], Fault | None] = lambda: None  # asked when `faults` is empty

    def forget(self) -> None:
        """As new, for the next test."""
        self.taken, self.violations, self.is_down, self.is_forgetful = [], [], False, False
        self.faults.clear()
        self.released.clear()
        self.decide = lambda: None

    def bodies_to(self, number: str) -> list[str]:
        return [t.body for t in self.taken if t.to == number]

    def by_chance(self, seed: int) -> None:
        """The mixture of faults of the campaigns: 15% 500, 10% 429, 10% silence, 7% taken and 500."""
        chance = random.Random(seed)
        kinds = [Fault.ERROR, Fault.BUSY, Fault.TAKEN_THEN_CLOSED, Fault.TAKEN_THEN_ERROR, None]

        def decide() -> Fault | None:
            return chance.choices(kinds, weights=(15, 10, 10, 7, 58))[0]

        self.decide = decide

    def callback(
        self, taken: Taken, status: str, *, code: int | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """A signed callback to `taken.status_callback`: `data` and `headers` for any client."""
        assert taken.status_callback is not None
        taken.status, taken.error_code = status, code
        data = {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": "+15005550006",
            "MessageSid": taken.sid,
            "MessageStatus": status,
            "SmsSid": taken.sid,
            "SmsStatus": status,
            "To": taken.to,
        }
        if code is not None:
            data["ErrorCode"] = str(code)
        signature = RequestValidator(token or self.token).compute_signature(taken.status_callback, data)
        return {"data": data, "headers": {"X-Twilio-Signature": signature}}

    # The WSGI application -------------------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        path, values = ROUTES.bind_to_environ(environ).match()
        response = self._answer(request, path, values)
        return response(environ, start_response)

    def _answer(self, request: Request, path: str, values: dict[str, str]) -> Response:
        if self.is_down:
            return _error(503, 20503)
        if not self._knows(request, values):
            return _error(401, 20003)
        if faults := specification.faults_of_path(path, values):
            return self._violated(faults)
        if request.method == "POST" and path == specification.LIST:
            return self._create(request, path)
        if request.method == "GET":
            return self._list(request, path) if path == specification.LIST else self._fetch(path, values["Sid"])
        return self._violated([f"{request.method} {path} is not specified"])

    def _knows(self, request: Request, values: dict[str, str]) -> bool:
        expected = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {expected}" and values["AccountSid"] == ACCOUNT

    def _violated(self, faults: list[str]) -> Response:
        self.violations += faults
        return Response(json.dumps({"violations": faults}), 422, mimetype="application/json")

    def _create(self, request: Request, path: str) -> Response:
        form = request.form.to_dict()
        if faults := specification.faults_of_form(form):
            return self._violated(faults)
        if form["To"] in REFUSED:
            return _error(*REFUSED[form["To"]])
        with self._lock:
            fault = self.faults.popleft() if self.faults else self.decide()
            if fault is Fault.BUSY:
                return _error(429, 20429)
            if fault is Fault.ERROR:
                return _error(500, 20500)
            taken = Taken(
                sid=f"SM{next(self._number):032x}",
                to=form["To"],
                body=form["Body"],
                status_callback=form.get("StatusCallback"),
                form=form,
                created_at=datetime.now(UTC),
            )
            self.taken.append(taken)
        return self._after(fault, request) or self._checked(path, "post", 201, _resource(taken))

    def _after(self, fault: Fault | None, request: Request) -> Response | None:
        """What goes wrong although the text was taken."""
        match fault:
            case Fault.TAKEN_THEN_ERROR:
                return _error(500, 20500)
            case Fault.TAKEN_THEN_SILENCE:
                self.released.wait(15)
                return _error(500, 20500)
            case Fault.TAKEN_THEN_CLOSED:
                request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                return Response()
            case Fault.GARBAGE:
                return Response("<html>a proxy's own page</html>", 200)
        return None

    def _list(self, request: Request, path: str) -> Response:
        query = request.args.to_dict()
        if faults := specification.faults_of_query(path, query):
            return self._violated(faults)
        wanted = [t for t in reversed(self.taken) if query.get("To", t.to) == t.to and not self.is_forgetful]
        size = int(query.get("PageSize", 50))
        # The real one leaves the host out, against its own specification; nobody looks at these.
        page = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize={size}&Page=0"
        body = {
            "messages": [_resource(taken) for taken in wanted[:size]],
            "end": max(0, len(wanted) - 1),
            "first_page_uri": page,
            "next_page_uri": None,
            "page": 0,
            "page_size": size,
            "previous_page_uri": None,
            "start": 0,
            "uri": page,
        }
        return self._checked(path, "get", 200, body)

    def _fetch(self, path: str, sid: str) -> Response:
        found = [taken for taken in self.taken if taken.sid == sid]
        return self._checked(path, "get", 200, _resource(found[0])) if found else _error(404, 20404)

    def _checked(self, path: str, method: str, status: int, body: dict[str, Any]) -> Response:
        """The double is held to the specification too."""
        if faults := specification.faults_of_answer(path, method, status, body):
            self.violations += [f"our own answer: {fault}" for fault in faults]
            return Response(json.dumps({"violations": faults}), 500, mimetype="application/json")
        return Response(json.dumps(body), status, mimetype="application/json")


def _error(status: int, code: int) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": "refused", "more_info": more, "status": status}
    return Response(json.dumps(body), status, mimetype="application/json")


def _resource(taken: Taken) -> dict[str, Any]:
    at = taken.created_at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{taken.sid}"
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": taken.body,
        "date_created": at,
        "date_sent": at if taken.status != "queued" else None,
        "date_updated": at,
        "direction": "outbound-api",
        "error_code": taken.error_code,
        "error_message": None,
        "from": taken.form.get("From"),
        "messaging_service_sid": taken.form.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": taken.sid,
        "status": taken.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": taken.to,
        "uri": f"{uri}.json",
    }


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serve() -> Iterator[FakeTwilio]:
    """A running double; `url` is what TWILIO_API_BASE_URL would say."""
    fake = FakeTwilio()
    listener = make_server("127.0.0.1", 0, fake, threaded=True, request_handler=Quiet)
    listener.daemon_threads = True
    fake.url = f"http://127.0.0.1:{listener.port}"
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.released.set()
        listener.shutdown()
        thread.join()
        listener.server_close()

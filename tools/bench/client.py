"""A client that costs little, because it shares the machine with the server: prepared bytes over kept-alive sockets.

What is asked is a `Flow`: a generator that yields a name and the bytes of a request, and is sent the answer. Flows
run side by side in one process, each on a connection of its own, shared evenly among the server's workers.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from tests.support.browsers import Browser

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
LOCATION = re.compile(rb"\r\nLocation: ([^\r]+)", re.IGNORECASE)
END = b"\r\n\r\n"
TOO_LONG = 30  # seconds for one answer


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        found = LOCATION.search(self.head)
        return found[1].decode() if found else ""


Flow = Generator[tuple[str, bytes], Answer, None]


class NoAnswer(Exception):
    """The server closed the connection or said nothing for too long."""


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in: the bytes of requests with the cookies and the form token of a browser."""

    port: int
    cookies: str
    token: str

    @classmethod
    def of(cls, port: int, cookie: str, page: str) -> Visitor:
        """With a session's cookie (`name=value`), and the form token of a page this person may open."""
        with Browser(port) as browser:
            name, _, browser.cookies[name] = cookie.partition("=")
            if browser.get(page) != 200:
                raise SystemExit(f"GET {page} was not answered with a page: {browser.location or browser.text[:500]}")
            return cls(port, "; ".join(f"{name}={value}" for name, value in browser.cookies.items()), browser.token)

    def get(self, path: str) -> bytes:
        return f"{self._head('GET', path)}\r\n".encode()

    def post(self, path: str, fields: Sequence[tuple[str, str]]) -> bytes:
        body = urlencode([("csrf_token", self.token), *fields])
        kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        return f"{self._head('POST', path)}{kind}\r\n{body}".encode()

    def _head(self, method: str, path: str) -> str:
        return f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nCookie: {self.cookies}\r\n"

    def send(self, request: bytes) -> Answer:
        """One request outside any measurement."""
        connection = Connection(self.port)
        answer = connection.ask(request)
        connection.close()
        return answer


class Connection:
    """One kept-alive connection; an answer may come in pieces."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TOO_LONG)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._begin()

    def _begin(self) -> None:
        self._received, self._head, self._expected = bytearray(), -1, 0

    def ask(self, request: bytes) -> Answer:
        self.socket.sendall(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def receive(self) -> Answer | None:
        """What there is to read; the answer once it is whole."""
        piece = self.socket.recv(262_144)
        if not piece:
            raise NoAnswer("the server closed the connection")
        received = self._received
        received += piece
        if self._head < 0:
            self._head = received.find(END)
            if self._head < 0:
                return None
            length = LENGTH.search(received, 0, self._head + 2)
            self._expected = self._head + len(END) + (int(length[1]) if length else 0)
        if len(received) < self._expected:
            return None
        head = bytes(received[: self._head + 2])
        answer = Answer(int(head[9:12]), head, bytes(received[self._head + len(END) :]))
        self._begin()
        return answer

    def close(self) -> None:
        self.socket.close()


@dataclass
class Taken:
    """Of one run: seconds by name, in the order in which they ended for each flow; answers by status."""

    flows: list[dict[str, list[float]]] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: float = 0.0
    client_cpu: float = 0.0

    def of(self, name: str) -> list[float]:
        return [one for flow in self.flows for one in flow.get(name, [])]

    def together(self, names: Sequence[str]) -> list[float]:
        """The sum over an act of several requests: the n-th of each name belong together."""
        return [sum(each) for flow in self.flows for each in zip(*(flow.get(name, []) for name in names), strict=False)]


class Client:
    """One flow on its connection."""

    def __init__(self, flow: Flow, connection: Connection, taken: Taken) -> None:
        self._flow, self.connection, self._taken = flow, connection, taken
        self._seconds: dict[str, list[float]] = defaultdict(list)
        taken.flows.append(self._seconds)

    def begin(self) -> bool:
        """False for a flow that asks nothing."""
        return self._ask(next(self._flow, None))

    def _ask(self, request: tuple[str, bytes] | None) -> bool:
        if request is None:
            return False
        self._name, self._since = request[0], time.perf_counter()
        self.connection.socket.sendall(request[1])
        return True

    def receive(self) -> Answer | None:
        """The answer once it is whole, its time noted."""
        answer = self.connection.receive()
        if answer is not None:
            self._seconds[self._name].append(time.perf_counter() - self._since)
            self._taken.statuses[(self._name, answer.status)] += 1
        return answer

    def go_on(self, answer: Answer) -> bool:
        """The next request of the flow; False when it has ended."""
        with contextlib.suppress(StopIteration):
            return self._ask(self._flow.send(answer))
        return False

    def close(self) -> None:
        self.connection.close()
        self._flow.close()


def drive(
    flows: Sequence[Flow], *, port: int, workers: Sequence[int], seconds: float, most: int | None = None
) -> Taken:
    """Run the flows side by side until the time is up, all have ended, or `most` requests were answered."""
    taken = Taken()
    connections = balanced(port, len(flows), workers)
    clients = [Client(flow, connection, taken) for flow, connection in zip(flows, connections, strict=True)]
    with selectors.DefaultSelector() as selector:
        cpu, began = time.process_time(), time.perf_counter()
        end = began + seconds
        for client in clients:
            if client.begin():
                selector.register(client.connection.socket, selectors.EVENT_READ, client)
        while selector.get_map():
            ready = selector.select(TOO_LONG)
            if not ready:
                raise NoAnswer(f"no answer within {TOO_LONG} s")
            for key, _ in ready:
                client = key.data
                answer = client.receive()
                if answer is None:
                    continue
                is_over = time.perf_counter() >= end or (most is not None and taken.statuses.total() >= most)
                if is_over or not client.go_on(answer):
                    selector.unregister(client.connection.socket)
        taken.seconds = time.perf_counter() - began
        taken.client_cpu = time.process_time() - cpu
    for client in clients:
        client.close()
    return taken


def balanced(port: int, number: int, workers: Sequence[int]) -> list[Connection]:
    """Connections of which every worker has the same share: which one accepts a connection is chance. While one of
    them accepts, the others stand still.
    """
    kept: list[Connection] = []
    for position, worker in enumerate(workers):
        with _standing_still([other for other in workers if other != worker]):
            kept += [_accepted(port) for _ in range(position, number, len(workers))]
    return kept


@contextlib.contextmanager
def _standing_still(workers: Sequence[int]) -> Iterator[None]:
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)


def _accepted(port: int) -> Connection:
    connection = Connection(port)
    connection.ask(f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    return connection

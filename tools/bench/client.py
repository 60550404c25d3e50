"""A client that costs little, because it shares the machine with the server: prepared bytes over kept-alive sockets.

What is asked is a `Flow`: a generator that yields a name and the bytes of a request, and is sent the answer. Flows
run side by side in one process, each on a connection of its own, shared evenly among the server's workers.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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


def drive(
    flows: Sequence[Flow], *, port: int, workers: Sequence[int], seconds: float, most: int | None = None
) -> Taken:
    """Run the flows side by side until the time is up, all have ended, or `most` requests were answered."""
    connections = balanced(port, len(flows), workers)
    taken, answered = Taken(flows=[defaultdict(list) for _ in flows]), 0
    with selectors.DefaultSelector() as selector:
        asked: list[tuple[str, float]] = [("", 0.0)] * len(flows)

        def ask(number: int, request: tuple[str, bytes]) -> None:
            asked[number] = (request[0], time.perf_counter())
            connections[number].socket.sendall(request[1])

        cpu, began = time.process_time(), time.perf_counter()
        end = began + seconds
        running = 0
        for number, flow in enumerate(flows):
            first = next(flow, None)
            if first is not None:
                selector.register(connections[number].socket, selectors.EVENT_READ, number)
                ask(number, first)
                running += 1
        while running:
            ready = selector.select(TOO_LONG)
            if not ready:
                raise NoAnswer(f"no answer within {TOO_LONG} s")
            for key, _ in ready:
                number = key.data
                answer = connections[number].receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                name, since = asked[number]
                taken.flows[number][name].append(now - since)
                taken.statuses[(name, answer.status)] += 1
                answered += 1
                is_over = now >= end or (most is not None and answered >= most)
                following = None if is_over else _following(flows[number], answer)
                if following is None:
                    selector.unregister(connections[number].socket)
                    running -= 1
                else:
                    ask(number, following)
        taken.seconds = time.perf_counter() - began
        taken.client_cpu = time.process_time() - cpu
    for connection in connections:
        connection.close()
    for flow in flows:
        flow.close()
    return taken


def _following(flow: Flow, answer: Answer) -> tuple[str, bytes] | None:
    try:
        return flow.send(answer)
    except StopIteration:
        return None


def balanced(port: int, number: int, workers: Sequence[int]) -> list[Connection]:
    """Connections of which every worker has the same share: which one accepts a connection is chance."""
    share = -(-number // max(1, len(workers)))
    kept: list[Connection] = []
    spare: list[Connection] = []
    held: Counter[int] = Counter()
    while len(kept) < number:
        connection = Connection(port)
        connection.ask(f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        worker = _worker_of(connection, workers)
        if held[worker] < share or len(spare) > 20 * number:
            held[worker] += 1
            kept.append(connection)
        else:
            spare.append(connection)
    for connection in spare:
        connection.close()
    return kept


def _worker_of(connection: Connection, workers: Sequence[int]) -> int:
    """The process that holds the other end; 0 when that cannot be told."""
    (_, ours), (_, theirs) = connection.socket.getsockname(), connection.socket.getpeername()
    ends = re.compile(rf":\s+[0-9A-F]+:{theirs:04X} [0-9A-F]+:{ours:04X} (?:\S+ +){{6}}(\d+)")
    found = ends.search(Path("/proc/net/tcp").read_text())
    if found is None:
        return 0
    wanted = f"socket:[{found[1]}]"
    for worker in workers:
        for entry in os.scandir(f"/proc/{worker}/fd"):
            try:
                if os.readlink(entry.path) == wanted:
                    return worker
            except OSError:
                continue
    return 0

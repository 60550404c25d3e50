"""What no test client can send, over real HTTP: an answer people can read, and nothing of it in the log."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.secrecy.bad_requests import fault_of_page
from tests.support.databases import Database
from tests.support.figures import Figures
from tests.support.servers import Web, web

pytestmark = pytest.mark.only("sqlite")  # none of it comes as far as the database
SECRET = "qzheaderxk"  # stands in places of a request that a log could quote
HOST = b"Host: localhost\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
MEGABYTE = b"x" * 1_000_000


def get(path: bytes, more: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + path + b" " + version + b"\r\n" + HOST + more + b"\r\n"


def post(body: bytes, more: bytes, path: bytes = b"/login") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + FORM + more + b"\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)


NEVER_READ = {
    "a cookie of 20 kilobytes": get(b"/login", b"Cookie: a=" + b"x" * 20_000 + b"\r\n"),
    "two hundred headers": get(b"/login", b"".join(b"X-%d: y\r\n" % n for n in range(200))),
    "a header without a colon": get(b"/login", b"Cookie qzheaderxk\r\n"),
    "a header of binary": get(b"/login", b"X-\xff\xfe: qzheaderxk\r\n"),
    "a header with a zero byte": get(b"/login", b"X: qzheaderxk\0\r\n"),
    "a header over two lines": get(b"/login", b"X: a\r\n qzheaderxk\r\n"),
    "a line too long": get(b"/" + b"a" * 10_000),
    "a line with spaces": get(b"/stays/qzheader xk"),
    "no version": b"GET /\r\n" + HOST + b"\r\n",
    "an unknown version": get(b"/", version=b"HTTP/9.9"),
    "no method": b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method that is none": b"qzheaderxk\xff / HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": post(b"a=1", b"Content-Length: 3\r\nContent-Length: 4\r\n"),
    "a length below zero": post(b"a=1", b"Content-Length: -3\r\n"),
    "a length in words": post(b"a=1", b"Content-Length: three\r\n"),
    "a length and chunks": post(chunked(b"a=1", b""), b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    "an unknown coding": post(b"a=1", b"Transfer-Encoding: qzheaderxk\r\n"),
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 600 + b"\r\n\r\n",
    "nothing but noise": bytes(range(256)) * 40 + b"\r\n\r\n",
}
READ = {
    "broken percent signs": get(b"/%zz%"),
    "half a character": get(b"/stays/%C0%AF"),
    "a zero byte in the address": get(b"/stays/%00"),
    "half a surrogate pair": get(b"/stays/%ED%A0%80"),
    "the address of another house": get(b"http://elsewhere.example/nothing"),
    "an address that is two slashes": get(b"//elsewhere.example/nothing"),
    "no address": get(b"?"),
    "no host": b"GET /nothing HTTP/1.1\r\n\r\n",
    "an empty host": b"GET /nothing HTTP/1.1\r\nHost: \r\n\r\n",
    "a strange host": b"GET /nothing HTTP/1.1\r\nHost: \xec\x89\xbc/?#@:x\r\n\r\n",
    "ten megabytes": post(b"a=" + MEGABYTE * 10, b"Content-Length: 10000002\r\n"),
    "ten megabytes to nowhere": post(b"a=" + MEGABYTE * 10, b"Content-Length: 10000002\r\n", path=b"/nothing"),
    "ten megabytes in chunks": post(chunked(*[MEGABYTE] * 10, b""), b"Transfer-Encoding: chunked\r\n"),
    "ten megabytes announced": post(b"a=", b"Content-Length: 10000000000\r\n"),
    "less than announced": post(b"a=1", b"Content-Length: 300\r\n"),
    "a chunk without a size": post(b"qzheaderxk\r\na=1\r\n0\r\n\r\n", b"Transfer-Encoding: chunked\r\n"),
    "a chunk that does not end": post(b"ff\r\na=1", b"Transfer-Encoding: chunked\r\n"),
    "an expectation": post(b"a=1", b"Content-Length: 3\r\nExpect: qzheaderxk\r\n"),
}


@pytest.fixture(scope="module")
def server(shared_database: Database) -> Iterator[Web]:
    with web(shared_database, workers=1) as running:
        yield running
        assert running.broken() == []
        assert SECRET not in running.log()


def ask(server: Web, request: bytes) -> tuple[int, str]:
    """As a client that says all it has to say, then listens: status and page."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), f"no answer: {answer[:200]!r}"
    return int(head.split()[1]), body.decode()


@pytest.mark.parametrize("request_", [*NEVER_READ.values(), *READ.values()], ids=[*NEVER_READ, *READ])
def test_a_request_that_is_none_is_answered_with_a_sentence(server: Web, request_: bytes, figures: Figures) -> None:
    status, page = ask(server, request_)
    assert status < 500
    assert fault_of_page(page, "ko", is_refused=status >= 400) is None
    figures("bad requests over real HTTP", requests=1, refused_with_a_sentence=int(status >= 400))


@pytest.mark.parametrize("request_", NEVER_READ.values(), ids=NEVER_READ)
def test_what_never_reaches_the_application_is_said_in_both_languages(server: Web, request_: bytes) -> None:
    status, page = ask(server, request_)
    assert 400 <= status < 500
    assert "could not be read" in page
    assert "읽을 수 없" in page

"""What no form would send: values, bodies and headers for `bad_requests`."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

VALUES: tuple[str, ...] = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb\udcff",
    "0",
    "-1",
    "-2147483649",
    "99999999999999999999999",
    "9" * 5_000,
    "1e9",
    "NaN",
    "²",
    "٣",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2026-02-30",
    "2026-13-40",
    "0000-01-01T00:00",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "2026-03-10T25:61",
    "24:00",
    "00:00",
    "\u202e\u200fdrawkcab",
    "🏳️‍🌈👩‍👩‍👧‍👦" * 20,
    "e\u0301" * 300,
    "쉼터" * 500,
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "' OR 1=1 --",
    "%s %(x)s %d",
    "../../etc/passwd",
    "//elsewhere.example/",
    "https://elsewhere.example/",
    "00000000-0000-0000-0000-000000000000",
    "not-a-uuid",
    "\r\nSet-Cookie: x=y",
    "\ud55c\ufeff\u2028",
    "+82-10-1234-5678",
    "1:2026-03-10:2026-03-17",
    "1:9999-12-31:0001-01-01 2:x:y",
    "on",
    "y",
    "ko",
    "now",
    "earlier",
    "granted",
    "K7M2PQ9-1",
    "x" * 70_000,
)
IN_ADDRESSES = ("%00", "..%2f", "%ff", "%ed%a0%80", "%zz", "9" * 30, "²", "K7M2PQ9-999", "a" * 300, "-1", "%F0%9F%8F")
MULTIPART = "multipart/form-data; boundary=here"
FORM = "application/x-www-form-urlencoded"
HEADERS: tuple[dict[str, str], ...] = (
    {"HX-Request": "true"},
    {"Accept-Language": "xx-YY;q=9,*;q=-1,\u00e9"},
    {"Accept-Language": "k" * 4_000},
    {"Authorization": "Bearer \u00e9\u00e8"},
    {"X-Forwarded-For": "999.1.1.1, \u00ff", "X-Forwarded-Host": "elsewhere.example"},
    {"Range": "bytes=9-1"},
    {"If-Modified-Since": "never", "If-None-Match": '"\u00ff'},
    {"X-" + "y" * 60: "z" * 8_000},
    {"Accept": "application/json"},
    {"X-Twilio-Signature": "\u00e9="},
)
NO_NAME = (
    b"--here\r\nContent-Disposition: form-data\r\n\r\nno name\r\n"
    b'--here\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--here--\r\n'
)
NESTED = b"[" * 5_000
# Bodies that are no form, or not whole: what is sent, and what it is said to be.
BROKEN: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe" * 400, FORM),
    (b"&&&=&%zz=%&%=%", FORM),
    (b"a=%ED%A0%80&b=%C0%AF&c=%FF", FORM),
    (b"a=1&" * 5_000, FORM),
    (b"a" * 300_000, FORM),
    (b"a=1", f"{FORM}; charset=utf-16"),
    (b"a=1", f"{FORM}; charset=nowhere"),
    (b"a=1", ""),
    (b"a=1", "/"),
    (b"a=1", "text/plain"),
    (b'{"a": "\\ud800", "once": null}', "application/json"),
    (b"{", "application/json"),
    (NESTED, "application/json"),
    (b"a=1", "multipart/form-data"),
    (b"", MULTIPART),
    (b"--here", MULTIPART),
    (b"--here\r\n", MULTIPART),
    (b'--here\r\nContent-Disposition: form-data; name="a"\r\n\r\nnever ended', MULTIPART),
    (NO_NAME, MULTIPART),
    (b'--here\r\nContent-Disposition: form-data; name="a"; filename="\x00\xff"\r\n\r\n\x00\r\n--here--\r\n', MULTIPART),
    (b'--here\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 1_500 + b"--here--\r\n", MULTIPART),
)
FILES = (b"", b"PK\x03\x04broken", b"\xff\xfe\x00", b"a,b\r\n" * 20_000, "이름,날짜\r\n".encode("cp949"))
TEN_MEGABYTES = (b"a=" + b"x" * 10_000_000, FORM)


HEADS = ("women", "men", "older_boys", "children", "girls", "boys", "infants")
A_DATE = re.compile(r"\d{4}-\d\d-\d\d")
HUGE, SWAPPED, FOREIGN, REPEATED, NEGATIVE = (
    *("ten megabytes", "dates swapped", "ids of others", "repeated fields", "less than no people"),
)
# What has to have been sent for a campaign to prove anything; below by what it is known.
KINDS = (HUGE, SWAPPED, FOREIGN, REPEATED, NEGATIVE, "zero bytes", "right to left", "emoji", "year 9999")


def kinds_of(sent: Mapping[str, Any], foreign: set[str]) -> set[str]:
    """Which of them are in these fields; of dates only who swapped them knows."""
    found, values = set(), []
    for name, value in sent.items():
        several = value if isinstance(value, list) else [value]
        found |= {REPEATED} if len(several) > 1 else set()
        found |= {NEGATIVE} if name in HEADS and str(several[0]).startswith("-") else set()
        values += [name, *map(str, several)]
    found |= {FOREIGN} if foreign & set(values) else set()
    for kind, mark in {"zero bytes": "\0", "right to left": "\u202e", "emoji": "🏳", "year 9999": "9999-"}.items():
        found |= {kind} if any(mark in value for value in values) else set()
    return found


def encoded(fields: Mapping[str, Any]) -> bytes:
    """As a browser would send it, and what no browser could: halves of surrogate pairs."""
    return urlencode(fields, doseq=True, errors="surrogatepass").encode()


def multipart(fields: Mapping[str, Any], chance: random.Random) -> bytes:
    """The same with a file in it."""
    parts = []
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            head = f'Content-Disposition: form-data; name="{name}"'.encode("utf-8", "surrogatepass")
            parts.append(head + b"\r\n\r\n" + str(each).encode("utf-8", "surrogatepass"))
    content = chance.choice(FILES)
    name = chance.choice((b"list.xlsx", b"list.csv", b"..\\..\\list.csv", b"\xff", b""))
    parts.append(b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n' + content)
    return b"".join(b"--here\r\n" + part + b"\r\n" for part in parts) + b"--here--\r\n"

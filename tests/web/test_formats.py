"""Days, nights, times and numbers as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time

import pytest
import time_machine
from flask import Flask

from shelter.web import formats
from tests.web.gallery import gallery


@pytest.fixture(scope="module")
def app() -> Flask:
    return gallery()


@pytest.fixture(autouse=True)
def in_2026() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 10, 3, tzinfo=UTC), tick=False):
        yield


@pytest.mark.parametrize(
    ("show", "value", "korean", "english"),
    [
        (formats.on, date(2026, 11, 23), "11월 23일(월)", "Mon 23 Nov"),
        (formats.on, date(2027, 2, 28), "2027년 2월 28일(일)", "Sun 28 Feb 2027"),
        (formats.on, datetime(2026, 3, 9, 15, 30, tzinfo=UTC), "3월 10일(화)", "Tue 10 Mar"),
        (formats.on, None, "–", "–"),
        (formats.at, datetime(2026, 3, 10, 17, 5, tzinfo=UTC), "02:05", "02:05"),
        (formats.at, time(21, 0), "21:00", "21:00"),
        (formats.moment, datetime(2026, 3, 10, 17, 5, tzinfo=UTC), "3월 11일(수) 02:05", "Wed 11 Mar, 02:05"),
        (formats.night, date(2026, 11, 10), "11월 10일(화)→11일(수) 밤", "night of Tue 10 to Wed 11 Nov"),
        (formats.night, date(2026, 11, 30), "11월 30일(월)→12월 1일(화) 밤", "night of Mon 30 Nov to Tue 1 Dec"),
        (
            formats.night,
            date(2026, 12, 31),
            "12월 31일(목)→2027년 1월 1일(금) 밤",
            "night of Thu 31 Dec 2026 to Fri 1 Jan 2027",
        ),
        (
            formats.night,
            date(2027, 11, 10),
            "2027년 11월 10일(수)→11일(목) 밤",
            "night of Wed 10 to Thu 11 Nov 2027",
        ),
        (formats.night_short, date(2026, 11, 10), "10일→11일", "10→11 Nov"),
        (formats.night_short, date(2026, 11, 30), "30일→12월 1일", "30 Nov→1 Dec"),
        (formats.phone, "+821012345678", "010-1234-5678", "010-1234-5678"),
        (formats.phone, "0212345678", "02-1234-5678", "02-1234-5678"),
        (formats.phone, "+447400123456", "+44 7400 123456", "+44 7400 123456"),
        (formats.phone, "1366", "1366", "1366"),
        (formats.phone, "", "–", "–"),
    ],
)
def test_it_reads_as_people_say_it(
    app: Flask, show: Callable[..., str], value: object, korean: str, english: str
) -> None:
    for locale, expected in (("ko", korean), ("en", english)):
        with app.test_request_context("/", headers={"Accept-Language": locale}):
            assert show(value) == expected

"""Coordinators at their browsers: each act is the form the product has for it, sent over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

from flask import Flask

from shelter.domain.nights import Nights
from shelter.domain.permissions import Role
from tests.support.browsers import new_once
from tests.support.people import create_user
from tests.support.servers import Web

Answer = TypeVar("Answer")
PATIENCE = 3600


class Coordinator:
    """One person, signed in; `status`es are those of the answers, `browser.text` what is read."""

    def __init__(self, app: Flask, server: Web, *, locale: str = "en") -> None:
        self.locale = locale
        self.browser = server.browser()
        self.account = self.browser.enter(app, user=create_user(app, roles={Role.COORDINATOR}, locale=locale))

    def hold(self, unit: int, nights: Nights, once: str | None = None) -> int:
        return self.browser.post("/find/hold", wanted(unit, nights), once=once or new_once())

    @property
    def held(self) -> str:
        """The stay's reference, after a hold."""
        return self.browser.location.split("/")[2]

    def confirm(self, reference: str, arrive_on: date, once: str | None = None) -> int:
        return self.browser.post(f"/stays/{reference}/confirm", expected(arrive_on), once=once or new_once())

    def release(self, reference: str) -> int:
        return self.browser.post(f"/stays/{reference}/hold/release", once=new_once())

    def cancel(self, reference: str) -> int:
        fields = {"cancel_reason": "changed_mind", "note": ""}
        return self.browser.post(f"/stays/{reference}/cancel", fields, once=new_once())


def wanted(unit: int, nights: Nights) -> dict[str, Any]:
    """What the button of a unit on the page of findings sends, for one woman."""
    until, night = {"until": "day", "leave_on": nights.leave_on}, nights.arrive_on
    return {"arrive_on": night, **until, "women": 1, "segments": f"{unit}:{night}:{nights.leave_on}"}


def expected(arrive_on: date) -> dict[str, Any]:
    """What the page before the confirmation sends: told by voice."""
    return {"expected_at": f"{arrive_on}T21:00", "text": "by_voice"}


def together(acts: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Each in a thread of its own, begun at one moment; what each came to. The first failure is raised."""
    start = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            start.wait(60)
            answers[number] = acts[number]()
        except BaseException as failed:
            failures.append(failed)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "somebody still waits for an answer"
    return answers

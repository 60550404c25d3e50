"""The gateway of tests: remembers what it was given, and fails when told to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from shelter import clock
from shelter.domain.messages import MessageState
from shelter.gateways.sms.protocol import Accepted, OutcomeUnknown


@dataclass(frozen=True)
class Sent:
    number: str
    body: str
    callback_url: str | None
    valid_for: timedelta
    at: datetime
    accepted: Accepted


class RecordedGateway:
    """`sent` in order. `faults`: raised by the next calls of `send`, one each; None lets a call through.

    A fault in `lost_answers` is raised after the text was taken: the provider has it, we do not know.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.faults: deque[Exception | None] = deque()
        self.lost_answers: deque[Exception | None] = deque()
        self.is_silent = False  # `find` cannot be asked

    def send(self, number: str, body: str, *, callback_url: str | None, valid_for: timedelta) -> Accepted:
        if fault := self._next(self.faults):
            raise fault
        accepted = Accepted(f"recorded-{len(self.sent) + 1}", MessageState.SENT)
        self.sent.append(Sent(number, body, callback_url, valid_for, clock.now(), accepted))
        if fault := self._next(self.lost_answers):
            raise fault
        return accepted

    def find(self, number: str, body: str, *, since: datetime) -> list[Accepted]:
        if self.is_silent:
            raise OutcomeUnknown()
        return [s.accepted for s in self.sent if (s.number, s.body) == (number, body) and s.at >= since]

    @staticmethod
    def _next(queue: deque[Exception | None]) -> Exception | None:
        return queue.popleft() if queue else None

"""What every SMS gateway promises, whoever is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shelter.domain.messages import MessageState
from shelter.domain.refusals import Refusal


@dataclass(frozen=True)
class Accepted:
    """The provider has it: its id there, and how far it is, in our words."""

    provider_id: str
    state: MessageState
    refusal: Refusal | None = None


class NotAccepted(Exception):
    """The provider has not got it, and never will from this call."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class TemporaryRefusal(NotAccepted):
    """Not taken now; trying again later is safe, because nothing was processed."""


class PermanentRefusal(NotAccepted):
    """Trying again would be refused again."""


class OutcomeUnknown(Exception):
    """The call broke off. The provider may have the text or not: ask, never send again blindly.

    Its text is the kind of fault, never a value.
    """


class SmsGateway(Protocol):
    def send(self, number: str, body: str, *, callback_url: str | None, valid_for: timedelta) -> Accepted:
        """Hand over one text to a number in E.164. Raises TemporaryRefusal, PermanentRefusal, OutcomeUnknown.

        The provider tells of its fate at `callback_url` and gives up after `valid_for`.
        """

    def find(self, number: str, body: str, *, since: datetime) -> list[Accepted]:
        """Texts with this body the provider took for this number since then, oldest first.

        Raises OutcomeUnknown when it cannot be asked now.
        """

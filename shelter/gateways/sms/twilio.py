"""Texts through Twilio. Its words and codes end here.

Asked again later: what it has certainly not processed (429, no connection). Asked for, never sent again blindly:
whatever broke off on the way (time-out, 5xx). Everything else it refuses is refused for good.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from shelter.config import LOOPBACK, Settings, UnsafeSettings
from shelter.domain.messages import MessageState
from shelter.domain.refusals import Refusal
from shelter.gateways.sms.protocol import (
    Accepted,
    NotAccepted,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
)

if TYPE_CHECKING:
    from twilio.rest import Client

TIMEOUT_SECONDS = 10.0
LONGEST_VALIDITY = timedelta(hours=10)
CLOCKS_DIFFER_BY = timedelta(seconds=30)
HOW_FAR_BACK = 50  # texts to one number, newest first
TOO_MANY = 429

STATES: dict[str, MessageState] = {
    "accepted": MessageState.SENT,
    "scheduled": MessageState.SENT,
    "queued": MessageState.SENT,
    "sending": MessageState.SENT,
    "sent": MessageState.SENT,
    "partially_delivered": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.DELIVERED,  # nobody knows that it was read
    "undelivered": MessageState.FAILED,
    "failed": MessageState.FAILED,
    "canceled": MessageState.FAILED,
}
REFUSALS: dict[int, Refusal] = {
    20003: Refusal.SETTINGS_WRONG,  # credentials
    20404: Refusal.SETTINGS_WRONG,
    20429: Refusal.TOO_MANY,
    21211: Refusal.NUMBER_INVALID,
    21212: Refusal.SETTINGS_WRONG,  # sender
    21265: Refusal.NUMBER_INVALID,
    21408: Refusal.REGION_CLOSED,
    21603: Refusal.SETTINGS_WRONG,
    21606: Refusal.SETTINGS_WRONG,
    21610: Refusal.OPTED_OUT,
    21611: Refusal.TOO_MANY,  # the sender's queue is full
    21612: Refusal.REGION_CLOSED,
    21614: Refusal.NOT_MOBILE,
    21617: Refusal.TEXT_REFUSED,
    21703: Refusal.SETTINGS_WRONG,  # messaging service without a sender
    30001: Refusal.TOO_MANY,
    30002: Refusal.SETTINGS_WRONG,  # account suspended
    30003: Refusal.HANDSET_OFF,
    30004: Refusal.BLOCKED,
    30005: Refusal.HANDSET_UNKNOWN,
    30006: Refusal.NOT_MOBILE,
    30007: Refusal.FILTERED,
    30008: Refusal.CARRIER_FAULT,
    30036: Refusal.TOO_LATE,
}
SAFE_TO_RETRY = {Refusal.TOO_MANY}


def state_of(status: str | None) -> MessageState | None:
    """Our word for theirs; None for one we do not know, which changes nothing."""
    return STATES.get((status or "").lower())


def refusal_of(code: Any) -> Refusal:
    """Our word for a code of theirs, as it comes in an answer or a callback."""
    try:
        return REFUSALS.get(int(code), Refusal.CARRIER_FAULT)
    except (TypeError, ValueError):
        return Refusal.CARRIER_FAULT


class TwilioGateway:
    """One client with a pool of connections. Nothing it logs holds a number or a text."""

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT_SECONDS) -> None:
        assert settings.twilio_account_sid is not None
        assert settings.twilio_auth_token is not None
        for noisy in ("twilio.http_client", "urllib3"):  # both would log addresses with numbers in them
            logging.getLogger(noisy).setLevel(logging.WARNING)
        self._sender = (
            {"messaging_service_sid": settings.twilio_messaging_service_sid}
            if settings.twilio_messaging_service_sid
            else {"from_": settings.twilio_from_number}
        )
        base = _base(settings)
        # Twilio refuses a callback to an address it cannot reach; a double on this machine can.
        self._is_reachable = base is not None or urlsplit(settings.public_url).hostname not in LOOPBACK
        token = settings.twilio_auth_token.get_secret_value()
        self._client = _client(settings.twilio_account_sid, token, base, timeout)

    def send(self, number: str, body: str, *, callback_url: str | None, valid_for: timedelta) -> Accepted:
        fields: dict[str, Any] = {"to": number, "body": body, **self._sender}
        fields["validity_period"] = max(1, int(min(valid_for, LONGEST_VALIDITY).total_seconds()))
        if callback_url and self._is_reachable:
            fields["status_callback"] = callback_url
        try:
            return _accepted(self._client.messages.create(**fields))
        except Exception as broken:
            raise _explained(broken) from None  # the cause would quote number and text

    def find(self, number: str, body: str, *, since: datetime) -> list[Accepted]:
        try:
            listed = self._client.messages.list(to=number, limit=HOW_FAR_BACK, page_size=HOW_FAR_BACK)
            ours = [m for m in listed if m.body == body and _is_since(m.date_created, since)]
            return [_accepted(m) for m in sorted(ours, key=lambda m: m.date_created or since)]
        except Exception as broken:
            raise OutcomeUnknown(type(broken).__name__) from None


def _is_since(created: datetime | None, since: datetime) -> bool:
    return created is None or created >= since - CLOCKS_DIFFER_BY


def _accepted(message: Any) -> Accepted:
    if not message.sid:
        raise OutcomeUnknown("no id")
    state = state_of(message.status) or MessageState.SENT
    return Accepted(message.sid, state, refusal_of(message.error_code) if state is MessageState.FAILED else None)


def _explained(broken: Exception) -> NotAccepted | OutcomeUnknown:
    """What the failed call means for the text."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import ConnectTimeout
    from twilio.base.exceptions import TwilioRestException, TwilioServiceException
    from urllib3.exceptions import NewConnectionError

    if isinstance(broken, TwilioRestException | TwilioServiceException):
        return _refused(broken.status, broken.code)
    if isinstance(broken, ConnectTimeout):
        return TemporaryRefusal(Refusal.OFFLINE)
    if isinstance(broken, NoConnection):
        reason = getattr(broken.args[0] if broken.args else None, "reason", None)
        if isinstance(reason, NewConnectionError):  # nobody answered: nothing was said
            return TemporaryRefusal(Refusal.OFFLINE)
    return OutcomeUnknown(type(broken).__name__)


def _refused(status: int, code: Any) -> NotAccepted | OutcomeUnknown:
    if status == TOO_MANY:
        return TemporaryRefusal(Refusal.TOO_MANY)
    if not 400 <= status < 500:
        return OutcomeUnknown(f"status {status}")
    unknown = Refusal.SETTINGS_WRONG if status in (401, 403, 404) else Refusal.TEXT_REFUSED
    said = REFUSALS.get(int(code) if str(code).isdecimal() else 0, unknown)
    return TemporaryRefusal(said) if said in SAFE_TO_RETRY else PermanentRefusal(said)


def _base(settings: Settings) -> SplitResult | None:
    if not settings.twilio_api_base_url:
        return None
    base = urlsplit(settings.twilio_api_base_url)
    if settings.env != "production" and base.hostname not in LOOPBACK:
        raise UnsafeSettings(
            "The system does not start: TWILIO_API_BASE_URL must be on this machine while SHELTER_ENV is development."
        )
    return base


def _client(account: str, token: str, base: SplitResult | None, timeout: float) -> Client:
    # Imported here: it costs every process that never sends 190 ms and 26 MB.
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Redirected(TwilioHttpClient):
        """Speaks to another address in Twilio's place, and only to that one."""

        def __init__(self, to: SplitResult) -> None:
            super().__init__(timeout=timeout)
            self._to = to
            assert self.session is not None
            self.session.trust_env = False

        def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Any:
            asked = urlsplit(url)
            path = self._to.path.rstrip("/") + asked.path
            there = urlunsplit((self._to.scheme, self._to.netloc, path, asked.query, ""))
            return super().request(method, there, *arguments, **named)

    http = Redirected(base) if base else TwilioHttpClient(timeout=timeout)
    return Client(account, token, http_client=http)

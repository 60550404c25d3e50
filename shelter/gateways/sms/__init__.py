"""Sending texts. One protocol, several gateways: the settings choose."""

from __future__ import annotations

from shelter.config import Settings
from shelter.gateways.sms.protocol import (
    Accepted,
    OutcomeUnknown,
    PermanentRefusal,
    SmsGateway,
    TemporaryRefusal,
)

__all__ = [
    "Accepted",
    "OutcomeUnknown",
    "PermanentRefusal",
    "SmsGateway",
    "TemporaryRefusal",
    "gateway_from",
]


def gateway_from(settings: Settings) -> SmsGateway:
    """The gateway these settings ask for. Raises UnsafeSettings, naming the setting to mend."""
    if settings.sms_gateway == "twilio":
        from shelter.gateways.sms.twilio import TwilioGateway

        return TwilioGateway(settings)
    from shelter.gateways.sms.console import ConsoleGateway

    return ConsoleGateway()

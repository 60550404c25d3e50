"""Why a text was not taken or not delivered, in our words; gateways translate at their door."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """The word kept with the message and shown to people. Provider codes stay at the gateway."""

    NUMBER_INVALID = "number_invalid"
    NOT_MOBILE = "not_mobile"  # a landline, or a number that takes no texts
    OPTED_OUT = "opted_out"  # this number refused texts at the provider
    REGION_CLOSED = "region_closed"  # the account may not text this country
    HANDSET_OFF = "handset_off"  # unreachable: off, or without a signal
    BLOCKED = "blocked"  # by the phone or the carrier
    HANDSET_UNKNOWN = "handset_unknown"  # the number exists no more
    FILTERED = "filtered"  # the carrier took it for spam
    CARRIER_FAULT = "carrier_fault"  # lost on the way, nobody says why
    TOO_LATE = "too_late"  # its time ran out on the way
    TOO_MANY = "too_many"  # the provider asks us to slow down
    SETTINGS_WRONG = "settings_wrong"  # account, credentials, sender or funds: for the operator
    TEXT_REFUSED = "text_refused"  # the provider would not take this text
    OFFLINE = "offline"  # the provider could not be reached
    NEVER_SETTLED = "never_settled"  # the provider could not tell what became of it

    @property
    def is_about_the_number(self) -> bool:
        """The next text to this number would fare no better."""
        return self in {Refusal.NUMBER_INVALID, Refusal.NOT_MOBILE, Refusal.OPTED_OUT, Refusal.HANDSET_UNKNOWN}

    @property
    def is_for_the_operator(self) -> bool:
        """No text leaves until somebody mends the account."""
        return self in {Refusal.SETTINGS_WRONG, Refusal.REGION_CLOSED}

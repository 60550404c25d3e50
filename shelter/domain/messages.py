from enum import StrEnum


class Detail(StrEnum):
    NONE = "none"
    CALL_US = "call_us"
    DATE_ONLY = "date_only"


class MessageState(StrEnum):
    QUEUED = "queued"
    SUPPRESSED = "suppressed"


class Suppression(StrEnum):
    NO_CONTACT = "no_contact"


class Template(StrEnum):
    CONFIRMED = "confirmed"

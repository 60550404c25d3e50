from enum import StrEnum


class CountingRule(StrEnum):
    CIVIL_CODE = "civil_code"
    SAME_DAY = "same_day"


class ReadmissionRule(StrEnum):
    RESET = "reset"
    CUMULATIVE = "cumulative"

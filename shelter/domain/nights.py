from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Nights:
    arrive_on: date
    leave_on: date

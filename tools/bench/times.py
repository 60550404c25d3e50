"""Many measurements of one thing, put into few figures."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass
class Times:
    """Seconds of single acts, over how many seconds they were made, and what they cost the processors."""

    taken: list[float] = field(default_factory=list)
    seconds: float = 0.0
    web_cpu: float = 0.0
    database_cpu: float = 0.0

    def add(self, taken: list[float], seconds: float, *, web_cpu: float = 0.0, database_cpu: float = 0.0) -> None:
        self.taken += taken
        self.seconds += seconds
        self.web_cpu += web_cpu
        self.database_cpu += database_cpu

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return statistics.median(self.taken) * 1000 if self.taken else 0.0

    @property
    def p95(self) -> float:
        if len(self.taken) < 2:
            return self.p50
        return statistics.quantiles(self.taken, n=20)[18] * 1000

    @property
    def rate(self) -> float:
        """Of all clients together, in a second."""
        return len(self.taken) / self.seconds if self.seconds else 0.0

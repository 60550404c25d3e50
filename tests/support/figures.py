"""What the campaigns found, in one table at the end of a run: `make prove`, `make test`, or one test alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

KEY = "figures"
GUARDED, CONTROL = "guarded", "control"
HEADING = ("database", "arm")


class Figures(Protocol):
    """`figures("no place sold twice", attempts=10_000, booked=37)`; the control arm adds `arm="control"`.

    Notes of one campaign, database and arm make one line: whole numbers of its shards are added up, of other
    values the smallest and the largest are shown.
    """

    def __call__(self, what: str, /, *, arm: str = GUARDED, **numbers: Any) -> None: ...


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Notes numbers of a campaign for the table; they travel with the report of the test, from any worker."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    database = str(parameters.get("dialect", "")) or "-"

    def note(what: str, /, *, arm: str = GUARDED, **numbers: Any) -> None:
        kept = {name: n if isinstance(n, int | float) else str(n) for name, n in numbers.items()}
        request.node.user_properties.append((KEY, [what, database, arm, kept]))

    return note


@dataclass
class Line:
    """One campaign on one database, with its guard or without."""

    values: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, numbers: dict[str, Any]) -> None:
        for name, value in numbers.items():
            self.values.setdefault(name, []).append(value)

    def cell(self, name: str) -> str:
        noted = self.values.get(name)
        if noted is None:
            return ""
        if all(isinstance(value, int) and not isinstance(value, bool) for value in noted):
            return f"{sum(noted):,}"
        if all(isinstance(value, int | float) for value in noted):
            noted = [f"{value:.1f}" for value in (min(noted), max(noted))]
        return " … ".join(dict.fromkeys(map(str, noted)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    campaigns: dict[str, dict[tuple[str, str], Line]] = {}
    for report in (r for reports in terminalreporter.stats.values() for r in reports):
        if getattr(report, "when", None) != "call":
            continue
        for name, noted in getattr(report, "user_properties", ()):
            if name == KEY:
                what, database, arm, numbers = noted
                campaigns.setdefault(what, {}).setdefault((database, arm), Line()).add(numbers)
    if campaigns:
        write(campaigns, terminalreporter.write_sep, terminalreporter.write_line)


def write(
    campaigns: dict[str, dict[tuple[str, str], Line]],
    separator: Callable[..., None],
    line: Callable[[str], None],
) -> None:
    separator("=", "figures of the campaigns")
    for what, lines in sorted(campaigns.items()):
        names = list(dict.fromkeys(name for each in lines.values() for name in each.values))
        rows = [[*HEADING, *(name.replace("_", " ") for name in names)]]
        for (database, arm), each in sorted(lines.items(), key=lambda pair: (pair[0][1] != GUARDED, pair[0])):
            rows.append([database, arm, *(each.cell(name) for name in names)])
        line(what)
        for text in aligned(rows):
            line(f"  {text}")


def aligned(rows: list[list[str]]) -> Iterable[str]:
    """Words to the left, numbers to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [f"{cell:<{width}}" if n < len(HEADING) else f"{cell:>{width}}"
                 for n, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()

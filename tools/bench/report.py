"""The tables, in Markdown that can be read as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.bench.measure import Measured, Row


@dataclass(frozen=True)
class Target:
    """Milliseconds of one act alone and acts in a second with eight clients; what peers needed for the like."""

    key: str
    p50: float | None
    rate: float | None
    peers: str


TARGETS = (
    Target("find-7", 8, 200, "Indico 168 ms, 11/s; LibreBooking 2,032 ms, 1/s"),
    Target("month", 13, 120, "MRBS 38 ms, 39/s; Indico 187 ms, 11/s"),
    Target("book-7", 10, 185, "MRBS 15 ms, 88/s; Indico 43 ms, 49/s"),
    Target("find-184", 12, None, ""),
)
MEMORY, COLD = 200.0, 1.5
MEMORY_OF_PEERS, COLD_OF_PEERS = "Indico 413 MB", "Indico 4.4 s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned; the first column to the left, the others to the right."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = "| " + " | ".join("-" * w if n == 0 else "-" * (w - 1) + ":" for n, w in enumerate(widths)) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "| " + " | ".join([row[0].ljust(widths[0]), *padded]) + " |"


def ms(value: float) -> str:
    return "" if not value else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def times(value: float, of: float) -> str:
    return f"{value / of:.1f} ×" if value and of else ""


def works(measured: Measured) -> str:
    """Wall times alone and together, processor time, and both beside the floor."""
    bare = measured.row("bare")
    page = bare.alone.p50 if bare else 0.0
    head = ("work", "p50", "p95", "/s", "p50 at 8", "p95 at 8", "/s at 8", "CPU web", "CPU database")
    head += ("bare statement", "of it", "of a bare page", "samples")
    return table(head, [_row(row, measured, page) for row in measured.rows])


def _row(row: Row, measured: Measured, page: float) -> list[str]:
    alone, many = row.alone, row.many
    least = measured.floors[row.floor].p50 if row.floor else 0.0
    n = len(alone.taken) + len(many.taken)
    web = (alone.web_cpu + many.web_cpu) / n * 1000 if n else 0.0
    database = (alone.database_cpu + many.database_cpu) / n * 1000 if n else 0.0
    what = f"… {row.what}" if row.is_part else row.what
    figures = (alone.p50, alone.p95, alone.rate, many.p50, many.p95, many.rate)
    costs = ["", ""] if row.is_part else [ms(web), ms(database)]
    ratios = [ms(least), times(alone.p50, least), times(alone.p50, page)]
    return [what, *map(ms, figures), *costs, *ratios, f"{len(alone.taken):,} + {len(many.taken):,}"]


def targets(measured: Measured) -> str:
    """Met or missed, and by how much; with what peers needed."""
    rows = []
    for target in TARGETS:
        row = measured.row(target.key)
        if row is None or not row.alone.taken:
            continue
        alone, many = row.alone.p50, row.many.rate
        rows.append(
            [
                row.what,
                f"{target.p50:g} ms",
                f"{alone:.1f} ms",
                verdict(target.p50 is None or alone <= target.p50),
                f"{target.rate:g}/s" if target.rate else "",
                f"{many:.0f}/s",
                verdict(many >= target.rate) if target.rate else "",
                target.peers,
            ]
        )
    head = ("work", "target alone", "measured", "", "target at 8", "measured", "", "peers on the like")
    return table(head, rows) if rows else ""


def verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"

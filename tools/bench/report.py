"""The tables, in Markdown that can be read as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.bench.data import Size
from tools.bench.measure import Measured, Row


@dataclass(frozen=True)
class Target:
    """Milliseconds of one act alone, and acts in a second with eight clients; what peers needed for the like.

    `wish`: acts in a second that would be better still. `called`: how the row is named where its own name says too
    little.
    """

    key: str
    p50: int
    rate: int | None
    peers: str = ""
    wish: int | None = None
    called: str = ""


# The targets for a booking are for one POST, which is what one takes elsewhere. Ours are two, with a telephone call
# between them: each is held against the target, and their sum too.
TARGETS = (
    Target("find-7", 8, 200, "Indico 168 ms, 11/s; LibreBooking 2,032 ms, 1/s", wish=330),
    Target("month", 13, 120, "MRBS 38 ms, 39/s; Indico 187 ms, 11/s"),
    Target("book-7: hold alone", 10, 185, "MRBS 15 ms, 88/s; Indico 43 ms, 49/s", called="hold 7 nights: one POST"),
    Target("book-7: confirm alone", 10, 185, "the same", called="confirm 7 nights: one POST"),
    Target("book-7", 10, 185, "the same", called="hold and confirm 7 nights: two POSTs"),
    Target("find-184", 12, None),
)
NIGHTLY, HANDFUL = "flag-stays-nearing-limit", 10  # statements, however many stays are open
MEMORY, COLD = 200, 1.5  # MB, seconds


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
    """Wall times: alone, and with eight clients at once."""
    head = ("milliseconds", "p50", "p95", "/s", "p50 at 8", "p95 at 8", "/s at 8", "samples")
    rows = []
    for row in measured.rows:
        alone, many = row.alone, row.many
        figures = (alone.p50, alone.p95, alone.rate, many.p50, many.p95, many.rate)
        rows.append([_name(row), *map(ms, figures), f"{len(alone.taken):,} + {len(many.taken):,}"])
    return table(head, rows)


def costs(measured: Measured) -> str:
    """Processor time, which moves less with the machine, and both times beside the least there could be."""
    bare = measured.row("bare")
    page, page_cpu = (bare.alone.p50, bare.cpu[0] + bare.cpu[1]) if bare else (0.0, 0.0)
    rows = []
    for row in measured.rows:
        if row.is_part:
            continue
        least, (web, database) = measured.floors[row.floor].p50 if row.floor else 0.0, row.cpu
        ratios = [times(row.alone.p50, least), times(row.alone.p50, page), times(web + database, page_cpu)]
        rows.append([_name(row), ms(web), ms(database), ms(least), *ratios])
    head = ("milliseconds of processor time", "web", "database", "bare statement, p50")
    return table((*head, "p50 of it", "p50 of a bare page", "processor of a bare page"), rows)


def _name(row: Row) -> str:
    return f"… {row.what}" if row.is_part else row.what


def sizes(found: Sequence[tuple[Size, Measured]]) -> str:
    """p50 alone and processor time, by size."""
    head = ["p50 alone, processor time (ms)"]
    for size, _ in found:
        head += [f"{size.units:,} units", "CPU"]
    rows = []
    for row in found[0][1].rows:
        if row.is_part:
            continue
        cells = [row.what]
        for _, measured in found:
            of = measured.row(row.key)
            assert of is not None
            cells += [ms(of.alone.p50), ms(sum(of.cpu))]
        rows.append(cells)
    return table(head, rows)


def targets(measured: Measured, megabytes: dict[str, float] | None, seconds: float | None) -> str:
    """Met or missed, and by how much; with what peers needed."""
    rows = []
    for target in TARGETS:
        row = measured.row(target.key)
        if row is None or not row.alone.taken:
            continue
        alone, many = row.alone.p50, row.many.rate
        wish = f", {target.wish}/s if it can be" if target.wish else ""
        at_8 = (f"{target.rate}/s{wish}", f"{many:.0f}/s", verdict(many >= target.rate)) if target.rate else ("",) * 3
        by_itself = (f"{target.p50} ms", f"{alone:.1f} ms", verdict(alone <= target.p50))
        rows.append([target.called or row.what, *by_itself, *at_8, target.peers])
    for what, target_value, value, unit, peers in (
        ("memory of two workers (PSS)", MEMORY, megabytes and megabytes["workers"], "MB", "Indico 413 MB"),
        ("… with the master that holds what they share", MEMORY, megabytes and megabytes["all"], "MB", ""),
        ("cold start to the first page", COLD, seconds, "s", "Indico 4.4 s"),
    ):
        if value is not None:
            said = f"{value:.0f} {unit}" if value > 10 else f"{value:.2f} {unit}"
            rows.append([what, f"{target_value:g} {unit}", said, verdict(value <= target_value), "", "", "", peers])
    head = ("work", "target", "measured", "", "target at 8", "measured", "", "peers on the like")
    return table(head, rows) if rows else ""


def nightly(found: dict[str, Any]) -> str:
    """The jobs of the night, with all open stays there are."""
    rows = [
        [
            f"`{job['job']}`, {job['when']}",
            ", ".join(f"{number:,} {name}" for name, number in job["counts"].items()),
            f"{job['statements']:,}",
            ms(job["seconds"] * 1000),
            ms(job["cpu"] * 1000),
        ]
        for job in found["jobs"]
    ]
    head = (f"job, {found['open_stays']:,} open stays", "counted", "statements", "ms", "CPU ms")
    most = max(job["statements"] for job in found["jobs"] if job["job"] == NIGHTLY)
    said = f"`{NIGHTLY}`, a handful of statements, not one for each stay: at most {most}, {verdict(most <= HANDFUL)}."
    return f"{table(head, rows)}\n\n{said}"


def texts(found: dict[str, Any]) -> str:
    """Texts through the outbox, beside a loop of the provider's client that remembers nothing."""
    number = found["texts"]
    rows = []
    for what, key, statements in (
        ("a bare loop of the provider's client", "bare", ""),
        ("the outbox", "ours", f"{found['statements'] / number:.1f}"),
    ):
        took = found[key]
        each = [ms(took["seconds"] / number * 1000), ms(took["cpu"] / number * 1000)]
        rows.append([what, f"{took['seconds']:.1f} s", f"{number / took['seconds']:.0f}/s", *each, statements])
    rows.append(["… of the bare loop", times(found["ours"]["seconds"], found["bare"]["seconds"]), "", "", "", ""])
    head = (f"{number:,} texts: {found['counts']}", "took", "", "ms each", "CPU ms each", "statements each")
    return table(head, rows)


def verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"

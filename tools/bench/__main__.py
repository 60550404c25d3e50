"""How fast it is, over HTTP with two workers, beside the bare statements on the same data in the same run.

make bench
python -m tools.bench [--database sqlite] [--quick] [--only find,book] [--keep DIR] [--seconds 6]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tests.support import servers
from tools.bench import report
from tools.bench.data import DIALECTS, Data, Size, ask, database
from tools.bench.measure import Measured, measure
from tools.bench.processes import SETTINGS, cold_start, memory
from tools.bench.works import Work, works

QUICK = Size(sites=15, units=200, years=1, stays=2_000)
MACHINE = ("cold", "memory")


def main() -> None:
    asked = options()
    size = Size(asked.sites, asked.units, asked.years, asked.stays)
    for dialect in DIALECTS if asked.database == "both" else (asked.database,):
        print(f"\n## {dialect}: {size}\n", flush=True)
        with database(dialect, size, asked.keep and Path(asked.keep).resolve()) as data:
            run(data, asked)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=str(__doc__).splitlines()[0])
    usual = Size()
    parser.add_argument("--database", choices=(*DIALECTS, "both"), default="both")
    parser.add_argument("--sites", type=int)
    parser.add_argument("--units", type=int)
    parser.add_argument("--years", type=float)
    parser.add_argument("--stays", type=int)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK}, and a third of the time")
    parser.add_argument("--only", default="", help="works whose name begins with one of these, by commas")
    parser.add_argument("--keep", metavar="DIR", help="keep the data sets there; runs of the same day use them again")
    parser.add_argument("--seconds", type=float, help="for each work with one client, and again with eight (6)")
    parser.add_argument("--rounds", type=int, default=3, help="over which these seconds are spread (3)")
    asked = parser.parse_args()
    size = QUICK if asked.quick else usual
    for name in ("sites", "units", "years", "stays"):
        if getattr(asked, name) is None:
            setattr(asked, name, getattr(size, name))
    asked.seconds = asked.seconds or (2.0 if asked.quick else 6.0)
    asked.only = [name.strip() for name in asked.only.split(",") if name.strip()]
    return asked


def run(data: Data, asked: argparse.Namespace) -> None:
    def is_asked(key: str) -> bool:
        return not asked.only or any(key.startswith(name) for name in asked.only)

    prepared = ask("prepare", data.url)
    print(of_the_data(prepared), flush=True)
    chosen: list[Work] = [work for work in works(prepared) if is_asked(work.key) or work.key in ("static", "bare")]
    starts = [cold_start(data.url) for _ in range(5 if is_asked("cold") else 0)]
    with servers.web(data.url, workers=2, **SETTINGS) as web:
        began, load = time.perf_counter(), os.getloadavg()[0]
        measured = measure(data, web, prepared, chosen, seconds=asked.seconds, rounds=asked.rounds)
        print(of_the_machine(measured, load, time.perf_counter() - began))
        print(f"\n{report.works(measured)}\n\n{report.targets(measured)}\n")
        if is_asked("memory"):
            print(of_memory(memory(web)))
    if starts:
        print(of_cold_starts(starts))
    sys.stdout.flush()


def of_the_data(prepared: dict[str, Any]) -> str:
    counts = {name: f"{number:,}" for name, number in prepared["counts"].items()}
    return (
        f"{prepared['sites']} sites, {counts['units']} units, {counts['stays']} stays, {counts['nights']} nights in the"
        f" ledger, {counts['in_house']} placements in house; tonight is {prepared['tonight']}.\n"
    )


def of_the_machine(measured: Measured, load: float, seconds: float) -> str:
    lines = [
        f"{os.cpu_count()} processors; load when it began {load:.1f}; measured for {seconds:.0f} s. Milliseconds;",
        f"the client's own cost is within them: {measured.client_ms:.3f} ms of processor time a request.",
    ]
    lines += [f"\nNot as expected, {number} times: {what}" for what, number in sorted(measured.unexpected.items())]
    return "\n".join(lines)


def of_memory(found: dict[str, float]) -> str:
    return (
        f"Memory after that (PSS): two workers {found['workers']:.0f} MB, with their master {found['all']:.0f} MB;"
        f" target {report.MEMORY:.0f} MB: {report.verdict(found['all'] <= report.MEMORY)}"
        f" ({report.MEMORY_OF_PEERS})."
    )


def of_cold_starts(starts: list[float]) -> str:
    middle = statistics.median(starts)
    return (
        f"Cold start to the first page: {middle:.2f} s, of {len(starts)} starts ({min(starts):.2f} to"
        f" {max(starts):.2f}); target {report.COLD} s: {report.verdict(middle <= report.COLD)}"
        f" ({report.COLD_OF_PEERS})."
    )


if __name__ == "__main__":
    main()

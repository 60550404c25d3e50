"""How fast it is, over HTTP with two workers, beside the bare statements on the same data in the same run.

make bench
python -m tools.bench [--database sqlite] [--quick] [--only find,book] [--keep DIR] [--seconds 6]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

from tests.contract.fake_twilio import ACCOUNT, SERVICE, TOKEN
from tests.support import servers
from tools.bench import report
from tools.bench.data import DIALECTS, Data, Size, ask, database
from tools.bench.jobs import provider
from tools.bench.measure import Measured, measure
from tools.bench.processes import SETTINGS, cold_start, memory
from tools.bench.works import Work, works

QUICK = Size(sites=15, units=200, years=1, stays=2_000)
# A site has as many units in each; only how many sites there are differs.
SIZES = tuple(Size(max(15, units // 40), units, 0.5, 5 * units) for units in (200, 2_000, 20_000))
OF_SIZES = ("static", "bare", "find-7", "find-184", "book-7", "month", "board", "today", "today-manager")


def main() -> None:
    asked, is_as_expected = options(), True
    size = Size(asked.sites, asked.units, asked.years, asked.stays)
    for dialect in DIALECTS if asked.database == "both" else (asked.database,):
        print(f"\n## {dialect}: {size}\n", flush=True)
        if not asked.is_only_sizes:
            with database(dialect, size, asked.keep) as data:
                is_as_expected &= run(data, asked)
        if asked.has_sizes:
            is_as_expected &= sizes(dialect, asked)
    if not is_as_expected:
        raise SystemExit("Something was answered otherwise than it should be: see above.")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=str(__doc__).splitlines()[0])
    usual = Size()
    parser.add_argument("--database", choices=(*DIALECTS, "both"), default="both")
    parser.add_argument("--sites", type=int)
    parser.add_argument("--units", type=int)
    parser.add_argument("--years", type=float)
    parser.add_argument("--stays", type=int)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK}, and a third of the time")
    names = "find, book, month, today, cold, memory, nightly, texts, sizes …"
    parser.add_argument("--only", default="", help=f"those whose name begins so, by commas: {names}")
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
    asked.has_sizes = "sizes" in asked.only or not (asked.only or asked.quick)
    asked.is_only_sizes = asked.only == ["sizes"]
    asked.keep = asked.keep and Path(asked.keep).resolve()
    return asked


def run(data: Data, asked: argparse.Namespace) -> bool:
    """Whether every answer was as expected."""

    def is_asked(key: str) -> bool:
        return not asked.only or any(key.startswith(name) for name in asked.only)

    prepared = ask("prepare", data.url)
    print(of_the_data(prepared), flush=True)
    chosen: list[Work] = [work for work in works(prepared) if is_asked(work.key) or work.key in ("static", "bare")]
    starts = [cold_start(data.url) for _ in range(5 if is_asked("cold") else 0)]
    with servers.web(data.url, workers=2, **SETTINGS) as web:
        began = time.perf_counter()
        measured = measure(data, web, prepared, chosen, seconds=asked.seconds, rounds=asked.rounds)
        megabytes = memory(web) if is_asked("memory") else None
    print(of_the_machine(measured, time.perf_counter() - began))
    if starts:
        said = ", ".join(f"{seconds:.2f} ({cpu:.2f})" for seconds, cpu in starts)
        print(f"Cold starts: {said} s (and of processor time).")
    cold = statistics.median(seconds for seconds, _ in starts) if starts else None
    print(f"\n{report.works(measured)}\n\n{report.costs(measured)}")
    print(f"\n{report.targets(measured, megabytes, cold)}", flush=True)
    if is_asked("nightly"):
        print(f"\n{report.nightly(ask('nightly', data.url))}\n")
    if is_asked("texts"):
        print(f"\n{report.texts(_texts(data))}\n")
    return not measured.unexpected


def sizes(dialect: str, asked: argparse.Namespace) -> bool:
    """The same works on networks of different size; whether every answer was as expected."""
    found = []
    for size in SIZES:
        with database(dialect, size, asked.keep) as data:
            prepared = ask("prepare", data.url)
            print(of_the_data(prepared), flush=True)
            chosen = [work for work in works(prepared) if work.key in OF_SIZES]
            with servers.web(data.url, workers=2, **SETTINGS) as web:
                measured = measure(data, web, prepared, chosen, seconds=asked.seconds / 2, rounds=2)
        print("".join(f"{line}\n" for line in of_the_unexpected(measured)), end="")
        found.append((size, measured))
    print(f"\n{report.sizes(found)}\n", flush=True)
    return not any(measured.unexpected for _, measured in found)


def _texts(data: Data) -> dict[str, Any]:
    fake, address = provider()
    try:
        twilio = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_MESSAGING_SERVICE_SID": SERVICE}
        return ask("texts", data.url, SHELTER_SMS_GATEWAY="twilio", TWILIO_API_BASE_URL=address, **twilio)
    finally:
        fake.communicate()


def of_the_data(prepared: dict[str, Any]) -> str:
    counts = {name: f"{number:,}" for name, number in prepared["counts"].items()}
    return (
        f"{prepared['sites']} sites, {counts['units']} units, {counts['stays']} stays, {counts['nights']} nights in the"
        f" ledger, {counts['in_house']} placements in house; tonight is {prepared['tonight']}.\n"
    )


def of_the_machine(measured: Measured, seconds: float) -> str:
    lines = [
        f"Measured for {seconds:.0f} s on {os.cpu_count()} processors, of which others had {measured.others:.2f}. The",
        f"client's own cost is within the times: {measured.client_ms:.2f} ms of processor time a request.",
    ]
    return "\n".join([*lines, *of_the_unexpected(measured)])


def of_the_unexpected(measured: Measured) -> list[str]:
    return [f"\nNot as expected, {number} times: {what}" for what, number in sorted(measured.unexpected.items())]


if __name__ == "__main__":
    main()

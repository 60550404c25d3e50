"""`make bench` on a tiny network: every part of it runs, and nothing is answered otherwise than it expects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.only("sqlite")
ROOT = Path(__file__).parents[2]
TINY = ("--sites", "13", "--units", "75", "--years", "0.2", "--stays", "80", "--seconds", "1", "--rounds", "1")


def test_it_measures_pages_and_bookings_beside_their_floor(dialect: str) -> None:
    command = [sys.executable, "-m", "tools.bench", "--database", dialect, *TINY, "--only", "find-7,book-7,memory"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert "Not as expected" not in done.stdout
    cells = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    measured = {row[1] for row in cells if len(row) > 2 and row[2]}
    assert {"a bare signed-in page", "book 7 nights: hold, then confirm", "… hold alone"} <= measured
    verdicts = [row for row in cells if "met" in row or "missed" in row]
    assert len(verdicts) == 6

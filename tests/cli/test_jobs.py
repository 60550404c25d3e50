"""`flask jobs`: the timetable listed, one job run by hand, as a process beside the others."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.stays import PlacementState
from shelter.domain.timetable import TIMETABLE
from tests.conftest import Clock
from tests.factories import make_site, make_stay, make_unit, make_user
from tests.support.databases import Database, application, dispose
from tests.support.figures import Figures
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]


def test_the_list_names_every_job_its_time_and_its_last_good_run(app: Flask, frozen_clock: Clock) -> None:
    run = app.test_cli_runner()
    assert run.invoke(args=["jobs", "run", "prune-job-runs"]).output == "prune-job-runs: 0 rows\n"
    lines = run.invoke(args=["jobs", "list"]).output.splitlines()
    assert [line.split()[0] for line in lines] == [job.name for job in TIMETABLE]
    (nightly,) = [line for line in lines if line.startswith("flag-stays-nearing-limit")]
    assert "02:30 daily" in nightly
    (pruned,) = [line for line in lines if line.startswith("prune-job-runs")]
    assert "2026-03-10 12:00" in pruned


def test_a_job_there_is_not_is_said_with_those_there_are(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["jobs", "run", "flag-stays"])
    assert said.exit_code == 2
    assert "flag-stays-nearing-limit" in said.output


def test_a_day_that_is_none_is_said(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=["jobs", "run", "flag-stays-nearing-limit", "--today", "2026-02-30"])
    assert said.exit_code == 2


@pytest.mark.parametrize("job", [job.name for job in TIMETABLE])
def test_every_job_runs_by_hand_on_an_empty_database(app: Flask, job: str, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    said = app.test_cli_runner().invoke(args=["jobs", "run", job])
    assert (said.exit_code, said.stdout.split(":")[0]) == (0, job), said.output


def test_another_day_can_be_asked_for(app: Flask, frozen_clock: Clock) -> None:
    with app.app_context():
        make_stay(state=PlacementState.IN_HOUSE, limit_on=date(2026, 9, 10))
    run = app.test_cli_runner()
    assert "0 flags" in run.invoke(args=["jobs", "run", "flag-stays-nearing-limit"]).output
    asked = ["jobs", "run", "flag-stays-nearing-limit", "--today", "2026-09-03"]
    assert "4 flags" in run.invoke(args=asked).output


@pytest.mark.slow
def test_four_processes_at_once_flag_and_tell_everything_once(fresh_database: Database, figures: Figures) -> None:
    """As an operator's cron and a scheduler might, side by side."""
    app = application(fresh_database.url)
    with app.app_context():
        site = make_site()
        people = [make_user(sites=[site], phone=f"+82101111000{n}") for n in range(3)]
        for n in range(30):
            make_stay(
                make_unit(site=site), state=PlacementState.IN_HOUSE, limit_on=clock.today(), responsible=people[n % 3]
            )
    dispose(app)
    for job, what, number in (("flag-stays-nearing-limit", "flags", 180), ("send-limit-digests", "texts", 3)):
        command = [sys.executable, "-m", "flask", "--app", "app", "jobs", "run", job]
        together = [
            subprocess.Popen(command, cwd=ROOT, env=environment(fresh_database.url), stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        said = [process.communicate()[0] for process in together]
        assert [process.returncode for process in together] == [0] * 4
        assert sum(int(found) for line in said for found in re.findall(rf"(\d+) {what}", line)) == number
    flags, texts = fresh_database.rows("stay_flag"), fresh_database.rows("message")
    figures("flags and digests by four processes at once", processes=4, stays=30, flags=len(flags), texts=len(texts))
    assert len(flags) == len({flag[1:4] for flag in flags}) == 180
    assert len(texts) == 3

"""The life of stays as a state machine: whatever happens in whatever order, product and plain model do the same.

1,000 runs of 50 steps on each database in `make prove`, in shards, each with a seed of its own that is printed;
`--hypothesis-seed=N` draws them again and makes a failure small. `make test` always draws the same few.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from shelter import config
from shelter.domain import limits, matching
from shelter.extensions import db
from shelter.queries import roommates
from shelter.services import audit, expiry, ledger, overstays, unit_of_work
from tests.campaigns.life_house import Terms
from tests.campaigns.life_machine import RULES, Ground
from tests.campaigns.life_rules_of_stays import Life
from tests.campaigns.life_watch import Differs
from tests.conftest import Clock
from tests.support.databases import Database, application, dispose
from tests.support.figures import Figures

pytestmark = pytest.mark.slow

WHAT = "the life of stays"
RUNS, STEPS, SHARDS = 1_000, 50, 8
QUICK_RUNS, MOST_RUNS = 4, 60  # of the quick form; of a control arm until it must have found the fault
LEAST = 3  # times each rule is tried in a shard; once at least it is also done
RAREST = "a_planned_move_happens"  # may be left out of a shard by chance; the table has all shards together


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", range(SHARDS if metafunc.config.getoption("--prove") else 1))


@pytest.fixture
def ground(fresh_database: Database, frozen_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.setattr(audit, "announce", lambda links: None)  # a line in the log for each of 50,000 acts
    before = config._active
    app = application(fresh_database.url)
    with app.app_context():
        made = Ground(fresh_database, frozen_clock)
        yield made
        made.close()
        db.session.remove()
    dispose(app)
    config._active = before


def live(ground: Ground, runs: int, *, seeded: int | None = None, is_shrunk: bool = False) -> None:
    """So many runs of 50 steps; with a seed, or always the same ones."""

    class Lives(Life):
        pass

    Lives.ground = ground
    size = settings(
        max_examples=runs,
        stateful_step_count=STEPS + 1,  # the first one builds the house
        derandomize=seeded is None,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if is_shrunk else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    machine = Lives if seeded is None else seed(seeded)(Lives)
    run_state_machine_as_test(machine, settings=size, _min_steps=0 if is_shrunk else STEPS)


def test_whatever_happens_product_and_model_do_the_same(
    ground: Ground, is_proof: bool, shard: int, figures: Figures, pytestconfig: pytest.Config
) -> None:
    asked = pytestconfig.getoption("--hypothesis-seed")
    base = int(asked) if asked else random.SystemRandom().randrange(10**6)
    if is_proof:
        print(f"--hypothesis-seed={base}")
        live(ground, RUNS // SHARDS, seeded=base + shard, is_shrunk=asked is not None)
    else:
        live(ground, QUICK_RUNS)
    tell(ground, figures)
    if is_proof:
        for rule in RULES:
            figures(f"{WHAT}, each rule", arm=rule, done=ground.done[rule], rightly_refused=ground.refused[rule])
        assert sum(steps >= STEPS for steps in ground.runs) >= RUNS // SHARDS
        tried = ground.done + ground.refused
        seldom = {rule: tried[rule] for rule in RULES if tried[rule] < LEAST or not ground.done[rule]}
        assert seldom.keys() <= {RAREST}, seldom
        assert ground.also["stopped at a statement"] > 0
        assert ground.also["stopped before commit"] > 0


def tell(ground: Ground, figures: Figures) -> None:
    also = {name.replace(" ", "_"): number for name, number in sorted(ground.also.items())}
    whole = sum(steps >= STEPS for steps in ground.runs)
    done, refused = sum(ground.done.values()), sum(ground.refused.values())
    figures(WHAT, runs_of_50=whole, steps=sum(ground.runs), done=done, rightly_refused=refused, **also)


# Control arms: a guard is removed, and the same machine must find it


def nights_are_not_given_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "release", lambda placement, from_night=None, before=None: 0)


def no_limit_is_asked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(limits, "check_leave_on", lambda leave_on, limit_on: None)


def a_hold_that_ran_out_is_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(expiry, "may_release_unasked", lambda *_, **__: False)


def a_commit_in_the_middle(patch: pytest.MonkeyPatch) -> None:
    """What is written until the nights are claimed is there for good, whatever becomes of the rest.

    Said to the driver alone: a fault before COMMIT strikes at the one that is meant to be the only one.
    """
    claim = ledger.claim

    def half(*nights: Any, **owner: Any) -> None:
        claim(*nights, **owner)
        driver: Any = db.session.connection().connection.driver_connection
        driver.commit()
        if db.engine.dialect.name == "sqlite":
            driver.execute("BEGIN IMMEDIATE")

    patch.setattr(ledger, "claim", half)


def whoever_stays_on_loses_the_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(overstays, "keep_rooms", lambda sites, tonight: 0)


def what_is_sent_again_is_done_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(unit_of_work, "_claim", lambda work, once: None)
    patch.setattr(unit_of_work, "_keep_result", lambda work, once: None)


def whom_they_must_not_meet_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(roommates, "at_sites", lambda *_, **__: {})


def boys_may_share_with_women(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(matching, "_sharing", lambda *_: [])


ARMS: list[Callable[[pytest.MonkeyPatch], None]] = [
    nights_are_not_given_back,
    no_limit_is_asked,
    a_hold_that_ran_out_is_kept,
    a_commit_in_the_middle,
    whoever_stays_on_loses_the_room,
    what_is_sent_again_is_done_again,
    whom_they_must_not_meet_is_forgotten,
    boys_may_share_with_women,
]


@pytest.mark.parametrize("guard", ARMS, ids=lambda arm: arm.__name__)
def test_with_a_guard_removed_the_machine_finds_it(
    ground: Ground,
    guard: Callable[[pytest.MonkeyPatch], None],
    dialect: str,
    is_proof: bool,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if dialect != "sqlite" and not is_proof:
        pytest.skip("the quick form of the control arms runs on SQLite; --prove on both")
    guard(monkeypatch)
    with pytest.raises(Differs):
        live(ground, MOST_RUNS)
    figures(WHAT, arm=f"control: {guard.__name__}", found=1, runs=len(ground.runs), steps=sum(ground.runs))


# The model itself


@pytest.mark.parametrize("name", ["life_house", "life_acts", "life_stays"])
def test_the_model_knows_nothing_of_the_product(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {module for module in imported if module.startswith(("shelter", "sqlalchemy", "flask"))} == set()


@pytest.mark.parametrize(
    ("check_in", "limit"),
    [
        ("2026-03-10", "2026-09-10"),
        ("2026-08-30", "2027-02-28"),
        ("2026-08-31", "2027-02-28"),
        ("2026-02-28", "2026-08-31"),
        ("2026-04-30", "2026-10-31"),
        ("2026-09-30", "2027-03-31"),
        ("2027-08-30", "2028-02-29"),
        ("2028-02-29", "2028-08-31"),
    ],
)
def test_the_model_counts_six_months_as_it_was_agreed(check_in: str, limit: str) -> None:
    assert Terms(months=6).limit(date.fromisoformat(check_in)) == date.fromisoformat(limit)

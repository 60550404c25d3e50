"""What is installed is exactly what was locked, wherever it is fetched from."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def entries(lock: str) -> list[str]:
    """Each locked requirement with its hashes as one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def normal(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_one_version_with_hashes(lock: str) -> None:
    loose = [e.split()[0] for e in entries(lock) if "==" not in e.split()[0] or "--hash=sha256:" not in e]
    assert entries(lock)
    assert not loose


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_locks_that_record_addresses_are_not_committed() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"uv.lock", "pylock.toml"} & {Path(name).name for name in tracked.split()}


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = {normal(r) for r in project["project"]["dependencies"]}
    development = {normal(r) for r in project["dependency-groups"]["dev"]}
    assert runtime <= {normal(e) for e in entries("requirements.txt")}
    assert runtime | development <= {normal(e) for e in entries("requirements-dev.txt")}


def test_both_locks_agree_on_versions() -> None:
    versions = [{normal(e): e.split()[0].split("==")[1] for e in entries(lock)} for lock in LOCKS]
    differing = {n for n, v in versions[0].items() if versions[1].get(n) != v}
    assert not differing

"""The wheel holds all that runs, nothing else, and runs from anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.test_text_rules import sources
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
BOOT = """
import flask_migrate, shelter
assert shelter.__file__.startswith({site!r}), shelter.__file__
app = shelter.create_app()
with app.app_context():
    flask_migrate.upgrade()
client = app.test_client()
page = client.get("/login", headers={{"Accept-Language": "ko"}})
assert page.status_code == 200, page.status
assert '<html lang="ko"' in page.text, page.text[:300]
for name in {static!r}:
    assert client.get("/static/" + name).status_code == 200, name
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, built from the repository's files alone."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in sources(with_vendored=True):
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (checkout / "dist").glob("*.whl")
    unpacked = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_every_file_that_runs_is_in_the_wheel(site: Path) -> None:
    bundled = {name for name in sources(with_vendored=True) if name.startswith("shelter/")}
    bundled |= {
        f"shelter/{name}"
        for name in sources(with_vendored=True)
        if name.startswith(("templates/", "static/", "migrations/"))
    }
    assert not [name for name in sorted(bundled) if not (site / name).is_file()]
    assert (site / "shelter/migrations/alembic.ini").is_file()


def test_the_translations_are_in_the_wheel_compiled(site: Path) -> None:
    catalogues = sorted((ROOT / "shelter/translations").rglob("*.po"))
    assert catalogues
    assert list((site / "shelter/translations").rglob("*.mo"))


def test_nothing_else_is_in_the_wheel(site: Path) -> None:
    assert {p.name.split("-")[0] for p in site.iterdir()} == {"shelter"}
    assert not list(site.rglob("tests")) + list(site.rglob("app.py")) + list(site.rglob("*.sqlite3"))


def test_the_wheel_runs_from_anywhere(site: Path, tmp_path: Path) -> None:
    static = [p.relative_to(ROOT / "static").as_posix() for p in (ROOT / "static").glob("*.css")]
    code = BOOT.format(site=str(site), static=static)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(f"sqlite:///{tmp_path}/wheel.sqlite3", PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

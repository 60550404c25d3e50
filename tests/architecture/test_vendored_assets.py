"""What the browser loads is ours or vendored, as the manifest says, and asks nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import vendor_assets

STATIC = vendor_assets.VENDOR.parent
STYLES = sorted(STATIC.rglob("*.css"))
SCRIPTS = sorted(STATIC.rglob("*.js"))
PICTURES = sorted(STATIC.rglob("*.svg"))
LOADED = re.compile(r"""(?:url\(|@import|\bfrom\s*|import\s*\(|src=)\s*["']?(?:https?:)?//""")


def name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    assert vendor_assets.differences() == []


def test_the_manifest_names_the_pinned_versions() -> None:
    assert json.loads(vendor_assets.MANIFEST.read_text())["packages"] == vendor_assets.PACKAGES


def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in vendor_assets.VENDOR.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(vendor_assets.VENDOR)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "htmx" / "htmx.js").write_text("// something else")
    (tmp_path / "more.js").write_text("")
    monkeypatch.setattr(vendor_assets, "VENDOR", tmp_path)
    monkeypatch.setattr(vendor_assets, "MANIFEST", tmp_path / "manifest.json")
    assert vendor_assets.differences() == ["htmx/htmx.js: changed", "more.js: unknown"]


def test_every_vendored_package_comes_with_its_licence() -> None:
    folders = [path for path in vendor_assets.VENDOR.iterdir() if path.is_dir()]
    assert len(folders) == len(vendor_assets.PACKAGES)
    assert [path.name for path in folders if not (path / "LICENSE.txt").is_file()] == []


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_a_style_sheet_loads_only_files_beside_it(path: Path) -> None:
    css = path.read_text()
    assert "GDS Transport" not in css
    assert "data:" not in css
    assert "@import" not in css
    for target in re.findall(r"url\(\s*[\"']?([^\"')]+)", css):
        assert (path.parent / target).is_file(), f"{target} is not there"


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_loads_only_files_beside_it(path: Path) -> None:
    js = path.read_text()
    assert not LOADED.search(js)
    assert not re.search(r"\beval\(|new Function|sourceMappingURL|document\.write\(", js)
    if "vendor" not in path.parts:
        assert "innerHTML" not in js
        for target in re.findall(r'from "([^"]+)"', js):
            assert (path.parent / target).is_file(), f"{target} is not there"


@pytest.mark.parametrize("path", PICTURES, ids=name)
def test_a_picture_holds_nothing_that_runs_or_loads(path: Path) -> None:
    assert not re.search(r"<script|<style|\bon\w+=|href=|url\(", path.read_text())

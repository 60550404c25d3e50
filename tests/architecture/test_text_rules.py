"""Rules that a search through the text can hold."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = (".py", ".html", ".js", ".css", ".sh")
LONGEST = 400
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "misc", "parts"}
# The pattern is put together so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|work|Users)" + r"/[\w.-]+")
INLINE = re.compile(
    r"\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*[\"']|<script(?![^>]*\bsrc=)(?![^>]*application/json)|javascript:",
    re.IGNORECASE,
)
JINJA = re.compile(r"\{([%{#]).*?[%}#]\}", re.DOTALL)
OTHER_CLOCKS = re.compile(r"\bdatetime\.(?:now|utcnow|today)\(|\bdate\.today\(|\btime\.time\(\)|func\.now\(")
CLOCKS = {"shelter/clock.py"}


@cache
def sources(*, with_vendored: bool = False) -> list[str]:
    """Every file that is, or is about to be, in the repository; vendored ones are not ours."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    ours = [name for name in listed if name and (ROOT / name).is_file()]
    return ours if with_vendored else [name for name in ours if "/vendor/" not in name]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in names
        for number, line in enumerate(text(name).splitlines(), 1)
        if pattern.search(line)
    ]


def without_jinja(template: str) -> str:
    """The markup alone, on the same lines."""
    return JINJA.sub(lambda found: "\n" * found[0].count("\n"), template)


def test_templates_have_nothing_inline() -> None:
    inline = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in sources()
        if name.startswith("templates/")
        for number, line in enumerate(without_jinja(text(name)).splitlines(), 1)
        if INLINE.search(line)
    ]
    assert not inline


def test_templates_do_not_switch_escaping_off() -> None:
    pattern = re.compile(r"\|\s*safe\b|autoescape\s+false")
    assert not lines_with(pattern, [n for n in sources() if n.startswith("templates/")])


def test_files_can_be_read_in_one_sitting() -> None:
    long = {n: len(text(n).splitlines()) for n in sources() if n.endswith(CODE)}
    assert not {n: count for n, count in long.items() if count > LONGEST}


def test_modules_are_named_by_what_they_mean() -> None:
    assert not [n for n in sources() if SHAPELESS & {part.split(".")[0] for part in Path(n).parts}]


def test_nothing_names_a_machine() -> None:
    assert not lines_with(MACHINE_PATH, [n for n in sources() if not n.startswith("requirements")])


def test_there_is_one_clock() -> None:
    ours = [n for n in sources() if n.startswith("shelter/") and n.endswith(".py") and n not in CLOCKS]
    assert not lines_with(OTHER_CLOCKS, ours)


def test_tables_are_read_through_the_session() -> None:
    assert not lines_with(re.compile(r"\b[A-Z]\w+\.query\b"), [n for n in sources() if n.startswith("shelter/")])


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ('<p style="color: red">', INLINE),
        ('<a onclick="go()">', INLINE),
        ("<script>go()</script>", INLINE),
        ("{{ x }}<STYLE>", INLINE),
        ("open('/" + "home/someone/x')", MACHINE_PATH),
        ("datetime.now(UTC)", OTHER_CLOCKS),
    ],
)
def test_the_patterns_find_what_they_are_for(line: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(line)


@pytest.mark.parametrize("line", ['<script type="module" src="/x">', '<p class="style">', "{{ one }}='1'"])
def test_the_patterns_leave_the_rest_alone(line: str) -> None:
    assert not INLINE.search(line)

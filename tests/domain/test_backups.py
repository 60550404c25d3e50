"""What a manifest says, which keys a backup asks for, which backups are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelter.domain.backups import (
    KEPT_DAYS,
    BackupTooNew,
    Keys,
    Manifest,
    NotABackup,
    Table,
    superfluous,
)

KEYS = Keys(field={"k1": "aaaa", "k2": "bbbb"}, index="cccc", audit="dddd")
MANIFEST = Manifest(
    made_at=datetime(2026, 3, 10, 18, 40, tzinfo=UTC),
    application="0.1.0",
    migration="0010",
    database="sqlite",
    server="3.40.1",
    timezone="Asia/Seoul",
    cutover_hours=8,
    tables={"site": Table(3, "ff"), "unit": Table(4, "ee")},
    audit_heads={0: 17},
    keys=KEYS,
)
days = st.dates(min_value=date(2000, 1, 1)).map(lambda day: f"{day:%Y%m%d}")


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert Manifest.from_bytes(MANIFEST.to_bytes()) == MANIFEST
    assert MANIFEST.rows == 7


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b'{"format": 1}', b'{"format": "1"}'])
def test_anything_else_is_no_manifest(text: bytes) -> None:
    with pytest.raises(NotABackup):
        Manifest.from_bytes(text)


def test_a_later_format_names_the_version_that_reads_it() -> None:
    later = json.loads(MANIFEST.to_bytes()) | {"format": 2, "application": "7.0"}
    with pytest.raises(BackupTooNew) as refused:
        Manifest.from_bytes(json.dumps(later).encode())
    assert refused.value.application == "7.0"


@pytest.mark.parametrize(
    ("here", "missing"),
    [
        (KEYS, []),
        (replace(KEYS, field={"k3": "eeee", "k2": "bbbb", "k1": "aaaa"}), []),
        (replace(KEYS, field={"k2": "bbbb"}), ["SHELTER_FIELD_KEYS (k1)"]),
        (replace(KEYS, field={"k1": "other", "k2": "bbbb"}), ["SHELTER_FIELD_KEYS (k1)"]),
        (replace(KEYS, index="other", audit="other"), ["SHELTER_INDEX_KEY", "SHELTER_AUDIT_KEY"]),
    ],
    ids=["the same", "more", "one gone", "another under its name", "index and audit"],
)
def test_it_asks_for_the_keys_it_was_made_with(here: Keys, missing: list[str]) -> None:
    assert KEYS.missing_in(here) == missing


@given(st.lists(st.tuples(days, st.times().map(lambda time: f"{time:%H%M%S}")), unique=True))
def test_those_of_the_latest_fourteen_days_stay(made: list[tuple[str, str]]) -> None:
    names = [f"shelter-{day}-{time}" for day, time in made]
    gone = set(superfluous(names, "shelter"))
    kept = {name.split("-")[1] for name in names if name not in gone}
    every = {day for day, _time in made}
    assert len(kept) == min(len(every), KEPT_DAYS)
    assert all(day > other for day in kept for other in every - kept)
    assert not {name.split("-")[1] for name in gone} & kept, "a day is kept whole"


def test_a_name_that_we_did_not_give_is_never_superfluous() -> None:
    ours = [f"shelter-202603{day:02}-034000" for day in range(1, KEPT_DAYS + 2)]
    others = [
        "shelter-test-20200101-034000",
        "shelter-20200101-034000 (copy)",
        "shelter-before-the-move-20200101-034000",
        "shelter-20200101",
        "other-shelter-20200101-034000",
    ]
    assert superfluous([*others, *ours], "shelter") == ours[:1]

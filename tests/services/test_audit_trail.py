"""The access log holds: every planted fault is found, and nothing false is said while others write."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from shelter.domain.permissions import SYSTEM, Principal, Role
from shelter.extensions import db
from shelter.models.audit import AuditEntry, AuditHead
from shelter.queries.audit import Criteria
from shelter.services import audit_trail
from shelter.services.audit_trail import ChainReport
from shelter.services.unit_of_work import unit_of_work
from tests.support.people import create_user


@pytest.fixture
def auditor(app: Flask) -> Principal:
    return create_user(app, roles={Role.AUDITOR}, login="auditor", name="Ara").principal


def act(times: int = 1, action: str = "site.changed", **details: object) -> None:
    for number in range(times):
        with unit_of_work(SYSTEM) as work:
            work.record(action, subject="site:x", number=number, **details)


def busy_chain() -> ChainReport:
    """The report of the chain this process writes."""
    return max(audit_trail.verify(), key=lambda report: (report.entries, report.broken_at or 0))


def broken() -> list[ChainReport]:
    return [report for report in audit_trail.verify() if not report.is_intact]


def test_an_untouched_log_is_whole(context: Flask) -> None:
    act(5)
    assert broken() == []
    assert busy_chain().entries == 5
    assert busy_chain().intact_until is not None


def test_an_empty_log_is_whole(context: Flask) -> None:
    assert broken() == []


def test_several_entries_of_one_act_are_linked(context: Flask) -> None:
    with unit_of_work(SYSTEM) as work:
        for _ in range(3):
            work.record("site.changed", subject="site:x", before={"a": 1}, after={"a": 2})
    assert broken() == []
    assert busy_chain().entries == 3


@pytest.mark.parametrize("column", ["action", "subject", "address"])
def test_an_altered_entry_is_found(context: Flask, column: str) -> None:
    act(5)
    db.session.execute(update(AuditEntry).where(AuditEntry.seq == 3).values({column: "other"}))
    db.session.commit()
    [report] = broken()
    assert (report.entries, report.broken_at, report.fault) == (2, 3, "altered")


def test_details_moved_to_another_entry_are_found(context: Flask) -> None:
    act(4)
    rows = {row.seq: row.details_sealed for row in db.session.scalars(select(AuditEntry))}
    db.session.execute(update(AuditEntry).where(AuditEntry.seq == 2).values(details_sealed=rows[3]))
    db.session.commit()
    assert [report.broken_at for report in broken()] == [2]


def test_a_removed_entry_is_found(context: Flask) -> None:
    act(5)
    db.session.execute(delete(AuditEntry).where(AuditEntry.seq == 3))
    db.session.commit()
    assert [(r.broken_at, r.fault) for r in broken()] == [(3, "missing")]


def test_swapped_entries_are_found(context: Flask) -> None:
    act(4)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        db.session.execute(update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))
    db.session.commit()
    assert [r.broken_at for r in broken()] == [2]


def test_a_cut_tail_is_found_by_the_head(context: Flask) -> None:
    act(5)
    db.session.execute(delete(AuditEntry).where(AuditEntry.seq > 3))
    db.session.commit()
    assert [(r.entries, r.fault) for r in broken()] == [(3, "cut")]


def test_a_tail_cut_together_with_its_head_is_found_by_the_anchor(context: Flask, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    act(5)
    assert audit_trail.anchor_heads(anchors) == 1
    assert audit_trail.anchor_heads(anchors) == 0
    assert all(report.is_intact for report in audit_trail.verify(anchors))
    third = db.session.scalars(select(AuditEntry).where(AuditEntry.seq == 3)).one()
    db.session.execute(update(AuditHead).where(AuditHead.seq == 5).values(seq=3, mac=third.mac))
    db.session.execute(delete(AuditEntry).where(AuditEntry.seq > 3))
    db.session.commit()
    assert broken() == []  # the database alone cannot know
    assert [(r.fault, r.broken_at) for r in audit_trail.verify(anchors) if not r.is_intact] == [("cut", 4)]


def test_a_history_written_anew_is_found_by_the_anchor(context: Flask, tmp_path: Path) -> None:
    """Even with the key, what was anchored cannot be changed."""
    anchors = tmp_path / "anchors"
    act(3)
    audit_trail.anchor_heads(anchors)
    db.session.execute(delete(AuditEntry))
    db.session.execute(update(AuditHead).values(seq=0, mac=b"\0" * 32))
    db.session.commit()
    act(4, action="site.created")
    assert [r.fault for r in audit_trail.verify(anchors) if not r.is_intact] == ["rewritten"]


def test_anchors_grow_with_the_log(context: Flask, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    act()
    audit_trail.anchor_heads(anchors)
    act()
    audit_trail.anchor_heads(anchors)
    [chain] = audit_trail.read_anchors(anchors).values()
    assert sorted(chain) == [1, 2]


def test_a_refused_page_is_an_entry(context: Flask, auditor: Principal) -> None:
    audit_trail.record_refusal(by=auditor, endpoint="users.index")
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject, entry.user_id) == ("access.refused", "page:users.index", auditor.user_id)


def test_reading_the_log_is_an_entry_too(context: Flask, auditor: Principal) -> None:
    act(3)
    first = audit_trail.read_trail(criteria=Criteria(), by=auditor)
    assert [line.action for line in first.rows] == ["site.changed"] * 3
    second = audit_trail.read_trail(criteria=Criteria(user_id=auditor.user_id), by=auditor)
    assert [(line.action, line.by) for line in second.rows] == [("audit.read", "Ara")]
    assert second.total == 1


def test_pages_stay_within_what_there_is(context: Flask, auditor: Principal) -> None:
    assert audit_trail.read_trail(criteria=Criteria(), number=99, by=auditor).number == 1
    assert audit_trail.read_trail(criteria=Criteria(household="K7M2Q9X"), by=auditor).rows == ()

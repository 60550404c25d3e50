"""Is every booking there whole? Asked in plain SQL, of the audit chain, and of the ledger's own check."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import text

from shelter.extensions import db
from shelter.queries.ledger_check import Checked, differences
from shelter.services import audit_trail
from tests.campaigns.bookings import Booking

STAYS = """
SELECT s.id, h.reference, s.number, s.state FROM stay AS s JOIN household AS h ON h.id = s.household_id"""
PLACEMENTS = """
SELECT p.stay_id, p.id, p.unit_id, p.state, p.arrive_on, p.leave_on, p.people, p.confirmed_at,
  (SELECT count(*) FROM placement_member AS m WHERE m.placement_id = p.id) AS members
FROM placement AS p"""
NIGHTS = "SELECT placement_id, unit_id, night, people FROM unit_night"
EVENTS = "SELECT stay_id, kind, count(*) FROM stay_event GROUP BY stay_id, kind"
ENTRIES = """
SELECT subject, action, count(*) FROM audit_entry WHERE action IN ('stay.held', 'stay.confirmed')
GROUP BY subject, action"""
TEXTS = """
SELECT m.stay_id, m.state, m.suppression, (SELECT count(*) FROM audit_entry AS e
  WHERE e.action IN ('message.queued', 'message.suppressed') AND e.household_id = m.household_id) AS entries
FROM message AS m"""
ACTS = "SELECT result, key FROM idempotent_act WHERE result IS NOT NULL"
TOO_MANY = "too_many"  # queued, and held back later by the dispatcher's caps: one more entry
STRAY_HOUSEHOLDS = """
SELECT count(*) FROM household AS h WHERE NOT EXISTS (SELECT 1 FROM stay AS s WHERE s.household_id = h.id)"""


@dataclass
class Found:
    """`lost`: acknowledged and not there, or not all of it. `half`: there and not whole, acknowledged or not."""

    stays: int = 0
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([f"{len(self.lost)} lost, {len(self.half)} half", *self.lost[:10], *self.half[:10]])

    @property
    def faults(self) -> int:
        return len(self.lost) + len(self.half)


@dataclass
class Kept:
    """One stay as the database has it."""

    reference: str
    state: str
    placements: list[Any] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    texts: list[Any] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)

    @property
    def is_booked(self) -> bool:
        return [placement.state for placement in self.placements] == ["booked"]


def look(app: Flask, bookings: Sequence[Booking]) -> Found:
    """Every stay of the database must come from these bookings."""
    found = Found()
    with app.app_context():
        kept, nights = _stays(), _nights()
        found.stays = len(kept)
        for stay in kept.values():
            found.half += [f"{stay.reference}: {fault}" for fault in _half(stay, nights)]
        found.half += [str(difference) for difference in differences(Checked())]
        reports = audit_trail.verify()
        found.half += [f"audit chain {r.chain} {r.fault} at {r.broken_at}" for r in reports if not r.is_intact]
        if stray := db.session.execute(text(STRAY_HOUSEHOLDS)).scalar():
            found.half.append(f"{stray} households without a stay")
        found.half += _of_nothing(kept)
    keys = {key: stay.reference for stay in kept.values() for key in stay.keys}
    for booking in bookings:
        found.lost += [f"{booking.reference}: {fault}" for fault in _lost(booking, kept, keys, nights)]
    return found


def _stays() -> dict[str, Kept]:
    by_id: dict[Any, Kept] = {}
    for row in _rows(STAYS):
        by_id[row.id] = Kept(f"{row.reference}-{row.number}", row.state)
    for row in _rows(PLACEMENTS):
        by_id[row.stay_id].placements.append(row)
    for stay_id, kind, number in _rows(EVENTS):
        by_id[stay_id].events[kind] += number
    for row in _rows(TEXTS):
        by_id[row.stay_id].texts.append(row)
    kept = {stay.reference: stay for stay in by_id.values()}
    for subject, action, number in _rows(ENTRIES):
        if stay := kept.get(subject.removeprefix("stay:")):
            stay.entries[action] += number
    for reference, key in _rows(ACTS):
        if stay := kept.get(reference):
            stay.keys[key] += 1
    return kept


def _nights() -> dict[int, dict[date, tuple[int, int]]]:
    """By placement, as a set of dates to the unit and the people."""
    nights: dict[int, dict[date, tuple[int, int]]] = defaultdict(dict)
    for row in _rows(NIGHTS):
        nights[row.placement_id][_day(row.night)] = (row.unit_id, row.people)
    return nights


def _half(stay: Kept, nights: dict[int, dict[date, tuple[int, int]]]) -> Iterable[str]:
    """What a stay must have, whoever was told of it."""
    if stay.state != "open" or len(stay.placements) != 1:
        yield f"{stay.state} with {len(stay.placements)} placements"
        return
    placement = stay.placements[0]
    if placement.state not in ("held", "booked"):
        yield f"its placement is {placement.state}"
    if (placement.state == "booked") != (placement.confirmed_at is not None):
        yield f"{placement.state}, confirmed at {placement.confirmed_at}"
    if placement.members != placement.people:
        yield f"{placement.members} members for {placement.people} people"
    days = _span(_day(placement.arrive_on), _day(placement.leave_on))
    if nights[placement.id] != dict.fromkeys(days, (placement.unit_id, placement.people)):
        yield f"{len(nights[placement.id])} nights of {len(days)} in the ledger"
    confirmed = int(stay.is_booked)
    wanted = {"held": 1} | ({"confirmed": 1} if confirmed else {})
    if dict(stay.events) != wanted:
        yield f"its history says {dict(stay.events)}"
    if dict(stay.entries) != {f"stay.{kind}": number for kind, number in wanted.items()}:
        yield f"the access log says {dict(stay.entries)}"
    if [row.entries - (row.suppression == TOO_MANY) for row in stay.texts] != [1] * confirmed:
        yield f"texts and their entries: {[(row.state, row.suppression, row.entries) for row in stay.texts]}"
    if sum(stay.keys.values()) != 1 + confirmed:
        yield f"{sum(stay.keys.values())} keys of acts"


def _of_nothing(kept: dict[str, Kept]) -> Iterable[str]:
    """Entries and keys whose stay is not there."""
    for subject, action, _ in _rows(ENTRIES):
        if subject.removeprefix("stay:") not in kept:
            yield f"{subject}: the access log says {action} of a stay that is not there"
    for reference, _ in _rows(ACTS):
        if reference not in kept:
            yield f"{reference}: a key of an act whose stay is not there"


def _lost(
    booking: Booking,
    kept: dict[str, Kept],
    keys: dict[str, str],
    nights: dict[int, dict[date, tuple[int, int]]],
) -> Iterable[str]:
    if booking.reference is None:
        return
    stay = kept.get(booking.reference)
    if stay is None or len(stay.placements) != 1:
        yield "the stay is not there"
        return
    placement = stay.placements[0]
    asked = _span(booking.nights.arrive_on, booking.nights.leave_on)
    if sorted(nights[placement.id]) != asked or placement.unit_id != booking.unit:
        yield "other nights, or another unit"
    if keys.get(booking.hold_key) != booking.reference:
        yield "the key of the hold is not there"
    if booking.is_confirmed:
        if not stay.is_booked:
            yield "it is not booked"
        if keys.get(booking.confirm_key) != booking.reference:
            yield "the key of the confirmation is not there"
        if not stay.texts or (stay.texts[0].suppression in (None, TOO_MANY)) != booking.wants_text:
            yield f"the text that was chosen is not there: {[(row.state, row.suppression) for row in stay.texts]}"


def _rows(question: str) -> Sequence[Any]:
    return db.session.execute(text(question)).all()


def _span(first: date, until: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((until - first).days)]


def _day(value: Any) -> date:
    """SQLite keeps days as text."""
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value

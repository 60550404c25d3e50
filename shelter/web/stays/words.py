"""A stay in words: what comes next, how its days were counted, what has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import url_for

from shelter import clock
from shelter.domain.stays import (
    CancelReason,
    Destination,
    ExitReason,
    PlacementState,
    StayState,
)
from shelter.queries.stay_facts import Counting, StayFacts
from shelter.services.stay_records import EventView, StayRecord
from shelter.web import formats
from shelter.web.errors import label
from shelter.web.language import gettext as _
from shelter.web.language import ngettext


@dataclass(frozen=True)
class Act:
    href: str
    label: str
    style: str = "secondary"


def _act(facts: StayFacts, endpoint: str, said: str, style: str = "secondary") -> Act:
    return Act(url_for(endpoint, reference=facts.reference), said, style)


def next_act(record: StayRecord) -> Act | None:
    """The one thing to do now, according to the state."""
    facts = record.facts
    if facts.held and not facts.here:
        return _act(facts, "placements.held", _("Go on with the hold"), "primary")
    if facts.expected and not facts.here:
        return _act(facts, "stays.check_in", _("Check in"), "primary")
    due = [new for _old, new in facts.next_rooms if new.arrive_on <= clock.shelter_day()]
    if due:
        return _act(facts, "stays.move_in", _("They have moved"), "primary")
    if any(room.is_overdue for room in facts.here):
        return _act(facts, "stays.check_out", _("Check out"), "primary")
    if record.tightest_flag is not None and record.plan is None:
        return _act(facts, "stays.plan", _("Make a plan"), "primary")
    if facts.here:
        return _act(facts, "stays.check_out", _("Check out"), "primary")
    return None


def other_acts(record: StayRecord) -> list[Act]:
    """Everything else that can be done, each one click away."""
    facts, counting, first = record.facts, record.facts.counting, next_act(record)
    is_waiting = bool(facts.in_state(PlacementState.NO_SHOW))
    wanted: list[tuple[bool, str, str]] = [
        (_comes_to_another_room(facts), "stays.check_in", _("Check in")),
        (bool(facts.in_state(PlacementState.BOOKED)) and not facts.here, "placements.card", _("Arrival card")),
        (bool(facts.in_state(PlacementState.BOOKED)) and not facts.here, "stays.no_show", _("Did not arrive")),
        (is_waiting, "stays.expect_again", _("They will come after all")),
        (bool(facts.next_rooms), "stays.move_in", _("They have moved")),
        (bool(facts.here), "stays.check_out", _("Check out")),
        (bool(facts.here or facts.expected), "stays.leave_date", _("Another day of leaving")),
        (bool(facts.here or facts.expected), "stays.transfer", _("Another room")),
        (facts.state is StayState.IN_HOUSE, "stays.plan", _("Plan")),
        (
            facts.state is StayState.IN_HOUSE and counting.can_be_extended and not facts.has_open_request,
            "stays.extension",
            _("Ask for an extension"),
        ),
        (bool(facts.held or facts.expected), "stays.cancel", _("Cancel the booking")),
    ]
    acts = [_act(facts, endpoint, said) for is_possible, endpoint, said in wanted if is_possible]
    return [act for act in acts if first is None or act.href != first.href]


def _comes_to_another_room(facts: StayFacts) -> bool:
    """Somebody is expected, and not only from the room they are in: such a move has an act of its own."""
    moves = {new.placement_id for _old, new in facts.next_rooms}
    return any(room.placement_id not in moves for room in facts.expected)


def corrections(facts: StayFacts) -> list[Act]:
    """What was recorded wrongly: back-dated, with a reason, and it stays in the history."""
    has_moved = bool(facts.in_state(PlacementState.MOVED, PlacementState.ENDED))
    is_over = facts.state is StayState.ENDED
    wanted = [
        (facts.checked_in_at is not None, "stays.correct_arrival", _("Correct the check-in")),
        (bool(facts.here) and not has_moved, "stays.undo_check_in", _("Take the check-in back")),
        (is_over, "stays.correct_departure", _("Correct the check-out")),
        (is_over, "stays.undo_check_out", _("Take the check-out back")),
    ]
    return [_act(facts, endpoint, said) for is_possible, endpoint, said in wanted if is_possible]


def days_left(counting: Counting) -> dict[str, Any]:
    """The figure, its unit, and how bad it is."""
    left = counting.days_left
    if left <= 0 and not counting.is_projected:
        past = _("since %(day)s", day=formats.on(counting.limit_on))
        return {"value": _("Limit reached"), "unit": "", "note": past, "tone": "danger"}
    tone = "danger" if left <= 7 else "warning" if left <= 30 else "none"
    note = _("limit %(day)s", day=formats.on(counting.limit_on))
    return {"value": left, "unit": ngettext("day", "days", left), "note": note, "tone": tone}


def counted(counting: Counting) -> str:
    """How the limit was worked out, so that anybody can follow it by hand."""
    said = [
        _("Check-in planned on %(day)s", day=formats.on(counting.check_in_on))
        if counting.is_projected
        else _("Checked in on %(day)s", day=formats.on(counting.check_in_on)),
        length(counting.months, counting.days),
        label(counting.rule),
    ]
    if counting.granted:
        step = length(counting.extension_months, counting.extension_days)
        said.append(_granted(counting.granted, step))
    said.append(_("latest day to leave %(day)s", day=formats.on(counting.limit_on)))
    return " · ".join(said)


def _granted(steps: int, step: str) -> str:
    return ngettext("%(num)s extension of %(step)s granted", "%(num)s extensions of %(step)s granted", steps, step=step)


def length(months: int | None, days: int | None) -> str:
    if months:
        return ngettext("%(num)s month", "%(num)s months", months)
    return ngettext("%(num)s day", "%(num)s days", days or 0)


# The history. Each kind has its own sentence; `data` holds codes, dates and ids.


def event(happened: EventView, facts: StayFacts) -> dict[str, Any]:
    """An entry for the timeline."""
    say = EVENTS.get(happened.kind)
    rooms = {room.placement_id: room.name for room in facts.rooms}
    title = say(_Said(happened.data, rooms)) if say else _("Changed")
    late = _("late entry, recorded %(at)s", at=formats.moment(happened.at)) if happened.is_late_entry else None
    by = happened.by or _("The system")
    misfit = _("known not to be the right room in everything") if happened.data.get("is_misfit") else None
    text = " · ".join(filter(None, (happened.note, misfit, late)))
    return {"title": title, "at": happened.happened_at, "by": by, "text": text or None}


@dataclass(frozen=True)
class _Said:
    data: dict[str, Any]
    rooms: dict[int, str]

    def day(self, name: str) -> str:
        return formats.on(date.fromisoformat(self.data[name])) if self.data.get(name) else formats.NOTHING

    def moment(self, name: str) -> str:
        return formats.moment(datetime.fromisoformat(self.data[name])) if self.data.get(name) else formats.NOTHING

    def number(self, name: str) -> int:
        return int(self.data.get(name) or 0)

    def room(self, name: str) -> str:
        return self.rooms.get(self.data.get(name, 0), formats.NOTHING)

    def text(self, name: str) -> str:
        return str(self.data.get(name) or formats.NOTHING)


def _checked_in(said: _Said) -> str:
    parts = [_("Checked in · limit %(day)s", day=said.day("limit_on"))]
    if said.data.get("is_walk_in"):
        parts.insert(0, _("Came without a booking"))
    if dropped := said.number("dropped"):
        parts.append(ngettext("%(num)s night past it went", "%(num)s nights past it went", dropped))
    if added := said.number("added"):
        parts.append(ngettext("%(num)s night added", "%(num)s nights added", added))
    return " · ".join(parts)


def _checked_out(said: _Said) -> str:
    way = [label(ExitReason(said.data["exit_reason"])), label(Destination(said.data["destination"]))]
    what = _("Checked out") if said.data.get("is_over", True) else _("One room left")
    return " · ".join([what, *way])


def _plan(said: _Said) -> str:
    parts = [_("Plan changed")]
    if said.data.get("plan_on"):
        parts.append(_("date %(day)s", day=said.day("plan_on")))
    if said.data.get("expected_leave_on"):
        parts.append(_("expected to leave on %(day)s", day=said.day("expected_leave_on")))
    return " · ".join(parts)


def _imported(said: _Said) -> str:
    if said.data.get("sheet_limit_on") and said.data["sheet_limit_on"] != said.data.get("limit_on"):
        return _(
            "Brought in from the old list · limit %(day)s, the list said %(other)s",
            day=said.day("limit_on"),
            other=said.day("sheet_limit_on"),
        )
    return _("Brought in from the old list · limit %(day)s", day=said.day("limit_on"))


EVENTS: dict[str, Callable[[_Said], str]] = {
    "held": lambda s: _("Held until %(moment)s", moment=s.moment("until")),
    "hold_renewed": lambda s: _("Hold extended until %(moment)s", moment=s.moment("until")),
    "on_the_way": lambda s: _("On the way"),
    "hold_released": lambda s: _("Hold released"),
    "hold_expired": lambda s: _("Hold ran out"),
    "confirmed": lambda s: _("Confirmed · expected %(moment)s", moment=s.moment("expected_at")),
    "card_received": lambda s: _("The site has read the arrival card"),
    "checked_in": _checked_in,
    "arrival_corrected": lambda s: _("Check-in corrected · limit %(day)s", day=s.day("limit_on")),
    "check_in_undone": lambda s: _("Check-in taken back"),
    "not_arrived": lambda s: _("Did not arrive"),
    "expected_again": lambda s: _("Expected again"),
    "checked_out": _checked_out,
    "departure_corrected": lambda s: _("Check-out corrected"),
    "limit_counted_again": lambda s: _(
        "Limit %(day)s instead of %(before)s: an earlier stay was corrected",
        day=s.day("limit_on"),
        before=s.day("before"),
    ),
    "check_out_undone": lambda s: _("Check-out taken back"),
    "leave_date_changed": lambda s: _(
        "Day of leaving: %(after)s instead of %(before)s", after=s.day("leave_on"), before=s.day("before")
    ),
    "cancelled": lambda s: " · ".join([_("Booking cancelled"), label(CancelReason(s.data["cancel_reason"]))]),
    "plan_changed": _plan,
    "responsible_changed": lambda s: _("Responsible: %(name)s", name=s.text("responsible")),
    "transferred": lambda s: _(
        "Moved from %(old)s to %(new)s", old=s.room("from_placement"), new=s.room("to_placement")
    ),
    "transfer_planned": lambda s: _(
        "Move planned from %(old)s to %(new)s, from %(day)s",
        old=s.room("from_placement"),
        new=s.room("to_placement"),
        day=s.day("from_night"),
    ),
    "extension_requested": lambda s: _("Extension asked for"),
    "extension_granted": lambda s: _("Extension granted · limit %(day)s", day=s.day("limit_on")),
    "extension_refused": lambda s: _("Extension refused"),
    "imported": _imported,
    "task_done": lambda s: _("Task done"),
    "task_reopened": lambda s: _("Task taken up again"),
}

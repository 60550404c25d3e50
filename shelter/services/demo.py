"""The demonstration: a city's network with a lively night, made through the use cases themselves.

Everybody in it is invented. What a use case cannot make, because it would have happened hours ago, is aged afterwards.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from shelter import clock
from shelter.domain import limits
from shelter.domain.intake import ContactTold, Intake, PersonTold, PetTold
from shelter.domain.limits import StayPolicy
from shelter.domain.matching import AgeBand, Audience, Party, Sex, Sharing
from shelter.domain.messages import Detail, MessageState
from shelter.domain.nights import Nights
from shelter.domain.permissions import SYSTEM, Principal, Role
from shelter.domain.references import split_stay_reference
from shelter.domain.refusals import Refusal
from shelter.domain.stays import ClosureReason, TurnawayReason
from shelter.extensions import db
from shelter.gateways.phones import parse
from shelter.models.clockwork import Installation
from shelter.models.households import Household
from shelter.models.messages import Message
from shelter.models.people import SiteMembership
from shelter.models.sites import Room, Site, Unit
from shelter.models.stays import Placement, Stay, UnitNight
from shelter.paths import resource_dir
from shelter.queries import find
from shelter.queries.vacancies import Criteria
from shelter.services import (
    arrivals,
    closures,
    demo_history,
    extensions,
    households,
    intake,
    message_tasks,
    placements,
    plans,
    turnaways,
    users,
)
from shelter.services.demo_guests import TONIGHT, Guest
from shelter.services.second_look import Segment
from shelter.services.sheet_files import read_sheets
from shelter.services.stays_import import import_stays
from shelter.services.unit_of_work import unit_of_work
from shelter.services.units_import import import_units

PASSWORD = "paper lantern on a quiet lake"  # noqa: S105  # printed at every start of the demonstration
HISTORY = timedelta(days=240)
EXAMPLE = "network-en.csv"


@dataclass(frozen=True)
class Colleague:
    """Somebody who signs in. `share`: which of the sites, as a slice of a half."""

    login: str
    name: str
    role: Role
    phone: str = ""
    share: int | None = None


STAFF = (
    Colleague("coordinator", "김예시", Role.COORDINATOR, "010-0000-0001", 0),
    Colleague("coordinator2", "박예시", Role.COORDINATOR, "010-0000-0002", 1),
    Colleague("manager", "최예시", Role.MANAGER, "010-0000-0003"),
    Colleague("admin", "이예시", Role.ADMINISTRATOR),
    Colleague("auditor", "정예시", Role.AUDITOR),
)


@dataclass(frozen=True)
class Loaded:
    sites: int
    units: int
    stays: int


# Days until the limit, and whether something is decided: what the lists of limits show.
LIMITS = (-3, 0, 1, 6, 13, 27, 28, 55)
DEPARTURES = (0, 0, -2)  # planned days of leaving, from today
AGES = (2, 4, 9, 13, 15, 21, 26, 33, 37, 40, 45, 52, 59, 66, 71, 75, 83, 88, 94, 101, 115, 128)  # days since check-in


def load(
    *,
    units: int | None = None,
    sites: int | None = None,
    years: float | None = None,
    stays: int | None = None,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Loaded:
    """Fill a new database. Without figures the example's network and a lively night; with them a large one, in bulk."""
    random = Random(seed)  # noqa: S311  # invented people, no secrets
    is_large = any(value is not None for value in (units, sites, years, stays))
    since = clock.shelter_day() - (timedelta(days=round(365.25 * (years or 1))) if is_large else HISTORY)
    _import_network()
    _be_live_since(since)
    if units is not None:
        there = _counted()
        more = sites and max(1, sites - there.sites)
        demo_history.add_sites(max(0, units - there.units), random, since=since, sites=more)
    progress("network")
    colleagues = _invite_staff()
    if not is_large:
        _import_running_stays(random)
        progress("running stays")
    demo_history.add_stays(since, stays=stays, is_in_house_today=is_large, random=random, progress=progress)
    progress("past stays")
    if not is_large:
        _Tonight(colleagues, random).play()
        progress("tonight")
    return _counted()


def _counted() -> Loaded:
    counts = Loaded(*(db.session.query(model).count() for model in (Site, Unit, Stay)))
    db.session.rollback()
    return counts


def _import_network() -> None:
    content = (resource_dir("examples") / EXAMPLE).read_bytes()
    import_units(sheets=read_sheets(content), by=SYSTEM)


def _be_live_since(day: date) -> None:
    """As if the system had been here since then: of the nights before there is no data."""
    with unit_of_work(SYSTEM):
        db.session.execute(update(Installation).values(live_from=day))


def _invite_staff() -> list[Principal]:
    """Accounts with one password; the sites are divided between the coordinators. The coordinators."""
    sites = list(db.session.scalars(select(Site.id).order_by(Site.code_name)))
    db.session.rollback()
    half = -(-len(sites) // 2)
    found = []
    for colleague in STAFF:
        own = [] if colleague.share is None else sites[colleague.share * half : (colleague.share + 1) * half]
        newcomer = users.NewUser(
            login=colleague.login, name=colleague.name, roles=[colleague.role], phone=colleague.phone, sites=own
        )
        link = users.invite_user(newcomer, by=SYSTEM)
        assert link.token is not None
        users.use_link(token=link.token, password=PASSWORD, address=None)
        if colleague.role is Role.COORDINATOR:
            found.append(
                Principal(
                    user_id=link.user_id,
                    login=colleague.login,
                    name=colleague.name,
                    roles=frozenset({colleague.role}),
                    site_ids=frozenset(own),
                )
            )
    with unit_of_work(SYSTEM):
        db.session.execute(update(SiteMembership).values(from_on=clock.today() - HISTORY))
    return found


# Stays that are running already, brought in as a network brings its own list in


def _import_running_stays(random: Random) -> None:
    lines = list(_running_lines(random))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    import_stays(sheets=read_sheets(text.getvalue().encode()), by=SYSTEM)


def _running_lines(random: Random) -> Iterable[dict[str, Any]]:
    today = clock.today()
    rows = db.session.execute(
        select(Site.code_name, Room.label, Unit.label, Unit.capacity, Unit.audience, Room.sharing)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(Site.is_overflow.is_(False))
        .order_by(Unit.id)
    ).all()
    half = -(-len(_all_sites()) // 2)
    second = set(_all_sites()[half:])
    db.session.rollback()
    chosen = iter(random.sample(rows, len(LIMITS) + len(DEPARTURES) + len(AGES)))
    plan: list[tuple[date, date | None]] = [(_check_in_for(today + timedelta(days=left)), None) for left in LIMITS]
    plan += [(today - timedelta(days=40), today + timedelta(days=days)) for days in DEPARTURES]
    for position, age in enumerate(AGES):
        leaves = today + timedelta(days=3 * position + 5) if position % 3 else None
        plan.append((today - timedelta(days=age), leaves))
    for case, (check_in, leave_on) in enumerate(plan, 1):
        site, room, bed, capacity, audience, sharing = next(chosen)
        is_man = audience is Audience.MEN or sharing is Sharing.MEN
        children = min(capacity - 1, random.randint(0, 3)) if capacity > 1 and not is_man else 0
        yield {
            "Case": f"DEMO-{case:02}",
            "Site": site,
            "Room": room,
            "Bed": bed if bed != room else "",
            "Check-in": check_in.isoformat(),
            "Check-in time": "19:30",
            "Leaves on": leave_on.isoformat() if leave_on else "",
            "Limit": "",
            "Women": 0 if is_man else 1,
            "Men": 1 if is_man else 0,
            "Girls": children,
            "Responsible": STAFF[1 if site in second else 0].login,
        }


def _all_sites() -> list[str]:
    return list(db.session.scalars(select(Site.code_name).order_by(Site.code_name)))


def _check_in_for(limit_on: date) -> date:
    """A day of check-in whose six months end on that day, or right after."""
    policy, day = StayPolicy(months=6), limit_on - timedelta(days=190)
    while limits.limit_on(day, policy) < limit_on:
        day += timedelta(days=1)
    return day


# Tonight


@dataclass
class _Tonight:
    colleagues: list[Principal]
    random: Random
    now: datetime = field(default_factory=clock.now)

    def play(self) -> None:
        self._close_units()
        for guest in TONIGHT:
            self._place(guest)
        self._decide_limits()
        self._turn_away()

    def _place(self, guest: Guest) -> None:
        by = self.colleagues[guest.who]
        arrive_on = clock.shelter_day() + timedelta(days=guest.in_days)
        segment = self._best_unit(guest, by, arrive_on)
        if segment is None:
            return
        reference = placements.hold_units(segments=[segment], party=guest.party, by=by)
        stay_id, household_id = _ids(reference)
        _take_in(household_id, guest, by)
        if guest.is_on_the_way:
            placements.mark_on_the_way(stay_id=stay_id, by=by)
        if guest.held_for is not None:
            self._age(stay_id, held_until=self.now + timedelta(minutes=guest.held_for))
        if guest.confirmed_ago is not None:
            self._confirm(stay_id, guest, by)

    def _best_unit(self, guest: Guest, by: Principal, arrive_on: date) -> Segment | None:
        leave_on = arrive_on + timedelta(days=guest.nights) if guest.nights else None
        found = find.search(Criteria(arrive_on=arrive_on, leave_on=leave_on, party=guest.party))
        db.session.rollback()
        own = [offer for offer in found.offers if offer.unit.site_id in by.site_ids]
        for offer in own or found.offers:
            return Segment(offer.unit.unit_id, Nights(arrive_on, offer.leave_on))
        return None

    def _confirm(self, stay_id: UUID, guest: Guest, by: Principal) -> None:
        assert guest.expected_in is not None
        assert guest.confirmed_ago is not None
        expected = (self.now + timedelta(minutes=guest.expected_in)).replace(second=0, microsecond=0)
        placements.confirm_stay(stay_id=stay_id, expected_at=expected, text=guest.text, by=by)
        self._age(stay_id, confirmed_at=self.now - timedelta(minutes=guest.confirmed_ago))
        if guest.received:
            households.receive_arrival_card(stay_id=stay_id, by=by)
        match guest.then:
            case "check_in":
                arrivals.check_in(stay_id=stay_id, by=by)
            case "no_show":
                arrivals.mark_no_show(stay_id=stay_id, by=by)
            case "text_failed":
                _fail_text(stay_id)

    def _age(self, stay_id: UUID, **values: Any) -> None:
        """It was so some time ago."""
        with unit_of_work(SYSTEM):
            db.session.execute(update(Placement).where(Placement.stay_id == stay_id).values(**values))

    def _close_units(self) -> None:
        tonight = clock.shelter_day()
        owned = select(UnitNight.unit_id).where(UnitNight.night >= tonight)
        free = list(
            db.session.scalars(select(Unit.id).where(Unit.id.not_in(owned), Unit.capacity > 1).order_by(Unit.id))
        )
        db.session.rollback()
        one, other = free[0], free[len(free) // 2]
        today = clock.today()
        for unit_id, until_on, why in (
            (one, today + timedelta(days=6), ClosureReason.REPAIR),
            (other, None, ClosureReason.PESTS),
        ):
            closures.close_units(unit_ids=[unit_id], from_on=today, until_on=until_on, reason=why, by=SYSTEM)

    def _decide_limits(self) -> None:
        """One extension asked for, one plan made."""
        rows = db.session.execute(
            select(Stay.id, Stay.limit_on, Stay.responsible_id).where(Stay.is_imported).order_by(Stay.limit_on)
        ).all()
        db.session.rollback()
        who = {by.user_id: by for by in self.colleagues}
        near = [row for row in rows if 0 < (row.limit_on - clock.today()).days < 30 and row.responsible_id in who]
        if near:
            asked = near[min(1, len(near) - 1)]
            extensions.request_extension(
                stay_id=asked.id, reason="새 집 계약을 기다리는 중 (가상)", by=who[asked.responsible_id]
            )
            planned = near[-1]
            plans.set_plan(
                stay_id=planned.id,
                plan_on=clock.today() + timedelta(days=12),
                plan="공공임대 입주 예정 (가상)",
                expected_leave_on=planned.limit_on - timedelta(days=3),
                by=who[planned.responsible_id],
            )

    def _turn_away(self) -> None:
        party = Party(people=((Sex.FEMALE, AgeBand.ADULT), (Sex.FEMALE, AgeBand.CHILD)))
        reasons = (
            TurnawayReason.NO_FAMILY_UNIT,
            TurnawayReason.NO_PET_UNIT,
            TurnawayReason.NO_SPACE,
            TurnawayReason.NO_STEP_FREE,
            TurnawayReason.DECLINED_OFFER,
        )
        for days_ago in (0, 1, 3, 6, 11, 12, 19, 34, 47, 58, 80, 103):
            night = clock.shelter_day() - timedelta(days=days_ago)
            turnaways.record_turnaway(
                night=night, reason=self.random.choice(reasons), party=party, by=self.colleagues[days_ago % 2]
            )


def _ids(reference: str) -> tuple[UUID, UUID]:
    household, number = split_stay_reference(reference)
    rows = select(Stay.id, Household.id).join(Household, Household.id == Stay.household_id)
    stay_id, household_id = db.session.execute(
        rows.where(Household.reference == household, Stay.number == number)
    ).one()
    db.session.rollback()
    return stay_id, household_id


def _take_in(household_id: UUID, guest: Guest, by: Principal) -> None:
    """What she tells on the phone: a name, whether she may be called and texted, the pets' names."""
    told: Intake = households.open_record(household_id=household_id, page="demo", by=by).intake
    people: list[PersonTold] = [
        replace(person, name=f"{guest.name}{'' if n == 0 else f' {n + 1}'}") for n, person in enumerate(told.people)
    ]
    pets: list[PetTold] = [replace(pet, name="콩이", is_vaccinated=True) for pet in told.pets]
    contact = ContactTold(
        can_call=guest.can_call,
        can_text=guest.can_text,
        number=parse(guest.number).e164 if guest.number else None,
        detail=Detail.DATE_ONLY if guest.can_text else Detail.NONE,
        has_consented=bool(guest.can_text),
        has_consented_abroad=bool(guest.can_text),
        code_word="초록 우산",
        other_way=guest.other_way,
    )
    intake.save_intake(
        household_id=household_id, intake=replace(told, people=tuple(people), pets=tuple(pets), contact=contact), by=by
    )


def _fail_text(stay_id: UUID) -> None:
    """As if the carrier had refused it: work for a person."""
    with unit_of_work(SYSTEM) as work:
        message = db.session.scalars(select(Message).where(Message.stay_id == stay_id)).first()
        if message is None or message.state is not MessageState.QUEUED:
            return
        message.state, message.error_code = MessageState.FAILED, Refusal.HANDSET_OFF
        message.state_changed_at = clock.now()
        message_tasks.raise_text_task(work, message)

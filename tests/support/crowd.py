"""A network of which everything can be had three times and thirty times: what pages list grows, what they are of stays.

The subjects (a held stay, a booked one, one in the house, one that is over) keep their addresses; their people, rooms,
texts, events and the rest become more. One of them stays as it is, while all around it grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.limits import CountingRule, ReadmissionRule
from shelter.domain.matching import AgeBand, PetSize, Sex, Species
from shelter.domain.messages import Detail, MessageState, Suppression, Template
from shelter.domain.permissions import Role
from shelter.domain.stays import ExtensionDecision, PlacementState, TurnawayReason
from shelter.domain.tasks import FOR_WHOM, TaskKind
from shelter.extensions import db, keyring
from shelter.models.households import ContactNumber, ExclusionKind, Household, NumberKind, Person, Pet, SafetyExclusion
from shelter.models.messages import Direction, Message
from shelter.models.people import SiteMembership
from shelter.models.sites import Site, StayPolicyVersion
from shelter.models.stays import Extension, Stay, StayEvent, StayFlag, Task, Turnaway
from shelter.services import audit_trail
from tests import factories
from tests.support.people import FOR_EVER, Account, create_user

P = PlacementState
WEEK = timedelta(days=7)
SUBJECTS = {"held": P.HELD, "booked": P.BOOKED, "here": P.IN_HOUSE, "gone": P.ENDED, "small": P.IN_HOUSE}
GROWING = ("held", "booked", "here", "gone")


@dataclass
class Crowd:
    """`grow(30)`: thirty of everything, counted from the beginning."""

    app: Flask
    number: int = 0
    people: dict[Role, Account] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)  # reference by subject
    ids: dict[str, Any] = field(default_factory=dict)  # by the name of the parameter
    _stay_ids: dict[str, UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.app.app_context():
            home = factories.make_site("Home", district="11680", directions="left", night_line="+82221112222")
            room = factories.make_room(home, "100")
            unit = factories.make_unit(room, "100")
            closed = factories.make_unit(site=home)
            closure = factories.make_closure(closed, from_on=self._tonight, until_on=self._tonight + WEEK)
            self.ids = {"site_id": home.id, "room_id": room.id, "unit_id": unit.id, "closure_id": closure.id}
        for role in (Role.COORDINATOR, Role.MANAGER, Role.ADMINISTRATOR, Role.AUDITOR):
            sites = [self.ids["site_id"]] if role is Role.COORDINATOR else []
            self.people[role] = create_user(self.app, roles={role}, sites=sites, phone="+821055550001")
        mine = self.people[Role.COORDINATOR]
        with self.app.app_context():
            for name, state in SUBJECTS.items():
                dates = {"leave_on": self._tonight + WEEK} if name == "small" else {}
                stay = self._stay(state, household=factories.make_household(by=mine), **dates)
                self._stay_ids[name] = stay.id
                self.stays[name] = f"{stay.household.reference}-1"
            self._to_be_decided_and_moved()
            of_task = Task(kind=TaskKind.NO_SHOW, dedupe_key="subject", stay_id=self._stay_ids["booked"])
            of_task.created_at = of_task.due_at = clock.now()
            db.session.add(of_task)
            db.session.commit()
            membership = db.session.scalars(select(SiteMembership.id).where(SiteMembership.user_id == mine.id)).one()
            self.ids |= {"task_id": of_task.id, "user_id": mine.id, "membership_id": membership}

    def _to_be_decided_and_moved(self) -> None:
        """Somebody asked for more days of one stay; of the small one the next room is booked already."""
        here = self._stay_ids["here"]
        db.session.add(Extension(stay_id=here, requested_at=clock.now(), decision=ExtensionDecision.REQUESTED))
        small = db.session.get_one(Stay, self._stay_ids["small"])
        first = small.placements[0].leave_on
        next_room = factories.make_unit(site=db.session.get_one(Site, self.ids["site_id"]))
        factories.make_placement(small, next_room, arrive_on=first, leave_on=first + WEEK)

    @property
    def _tonight(self) -> date:
        return clock.shelter_day()

    def grow(self, to: int) -> None:
        with self.app.app_context():
            for n in range(self.number, to):
                self._around(n)
                self._at_home(n)
                for name in GROWING:
                    self._more_of(name, db.session.get_one(Stay, self._stay_ids[name]), n)
                db.session.commit()
        self.number = to

    # Around: sites, colleagues, what was done

    def _around(self, n: int) -> None:
        site = factories.make_site(f"Site {n}")
        factories.make_unit(site=site)
        mine = self.people[Role.COORDINATOR]
        db.session.add(SiteMembership(site_id=site.id, user_id=mine.id, from_on=FOR_EVER))
        policy = {"months": 6, "counting_rule": CountingRule.CIVIL_CODE, "max_extensions": 2, "thresholds": [60, 30]}
        db.session.add(
            StayPolicyVersion(
                site_id=self.ids["site_id"],
                effective_from=factories.LONG_AGO + timedelta(days=n + 1),
                decided_by=Role.MANAGER,
                readmission_rule=ReadmissionRule.RESET,
                **policy,
            )
        )
        heads = {"adults": 1, "minors": 0, "pets": 0}
        now = clock.now()
        db.session.add(Turnaway(night=self._tonight, reason=TurnawayReason.NO_SPACE, recorded_at=now, **heads))
        db.session.commit()
        factories.make_user(sites=[self.ids["site_id"]], phone=f"+8210444400{n:02}")
        audit_trail.record_refusal(by=mine.principal, endpoint="sites.index")

    # At home: every unit differently taken

    def _at_home(self, n: int) -> None:
        home = db.session.get_one(Site, self.ids["site_id"])
        factories.make_unit(site=home)
        factories.make_closure(
            factories.make_unit(site=home), from_on=self._tonight, until_on=self._tonight + WEEK, is_open_ended=True
        )
        beds = factories.make_beds(home, 2)
        factories.make_stay(beds[0])  # somebody is in the room already
        self._stay(P.HELD)
        self._stay(P.HELD, held_until=clock.now() - timedelta(minutes=1))
        late = self._stay(P.BOOKED)
        late.placements[0].expected_at = clock.now() - timedelta(hours=3)
        late.placements[0].confirmed_at = clock.now() - timedelta(hours=5)
        self._stay(P.ENDED)
        missing = self._stay(P.NO_SHOW, arrive_on=self._tonight - timedelta(days=1))
        here = self._stay(P.IN_HOUSE, limit_on=self._tonight)
        for threshold in (7, 1):
            db.session.add(self._flag(here, threshold))
        db.session.add(Extension(stay_id=here.id, requested_at=clock.now(), decision=ExtensionDecision.REQUESTED))
        for kind in TaskKind:
            self._task(missing if kind is TaskKind.NO_SHOW else here, kind, n)

    def _stay(self, state: P, **how: Any) -> Stay:
        home = db.session.get_one(Site, self.ids["site_id"])
        household = how.pop("household", None) or factories.make_household()
        factories.make_contact(household, "+821077770000", detail=Detail.CALL_US)
        mine = self.people[Role.COORDINATOR]
        if state is P.IN_HOUSE:
            how = {"arrive_on": self._tonight - WEEK, "leave_on": self._tonight - timedelta(days=1)} | how
        return factories.make_stay(
            factories.make_unit(site=home), household=household, responsible=mine, state=state, **how
        )

    @staticmethod
    def _flag(stay: Stay, threshold: int) -> StayFlag:
        told = {"raised_on": clock.today(), "is_tightest": threshold == 1}
        return StayFlag(stay_id=stay.id, limit_on=stay.limit_on, threshold=threshold, **told)

    def _task(self, stay: Stay, kind: TaskKind, n: int) -> None:
        now = clock.now()
        for done_at in (None, now):
            task = Task(kind=kind, dedupe_key=f"{kind}:{stay.id}:{n}:{done_at}", created_at=now, due_at=now)
            task.stay_id, task.household_id, task.site_id = stay.id, stay.household_id, self.ids["site_id"]
            task.placement_id, task.done_at = stay.placements[0].id, done_at
            day = self._tonight.isoformat()
            task.data = {"other_household_id": stay.household_id.hex, "night": day, "until_on": day, "sheet_limit": day}
            if kind in FOR_WHOM:
                task.stay_id = task.placement_id = None
            db.session.add(task)

    # The subjects: more people, rooms, texts, events, earlier stays

    def _more_of(self, name: str, stay: Stay, n: int) -> None:
        household, now = stay.household, clock.now()
        db.session.add(Person(household_id=household.id, position=n + 2, sex=Sex.FEMALE, age_band=AgeBand.CHILD))
        db.session.add(Pet(household_id=household.id, position=n + 1, species=Species.DOG, size=PetSize.SMALL))
        number = f"+82103333{n:04}"
        row = ContactNumber(
            household_id=household.id, kind=NumberKind.DANGER, number_index=keyring.index("phone", number)
        )
        row.number = number
        other = factories.make_household()
        exclusion = SafetyExclusion(household_id=household.id, kind=ExclusionKind.HOUSEHOLD, created_at=now)
        exclusion.other_household_id = other.id
        event = StayEvent(stay_id=stay.id, at=now, happened_at=now, kind="on_the_way", data={})
        extension = Extension(stay_id=stay.id, requested_at=now, decision=ExtensionDecision.REFUSED, decided_at=now)
        db.session.add_all([row, exclusion, event, extension])
        if name == "here":
            for state in MessageState:
                self._text(stay, state, n)
        self._task(stay, TaskKind.CALL, n)
        if SUBJECTS[name] is not P.ENDED:
            self._more_rooms(stay, SUBJECTS[name])
        self._earlier(household, n)

    def _more_rooms(self, stay: Stay, state: P) -> None:
        home = db.session.get_one(Site, self.ids["site_id"])
        first = stay.placements[0]
        factories.make_placement(
            stay, factories.make_unit(site=home), arrive_on=first.arrive_on, leave_on=first.leave_on, state=state
        )

    def _earlier(self, household: Household, n: int) -> None:
        ago = clock.shelter_day() - timedelta(days=10 * (n + 2))
        home = db.session.get_one(Site, self.ids["site_id"])
        factories.make_stay(
            factories.make_unit(site=home),
            household=household,
            state=P.ENDED,
            number=n + 2,
            arrive_on=ago,
            leave_on=ago + timedelta(days=2),
        )

    @staticmethod
    def _text(stay: Stay, state: MessageState, n: int) -> None:
        now = clock.now()
        times = {"created_at": now, "state_changed_at": now, "not_before": now, "expires_at": now + WEEK}
        text = Message(dedupe_key=f"{state}:{stay.id}:{n}", template=Template.CONFIRMED, state=state, **times)
        text.household_id, text.stay_id = stay.household_id, stay.id
        text.number, text.number_index = "+821077770000", keyring.index("phone", "+821077770000")
        text.body = "확인되었습니다."
        if state is MessageState.SUPPRESSED:
            text.suppression = Suppression.TOLD_BY_VOICE
        if state is MessageState.RECEIVED:
            text.direction, text.template = Direction.IN, None
        db.session.add(text)

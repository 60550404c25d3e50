"""Stays that were running before this system was, brought in from the old list: everything or nothing.

The clock is the real check-in of long ago; the limit is worked out from it, and where the old list says otherwise
a person is told. Nights from before the start are not written: of them there is no data. Nobody is texted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shelter import clock
from shelter.domain import limits, references
from shelter.domain.errors import NotPermitted
from shelter.domain.limits import CountingRule
from shelter.domain.nights import DAY, Nights
from shelter.domain.permissions import Permission, Principal, Role
from shelter.domain.sheets import Problem, Sheet
from shelter.domain.sites import unit_name
from shelter.domain.stays import ExtensionDecision, PlacementState, StayState
from shelter.domain.stays_file import ListedStay, RoomSpan, StaysFile, read_stays_file
from shelter.domain.tasks import TaskKind
from shelter.domain.units_file import same_name
from shelter.extensions import db
from shelter.models.households import Household, Person, Pet
from shelter.models.people import User, UserRole
from shelter.models.sites import Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import Extension, Placement, PlacementMember, Stay, StayFlag
from shelter.queries import installation, policies
from shelter.services import expiry, ledger, overstays, stay_tasks
from shelter.services.history import note
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work
from shelter.services.units_import import ListRefused

NOON = time(12)


@dataclass(frozen=True)
class BroughtIn:
    """One stay of the list. `sheet_limit_on` only where the old list counted otherwise."""

    line: int
    case: str | None
    reference: str
    rooms: str
    check_in_on: date
    limit_on: date
    days_left: int
    people: int
    pets: int
    rule: CountingRule
    months: int | None
    days: int | None
    granted: int
    sheet_limit_on: date | None = None
    is_leave_cut: bool = False  # the planned day of leaving lay past the limit
    is_crowded: bool = False  # more people than places
    is_new: bool = True

    @property
    def is_different(self) -> bool:
        return self.sheet_limit_on is not None


@dataclass
class StaysResult:
    """What was done, or would be."""

    stays: list[BroughtIn] = field(default_factory=list)
    ignored_headings: tuple[str, ...] = ()
    sheets_not_read: tuple[str, ...] = ()

    @property
    def created(self) -> list[BroughtIn]:
        return [stay for stay in self.stays if stay.is_new]

    @property
    def unchanged(self) -> int:
        return len(self.stays) - len(self.created)

    @property
    def differences(self) -> list[BroughtIn]:
        return [stay for stay in self.stays if stay.is_different]

    @property
    def reached(self) -> int:
        return sum(stay.days_left <= 0 for stay in self.created)


class _DryRun(Exception):
    """Takes the transaction back."""


def import_stays(
    *, sheets: Iterable[Sheet], is_dry_run: bool = False, by: Principal, once: Once | None = None
) -> StaysResult:
    """Bring in every running stay of the list. Raises ListRefused; the same list again changes nothing.

    A dry run does all of it and takes it back. After a replay the result is empty.
    """
    if not by.can(Permission.STAYS_IMPORT):
        raise NotPermitted()
    listed = read_stays_file(sheets, clock.today())
    result = StaysResult(ignored_headings=listed.ignored_headings, sheets_not_read=listed.sheets_not_read)
    try:
        with unit_of_work(by, once=once) as work:
            if work.is_replay:
                return result
            _Importing(work, listed, result).run()
            if is_dry_run:
                raise _DryRun
            work.result = f"{len(result.created)} {result.unchanged}"
            work.record("stays.imported", created=len(result.created), unchanged=result.unchanged)
    except _DryRun:
        pass
    return result


class _Importing:
    """One list on its way in. Problems are gathered; the transaction ends with all of them."""

    def __init__(self, work: UnitOfWork, listed: StaysFile, result: StaysResult) -> None:
        self.work, self.listed, self.result = work, listed.stays, result
        self.problems: list[Problem] = list(listed.problems)
        self.now, self.today, self.tonight = clock.now(), clock.today(), clock.shelter_day()
        self.first_night = installation.first_written_night()
        self.units: dict[tuple[str, str, str], Unit] = {}
        self.rooms: dict[tuple[str, str], list[Unit]] = {}
        self.names: dict[int, str] = {}
        self.new: set[UUID] = set()  # two lines of one list are never the same stay
        self.staff: dict[str, list[UUID]] = {}

    def run(self) -> None:
        named = {room.site for stay in self.listed for room in stay.rooms}
        sites = {same_name(s.code_name): s for s in db.session.scalars(select(Site)) if same_name(s.code_name) in named}
        self.work.lock(sites=[site.id for site in sites.values()])
        overstays.keep_rooms([site.id for site in sites.values()], self.tonight)
        self._know_units(sites)
        self._know_staff()
        for stay in self.listed:
            self._stay(stay, sites)
        if self.problems:
            raise ListRefused(tuple(sorted(self.problems, key=lambda p: (p.sheet or "", p.line or 0))))
        db.session.flush()
        overstays.keep_rooms([site.id for site in sites.values()], self.tonight)

    def _know_units(self, sites: dict[str, Site]) -> None:
        names = {site.id: key for key, site in sites.items()}
        rows = select(Unit, Room.label).join(Room, Room.id == Unit.room_id).where(Unit.site_id.in_(names))
        for unit, room in db.session.execute(rows):
            key = names[unit.site_id], same_name(room)
            self.units[*key, same_name(unit.label)] = unit
            self.rooms.setdefault(key, []).append(unit)
            self.names[unit.id] = f"{sites[key[0]].code_name} {unit_name(room, unit.label)}"

    def _know_staff(self) -> None:
        rows = (
            select(User.id, User.name, User.login)
            .join(UserRole, UserRole.user_id == User.id)
            .where(User.is_active, UserRole.role == Role.COORDINATOR)
        )
        for user_id, name, login in db.session.execute(rows):
            for said in {same_name(name), same_name(login)}:
                self.staff.setdefault(said, []).append(user_id)

    def _refuse(self, line: ListedStay | RoomSpan, code: str, column: str, **params: Any) -> None:
        self.problems.append(Problem(code=code, line=line.line, sheet=line.sheet, column=column, params=params))

    def _stay(self, listed: ListedStay, sites: dict[str, Site]) -> None:
        before = len(self.problems)
        units = [self._unit(room, sites) for room in listed.rooms]
        responsible_id = self._responsible(listed)
        if len(self.problems) > before:
            return
        spans = [(room, unit) for room, unit in zip(listed.rooms, units, strict=True) if unit is not None]
        version = policies.in_force(spans[0][1].site_id, listed.check_in_on)
        if listed.extensions and not policies.rules(version).has_step:
            return self._refuse(listed, "extension_not_offered", "extensions")
        limit = policies.limit_for(version, listed.check_in_on, granted_steps=listed.extensions)
        known = self._known(listed, [unit for _room, unit in spans])
        if known is not None:
            return self._count(listed, known, version, [unit for _room, unit in spans])
        stay = self._new_stay(listed, version, limit, responsible_id)
        for room, unit in spans:
            self._place(stay, listed, room, unit)
        self._extensions(stay, listed)
        self._flags(stay, version)
        if listed.limit_on is not None and listed.limit_on != limit:
            self._difference(stay, listed, spans[-1][1])
        note(
            self.work, stay, "imported", stay.checked_in_at, listed.case, limit_on=limit, sheet_limit_on=listed.limit_on
        )
        reference = references.stay_reference(stay.household.reference, stay.number)
        self.work.record("stay.imported", subject=f"stay:{reference}", household=stay.household_id)
        return self._count(listed, stay, version, [unit for _room, unit in spans], is_new=True)

    def _unit(self, room: RoomSpan, sites: dict[str, Site]) -> Unit | None:
        if room.site not in sites:
            self._refuse(room, "site_not_known", "site")
        elif (room.site, room.room) not in self.rooms:
            self._refuse(room, "room_not_known", "room")
        elif unit := self.units.get((room.site, room.room, room.bed)):
            return unit
        else:
            self._refuse(room, "bed_not_known", "bed")
        return None

    def _responsible(self, listed: ListedStay) -> UUID | None:
        if listed.responsible is None:
            return None
        found = self.staff.get(same_name(listed.responsible), [])
        if len(set(found)) != 1:
            self._refuse(listed, "responsible_not_known" if not found else "responsible_not_one", "responsible")
            return None
        return found[0]

    def _known(self, listed: ListedStay, units: list[Unit]) -> Stay | None:
        """The stay an earlier import made of this line, wherever it has gone since."""
        rows = (
            select(Stay)
            .join(Placement, Placement.stay_id == Stay.id)
            .where(Stay.is_imported, Placement.unit_id == units[0].id, Stay.checked_in_at.is_not(None))
        )
        wanted = self._checked_in_at(listed)
        earlier = (s for s in db.session.scalars(rows.distinct()) if s.id not in self.new)
        return next((s for s in earlier if s.checked_in_at == wanted), None)

    def _checked_in_at(self, listed: ListedStay) -> datetime:
        at = listed.check_in_time or NOON
        return min(clock.instant(listed.check_in_on, at.hour, at.minute), self.now)

    def _new_stay(
        self, listed: ListedStay, version: StayPolicyVersion, limit: date, responsible_id: UUID | None
    ) -> Stay:
        household = Household(reference=_unused_reference(), created_at=self.now, created_by_id=self.work.by.user_id)
        people = [who for room in listed.current for who in room.people]
        household.people = [Person(position=n, sex=sex, age_band=age) for n, (sex, age) in enumerate(people, 1)]
        household.pets = [Pet(position=n, species=kind, size=size) for n, (kind, size) in enumerate(listed.pets, 1)]
        household.notes = listed.case
        checked_in = self._checked_in_at(listed)
        stay = Stay(
            household_id=household.id,
            number=1,
            state=StayState.IN_HOUSE,
            arrive_on=clock.shelter_day(checked_in),
            policy_id=version.id,
            limit_on=limit,
            checked_in_at=checked_in,
            responsible_id=responsible_id,
            is_imported=True,
            sheet_limit_on=listed.limit_on,
            created_by_id=self.work.by.user_id,
            created_at=self.now,
        )
        stay.household = household
        db.session.add_all([household, stay])
        db.session.flush()
        self.new.add(stay.id)
        return stay

    def _place(self, stay: Stay, listed: ListedStay, room: RoomSpan, unit: Unit) -> None:
        is_first = room.since == listed.check_in_on
        begins = stay.arrive_on if is_first else room.since
        leave_on = room.until or max(min(listed.leave_on or stay.limit_on, stay.limit_on), begins + DAY)
        arrived_at = stay.checked_in_at if is_first else clock.instant(room.since, NOON.hour)
        persons = self._members(stay, listed, room)
        placement = Placement(
            stay_id=stay.id,
            unit_id=unit.id,
            state=PlacementState.MOVED if room.until else PlacementState.IN_HOUSE,
            arrive_on=begins,
            leave_on=max(leave_on, begins + DAY),
            people=len(persons),
            confirmed_at=arrived_at,
            arrived_at=arrived_at,
            occupied_from=begins,
            left_at=clock.instant(room.until, NOON.hour) if room.until else None,
            created_by_id=self.work.by.user_id,
            created_at=self.now,
        )
        placement.members = [PlacementMember(person_id=person.id) for person in persons]
        db.session.add(placement)
        db.session.flush()
        self._claim(room, placement, unit)

    def _members(self, stay: Stay, listed: ListedStay, room: RoomSpan) -> list[Person]:
        """Who sleeps there now; in earlier rooms all of them did."""
        everybody = list(stay.household.people)
        if room.until is not None:
            return everybody
        before = sum(len(other.people) for other in listed.current[: listed.current.index(room)])
        return everybody[before : before + len(room.people)]

    def _claim(self, room: RoomSpan, placement: Placement, unit: Unit) -> None:
        """Nights from the start of this system on; for whoever is here, tonight as well. None of a unit given up."""
        begins = max(placement.arrive_on, self.first_night)
        until = placement.leave_on
        if placement.state is PlacementState.IN_HOUSE:
            until = max(until, self.tonight + DAY)
        if until <= begins:
            return
        expiry.release_expired([placement.unit_id], Nights(begins, until), self.now)
        taken = ledger.owners(placement.unit_id, Nights(begins, until))
        if taken:
            self._refuse(room, "room_taken", "room", night=taken[0].night)
        elif unit.in_service_until is not None and unit.in_service_until < until:
            self._refuse(room, "room_given_up", "room", day=unit.in_service_until)
        else:
            ledger.claim_for(placement, Nights(begins, until))

    def _extensions(self, stay: Stay, listed: ListedStay) -> None:
        for _n in range(listed.extensions):
            granted = Extension(stay_id=stay.id, decision=ExtensionDecision.GRANTED)
            granted.requested_at = granted.decided_at = self.now
            db.session.add(granted)

    def _flags(self, stay: Stay, version: StayPolicyVersion) -> None:
        """Every threshold crossed by now at once, so that only the tightest is shown."""
        crossed = limits.crossed_thresholds(policies.rules(version), stay.limit_on, self.today)
        for threshold in crossed:
            db.session.add(
                StayFlag(
                    stay_id=stay.id,
                    limit_on=stay.limit_on,
                    threshold=threshold,
                    raised_on=self.today,
                    is_tightest=threshold == limits.tightest(crossed),
                )
            )

    def _difference(self, stay: Stay, listed: ListedStay, unit: Unit) -> None:
        stay_tasks.raise_task(
            self.work,
            TaskKind.IMPORT_DIFFERENCE,
            f"import-difference:{stay.id}",
            stay_id=stay.id,
            site_id=unit.site_id,
            household_id=stay.household_id,
            sheet_limit_on=listed.limit_on,
            limit_on=stay.limit_on,
        )

    def _count(
        self, listed: ListedStay, stay: Stay, version: StayPolicyVersion, units: list[Unit], *, is_new: bool = False
    ) -> None:
        by_room = zip(listed.rooms, units, strict=True)
        current = [(room, unit) for room, unit in by_room if room.until is None]
        differs = is_new and listed.limit_on not in (None, stay.limit_on)
        self.result.stays.append(
            BroughtIn(
                line=listed.line,
                case=listed.case,
                reference=references.stay_reference(stay.household.reference, stay.number),
                rooms=", ".join(self.names[unit.id] for _room, unit in current),
                check_in_on=listed.check_in_on,
                limit_on=stay.limit_on,
                days_left=limits.days_left(stay.limit_on, self.today),
                people=sum(len(room.people) for room, _unit in current),
                pets=len(listed.pets),
                rule=version.counting_rule,
                months=version.months,
                days=version.days,
                granted=listed.extensions,
                sheet_limit_on=listed.limit_on if differs else None,
                is_leave_cut=is_new and listed.leave_on is not None and listed.leave_on > stay.limit_on,
                is_crowded=any(len(room.people) > unit.capacity for room, unit in current),
                is_new=is_new,
            )
        )


def _unused_reference() -> str:
    while True:
        reference = references.new_reference()
        taken = select(Household.id).where(Household.reference == reference)
        if db.session.scalar(taken) is None:
            return reference

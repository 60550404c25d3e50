"""A network's own list, brought in: everything or nothing, and the same list again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import select

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.matching import PetsAllowed, Sharing
from shelter.domain.permissions import Principal
from shelter.domain.sheets import Problem, Sheet
from shelter.domain.sites import (
    CapacityBelowPeople,
    NightLineNotValid,
    UnitHasEarlierNights,
    UnitHasNights,
    check_unit,
    unit_name,
    usual_audience,
)
from shelter.domain.units_file import RoomLine, SiteLine, UnitLine, UnitsFile, read_units_file, same_name
from shelter.extensions import db
from shelter.models.sites import Room, Site, Unit
from shelter.services.sites import add_site, change_sealed, night_line_of, permit
from shelter.services.unit_of_work import Once, UnitOfWork, unit_of_work
from shelter.services.units import TERMS, UnitTerms, apply_terms, check_bookings, terms_of


@dataclass
class ListRefused(DomainError):
    """Nothing was brought in: every line that is wrong, with what to do."""

    problems: tuple[Problem, ...]
    code: ClassVar[str] = "list_refused"
    field: ClassVar[str | None] = "file"

    @property
    def params(self) -> dict[str, Any]:
        return {"count": len(self.problems)}


@dataclass(frozen=True)
class Change:
    """One thing that is not as the list says; `fields` are column codes, of what is sealed without the values."""

    kind: str  # site, room or unit
    name: str
    is_new: bool
    fields: tuple[str, ...] = ()


@dataclass
class Count:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class ImportResult:
    """What was done, or would be. `ignored_headings` and `sheets_not_read` are what the list has beside."""

    sites: Count = field(default_factory=Count)
    rooms: Count = field(default_factory=Count)
    units: Count = field(default_factory=Count)
    changes: list[Change] = field(default_factory=list)
    ignored_headings: tuple[str, ...] = ()
    sheets_not_read: tuple[str, ...] = ()

    def as_text(self) -> str:
        counts = (self.sites, self.rooms, self.units)
        return " ".join(f"{c.created} {c.updated} {c.unchanged}" for c in counts)

    @property
    def changes_nothing(self) -> bool:
        return not self.changes

    def count(self, change: Change) -> None:
        counted = {"site": self.sites, "room": self.rooms, "unit": self.units}[change.kind]
        if change.is_new:
            counted.created += 1
        elif change.fields:
            counted.updated += 1
        else:
            counted.unchanged += 1
        if change.is_new or change.fields:
            self.changes.append(change)


def _remembered(text: str) -> ImportResult:
    """Of a replay: the counts of the first time."""
    n = [int(word) for word in text.split()]
    return ImportResult(sites=Count(*n[0:3]), rooms=Count(*n[3:6]), units=Count(*n[6:9]))


class _DryRun(Exception):
    """Takes the transaction back."""


def import_units(
    *, sheets: Iterable[Sheet], is_dry_run: bool = False, by: Principal, once: Once | None = None
) -> ImportResult:
    """Make sites, rooms and units as the list says. Raises ListRefused.

    A dry run does all of it and takes it back, so that it promises what the real one does.
    """
    permit(by)
    listed = read_units_file(sheets)
    if listed.problems:
        raise ListRefused(listed.problems)
    result = ImportResult(ignored_headings=listed.ignored_headings, sheets_not_read=listed.sheets_not_read)
    try:
        with unit_of_work(by, once=once) as work:
            if work.is_replay:
                return _remembered(work.result or "")
            _Importing(work, listed, result).run()
            if is_dry_run:
                raise _DryRun
            work.result = result.as_text()
            work.record(
                "units.imported",
                created=[result.sites.created, result.rooms.created, result.units.created],
                updated=[result.sites.updated, result.rooms.updated, result.units.updated],
            )
    except _DryRun:
        pass
    return result


class _Importing:
    """One list on its way in. Problems are gathered; the transaction ends with all of them."""

    def __init__(self, work: UnitOfWork, listed: UnitsFile, result: ImportResult) -> None:
        self.work, self.listed, self.result = work, listed, result
        self.problems: list[Problem] = []
        self.sites: dict[str, Site] = {}
        self.rooms: dict[tuple[str, str], Room] = {}

    def run(self) -> None:
        names = {same_name(site.code_name) for site in self.listed.sites}
        there = {same_name(site.code_name): site for site in db.session.scalars(select(Site))}
        self.sites = {name: site for name, site in there.items() if name in names}
        self.work.lock(sites=[site.id for site in self.sites.values()])
        for site in self.sites.values():
            db.session.refresh(site)
        for site_line in self.listed.sites:
            self._site(site_line)
        self.rooms = self._rooms_there()
        for room_line in self.listed.rooms:
            self._room(room_line)
        if not self.problems:
            self._units()
        if self.problems:
            raise ListRefused(tuple(sorted(self.problems, key=lambda p: (p.sheet or "", p.line or 0))))

    def _refuse(self, line: SiteLine | RoomLine | UnitLine, code: str, column: str, **params: Any) -> None:
        self.problems.append(Problem(code=code, line=line.line, sheet=line.sheet, column=column, params=params))

    def _site(self, line: SiteLine) -> None:
        key = same_name(line.code_name)
        if line.night_line:
            try:
                night_line_of(line.night_line)
            except NightLineNotValid as refused:
                return self._refuse(line, refused.code, "night_line")
        if site := self.sites.get(key):
            changed = change_sealed(
                site, district=line.district, directions=line.directions, night_line=line.night_line
            )
            if line.is_overflow is not None and site.is_overflow != line.is_overflow:
                site.is_overflow = line.is_overflow
                changed.append("is_overflow")
            if changed:
                self.work.record("site.changed", subject=f"site:{site.id}", fields=changed, by_list=True)
            return self._count("site", line.code_name, is_new=False, fields=changed)
        if line.district is None:
            return self._refuse(line, "district_missing", "district")
        self.sites[key] = add_site(
            self.work,
            code_name=line.code_name,
            district=line.district,
            directions=line.directions,
            night_line=line.night_line,
            is_overflow=bool(line.is_overflow),
        )
        return self._count("site", line.code_name, is_new=True)

    def _rooms_there(self) -> dict[tuple[str, str], Room]:
        names = {site.id: name for name, site in self.sites.items()}
        rooms = db.session.scalars(select(Room).where(Room.site_id.in_(names)))
        return {(names[room.site_id], same_name(room.label)): room for room in rooms}

    def _room(self, line: RoomLine) -> None:
        if line.site not in self.sites:
            return
        key, name = (line.site, same_name(line.label)), self._name(line.site, line.label)
        if room := self.rooms.get(key):
            said = {"floor": line.floor, "sharing": line.sharing}
            changed = [code for code, value in said.items() if value is not None and getattr(room, code) != value]
            before = {code: getattr(room, code) for code in changed}
            for code in changed:
                setattr(room, code, said[code])
            if changed:
                after = {code: said[code] for code in changed}
                self.work.record("room.changed", subject=f"room:{room.id}", before=before, after=after)
            return self._count("room", name, is_new=False, fields=changed)
        room = Room(site_id=self.sites[line.site].id, label=line.label, floor=line.floor)
        room.sharing = line.sharing or Sharing.HOUSEHOLD
        db.session.add(room)
        db.session.flush()
        self.rooms[key] = room
        return self._count("room", name, is_new=True)

    def _units(self) -> None:
        there: dict[tuple[int, str], Unit] = {}
        by_room: dict[int, list[Unit]] = {}
        ids = {room.id for room in self.rooms.values()}
        for known in db.session.scalars(select(Unit).where(Unit.room_id.in_(ids))):
            there[known.room_id, same_name(known.label)] = known
            by_room.setdefault(known.room_id, []).append(known)
        for line in self.listed.units:
            room = self.rooms[line.site, line.room]
            unit = there.get((room.id, same_name(line.label)))
            if unit is None and _is_other_shape(room, by_room.get(room.id, []), line):
                self._refuse(line, "room_is_there_otherwise", "room", value=room.label)
                continue
            try:
                self._unit(line, room, unit)
            except (UnitHasNights, UnitHasEarlierNights, CapacityBelowPeople) as refused:
                self._refuse(line, refused.code, refused.field or "", **refused.params)
            except DomainError as refused:
                self._refuse(line, refused.code, refused.field or "")

    def _unit(self, line: UnitLine, room: Room, unit: Unit | None) -> None:
        terms = _terms(line, room, unit)
        check_unit(
            pets_allowed=terms.pets_allowed,
            max_pets=terms.max_pets,
            audience=terms.audience,
            sharing=room.sharing,
            in_service_from=terms.in_service_from,
            in_service_until=terms.in_service_until,
        )
        name = self._name(line.site, unit_name(room.label, line.label))
        if unit is None:
            unit = Unit(site_id=room.site_id, room_id=room.id, label=line.label)
            apply_terms(unit, terms)
            db.session.add(unit)
            return self._count("unit", name, is_new=True)
        old = terms_of(unit)
        changed = [code for code in TERMS if getattr(old, code) != getattr(terms, code)]
        if changed:
            check_bookings(unit, terms)
            apply_terms(unit, terms)
            self.work.record(
                "unit.changed",
                subject=f"unit:{unit.id}",
                before={code: getattr(old, code) for code in changed},
                after={code: getattr(terms, code) for code in changed},
            )
        return self._count("unit", name, is_new=False, fields=changed)

    def _name(self, site: str, label: str) -> str:
        return f"{self.sites[site].code_name} {label}"

    def _count(self, kind: str, name: str, *, is_new: bool, fields: Iterable[str] = ()) -> None:
        self.result.count(Change(kind, name, is_new, tuple(fields)))


def _is_other_shape(room: Room, units: list[Unit], line: UnitLine) -> bool:
    """The room is here as a whole and the list has its beds, or the other way round: it would be sold twice."""
    tonight = clock.shelter_day()
    in_use = [u for u in units if u.in_service_until is None or u.in_service_until > tonight]
    is_whole_here = any(same_name(unit.label) == same_name(room.label) for unit in in_use)
    is_whole_there = same_name(line.label) == same_name(room.label)
    return bool(in_use) and is_whole_here != is_whole_there


def _terms(line: UnitLine, room: Room, unit: Unit | None) -> UnitTerms:
    """What the list says, else what is so already, else what is usual."""

    def said(code: str, usual: Any) -> Any:
        value = getattr(line, code)
        if value is not None:
            return value
        return usual if unit is None else getattr(unit, code)

    pets = said("pets_allowed", PetsAllowed.NONE)
    is_whole = room.sharing is Sharing.HOUSEHOLD
    return UnitTerms(
        capacity=line.capacity,
        pets_allowed=pets,
        max_pets=_max_pets(line, pets, unit),
        is_step_free=said("is_step_free", False),
        has_cot=said("has_cot", False),
        audience=said("audience", usual_audience(room.sharing)),
        accepts_older_boys=said("accepts_older_boys", is_whole),
        in_service_from=said("in_service_from", clock.shelter_day()),
        in_service_until=line.in_service_until if line.says_until or unit is None else unit.in_service_until,
    )


def _max_pets(line: UnitLine, pets: PetsAllowed, unit: Unit | None) -> int:
    if pets is PetsAllowed.NONE:
        return 0
    if line.max_pets is not None:
        return line.max_pets
    return unit.max_pets if unit is not None and unit.max_pets else 1

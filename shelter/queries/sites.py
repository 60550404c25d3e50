"""Reads about places: by code name only. Nothing here opens a sealed field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from shelter import clock
from shelter.domain.limits import StayPolicy
from shelter.domain.matching import Audience, PetsAllowed, Sharing
from shelter.domain.permissions import Role
from shelter.domain.sites import BEGINNING, RENEWAL_NOTICE, natural
from shelter.domain.stays import ClosureReason
from shelter.extensions import db
from shelter.models.people import SiteMembership, User, UserRole
from shelter.models.sites import Closure, Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import UnitNight
from shelter.queries import policies


@dataclass(frozen=True)
class SiteRow:
    id: UUID
    code_name: str
    is_paused: bool
    is_overflow: bool
    rooms: int
    units: int  # in service tonight
    closed: int  # of these
    coordinators: int


def sites() -> list[SiteRow]:
    """Every site with what it has tonight, by code name."""
    tonight = clock.shelter_day()
    in_service = and_(Unit.site_id == Site.id, *in_service_on(tonight))
    counted = (
        select(func.count(Room.id)).where(Room.site_id == Site.id).scalar_subquery(),
        select(func.count(Unit.id)).where(in_service).scalar_subquery(),
        select(func.count(UnitNight.unit_id))
        .join(Unit, Unit.id == UnitNight.unit_id)
        .where(in_service, UnitNight.night == tonight, UnitNight.closure_id.is_not(None))
        .scalar_subquery(),
        select(func.count(func.distinct(SiteMembership.user_id)))
        .where(SiteMembership.site_id == Site.id, *_lasts_on(clock.today()))
        .scalar_subquery(),
    )
    rows = select(Site.id, Site.code_name, Site.is_paused, Site.is_overflow, *counted)
    return [SiteRow(*row) for row in db.session.execute(rows.order_by(Site.code_name))]


def in_service_on(night: date) -> tuple:
    """Conditions on `Unit`."""
    return (
        Unit.in_service_from <= night,
        or_(Unit.in_service_until.is_(None), Unit.in_service_until > night),
    )


def _lasts_on(day: date) -> tuple:
    return (
        SiteMembership.from_on <= day,
        or_(SiteMembership.until_on.is_(None), SiteMembership.until_on > day),
    )


def site_choices() -> list[tuple[UUID, str]]:
    rows = db.session.execute(select(Site.id, Site.code_name).order_by(Site.code_name))
    return [(site_id, code_name) for site_id, code_name in rows]


@dataclass(frozen=True)
class UnitRow:
    id: int
    label: str
    capacity: int
    pets_allowed: PetsAllowed
    max_pets: int
    is_step_free: bool
    has_cot: bool
    audience: Audience
    accepts_older_boys: bool
    in_service_from: date
    in_service_until: date | None

    def is_in_service(self, night: date) -> bool:
        return self.in_service_from <= night and not self.is_gone(night)

    def is_gone(self, night: date) -> bool:
        return self.in_service_until is not None and self.in_service_until <= night


@dataclass(frozen=True)
class RoomRow:
    id: int
    label: str
    floor: str | None
    sharing: Sharing
    units: tuple[UnitRow, ...]


@dataclass(frozen=True)
class ClosureRow:
    id: int
    unit_id: int
    room: str
    unit: str
    from_on: date
    until_on: date
    is_open_ended: bool
    reason: ClosureReason
    note: str | None
    site_id: UUID
    code_name: str

    @property
    def needs_renewal(self) -> bool:
        left = self.until_on - clock.today()
        return self.is_open_ended and left.days >= 0 and left <= RENEWAL_NOTICE

    @property
    def is_over(self) -> bool:
        return self.until_on <= clock.shelter_day()

    @property
    def is_running(self) -> bool:
        return self.from_on <= clock.shelter_day() < self.until_on


@dataclass(frozen=True)
class PolicyRow:
    effective_from: date | None  # None: from the beginning
    terms: StayPolicy
    is_in_force: bool


@dataclass(frozen=True)
class CoordinatorRow:
    membership_id: int
    user_id: UUID
    name: str
    from_on: date
    until_on: date | None
    is_active: bool


@dataclass(frozen=True)
class SitePage:
    id: UUID
    code_name: str
    is_paused: bool
    is_overflow: bool
    has_directions: bool
    has_night_line: bool
    rooms: tuple[RoomRow, ...]
    closures: tuple[ClosureRow, ...]  # running and to come


def site(site_id: UUID) -> SitePage | None:
    found = db.session.get(Site, site_id)
    if found is None:
        return None
    return SitePage(
        id=found.id,
        code_name=found.code_name,
        is_paused=found.is_paused,
        is_overflow=found.is_overflow,
        has_directions=found.directions_sealed is not None,
        has_night_line=found.night_line_sealed is not None,
        rooms=_rooms(site_id),
        closures=tuple(closures(site_id, since=clock.shelter_day())),
    )


def _rooms(site_id: UUID) -> tuple[RoomRow, ...]:
    units: dict[int, list[UnitRow]] = {}
    for found in db.session.scalars(select(Unit).where(Unit.site_id == site_id)):
        units.setdefault(found.room_id, []).append(_unit_row(found))
    rooms = db.session.scalars(select(Room).where(Room.site_id == site_id)).all()
    return tuple(
        RoomRow(
            id=found.id,
            label=found.label,
            floor=found.floor,
            sharing=found.sharing,
            units=tuple(sorted(units.get(found.id, ()), key=lambda row: natural(row.label))),
        )
        for found in sorted(rooms, key=lambda row: natural(row.label))
    )


def _unit_row(found: Unit) -> UnitRow:
    return UnitRow(**{name: getattr(found, name) for name in UnitRow.__dataclass_fields__})


@dataclass(frozen=True)
class RoomPage:
    site_id: UUID
    code_name: str
    room: RoomRow


def room(room_id: int) -> RoomPage | None:
    found = db.session.execute(
        select(Room, Site.code_name).join(Site, Site.id == Room.site_id).where(Room.id == room_id)
    ).one_or_none()
    if found is None:
        return None
    this, code_name = found
    units = tuple(_unit_row(u) for u in db.session.scalars(select(Unit).where(Unit.room_id == room_id)))
    return RoomPage(this.site_id, code_name, RoomRow(this.id, this.label, this.floor, this.sharing, units))


@dataclass(frozen=True)
class UnitPage:
    site_id: UUID
    code_name: str
    room_id: int
    room_label: str
    sharing: Sharing
    unit: UnitRow


def unit(unit_id: int) -> UnitPage | None:
    found = db.session.execute(
        select(Unit, Room.label, Room.sharing, Site.code_name)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(Unit.id == unit_id)
    ).one_or_none()
    if found is None:
        return None
    this, label, sharing, code_name = found
    return UnitPage(this.site_id, code_name, this.room_id, label, sharing, _unit_row(this))


def closures(site_id: UUID, *, since: date | None = None) -> list[ClosureRow]:
    """The site's closures, the latest first; with `since` only those with a night from then on."""
    wanted = _closure_rows().where(Unit.site_id == site_id)
    if since is not None:
        wanted = wanted.where(Closure.until_on > since)
    wanted = wanted.order_by(Closure.from_on.desc(), Room.label, Unit.label)
    return [ClosureRow(*row) for row in db.session.execute(wanted)]


def closure(closure_id: int) -> ClosureRow | None:
    row = db.session.execute(_closure_rows().where(Closure.id == closure_id)).one_or_none()
    return ClosureRow(*row) if row else None


def _closure_rows():  # type: ignore[no-untyped-def]  # a Select of many columns
    return (
        select(
            Closure.id,
            Closure.unit_id,
            Room.label,
            Unit.label,
            Closure.from_on,
            Closure.until_on,
            Closure.is_open_ended,
            Closure.reason,
            Closure.note,
            Site.id,
            Site.code_name,
        )
        .join(Unit, Unit.id == Closure.unit_id)
        .join(Room, Room.id == Unit.room_id)
        .join(Site, Site.id == Unit.site_id)
        .where(Closure.until_on > Closure.from_on)  # one that ended before it began never was
    )


def site_policies(site_id: UUID) -> list[PolicyRow]:
    """Every version, the latest first."""
    versions = db.session.scalars(
        select(StayPolicyVersion)
        .where(StayPolicyVersion.site_id == site_id)
        .order_by(StayPolicyVersion.effective_from.desc())
    ).all()
    now = policies.in_force(site_id, clock.today()).id if versions else None
    return [
        PolicyRow(
            effective_from=None if version.effective_from == BEGINNING else version.effective_from,
            terms=policies.rules(version),
            is_in_force=version.id == now,
        )
        for version in versions
    ]


def site_coordinators(site_id: UUID) -> list[CoordinatorRow]:
    """Whose membership holds or is still to come, by name."""
    rows = (
        select(
            SiteMembership.id,
            User.id,
            User.name,
            SiteMembership.from_on,
            SiteMembership.until_on,
            User.is_active,
        )
        .join(User, User.id == SiteMembership.user_id)
        .where(
            SiteMembership.site_id == site_id,
            or_(SiteMembership.until_on.is_(None), SiteMembership.until_on > clock.today()),
        )
        .order_by(User.name, SiteMembership.from_on)
    )
    return [CoordinatorRow(*row) for row in db.session.execute(rows)]


def coordinator_choices() -> list[tuple[UUID, str]]:
    """Everybody who could coordinate a site, by name."""
    rows = (
        select(User.id, User.name)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.is_active, UserRole.role == Role.COORDINATOR)
        .order_by(User.name)
    )
    return list(db.session.execute(rows))

"""Things for tests, in one call each: committed, with sensible defaults, within an application context.

What is returned belongs to the session of the context; take the ids you need before the context ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from flask import current_app

from shelter import clock
from shelter.domain import references
from shelter.domain.limits import THRESHOLDS, CountingRule, ReadmissionRule
from shelter.domain.matching import AgeBand, Audience, PetsAllowed, PetSize, Sex, Sharing, Species
from shelter.domain.messages import Detail
from shelter.domain.nights import Nights
from shelter.domain.occupancy import ARRIVED
from shelter.domain.permissions import Role
from shelter.domain.stays import GIVEN_UP, LEFT, CancelReason, ClosureReason, PlacementState, StayState
from shelter.extensions import db, keyring
from shelter.models.households import (
    ContactNumber,
    ExclusionKind,
    Household,
    NumberKind,
    Person,
    Pet,
    SafeContact,
    SafetyExclusion,
)
from shelter.models.sites import Closure, Room, Site, StayPolicyVersion, Unit
from shelter.models.stays import Placement, PlacementMember, Stay
from shelter.queries import policies
from shelter.services import ledger
from tests.support.people import Account, create_user

LONG_AGO = date(2020, 1, 1)
_number = count(1)


def _keep(*rows: Any) -> None:
    db.session.add_all(rows)
    db.session.commit()


def make_user(*roles: Role, sites: Iterable[Site | UUID] = (), **more: Any) -> Account:
    """A coordinator, or whatever `roles` say; `.principal` is what use cases take as `by`."""
    ids = [site if isinstance(site, UUID) else site.id for site in sites]
    db.session.rollback()  # the account is written by another session: SQLite lets no older reader write after it
    return create_user(current_app._get_current_object(), roles=roles or (Role.COORDINATOR,), sites=ids, **more)


def make_site(
    code_name: str | None = None,
    *,
    district: str | None = None,
    directions: str | None = None,
    night_line: str | None = None,
    months: int | None = 6,
    days: int | None = None,
    counting_rule: CountingRule = CountingRule.CIVIL_CODE,
    max_extensions: int = 2,
    readmission_rule: ReadmissionRule = ReadmissionRule.RESET,
    thresholds: Iterable[int] = THRESHOLDS,
    **more: Any,
) -> Site:
    """With one policy, in force since long ago; `days=30` instead of months if you like."""
    site = Site(code_name=code_name or f"Site {next(_number)}", created_at=clock.now(), **more)
    site.district, site.directions, site.night_line = district, directions, night_line
    policy = StayPolicyVersion(
        site_id=site.id,
        effective_from=LONG_AGO,
        months=None if days else months,
        days=days,
        counting_rule=counting_rule,
        extension_months=None if days else 3,
        extension_days=14 if days else None,
        max_extensions=max_extensions,
        decided_by=Role.MANAGER,
        thresholds=list(thresholds),
        readmission_rule=readmission_rule,
    )
    db.session.add(site)
    db.session.flush()
    _keep(policy)
    return site


def make_room(
    site: Site | None = None, label: str | None = None, *, sharing: Sharing = Sharing.HOUSEHOLD, **more: Any
) -> Room:
    site = site or make_site()
    room = Room(site_id=site.id, label=label or f"R{next(_number)}", sharing=sharing, **more)
    _keep(room)
    return room


def make_unit(
    room: Room | None = None,
    label: str | None = None,
    *,
    site: Site | None = None,
    sharing: Sharing = Sharing.HOUSEHOLD,
    capacity: int = 4,
    pets_allowed: PetsAllowed = PetsAllowed.NONE,
    max_pets: int | None = None,
    audience: Audience = Audience.ANY,
    in_service_from: date = LONG_AGO,
    **more: Any,
) -> Unit:
    """A whole room of its own for four, or a bed of `room`."""
    room = room or make_room(site, sharing=sharing)
    unit = Unit(
        site_id=room.site_id,
        room_id=room.id,
        label=label or f"U{next(_number)}",
        capacity=capacity,
        pets_allowed=pets_allowed,
        max_pets=max_pets if max_pets is not None else 0 if pets_allowed is PetsAllowed.NONE else 2,
        audience=audience,
        in_service_from=in_service_from,
        **more,
    )
    _keep(unit)
    return unit


def make_beds(
    site: Site | None = None, number: int = 2, *, sharing: Sharing = Sharing.WOMEN, **more: Any
) -> list[Unit]:
    """The single beds of one shared room."""
    room = make_room(site, sharing=sharing)
    return [make_unit(room, f"{letter}", capacity=1, **more) for letter in "ABCDEFGHJK"[:number]]


def make_household(
    *,
    women: int = 1,
    men: int = 0,
    older_boys: int = 0,
    children: int = 0,
    infants: int = 0,
    pets: Iterable[tuple[Species, PetSize]] = (),
    allergies: Iterable[Species] = (),
    not_in: Iterable[str] = (),
    not_at: Iterable[Site] = (),
    not_near: Iterable[Household] = (),
    by: Account | None = None,
    **more: Any,
) -> Household:
    """One woman by default; allergies are the first person's; `not_in`, `not_at`, `not_near` are exclusions."""
    now, by_id = clock.now(), by.id if by else None
    household = Household(reference=references.new_reference(), created_at=now, created_by_id=by_id, **more)
    people = (
        [(Sex.FEMALE, AgeBand.ADULT)] * women
        + [(Sex.MALE, AgeBand.ADULT)] * men
        + [(Sex.MALE, AgeBand.OLDER_BOY)] * older_boys
        + [(Sex.FEMALE, AgeBand.CHILD)] * children
        + [(Sex.FEMALE, AgeBand.INFANT)] * infants
    )
    household.people = [
        Person(position=n, sex=sex, age_band=age, allergies=[str(a) for a in allergies] if n == 1 else [])
        for n, (sex, age) in enumerate(people, 1)
    ]
    household.pets = [Pet(position=n, species=species, size=size) for n, (species, size) in enumerate(pets, 1)]
    household.exclusions = [
        *(_exclusion(ExclusionKind.DISTRICT, district=code) for code in not_in),
        *(_exclusion(ExclusionKind.SITE, site_id=site.id) for site in not_at),
        *(_exclusion(ExclusionKind.HOUSEHOLD, other_household_id=other.id) for other in not_near),
    ]
    _keep(household)
    return household


def make_contact(
    household: Household,
    number: str = "+821012345678",
    *,
    can_text: bool | None = True,
    can_call: bool | None = True,
    detail: Detail = Detail.DATE_ONLY,
    danger: Iterable[str] = (),
    **more: Any,
) -> SafeContact:
    """She may be texted and called at the number, everything consented to; `danger` are numbers nobody may use."""
    household.contact, household.numbers = None, []
    db.session.flush()
    now = clock.now()
    agreed: dict[str, Any] = {"language": "ko", "consented_at": now, "has_consented_abroad": True, "updated_at": now}
    household.contact = SafeContact(can_text=can_text, can_call=can_call, detail=detail, **(agreed | more))
    kinds = [(number, NumberKind.ALLOWED), *((other, NumberKind.DANGER) for other in danger)]
    household.numbers = [_number_row(e164, kind) for e164, kind in kinds if e164]
    db.session.commit()
    return household.contact


def _number_row(e164: str, kind: NumberKind) -> ContactNumber:
    row = ContactNumber(kind=kind, number_index=keyring.index("phone", e164))
    row.number = e164
    return row


def _exclusion(kind: ExclusionKind, *, district: str | None = None, **target: Any) -> SafetyExclusion:
    exclusion = SafetyExclusion(kind=kind, created_at=clock.now(), **target)
    exclusion.district = district
    return exclusion


def make_stay(
    unit: Unit | None = None,
    *,
    household: Household | None = None,
    arrive_on: date | None = None,
    leave_on: date | None = None,
    state: PlacementState = PlacementState.BOOKED,
    responsible: Account | None = None,
    held_until: datetime | None = None,
    check_in_on: date | None = None,
    **more: Any,
) -> Stay:
    """A stay with one placement and its nights in the ledger: tonight for a week, booked, by default.

    `state` is the placement's: HELD, BOOKED, IN_HOUSE, ENDED (left this morning unless `leave_on` says) …
    `check_in_on` is the calendar day of the check-in (the first night's day by default); `more` goes to the stay.
    """
    unit, household = unit or make_unit(), household or make_household()
    now, tonight = clock.now(), clock.shelter_day()
    has_arrived = state in ARRIVED
    arrive_on = arrive_on or (tonight - timedelta(days=7) if state is PlacementState.ENDED else tonight)
    leave_on = leave_on or arrive_on + timedelta(days=7)
    version = policies.in_force(unit.site_id, arrive_on)
    check_in_on = check_in_on or arrive_on
    by_id = responsible.id if responsible else None
    stay = Stay(
        household_id=household.id,
        number=more.pop("number", 1),
        state=_stay_state(state),
        arrive_on=arrive_on,
        policy_id=version.id,
        limit_on=more.pop("limit_on", None) or policies.limit_for(version, check_in_on),
        checked_in_at=clock.instant(check_in_on, 15) if has_arrived else None,
        ended_at=clock.instant(leave_on, 10) if state is PlacementState.ENDED else None,
        responsible_id=by_id,
        created_by_id=by_id,
        created_at=now,
        **more,
    )
    if stay.state is StayState.CANCELLED:
        stay.cancel_reason = CancelReason.OTHER
    db.session.add(stay)
    db.session.flush()
    make_placement(stay, unit, arrive_on=arrive_on, leave_on=leave_on, state=state, held_until=held_until)
    return stay


def make_placement(
    stay: Stay,
    unit: Unit,
    *,
    arrive_on: date,
    leave_on: date,
    state: PlacementState = PlacementState.BOOKED,
    held_until: datetime | None = None,
    people: int | None = None,
    **more: Any,
) -> Placement:
    """A further placement of the stay, with its nights unless the state has given them up."""
    persons = list(db.session.get_one(Household, stay.household_id).people)
    has_arrived = state in ARRIVED
    if state is PlacementState.HELD and held_until is None:
        held_until = clock.now() + timedelta(minutes=90)
    if state in LEFT:
        more.setdefault("left_at", stay.ended_at or clock.instant(leave_on, 10))
    placement = Placement(
        stay_id=stay.id,
        unit_id=unit.id,
        state=state,
        arrive_on=arrive_on,
        leave_on=leave_on,
        people=people or len(persons) or 1,
        held_until=held_until,
        arrived_at=stay.checked_in_at if has_arrived else None,
        occupied_from=arrive_on if has_arrived else None,
        confirmed_at=clock.now() if state is not PlacementState.HELD else None,
        created_by_id=stay.created_by_id,
        created_at=clock.now(),
        **more,
    )
    placement.members = [PlacementMember(person_id=person.id) for person in persons]
    db.session.add(placement)
    db.session.flush()
    if state not in GIVEN_UP:
        ledger.claim_for(placement, Nights(arrive_on, leave_on))
    db.session.commit()
    return placement


def _stay_state(state: PlacementState) -> StayState:
    match state:
        case PlacementState.IN_HOUSE | PlacementState.MOVED:
            return StayState.IN_HOUSE
        case PlacementState.ENDED:
            return StayState.ENDED
        case PlacementState.CANCELLED | PlacementState.EXPIRED:
            return StayState.CANCELLED
        case _:
            return StayState.OPEN


def make_closure(
    unit: Unit, *, from_on: date, until_on: date, reason: ClosureReason = ClosureReason.REPAIR, **more: Any
) -> Closure:
    closure = Closure(
        unit_id=unit.id, from_on=from_on, until_on=until_on, reason=reason, created_at=clock.now(), **more
    )
    db.session.add(closure)
    db.session.flush()
    ledger.claim(unit.id, Nights(from_on, until_on), closure_id=closure.id)
    db.session.commit()
    return closure

"""What needs the application itself: signing people in, and the jobs. One JSON object on standard output.

python -m tools.bench.inside prepare|nightly|texts   (run by tools.bench, with DATABASE_URL set)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from tools.bench import jobs

CLIENTS = 8


def prepare(app: Flask) -> dict[str, Any]:
    """Eight coordinators and a manager, signed in, and what to ask for."""
    from sqlalchemy import func, select

    from shelter import clock
    from shelter.domain.permissions import Role
    from shelter.domain.stays import PlacementState
    from shelter.extensions import db
    from shelter.models.sites import Site, Unit
    from shelter.models.stays import Placement, Stay, UnitNight
    from tests.support.people import create_user, open_session

    with app.app_context():
        sites = list(db.session.scalars(select(Site.id).order_by(Site.code_name)))
    shares = [sites[n::CLIENTS] for n in range(CLIENTS)]
    people = [create_user(app, login=f"bench{n}", sites=share) for n, share in enumerate(shares)]
    people.append(create_user(app, login="bench-manager", roles={Role.MANAGER}))
    cookies = ["{}={}".format(*open_session(app, user=person)[:2]) for person in people]
    with app.app_context():
        largest = select(Unit.site_id).group_by(Unit.site_id).order_by(func.count().desc()).limit(1)
        site = db.session.scalar(largest)
        counts = {
            "units": select(func.count()).select_from(Unit),
            "stays": select(func.count()).select_from(Stay),
            "nights": select(func.count()).select_from(UnitNight),
            "in_house": select(func.count()).where(Placement.state == PlacementState.IN_HOUSE),
        }
        return {
            "coordinators": cookies[:CLIENTS],
            "manager": cookies[CLIENTS],
            "site": str(site),
            "tonight": clock.shelter_day().isoformat(),
            "sites": len(sites),
            "counts": {name: db.session.scalar(asked) for name, asked in counts.items()},
            "free": free_units(),
        }


def free_units() -> list[tuple[int, str]]:
    """Units any woman alone may have, each with the first night from which on nobody has it."""
    from sqlalchemy import func, select

    from shelter import clock
    from shelter.domain.matching import Audience, Sharing
    from shelter.extensions import db
    from shelter.models.sites import Room, Unit
    from shelter.models.stays import UnitNight

    tonight = clock.shelter_day()
    last = select(func.max(UnitNight.night)).where(UnitNight.unit_id == Unit.id, UnitNight.night >= tonight)
    asked = (
        select(Unit.id, last.scalar_subquery())
        .join(Room, Room.id == Unit.room_id)
        .where(
            Unit.audience.in_((Audience.ANY, Audience.WOMEN)),
            Room.sharing.in_((Sharing.HOUSEHOLD, Sharing.WOMEN)),
            Unit.in_service_until.is_(None),
        )
        .order_by(Unit.id)
    )
    return [
        (unit_id, ((night or tonight) + timedelta(days=1)).isoformat()) for unit_id, night in db.session.execute(asked)
    ]


ACTS: dict[str, Callable[[Flask], dict[str, Any]]] = {
    "prepare": prepare,
    "nightly": jobs.nightly,
    "texts": jobs.texts,
}


def main() -> None:
    from shelter import create_app

    print(json.dumps(ACTS[sys.argv[1]](create_app())))


if __name__ == "__main__":
    main()

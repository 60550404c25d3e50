"""Paper lies about: nothing she told stands on a night sheet, only the numbers staff answer."""

from __future__ import annotations

import secrets
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.matching import PetsAllowed
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.jobs.night_sheets import as_file
from shelter.models.sites import Site
from shelter.services import night_sheets
from tests import factories
from tests.secrecy.canaries import CANARY, DISTRICT, NUMBERS, found_in
from tests.secrecy.night import Night, hold, intake
from tests.support.people import create_user

MAY_STAND = ["night_line", "staff"]


@pytest.fixture
def night(app: Flask) -> Night:
    """One household in the house, one expected, one held for: each with everything told."""
    made = Night(app)
    made.as_(create_user(app, roles={Role.ADMINISTRATOR}))
    site = made.post(
        "/sites/new",
        {
            "code_name": "Magnolia",
            "district": DISTRICT.code,
            "directions": CANARY["directions"],
            "night_line": NUMBERS["night_line"],
        },
    ).rsplit("/", 1)[1]
    with app.app_context():
        kept = db.session.get_one(Site, UUID(site))
        units = [
            factories.make_unit(factories.make_room(kept, f"10{n}"), f"10{n}", pets_allowed=PetsAllowed.ANY).id
            for n in range(4)
        ]
    kim = create_user(app, sites=[UUID(site)], name=CANARY["who_answers"])
    made.as_(kim)
    made.post("/account", {"phone": NUMBERS["staff"]})
    first = clock.shelter_day()
    stays = [hold(made, unit, first) for unit in units[:3]]
    for stay in stays:
        intake(made, stay)
    for stay in stays[:2]:
        made.post(f"/stays/{stay}/confirm", {"text": "asked_now"})
    made.post(f"/stays/{stays[0]}/check-in")
    made.post(f"/stays/{stays[0]}/plan", {"plan": CANARY["plan"]})
    made.stays, made.site, made.kim = stays, site, kim  # type: ignore[attr-defined]
    return made


def sheets(app: Flask, folder: Path) -> bytes:
    """The files, their names and what else lies beside them."""
    with app.app_context():
        night_sheets.print_sheets(as_file, to=folder)
    return b"\n".join(path.name.encode() + path.read_bytes() for path in folder.iterdir())


def test_nothing_told_stands_on_a_sheet_but_the_numbers_of_staff(night: Night, app: Flask, tmp_path: Path) -> None:
    written = sheets(app, tmp_path / secrets.token_hex(4))
    assert all(stay.encode() in written for stay in night.stays)  # type: ignore[attr-defined]
    assert found_in(written) == MAY_STAND


def test_the_pages_to_print_hold_as_little(night: Night) -> None:
    night.as_(night.kim)  # type: ignore[attr-defined]
    for page in (f"/tonight/{night.site}", "/tonight/all"):  # type: ignore[attr-defined]
        text = night.get(page)
        paper = text[text.index("<article") : text.index("</article>")]
        assert found_in(paper.encode()) == MAY_STAND, page
    for page in ("/tonight", "/tonight/paper"):
        text = night.get(page)
        assert found_in(text[text.index("<main") : text.index("</main>")].encode()) == [], page


def test_what_lies_open_on_a_sheet_is_found(night: Night, app: Flask, tmp_path: Path) -> None:
    """The control: a room called like a secret."""
    with app.app_context():
        room = factories.make_room(db.session.get_one(Site, UUID(night.site)), CANARY["notes"])  # type: ignore[attr-defined]
        factories.make_unit(room, CANARY["notes"])
    assert found_in(sheets(app, tmp_path / "sheets")) == sorted([*MAY_STAND, "notes"])

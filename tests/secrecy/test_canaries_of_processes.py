"""What she tells is left nowhere by the real processes: files, logs, dumps, backups, addresses, exports, paper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from shelter import clock
from shelter.domain.messages import MessageState
from shelter.domain.permissions import Role
from shelter.extensions import db
from shelter.models.messages import Direction, Message
from tests import factories
from tests.secrecy.canaries import HERS, PLANTED, files_in, found_in, found_in_files
from tests.secrecy.night import Night
from tests.secrecy.places import SAY_ALL, House, told_in
from tests.support import postgres
from tests.support.databases import Database, application, dispose, migrate
from tests.support.figures import Figures
from tests.support.people import create_user, sign_in
from tests.support.servers import eventually, scheduler, web

ANSWERED_AT_NIGHT = ["night_line", "staff"]  # the numbers of staff, for when nothing else works


@pytest.fixture
def house(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Alone on its server, which says every statement it is given: other tests leave canaries lying about on theirs."""
    if dialect == "sqlite":
        yield House(request.getfixturevalue("fresh_database"), None, tmp_path)
        return
    with postgres.server(options=SAY_ALL) as server:
        database = Database(dialect, server.create("canaries"), server.conninfo("canaries"))
        migrate(database.url)
        yield House(database, server, tmp_path)
        database.close()


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    made = application(house.database.url)
    yield made
    dispose(made)


@pytest.fixture
def night(app: Flask, house: House) -> Iterator[Night]:
    loudly = {"guard_removed": "quiet log", **house.settings}
    with web(house.database, workers=1, **loudly) as server, house.watched():
        made = Night(app, server)
        made.live()
        with scheduler(house.database, **loudly) as clockwork:
            eventually(lambda: not waiting_texts(app))
            clockwork.stop()
            house.processes = {"web server": server, "clockwork": clockwork}
            said = house.command("backup", "create")
            assert found_in(said.encode(), is_text=True) == []
            house.command("tonight", "print")
            assert server.broken() == []
            yield made


def waiting_texts(app: Flask) -> bool:
    with app.app_context():
        states = db.session.scalars(select(Message.state).where(Message.direction == Direction.OUT)).all()
        assert states, "no text was decided on"
        return MessageState.QUEUED in states or MessageState.SENDING in states


def exported(app: Flask, folder: Path) -> list[Path]:
    """Every file a manager can take out."""
    client = app.test_client()
    sign_in(client, user=create_user(app, roles={Role.MANAGER}))
    files = [folder / name for name in ("occupancy.csv", "occupancy.xlsx")]
    for file in files:
        answer = client.get(f"/occupancy/export/{file.suffix[1:]}")
        assert answer.status_code == 200
        file.write_bytes(answer.data)
    return files


@pytest.mark.slow
def test_the_processes_leave_nothing_told_anywhere(
    night: Night, house: House, tmp_path: Path, figures: Figures
) -> None:
    places = house.all()
    exports = exported(night.app, tmp_path)
    places["addresses"] = "\n".join(night.addresses).encode()
    places["titles"] = "\n".join(night.titles).encode()
    assert all(len(content) > 100 for name, content in places.items() if name != "temporary files")
    found = told_in(places)
    figures("canaries", places=len(places) + 3, megabytes=sum(map(len, places.values())) // 10**6, found=len(found))
    # Who is looked for by a name tells the database that name; a log of every statement repeats it.
    assert found.pop("log of the database", ["login"]) == ["login"]
    assert found == {}
    assert house.passing == []
    assert found_in_files(exports) == {}
    sheets = found_in_files(files_in(house.folder / "sheets"))
    assert sheets
    assert all(told == ANSWERED_AT_NIGHT for told in sheets.values())

    # The control: something left in each of the places on purpose is found there.
    with planted(night, house):
        left = told_in(house.all())
    exports = exported(night.app, tmp_path)
    figures("canaries", arm="control", places=len(places) + 3, found=len(left) + 2 + len(exports))
    assert set(left) == set(places) - {"addresses", "titles"}
    assert all("her district" in left[name] for name in ("database files", "write-ahead log", "dump")), left
    assert house.passing
    assert set(found_in_files(exports)) == {file.name for file in exports}
    assert told_in({"addresses": "\n".join([*night.addresses, f"/find?q={PLANTED}"]).encode()})
    assert told_in({"addresses": "\n".join([*night.addresses, f"/find?district={HERS.code}"]).encode()})
    assert told_in({"titles": "\n".join([*night.titles, PLANTED]).encode()})


@contextmanager
def planted(night: Night, house: House) -> Iterator[None]:
    """An open note and a telling name, a web server without discretion, a file in clear beside the backups."""
    with night.app.app_context():
        site, day = factories.make_site(PLANTED), clock.shelter_day()
        for note in (PLANTED, HERS.ko, HERS.code):
            unit = factories.make_unit(site=site)
            factories.make_closure(unit, from_on=day, until_on=day + timedelta(days=2), note=note)
    with web(house.database, workers=1, guard_removed="discretion", **house.settings) as server:
        server.browser().post("/login", login=PLANTED, password=PLANTED)
        house.processes["web server"] = server
        with open(house.processes["clockwork"]._said.name, "a") as log:
            log.write(PLANTED)
        house.command("backup", "create")
        (house.folder / "backups" / "in clear").write_text(PLANTED)
        yield

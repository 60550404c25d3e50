"""What she tells is nowhere to be read: not in the database file or a dump, not in a log, an address or a list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from shelter import clock
from shelter.domain.permissions import Role
from shelter.extensions import keyring
from shelter.keyring import Unreadable, place_of
from shelter.models.data_map import Level, columns_at
from tests import factories
from tests.secrecy.canaries import CANARY, DISTRICT, PLANTED, found_in, secrets_told, written
from tests.secrecy.night import Night
from tests.support.databases import Database
from tests.support.people import Account, create_user

COLUMNS = [(table, column) for table, columns in columns_at(Level.SEALED).items() for column in columns]
# No page asks for these: they stay empty.
NOBODY_ASKS = {("person", "notes_sealed"), ("pet", "notes_sealed")}


@pytest.fixture
def night(app: Flask) -> Night:
    made = Night(app)
    made.live()
    return made


def dump(database: Database) -> bytes:
    """Everything a thief of the database has."""
    rows = [value for table in database.tables() for row in database.rows(table) for value in row]
    whole = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in rows)
    if database.dialect == "sqlite":
        file = Path(database.conninfo)
        whole += b"".join(part.read_bytes() for part in file.parent.glob(file.name + "*"))
    return whole


def envelopes(database: Database, table: str, column: str) -> list[tuple[UUID, bytes]]:
    rows = database._own.execute(f'SELECT id, {column} FROM "{table}" WHERE {column} IS NOT NULL').fetchall()
    return [(row_id if isinstance(row_id, UUID) else UUID(row_id), bytes(value)) for row_id, value in rows]


def opened(database: Database, table: str, column: str) -> bytes:
    """What somebody with the keys can read."""
    held = envelopes(database, table, column)
    return b"\n".join(keyring.unseal(value, place=place_of(table, column, row_id)) for row_id, value in held)


def test_nothing_told_can_be_read_in_the_database(night: Night, database: Database) -> None:
    assert found_in(dump(database), is_text=True) == []
    # And it was all there to be found, but sealed; a sign-in name nobody has is not kept at all.
    kept = b"\n".join(opened(database, *column) for column in COLUMNS)
    assert set(secrets_told()) - set(found_in(kept)) == {"login"}


@pytest.mark.only("sqlite")
def test_every_sealed_column_of_the_data_map_is_told_something(night: Night, database: Database) -> None:
    """A new one has to be told through a page here, or it is not searched for."""
    told = {column for column in COLUMNS if found_in(opened(database, *column))}
    assert told == set(COLUMNS) - NOBODY_ASKS
    assert not any(envelopes(database, *column) for column in NOBODY_ASKS)


@pytest.mark.only("sqlite")
def test_a_ciphertext_opens_nowhere_but_where_it_was_sealed(night: Night, database: Database) -> None:
    """Moved to any other column of its row, or to any other row of its column, whichever it is."""
    tried = 0
    for table, column in set(COLUMNS) - NOBODY_ASKS:
        held = envelopes(database, table, column)
        row_id, value = held[0]
        elsewhere = [place_of(*other, row_id) for other in COLUMNS if other != (table, column)]
        elsewhere += [place_of(table, column, other) for other, _ in held[1:]]
        elsewhere.append(place_of(table, column, UUID(int=row_id.int ^ 1)))
        for place in elsewhere:
            with pytest.raises(Unreadable):
                keyring.unseal(value, place=place)
        tried += len(elsewhere)
    assert tried > len(COLUMNS) ** 2 / 2


@pytest.mark.only("sqlite")
def test_the_search_finds_what_lies_open(night: Night, database: Database) -> None:
    """The control: a note on a closure is not sealed, and says so beside its field."""
    with night.app.app_context():
        unit, day = factories.make_unit(), clock.shelter_day()
        factories.make_closure(unit, from_on=day, until_on=day + timedelta(days=2), note=CANARY["name"])
    assert found_in(dump(database)) == ["name"]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("told", [DISTRICT.code, DISTRICT.ko, DISTRICT.en])
def test_the_search_finds_a_district_in_a_plain_column(fresh_app: Flask, fresh_database: Database, told: str) -> None:
    with fresh_app.app_context():
        day = clock.shelter_day()
        factories.make_closure(factories.make_unit(), from_on=day, until_on=day + timedelta(days=2), note=told)
    assert found_in(dump(fresh_database), is_text=True) == ["district"]


CODE = DISTRICT.code


@pytest.mark.parametrize(
    "text", [f"/sites?district={CODE}&page=2", f"/sites/{CODE}", f"in {CODE}.", f"VALUES(1,'{CODE}')", f"1\t{CODE}\n"]
)
def test_the_search_finds_the_code_of_a_district_in_a_text(text: str) -> None:
    assert found_in(text.encode(), is_text=True) == ["district"]


@pytest.mark.parametrize(
    "text", [f"1{CODE}", f"{CODE}0", f"0.{CODE}", f"{CODE}.25 s", f"f{CODE}a", f"[{CODE}] LOG:", f"with pid: {CODE}"]
)
def test_the_search_takes_no_other_number_for_a_district(text: str) -> None:
    assert found_in(text.encode(), is_text=True) == []


@pytest.mark.parametrize("way", sorted(written(DISTRICT.ko) | written(DISTRICT.en)), ids=lambda way: repr(way[:24]))
def test_the_search_finds_a_district_in_every_way_to_write_it(way: bytes) -> None:
    assert found_in(b"\0\xff before " + way + b" after \xfe") == ["district"]


@pytest.mark.parametrize("way", sorted(written(PLANTED)), ids=lambda way: repr(way[:24]))
def test_the_search_finds_it_in_every_way_to_write_it(way: bytes) -> None:
    assert found_in(b"\0\xff before " + way + b" after \xfe") == ["a part"]


def test_nothing_told_is_logged_or_in_an_address_or_a_title(
    app: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    night = Night(app)
    night.live()
    said = capsys.readouterr()
    assert "audit" in said.err, "nothing was logged at all"
    assert found_in((said.err + said.out + caplog.text).encode(), is_text=True) == []
    assert found_in("\n".join(night.addresses).encode(), is_text=True) == []
    assert found_in("\n".join(night.titles).encode(), is_text=True) == []


def listed(night: Night) -> Iterator[tuple[Account, str]]:
    admin, kim, manager = night.people
    site = night.site
    auditor = create_user(night.app, roles={Role.AUDITOR})
    lists = ["/", "/mine", "/stays", "/stays/list/mine", "/stays/list/past", "/stays/list/near-limit", "/tasks"]
    yield from ((kim, path) for path in [*lists, f"/board/{site}", "/messages", "/sites", f"/sites/{site}"])
    yield from ((manager, path) for path in ("/", f"/board/{site}", "/occupancy", "/messages", "/tasks"))
    yield from ((manager, path) for path in ("/occupancy/export/csv", "/stays/extensions"))
    yield from ((admin, path) for path in ("/users", f"/sites/{site}", f"/sites/{site}/edit", "/messages", "/tasks"))
    yield from ((auditor, path) for path in ("/audit", "/occupancy", "/occupancy/export/csv"))


def test_lists_and_exports_hold_references_only(night: Night) -> None:
    shown = {"inbound"}  # the body of a text that came in, on the page of texts alone
    district_choices = {"district", "her district"}  # every district is offered in the form of a site
    open_ = []
    for account, path in listed(night):
        night.as_(account)
        found = set(found_in(night.get(path).encode(), is_text=True))
        found -= shown if path == "/messages" else set()
        found -= district_choices if path.endswith("/edit") else set()
        found -= {"located"} if path == "/audit" else set()  # why somebody asked where a site is: for the auditor
        if found:
            open_.append((path, account.login, sorted(found)))
    assert not open_

"""What is sealed is unreadable in the table, and a ciphertext moved elsewhere fails."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from shelter import clock
from shelter.domain.permissions import SYSTEM
from shelter.extensions import db
from shelter.keyring import Keyring, Unreadable
from shelter.models.people import User
from shelter.models.sites import Site
from shelter.services.unit_of_work import unit_of_work


def make(code_name: str, **sealed: str) -> Site:
    with unit_of_work(by=SYSTEM):
        site = Site(code_name=code_name, created_at=clock.now(), **sealed)
        db.session.add(site)
    return site


def test_a_sealed_value_reads_back_and_is_not_in_the_table(context: Flask) -> None:
    make("Magnolia", district="11680", directions="Left at the bakery, 목련")
    db.session.rollback()
    site = db.session.scalars(select(Site)).one()
    assert (site.district, site.directions, site.night_line) == ("11680", "Left at the bakery, 목련", None)
    assert b"bakery" not in site.directions_sealed
    assert "목련".encode() not in site.directions_sealed


def test_a_ciphertext_moved_to_another_row_or_column_fails(context: Flask) -> None:
    one, other = make("Magnolia", district="11680"), make("Camellia", district="11650")
    envelope = one.district_sealed
    for site, column in ((other, "district_sealed"), (one, "directions_sealed")):
        db.session.execute(update(Site).where(Site.id == site.id).values({column: envelope}))
    db.session.commit()
    with pytest.raises(Unreadable):
        _ = db.session.get_one(Site, other.id).district
    with pytest.raises(Unreadable):
        _ = db.session.get_one(Site, one.id).directions
    assert db.session.get_one(Site, one.id).district == "11680"


def test_setting_none_clears_a_sealed_value(context: Flask) -> None:
    with unit_of_work(by=SYSTEM):
        user = User(login="kim", name="Kim", phone="+821012345678", created_at=clock.now())
        db.session.add(user)
    assert user.phone == "+821012345678"
    with unit_of_work(by=SYSTEM):
        db.session.get_one(User, user.id).phone = None
    assert db.session.get_one(User, user.id).phone_sealed is None


def test_the_first_key_writes_and_all_keys_read() -> None:
    old, new = Keyring(), Keyring()
    old.configure({"k1": b"1" * 32}, "i" * 32, "a" * 32)
    new.configure({"k2": b"2" * 32, "k1": b"1" * 32}, "i" * 32, "a" * 32)
    envelope = old.seal(b"plain", place="t|c|1")
    assert new.unseal(envelope, place="t|c|1") == b"plain"
    assert Keyring.key_of(new.seal(b"plain", place="t|c|1")) == "k2"
    with pytest.raises(Unreadable):
        old.unseal(new.seal(b"plain", place="t|c|1"), place="t|c|1")


@pytest.mark.parametrize("envelope", [b"", b"\x01", b"\x02\x02k1" + b"0" * 40, b"\x01\x02k1" + b"0" * 40])
def test_what_is_no_envelope_is_unreadable(envelope: bytes) -> None:
    keyring = Keyring()
    keyring.configure({"k1": b"1" * 32}, "i" * 32, "a" * 32)
    with pytest.raises(Unreadable):
        keyring.unseal(envelope, place="t|c|1")


def test_the_blind_index_depends_on_kind_and_key() -> None:
    one, other = Keyring(), Keyring()
    one.configure({"k": b"1" * 32}, "i" * 32, "a" * 32)
    other.configure({"k": b"1" * 32}, "j" * 32, "a" * 32)
    assert one.index("phone", "+821012345678") == one.index("phone", "+821012345678")
    assert one.index("phone", "+821012345678") != one.index("login", "+821012345678")
    assert one.index("phone", "+821012345678") != other.index("phone", "+821012345678")

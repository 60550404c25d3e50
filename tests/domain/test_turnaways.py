"""The guess why a request could not be met: the nearest miss."""

from __future__ import annotations

import pytest

from shelter.domain.matching import AgeBand, Party, PetSize, Reason, Sex, Species
from shelter.domain.stays import TurnawayReason
from shelter.domain.turnaways import heads, likely_reason

WOMAN, MAN, CHILD = (Sex.FEMALE, AgeBand.ADULT), (Sex.MALE, AgeBand.ADULT), (Sex.OTHER, AgeBand.CHILD)
SHE = Party(people=(WOMAN,))


@pytest.mark.parametrize(
    ("counts", "guess"),
    [
        ({}, TurnawayReason.NO_SPACE),
        ({Reason.TAKEN: 60, Reason.CLOSED: 2}, TurnawayReason.NO_SPACE),
        ({Reason.TAKEN: 50, Reason.TOO_SMALL: 9}, TurnawayReason.NO_FAMILY_UNIT),
        ({Reason.TOO_SMALL: 9, Reason.PETS_NOT_ALLOWED: 1}, TurnawayReason.NO_PET_UNIT),
        ({Reason.TOO_SMALL: 9, Reason.NOT_STEP_FREE: 1}, TurnawayReason.NO_STEP_FREE),
        ({Reason.TAKEN: 9, Reason.OLDER_BOY: 1}, TurnawayReason.OLDER_BOY),
        ({Reason.PETS_NOT_ALLOWED: 9, Reason.ALLERGY: 1}, TurnawayReason.SHARING),
        ({Reason.TAKEN: 9, Reason.WITHHELD_FOR_SAFETY: 1}, TurnawayReason.SAFETY),
    ],
)
def test_the_rule_that_was_asked_last_is_the_guess(counts: dict[Reason, int], guess: TurnawayReason) -> None:
    assert likely_reason(counts, SHE) is guess


def test_for_a_man_rooms_for_others_are_the_reason() -> None:
    assert likely_reason({Reason.AUDIENCE: 3}, Party(people=(MAN,))) is TurnawayReason.NO_UNIT_FOR_MEN
    assert likely_reason({Reason.AUDIENCE: 3}, SHE) is TurnawayReason.NO_SPACE


def test_with_something_that_fits_the_offer_was_declined() -> None:
    assert likely_reason({Reason.TAKEN: 9}, SHE, fits=2) is TurnawayReason.DECLINED_OFFER


def test_every_reason_has_a_guess() -> None:
    assert all(likely_reason({reason: 1}, SHE) in TurnawayReason for reason in Reason)


def test_only_heads_are_counted() -> None:
    party = Party(people=(WOMAN, MAN, CHILD), pets=((Species.DOG, PetSize.SMALL),))
    assert heads(party) == (2, 1, 1)

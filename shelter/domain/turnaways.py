"""Requests that could not be met: counted with a reason, without an identity."""

from __future__ import annotations

from collections.abc import Mapping

from shelter.domain.matching import AgeBand, Party, Reason
from shelter.domain.stays import TurnawayReason

_R, _T = Reason, TurnawayReason
_BECAUSE: dict[Reason, TurnawayReason] = {
    _R.TOO_SMALL: _T.NO_FAMILY_UNIT,
    _R.OLDER_BOY: _T.OLDER_BOY,
    _R.NOT_STEP_FREE: _T.NO_STEP_FREE,
    _R.NO_COT: _T.NO_FAMILY_UNIT,
    _R.PETS_NOT_ALLOWED: _T.NO_PET_UNIT,
    _R.PET_TOO_LARGE: _T.NO_PET_UNIT,
    _R.TOO_MANY_PETS: _T.NO_PET_UNIT,
    _R.SHARING_WOMEN: _T.SHARING,
    _R.SHARING_MEN: _T.SHARING,
    _R.SHARED_ROOM_CHILDREN: _T.SHARING,
    _R.ROOM_OF_ANOTHER_HOUSEHOLD: _T.SHARING,
    _R.ALLERGY: _T.SHARING,
    _R.MUST_NOT_MEET: _T.SAFETY,
    _R.WITHHELD_FOR_SAFETY: _T.SAFETY,
}


def likely_reason(counts: Mapping[Reason, int], party: Party, fits: int = 0) -> TurnawayReason:
    """The guess offered to a person: the nearest miss. `Reason` is in the order in which rules are asked, so the
    last one that turned a free unit away let it come farthest. With something that fits: the offer was declined.
    """
    if fits:
        return TurnawayReason.DECLINED_OFFER
    for reason in reversed(Reason):
        if not counts.get(reason):
            continue
        if reason is Reason.AUDIENCE:
            return TurnawayReason.NO_UNIT_FOR_MEN if party.has_man else TurnawayReason.NO_SPACE
        return _BECAUSE.get(reason, TurnawayReason.NO_SPACE)
    return TurnawayReason.NO_SPACE


def heads(party: Party) -> tuple[int, int, int]:
    """Adults, minors, pets."""
    adults = sum(age is AgeBand.ADULT for _, age in party.people)
    return adults, len(party.people) - adults, len(party.pets)

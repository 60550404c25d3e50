"""Households: what places are to them, and how much a text may say."""

from __future__ import annotations

from shelter.domain.messages import Detail
from shelter.domain.stays import ExclusionRelation
from shelter.web.language import lazy_gettext as _l

LABELS = {
    ExclusionRelation: {
        ExclusionRelation.HOME: _l("The perpetrator's home"),
        ExclusionRelation.WORK: _l("The perpetrator's work"),
        ExclusionRelation.FAMILY: _l("The perpetrator's family"),
        ExclusionRelation.HAUNT: _l("Where the perpetrator often is"),
    },
    Detail: {
        Detail.NONE: _l("Send nothing"),
        Detail.CALL_US: _l("Only: please call us"),
        Detail.DATE_ONLY: _l("The date only"),
    },
}

CONSTRAINTS = {
    "ck_safety_exclusion_not_itself": _l("A household cannot be kept away from itself. Check the case reference."),
    "uq_contact_number_household_id_number_index": _l(
        "This number stands twice in the case. Keep it once: either safe, or never to be used."
    ),
}

"""Whether a household's record is still what a form was filled in from, part by part.

A form and a draft carry a keyed mark for each part, which says nothing of what it is. Marks are made of what is saved,
so that whatever changes it, a withdrawn agreement too, is noticed.
"""

from __future__ import annotations

from uuid import UUID

from shelter.domain.intake import AGREEMENT, Intake, parts
from shelter.extensions import keyring
from shelter.models.households import SafeContact

LENGTH = 16


def version_of(household_id: UUID, told: Intake, contact: SafeContact | None = None) -> str:
    """The marks, in the order of the parts. `contact` as it is saved: when she agreed, and took it back."""
    agreement = (contact.consented_at, contact.withdrawn_at) if contact else (None, None)
    values = parts(told) | {AGREEMENT: agreement}
    marks = (keyring.index("record", f"{household_id}|{name}|{value!r}") for name, value in values.items())
    return ".".join(mark[:LENGTH] for mark in marks)


def changed_parts(before: str, now: str) -> frozenset[str]:
    """What differs; everything where one of them is no version."""
    names = [*parts(Intake(people=())), AGREEMENT]
    were, are = before.split("."), now.split(".")
    if len(were) != len(names):
        return frozenset(names)
    return frozenset(name for name, was, mark in zip(names, were, are, strict=True) if was != mark)


def typed_parts(before: str, household_id: UUID, told: Intake) -> frozenset[str]:
    """Where something else was typed than the form was filled in with."""
    return changed_parts(before, version_of(household_id, told)) - {AGREEMENT}

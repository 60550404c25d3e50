"""Saving the form of a record, wherever it stands: nothing somebody else saved meanwhile is written over unseen."""

from __future__ import annotations

from uuid import UUID

from flask_login import current_user

from shelter.domain.errors import DomainError
from shelter.domain.intake import ChangedMeanwhile, Intake
from shelter.services import households as records
from shelter.services import intake
from shelter.web.errors import show
from shelter.web.households.forms import IntakeForm
from shelter.web.once import once_from


def is_saved(form: IntakeForm, told: Intake, household_id: UUID, page: str) -> bool:
    """Save what was typed; where that is refused the form says why, and shows what is saved now beside it."""
    try:
        intake.save_intake(
            household_id=household_id,
            intake=told,
            version=form.version.data or "",
            by=current_user,
            once=once_from(form),
        )
    except ChangedMeanwhile as refused:
        record = records.open_record(household_id=household_id, page=page, by=current_user)
        form.bring_together(record, told, refused.parts)
        show(refused, form)
    except DomainError as refused:
        show(refused, form)
    else:
        return True
    return False

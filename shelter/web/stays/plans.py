"""The exit plan, and who answers for the stay."""

from __future__ import annotations

from uuid import UUID

from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter.domain.permissions import Permission as P
from shelter.queries import stay_facts
from shelter.services import plans, stay_records
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.stays import bp
from shelter.web.stays.forms import PlanForm, ResponsibleForm
from shelter.web.stays.routes import back_to, facts_or_404, is_done, page


@bp.route("/<stay:reference>/plan", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def plan(reference: str) -> ResponseReturnValue:
    record = stay_records.open_stay(reference=reference, by=current_user)
    facts = record.facts
    form = PlanForm(plan_on=facts.plan_on, plan=record.plan, expected_leave_on=facts.expected_leave_on)

    def act() -> None:
        plans.set_plan(
            stay_id=facts.stay_id,
            plan_on=form.plan_on.data,
            plan=form.plan.data,
            expected_leave_on=form.expected_leave_on.data,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("The plan is saved."))
    return page("plan", form, facts)


@bp.route("/<stay:reference>/responsible", methods=["GET", "POST"])
@requires(P.STAYS_PLACE)
def responsible(reference: str) -> ResponseReturnValue:
    facts = facts_or_404(reference)
    form = ResponsibleForm(
        [(who.id, who.name) for who in stay_facts.coordinators()],
        responsible_id=str(facts.responsible_id or ""),
        substitute_id=str(facts.substitute_id or ""),
    )

    def act() -> None:
        plans.change_responsible(
            stay_id=facts.stay_id,
            responsible_id=UUID(form.responsible_id.data),
            substitute_id=UUID(form.substitute_id.data) if form.substitute_id.data else None,
            by=current_user,
            once=once_from(form),
        )

    if is_done(form, act):
        return back_to(facts, _("Saved who answers for the stay."))
    return page("responsible", form, facts)

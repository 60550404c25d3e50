"""What holds at a site: how long a stay may last, and who coordinates there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from shelter import clock
from shelter.domain.limits import CountingRule, ReadmissionRule, StayPolicy
from shelter.domain.permissions import Permission as P
from shelter.domain.permissions import Role
from shelter.domain.sites import FIRST_POLICY, ThresholdsNotValid
from shelter.queries import sites as queries
from shelter.services import sites as services
from shelter.web.access import requires
from shelter.web.language import gettext as _
from shelter.web.sites import bp
from shelter.web.sites.acts import found, is_done
from shelter.web.sites.forms import CoordinatorForm, DayForm, PolicyForm


@bp.route("/<uuid:site_id>/policies/new", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def new_policy(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    versions = queries.site_policies(site_id)
    form = PolicyForm(data=_as_typed(next((v.terms for v in versions if v.is_in_force), FIRST_POLICY)))
    if request.method == "GET":
        return render_template("sites/policy_form.html", form=form, site=site, versions=versions)
    if not is_done(form, lambda: _add_policy(site_id, form)):
        return render_template("sites/policy_form.html", form=form, site=site, versions=versions), 422
    flash(_("Saved. Stays that have begun keep the length they began with."), "success")
    return redirect(url_for("sites.show", site_id=site_id), code=303)


def _as_typed(policy: StayPolicy) -> dict[str, object]:
    return {
        "effective_from": clock.today() + timedelta(days=1),
        "length": policy.months or policy.days,
        "unit": "months" if policy.months else "days",
        "counting_rule": policy.counting_rule.value,
        "max_extensions": policy.max_extensions,
        "extension_length": policy.extension_months or policy.extension_days,
        "decided_by": policy.decided_by.value,
        "thresholds": ", ".join(str(n) for n in policy.thresholds),
        "readmission_rule": policy.readmission_rule.value,
    }


def _add_policy(site_id: UUID, form: PolicyForm) -> None:
    services.add_policy(site_id=site_id, effective_from=form.effective_from.data, policy=_policy(form), by=current_user)


def _policy(form: PolicyForm) -> StayPolicy:
    is_months = form.unit.data == "months"
    length, step = form.length.data, form.extension_length.data
    policy = StayPolicy(
        months=length if is_months else None,
        days=None if is_months else length,
        counting_rule=CountingRule(form.counting_rule.data),
        extension_months=step if is_months else None,
        extension_days=None if is_months else step,
        max_extensions=form.max_extensions.data,
        decided_by=Role(form.decided_by.data),
        readmission_rule=ReadmissionRule(form.readmission_rule.data),
    )
    words = [word for word in re.split(r"[\s,;·/]+", form.thresholds.data or "") if word]
    if not all(re.fullmatch(r"[0-9]{1,4}", word) for word in words):
        raise ThresholdsNotValid(longest=(policy.days or (policy.months or 0) * 30) - 1)
    return replace(policy, thresholds=tuple(sorted({int(word) for word in words}, reverse=True)))


@bp.route("/<uuid:site_id>/coordinators", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def coordinators(site_id: UUID) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    form = CoordinatorForm(data={"from_on": clock.today()})
    form.user.choices = [SelectChoice("", _("Choose a person"))]
    form.user.choices += [SelectChoice(str(user), name) for user, name in queries.coordinator_choices()]
    if request.method == "POST" and is_done(form, lambda: _add_coordinator(site_id, form)):
        flash(_("Added."), "success")
        return redirect(url_for("sites.coordinators", site_id=site_id), code=303)
    page = render_template(
        "sites/coordinators.html", form=form, site=site, coordinators=queries.site_coordinators(site_id)
    )
    return page, 200 if request.method == "GET" else 422


def _add_coordinator(site_id: UUID, form: CoordinatorForm) -> None:
    services.add_coordinator(
        site_id=site_id,
        user_id=UUID(form.user.data),
        from_on=form.from_on.data,
        until_on=form.until_on.data,
        by=current_user,
    )


@bp.route("/<uuid:site_id>/coordinators/<int:membership_id>/end", methods=["GET", "POST"])
@requires(P.SITES_MANAGE)
def end_coordinator(site_id: UUID, membership_id: int) -> ResponseReturnValue:
    site = found(queries.site(site_id))
    theirs = queries.site_coordinators(site_id)
    person = found(next((row for row in theirs if row.membership_id == membership_id), None))
    form = DayForm(data={"until_on": clock.today()})
    if request.method == "POST" and is_done(form, lambda: _end(site_id, membership_id, form)):
        flash(_("Ended."), "success")
        return redirect(url_for("sites.coordinators", site_id=site_id), code=303)
    page = render_template("sites/coordinator_end.html", form=form, site=site, person=person)
    return page, 200 if request.method == "GET" else 422


def _end(site_id: UUID, membership_id: int, form: DayForm) -> None:
    services.end_coordinator(site_id=site_id, membership_id=membership_id, until_on=form.until_on.data, by=current_user)

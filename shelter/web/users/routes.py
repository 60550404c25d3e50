from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock, config
from shelter.domain.errors import DomainError, NotFound
from shelter.domain.permissions import Permission, Role
from shelter.queries import people
from shelter.queries.people import StaffMember
from shelter.services import sites, users
from shelter.services.users import Link, NewUser
from shelter.web import formats
from shelter.web.access import requires
from shelter.web.errors import show
from shelter.web.language import gettext as _
from shelter.web.once import once_from
from shelter.web.users.forms import WHAT_ROLES_MAY, AddSiteForm, InviteForm, PersonForm
from shelter.web.users.words import change_words

bp = Blueprint("users", __name__, url_prefix="/users")
NEW_LINK = "new_link"


@bp.get("")
@requires(Permission.USERS_MANAGE)
def index() -> ResponseReturnValue:
    return render_template("users/index.html", staff=people.staff())


@bp.route("/invite", methods=["GET", "POST"])
@requires(Permission.USERS_MANAGE)
def invite() -> ResponseReturnValue:
    form = InviteForm()
    if form.validate_on_submit():
        person = NewUser(
            login=form.login.data,
            name=form.name.data,
            roles=_roles(form),
            locale=form.locale.data,
            phone=form.phone.data or "",
            sites=[UUID(site_id) for site_id in form.sites.data],
        )
        try:
            return _show_once(users.invite_user(person, by=current_user, once=once_from(form)))
        except DomainError as refused:
            show(refused, form)
    page = render_template("users/invite.html", form=form, hints=WHAT_ROLES_MAY)
    return page, 422 if request.method == "POST" else 200


@bp.route("/<uuid:user_id>", methods=["GET", "POST"])
@requires(Permission.USERS_MANAGE)
def show_one(user_id: UUID) -> ResponseReturnValue:
    member = _member(user_id)
    form = _form_of(member)
    if form.validate_on_submit():
        try:
            users.change_user(
                user_id=user_id,
                name=form.name.data,
                phone=form.phone.data or "",
                locale=form.locale.data,
                roles=_roles(form),
                by=current_user,
            )
        except DomainError as refused:
            show(refused, form)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("users.show_one", user_id=user_id), code=303)
    return _page(
        member,
        form,
        AddSiteForm(formdata=None, data={"from_on": clock.today()}),
        422 if request.method == "POST" else 200,
    )


@bp.post("/<uuid:user_id>/sites")
@requires(Permission.USERS_MANAGE)
def add_site(user_id: UUID) -> ResponseReturnValue:
    member, form = _member(user_id), AddSiteForm()
    if form.validate():
        try:
            sites.add_coordinator(
                site_id=UUID(form.site.data),
                user_id=user_id,
                from_on=form.from_on.data,
                until_on=form.until_on.data,
                by=current_user,
            )
        except DomainError as refused:
            show(refused, form)
        else:
            return redirect(url_for("users.show_one", user_id=user_id), code=303)
    return _page(member, _form_of(member, typed=False), form, 422)


@bp.post("/<uuid:user_id>/sites/<int:membership_id>/end")
@requires(Permission.USERS_MANAGE)
def end_site(user_id: UUID, membership_id: int) -> ResponseReturnValue:
    """From today on the person does not coordinate the site any more."""
    held = next((m for m in _member(user_id).memberships if m.id == membership_id), None)
    if held is None:
        abort(404)
    until_on = max(clock.today(), held.from_on)
    sites.end_coordinator(site_id=held.site_id, membership_id=membership_id, until_on=until_on, by=current_user)
    flash(_("Ended. %(name)s is no longer a coordinator there.", name=_member(user_id).name), "success")
    return redirect(url_for("users.show_one", user_id=user_id), code=303)


@bp.post("/<uuid:user_id>/link")
@requires(Permission.USERS_MANAGE)
def make_link(user_id: UUID) -> ResponseReturnValue:
    return _show_once(users.make_link(user_id=user_id, by=current_user, once=once_from()))


@bp.route("/<uuid:user_id>/deactivate", methods=["GET", "POST"])
@requires(Permission.USERS_MANAGE)
def deactivate(user_id: UUID) -> ResponseReturnValue:
    member, refusal = _member(user_id), None
    if request.method == "POST":
        try:
            handover = users.deactivate_user(user_id=user_id, by=current_user)
        except DomainError as refused:
            refusal = refused
        else:
            flash(_("The account of %(name)s is closed.", name=member.name), "success")
            _tell_handover(handover)
            return redirect(url_for("users.index"), code=303)
    page = render_template("users/deactivate.html", member=member, refusal=refusal)
    return page, 422 if refusal else 200


def _tell_handover(handover: users.Handover) -> None:
    if handover.to_substitute:
        stays = ", ".join(handover.to_substitute)
        flash(_("The substitute is responsible now for: %(stays)s.", stays=stays), "info")
    if handover.to_nobody:
        stays = ", ".join(handover.to_nobody)
        flash(
            _(
                "Nobody is responsible now for: %(stays)s. Ask the coordinators of their sites to take over.",
                stays=stays,
            ),
            "warning",
        )


@bp.post("/<uuid:user_id>/reactivate")
@requires(Permission.USERS_MANAGE)
def reactivate(user_id: UUID) -> ResponseReturnValue:
    return _show_once(users.reactivate_user(user_id=user_id, by=current_user, once=once_from()))


def _show_once(link: Link) -> ResponseReturnValue:
    """To the person's page, which shows the link this one time: the server keeps only its hash."""
    if link.token:
        session[NEW_LINK] = [str(link.user_id), link.token, link.expires_at.isoformat()]
    return redirect(url_for("users.show_one", user_id=link.user_id), code=303)


def _page(member: StaffMember, form: PersonForm, add: AddSiteForm, status: int) -> ResponseReturnValue:
    new_link, ends_at = None, None
    if session.get(NEW_LINK, [None])[0] == str(member.id):
        _id, token, until = session.pop(NEW_LINK)
        new_link = config.active().public_url.rstrip("/") + url_for("auth.use_link", secret=token)
        ends_at = datetime.fromisoformat(until)
    page = render_template(
        "users/show.html",
        member=member,
        form=form,
        add=add,
        hints=WHAT_ROLES_MAY,
        new_link=new_link,
        ends_at=ends_at,
        changes=people.changes_of(member.id),
        change_words=change_words,
    )
    return page, status


def _member(user_id: UUID) -> StaffMember:
    member = people.staff_member(user_id)
    if member is None:
        raise NotFound()
    return member


def _form_of(member: StaffMember, *, typed: bool = True) -> PersonForm:
    phone = people.phone_of(member.id)
    kept = {
        "name": member.name,
        "phone": formats.phone(phone) if phone else "",
        "locale": member.locale,
        "roles": sorted(member.roles),
    }
    return PersonForm(data=kept) if typed else PersonForm(formdata=None, data=kept)


def _roles(form: PersonForm | InviteForm) -> set[Role]:
    return {Role(role) for role in form.roles.data}

"""The own account, and the page behind a one-time link."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from shelter import clock
from shelter.domain.errors import DomainError
from shelter.domain.people import LinkNotUsable, TooManyTries
from shelter.queries import people
from shelter.services import sign_in as sessions
from shelter.services import users
from shelter.web import formats
from shelter.web.access import public, signed_in
from shelter.web.auth import bp, cookies
from shelter.web.auth.forms import ChangePasswordForm, NewPasswordForm, OwnDetailsForm
from shelter.web.errors import show
from shelter.web.language import gettext as _
from shelter.web.language import in_language


@bp.route("/account", methods=["GET", "POST"])
@signed_in
def account() -> ResponseReturnValue:
    kept = people.phone_of(current_user.user_id)
    phone = formats.phone(kept) if kept else ""
    form = OwnDetailsForm(data={"name": current_user.name, "phone": phone, "locale": current_user.locale})
    if form.validate_on_submit():
        try:
            users.change_own_details(
                name=form.name.data, phone=form.phone.data or "", locale=form.locale.data, by=current_user
            )
        except DomainError as refused:
            show(refused, form)
        else:
            with in_language(form.locale.data):
                flash(_("Saved."), "success")
            return redirect(url_for("auth.account"), code=303)
    page = render_template("auth/account.html", form=form)
    return page, 422 if request.method == "POST" else 200


@bp.route("/account/password", methods=["GET", "POST"])
@signed_in
def change_password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            users.change_password(current=form.current_password.data, new=form.password.data, by=current_user)
        except TooManyTries:
            raise
        except DomainError as refused:
            show(refused, form)
        else:
            flash(_("Your password is changed. You are signed out everywhere else."), "success")
            return redirect(url_for("auth.account"), code=303)
    page = render_template("auth/change_password.html", form=form)
    return page, 422 if request.method == "POST" else 200


@bp.post("/account/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    sessions.sign_out_everywhere(by=current_user)
    response = redirect(url_for("auth.sign_in"), code=303)
    cookies.take(response)
    return response


@bp.route("/link/<token:secret>", methods=["GET", "POST"])
@public(because="whoever was handed a link has no password yet; the link works once")
def use_link(secret: str) -> ResponseReturnValue:
    link = people.usable_link(sessions.hash_token(secret), clock.now())
    if link is None:
        return render_template("auth/link_over.html"), 404
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            users.use_link(token=secret, password=form.password.data, address=request.remote_addr)
        except LinkNotUsable:
            return render_template("auth/link_over.html"), 404
        except DomainError as refused:
            show(refused, form)
        else:
            flash(_("Your password is set. Sign in with it now."), "success")
            return redirect(url_for("auth.sign_in"), code=303)
    page = render_template("auth/use_link.html", form=form, link=link)
    return page, 422 if request.method == "POST" else 200

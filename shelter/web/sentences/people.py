"""Accounts, signing in, and what can happen in any area."""

from __future__ import annotations

from shelter.domain.permissions import Role
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "refused": _l("This cannot be done."),
    "not_permitted": _l("You do not have the right to do this. Ask your administrator if you need it."),
    "not_found": _l("There is nothing here, or you may not see it."),
    "key_reused": _l(
        "This form was already sent with other details. Open the page again to see what was done."
    ),
    "database_busy": _l("The system is busy and has changed nothing. Try again in a moment."),
    "constraint_refused": _l(
        "The details do not fit together, so nothing was changed. Check them and try again. (%(name)s)"
    ),
    "sign_in_refused": _l("Sign-in name or password is not right. Check both and try again."),
    "too_many_tries": _l("Too many failed tries. Try again in %(wait_seconds)s seconds."),
    "link_not_usable": _l(
        "This link does not work any more: it was used, replaced or is too old. Ask for a new one."
    ),
    "login_taken": _l("This sign-in name is in use. Choose another."),
    "login_malformed": _l("Use 2 to 80 letters, digits, dots, hyphens or underscores, without spaces."),
    "number_not_valid": _l(
        "This is not a telephone number. Write it like 010-1234-5678 or +82 10 1234 5678."
    ),
    "phone_not_valid": _l("This is not a telephone number. Write it like 010-1234-5678 or +82 10 1234 5678."),
    "name_missing": _l("Enter a name of at most 80 characters."),
    "role_missing": _l("Choose at least one role."),
    "last_administrator": _l(
        "This is the last administrator. Make somebody else administrator first, or nobody could let people"
        " in."
    ),
    "current_password_wrong": _l("This is not your present password."),
    "draft_too_large": _l("This is too much text to be kept. Shorten it."),
    "password_too_short": _l("Use at least %(shortest)s characters. A sentence of a few words is good."),
    "password_too_long": _l("Use at most %(longest)s characters."),
    "password_too_common": _l(
        "This password is easy to guess: it is made of common words, names or rows of keys. Choose another."
    ),
}

LABELS = {
    Role: {
        Role.COORDINATOR: _l("Coordinator"),
        Role.MANAGER: _l("Manager"),
        Role.ADMINISTRATOR: _l("Administrator"),
        Role.AUDITOR: _l("Auditor"),
        Role.REFERRER: _l("Referrer"),
    },
}

CONSTRAINTS = {
    "uq_user_login": SENTENCES["login_taken"],
    "uq_site_membership_user_id_site_id_from_on": _l("This site is listed twice with the same first day."),
}

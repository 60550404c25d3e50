from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from shelter.web.forms import Form


class SignInForm(Form):
    login = StringField(
        _l("Sign-in name"), validators=[InputRequired(_l("Enter your sign-in name.")), Length(max=80)]
    )
    password = PasswordField(
        _l("Password"), validators=[InputRequired(_l("Enter your password.")), Length(max=400)]
    )
    next = HiddenField()
    draft = HiddenField()

from __future__ import annotations

from wtforms import HiddenField, PasswordField, RadioField, SelectChoice, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from shelter.domain.passwords import SHORTEST
from shelter.web.forms import Form
from shelter.web.language import lazy_gettext as _l

LANGUAGES = [SelectChoice("ko", "한국어"), SelectChoice("en", "English")]


class SignInForm(Form):
    login = StringField(_l("Sign-in name"), validators=[InputRequired(_l("Enter your sign-in name.")), Length(max=80)])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Enter your password.")), Length(max=400)])
    next = HiddenField()
    draft = HiddenField()


class NewPasswordForm(Form):
    password = PasswordField(
        _l("New password"),
        validators=[InputRequired(_l("Enter a new password.")), Length(max=400)],
        description=_l(
            "At least %(shortest)s characters. A sentence of a few words is easy to remember and hard to"
            " guess; spaces and Korean are welcome.",
            shortest=SHORTEST,
        ),
    )
    again = PasswordField(
        _l("New password, once more"),
        validators=[EqualTo("password", _l("The two passwords differ. Type the same twice."))],
    )


class ChangePasswordForm(NewPasswordForm):
    current_password = PasswordField(
        _l("Present password"), validators=[InputRequired(_l("Enter your present password."))]
    )


class OwnDetailsForm(Form):
    name = StringField(
        _l("Name"),
        validators=[InputRequired(_l("Enter your name.")), Length(max=80)],
        description=_l("As colleagues see it."),
    )
    phone = StringField(
        _l("Telephone"),
        validators=[Length(max=40)],
        description=_l("The morning digest of limits is texted to this number. Leave it empty for none."),
    )
    locale = RadioField(_l("Language"), choices=LANGUAGES)

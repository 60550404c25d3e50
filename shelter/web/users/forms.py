from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput

from shelter.domain.permissions import Role
from shelter.queries import sites
from shelter.web.auth.forms import LANGUAGES
from shelter.web.errors import choices
from shelter.web.fields import DateField
from shelter.web.forms import Form, OnceForm
from shelter.web.language import lazy_gettext as _l

WHAT_ROLES_MAY = {
    Role.COORDINATOR: _l("Finds places, places households, looks after their stays."),
    Role.MANAGER: _l("Sees figures and states, decides extensions. Never sees names."),
    Role.ADMINISTRATOR: _l("Keeps sites, units and accounts."),
    Role.AUDITOR: _l("Reads the access log."),
    Role.REFERRER: _l("Will submit referrals. Can open nothing yet."),
}


def site_choices() -> list[SelectChoice]:
    return [SelectChoice(str(site_id), code_name) for site_id, code_name in sites.site_choices()]


class Ticks(SelectMultipleField):
    """Several of a list, each with a box to tick."""

    option_widget = CheckboxInput()


class PersonFields:
    """What an administrator keeps of a person."""

    name = StringField(_l("Name"), [InputRequired(_l("Enter a name.")), Length(max=80)])
    phone = StringField(
        _l("Telephone"),
        [Length(max=40)],
        description=_l("The morning digest of limits is texted to this number. Leave it empty for none."),
    )
    locale = RadioField(_l("Language"), choices=LANGUAGES, default="ko")
    roles = Ticks(_l("Roles"), choices=choices(Role))


class PersonForm(PersonFields, Form):
    pass


class InviteForm(PersonFields, OnceForm):
    login = StringField(
        _l("Sign-in name"),
        [InputRequired(_l("Enter a sign-in name.")), Length(max=80)],
        description=_l("Small letters, digits, dots or hyphens, for example “minseo.kim”. It cannot be changed."),
    )
    sites = Ticks(_l("Sites this person coordinates from today on"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sites.choices = site_choices()


class AddSiteForm(Form):
    site = SelectField(_l("Site"))
    from_on = DateField(_l("From"), [InputRequired(_l("Enter the first day."))])
    until_on = DateField(
        _l("Until"), [Optional()], description=_l("The first day no longer. Leave it empty for no end.")
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site.choices = site_choices()

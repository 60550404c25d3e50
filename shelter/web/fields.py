"""Days and moments in forms: all are asked with these, so that none lies where no calendar arithmetic reaches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import wtforms

from shelter.domain.periods import is_thinkable
from shelter.web.language import gettext as _


class _Thinkable(wtforms.Field):
    """A day outside the years a shelter can mean is not read, and the field says so."""

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        day = self.data.date() if isinstance(self.data, datetime) else self.data
        if day is not None and not is_thinkable(day):
            self.data = None
            raise ValueError(_("Choose a day between 2000 and 2100."))


class DateField(_Thinkable, wtforms.DateField):
    pass


class DateTimeLocalField(_Thinkable, wtforms.DateTimeLocalField):
    pass

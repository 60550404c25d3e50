"""The one instance of each extension; `create_app` binds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect

from shelter.database import UNAVAILABLE
from shelter.keyring import Keyring
from shelter.tables import Base


class QuietlyClosed(Session):
    """What is answered stays answered: there is nothing left to undo on a connection that was lost meanwhile."""

    def close(self) -> None:
        self._quietly(super().close)

    def end_transaction(self) -> None:
        """Roll back whatever is open; the session goes on, and what it loaded is read again when asked for."""
        self._quietly(self.rollback)

    def _quietly(self, ending: Callable[[], None]) -> None:
        try:
            ending()
        except UNAVAILABLE:
            self.invalidate()


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"class_": QuietlyClosed})
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
babel = Babel()
keyring = Keyring()

# What tables inherit from; type checkers cannot follow the class flask-sqlalchemy makes.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

"""The one instance of each extension; `create_app` binds them."""

from __future__ import annotations

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
    def close(self) -> None:
        """What is answered stays answered: there is nothing left to undo on a connection that was lost meanwhile."""
        try:
            super().close()
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

"""The one instance of each extension; `create_app` binds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from shelter.keyring import Keyring
from shelter.tables import Base

db = SQLAlchemy(model_class=Base, disable_autonaming=True)
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

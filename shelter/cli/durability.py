"""Before anything is served: a database that could forget what it confirmed is refused."""

from __future__ import annotations

import click
from flask import Flask

from shelter import config
from shelter.config import UnsafeSettings
from shelter.database import UNAVAILABLE
from shelter.extensions import db
from shelter.queries import durability
from shelter.web.errors import say


def refuse_forgetful_database(app: Flask) -> None:
    """Raises UnsafeSettings that names each setting and what to do; in development it is only said.

    A database that does not answer yet is not judged: `/readyz` goes on looking.
    """
    with app.app_context():
        try:
            found = durability.weaknesses()
        except UNAVAILABLE:
            return
        finally:
            db.session.remove()
            db.engine.dispose()  # workers fork after this
        said = [f"  {say(weakness, language)}" for weakness in found for language in ("en", "ko")]
    if not said:
        return
    if not config.active().is_demo:
        raise UnsafeSettings("\n".join(["The system does not start, because its database is not safe:", *said]))
    click.echo("\n".join(["The database is not safe. In production the system would not start:", *said]), err=True)

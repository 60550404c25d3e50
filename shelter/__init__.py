"""Emergency shelter booking: a safe room tonight, told discreetly, never sold twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shelter.config import Settings


def create_app(settings: Settings | None = None, *, testing: bool = False) -> Flask:
    """The application, ready for gunicorn, the commands and the clockwork alike.

    Raises UnsafeSettings (a SystemExit with sentences) rather than to run with missing or unsafe settings.
    """
    # Imported here, so that a rule of the domain can be imported without a web framework.
    from flask import Flask
    from jinja2 import StrictUndefined
    from werkzeug.middleware.proxy_fix import ProxyFix

    from shelter import cli, clock, config, database, logs, web
    from shelter.extensions import db, keyring, migrate
    from shelter.paths import resource_dir
    from shelter.services import installation

    settings = settings or config.load_settings()
    config.activate(settings)
    clock.configure(settings.zone, settings.cutover_hours)
    keyring.configure(
        config.parse_field_keys(settings.field_keys.get_secret_value()),
        settings.index_key.get_secret_value(),
        settings.audit_key.get_secret_value(),
    )
    logs.configure(is_development=settings.is_demo)

    app = Flask(__name__, template_folder=str(resource_dir("templates")), static_folder=str(resource_dir("static")))
    app.config.update(config.for_flask(settings) | database.for_flask(settings.database_url), TESTING=testing)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    if testing or settings.is_demo:
        app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals.pop("config", None)  # it holds secrets

    db.init_app(app)
    migrate.init_app(app, db, directory=str(resource_dir("migrations")), compare_type=True)
    with app.app_context():
        database.prepare(db.engine)
        installation.check_unchanged(settings)
    web.init_app(app, settings)
    cli.register(app)
    return app

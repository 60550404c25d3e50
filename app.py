"""The application as `flask` and `gunicorn app:app` find it."""

from shelter import create_app
from shelter.cli import instance

instance.use_what_is_there()
app = create_app()

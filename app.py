"""The application as `flask` and `gunicorn app:app` find it."""

from shelter import create_app

app = create_app()

"""How gunicorn serves the pages: `gunicorn --config python:shelter.cli.webserver`."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

wsgi_app = "shelter:create_app()"
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "shelter.cli.webworker.Worker"
threads = 4
preload_app = True  # loaded once, shared by the workers
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 heartbeats, not data
timeout = 30
graceful_timeout = 10
loglevel = "warning"
accesslog = None  # addresses and times of who looked belong to the audit trail only


def on_starting(server: Any) -> None:
    from shelter import logs
    from shelter.cli.durability import refuse_forgetful_database

    refuse_forgetful_database(server.app.wsgi())
    logs.say_what_nobody_caught()
    # What is loaded by now lasts: no collection looks at it again, and the workers share it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, request

from shelter import clock, config
from shelter.config import LOOPBACK
from shelter.queries import clockwork
from shelter.web.access import public

bp = Blueprint("health", __name__)
FORWARDED = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}


@bp.get("/healthz")
@public(because="a load balancer asks whether the process answers")
def alive() -> Response:
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public(because="a load balancer asks whether the system can work; it learns yes or no")
def ready() -> Response:
    """200 until the database does not answer or a slot of the timetable is overdue."""
    state = clockwork.readiness(clock.now())
    return Response(f"{state.code}\n", status=200 if state.is_ready else 503, mimetype="text/plain")


@bp.get("/metrics")
@public(because="loopback or a bearer token only; figures of the machine, nothing by site")
def metrics() -> Response:
    token = config.active().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    has_token = token is not None and hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    # What a proxy on this machine hands on comes from loopback as well, and says whom it speaks for.
    is_ours = request.remote_addr in LOOPBACK and not FORWARDED & {name for name, _ in request.headers}
    if not is_ours and not has_token:
        abort(404)
    figures = clockwork.figures(clock.now())
    lines = []
    for name, (help_text, value) in figures.items():
        lines += [f"# HELP shelter_{name} {help_text}", f"# TYPE shelter_{name} gauge", f"shelter_{name} {value}"]
    return Response("\n".join(lines) + "\n", mimetype="text/plain; version=0.0.4")

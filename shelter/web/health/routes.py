from __future__ import annotations

import hmac
import json

from flask import Blueprint, Response, abort, request

from shelter import clock, config
from shelter.config import LOOPBACK
from shelter.queries import operations
from shelter.web.access import public
from shelter.web.health import exposition, tally

bp = Blueprint("health", __name__)
FORWARDED = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}


@bp.get("/healthz")
@public(because="a load balancer asks whether the process answers")
def alive() -> Response:
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public(because="whoever watches asks whether the system can work; it learns codes, names of jobs and times")
def ready() -> Response:
    """200 until the database does not answer, is not migrated, the clockwork is silent or a slot is overdue."""
    found = operations.readiness(clock.now())
    wrong = [{"code": finding.code, **finding.params} for finding in found]
    body = json.dumps({"ready": not found, "wrong": wrong}, default=str)
    return Response(f"{body}\n", status=503 if found else 200, mimetype="application/json")


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
    now = clock.now()
    said = exposition.text(operations.operations(now), tally.of_this_server().rows(), now)
    return Response(said, content_type=exposition.CONTENT_TYPE)

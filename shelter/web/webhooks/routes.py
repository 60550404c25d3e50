from __future__ import annotations

from uuid import UUID

from flask import Blueprint, request

from shelter import config
from shelter.extensions import csrf
from shelter.gateways.sms import signature
from shelter.gateways.sms.twilio import refusal_of, state_of
from shelter.services import delivery, messages
from shelter.web.access import public

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks/twilio")
LARGEST = 64 * 1024
LONGEST_ID = 64


@bp.before_request
def _only_the_provider() -> tuple[str, int] | None:
    """Whoever cannot sign over our public address is told nothing, not even whether there is such a text."""
    request.max_content_length = LARGEST
    given = request.headers.get(signature.HEADER)
    query = request.query_string.decode("ascii", "replace")
    if not signature.is_genuine(config.active(), path=request.path, query=query, form=request.form, signature=given):
        return "", 403
    return None


@bp.post("/status/<uuid:message_id>")
@csrf.exempt
@public(because="the provider has no account; its signature is checked instead")
def status(message_id: UUID) -> tuple[str, int]:
    """What became of a text of ours."""
    provider_id = request.form.get("MessageSid", "")
    if 0 < len(provider_id) <= LONGEST_ID:
        delivery.record_delivery_status(
            message_id=message_id,
            provider_id=provider_id,
            state=state_of(request.form.get("MessageStatus")),
            refusal=refusal_of(request.form.get("ErrorCode")),
        )
    return "", 204


@bp.post("/inbound")
@csrf.exempt
@public(because="the provider has no account; its signature is checked instead")
def inbound() -> tuple[str, int]:
    """Something came in: kept, never acted upon."""
    provider_id, number = request.form.get("MessageSid", ""), request.form.get("From", "")
    if provider_id and number:
        messages.store_inbound(provider_id=provider_id, number=number, body=request.form.get("Body", ""))
    return "", 204

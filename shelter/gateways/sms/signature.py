"""Did the provider itself call us? Checked over the public address of the settings, never over what the request says:
behind a proxy the two differ."""

from __future__ import annotations

from typing import Any

from shelter.config import Settings

HEADER = "X-Twilio-Signature"
LONGEST = 100


def is_genuine(settings: Settings, *, path: str, query: str, form: Any, signature: str | None) -> bool:
    """`path` and `query` as they were asked; `form` the posted fields. Without a token or a signature: no."""
    if settings.twilio_auth_token is None or not signature or len(signature) > LONGEST or not signature.isascii():
        return False
    from twilio.request_validator import RequestValidator

    url = settings.public_url.rstrip("/") + path + (f"?{query}" if query else "")
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    return bool(validator.validate(url, form, signature))

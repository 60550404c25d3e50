"""The access log, for auditors: who did and who looked at what."""

from shelter.web.audit.routes import bp

__all__ = ["bp"]

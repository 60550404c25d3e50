"""Signing in and out, the session, the own account, one-time links, quick exit."""

from shelter.web.auth.routes import bp

__all__ = ["bp"]

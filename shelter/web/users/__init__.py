"""Accounts of staff, for administrators."""

from shelter.web.users.routes import bp

__all__ = ["bp"]

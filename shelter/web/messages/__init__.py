"""Texts as the phone shows them, and the switch that stops them all."""

from shelter.web.messages.routes import bp

__all__ = ["bp"]

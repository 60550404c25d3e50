"""For the machines around us: is it alive, is it ready, how much of what. Nothing by site, nothing of a person."""

from shelter.web.health.routes import bp

__all__ = ["bp"]

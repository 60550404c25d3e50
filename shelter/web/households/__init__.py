"""A household's record: opening it is audited."""

from shelter.web.households.routes import bp

__all__ = ["bp"]

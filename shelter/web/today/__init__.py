"""Today: what needs a person now. The first page after signing in."""

from shelter.web.today.routes import bp

__all__ = ["bp"]

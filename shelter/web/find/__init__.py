"""Finding a place tonight: criteria, what fits, the hold, and the turnaway when nothing does."""

from shelter.web.find.routes import bp

__all__ = ["bp"]

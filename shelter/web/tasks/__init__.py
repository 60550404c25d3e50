"""Work for people: the list, one task, doing it, taking that back."""

from shelter.web.tasks.routes import bp

__all__ = ["bp"]

"""What providers tell us by themselves: believed only when signed."""

from shelter.web.webhooks.routes import bp

__all__ = ["bp"]

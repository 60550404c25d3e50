"""The system itself, for those who keep it running: all is well, or what is wrong and what to do."""

from shelter.web.operations.routes import bp

__all__ = ["bp"]

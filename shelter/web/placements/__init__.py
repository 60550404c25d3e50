"""From a hold to the door: the held place, the intake, the confirmation, the arrival card."""

from shelter.web.placements.routes import bp

__all__ = ["bp"]

"""Occupancy: how full the house is, was and will be; counts only."""

from shelter.web.occupancy.routes import bp

__all__ = ["bp"]

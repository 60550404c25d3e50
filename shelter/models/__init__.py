"""The tables: thin, one file per aggregate. Importing this package makes all of them known."""

from shelter.models import audit, clockwork, households, messages, people, sites, stays

__all__ = ["audit", "clockwork", "households", "messages", "people", "sites", "stays"]

"""The board: units by nights, a site at a time."""

from shelter.web.board.routes import bp

__all__ = ["bp"]

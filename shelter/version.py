"""The version of the program: `CHANGELOG.md` says what is in it."""

__version__ = "0.1.0"

"""The one catalogue: what every code says to people, by subject. `web/errors.py` is how it is asked."""

from __future__ import annotations

from typing import Any

from shelter.web.sentences import people, sites

SENTENCES: dict[str, Any] = {**people.SENTENCES, **sites.SENTENCES}
REASONS: dict[str, Any] = {**sites.REASONS}
LABELS: dict[Any, dict[Any, Any]] = {**people.LABELS, **sites.LABELS}
CONSTRAINTS: dict[str, Any] = {**people.CONSTRAINTS, **sites.CONSTRAINTS}

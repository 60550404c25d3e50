"""Where the files beside the package are: next to it in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str) -> Path:
    """The absolute folder `templates`, `static` or `migrations`."""
    bundled = PACKAGE / name
    return bundled if bundled.is_dir() else PACKAGE.parent / name

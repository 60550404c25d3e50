"""Static files at addresses that change with their content, so that a browser may keep them for ever.

One hash covers the whole folder and is a folder itself (`/static/<hash>/css/app.css`): what a stylesheet or a
module names relative to itself is found beside it, under the same hash.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import Flask, Response, send_from_directory

from shelter.paths import resource_dir
from shelter.web.access import public

FOR_EVER = "public, max-age=31536000, immutable"
VERSION = re.compile(r"[0-9a-f]{16}")


def init_app(app: Flask) -> None:
    """Gives templates `static_url(path)` and serves what it names."""
    folder = resource_dir("static")
    current = version_of(folder)

    def static_url(path: str) -> str:
        return f"{app.static_url_path}/{current}/{path}"

    @public(because="style sheets, scripts and fonts say nothing about anybody")
    def static(filename: str) -> Response:
        first, _, rest = filename.partition("/")
        is_versioned = VERSION.fullmatch(first) is not None
        response = send_from_directory(folder, rest if is_versioned else filename)
        if first == current:
            response.headers["Cache-Control"] = FOR_EVER
        return response

    app.view_functions["static"] = static
    app.jinja_env.globals["static_url"] = static_url


def version_of(folder: Path) -> str:
    """The same for the same names and contents, whatever the machine."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        whole.update(len(name).to_bytes(4, "big") + name + len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()[:16]

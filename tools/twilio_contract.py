"""Cut what our tests need out of Twilio's published OpenAPI file, as the npm package @twilio/cli-core carries it.

`python tools/twilio_contract.py cut` writes tests/contract/twilio_messages.json (needs npm).
`python tools/twilio_contract.py check FILE` compares it with a published file and says how they differ.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@twilio/cli-core@8.3.2"
INSIDE = "package/src/services/twilio-api/twilio_api_v2010.json"
SLICE = Path(__file__).parents[1] / "tests" / "contract" / "twilio_messages.json"
LICENCE = (
    "Cut from Twilio's OpenAPI specification (info.license: Apache 2.0), as published in the npm package "
    f"{PACKAGE} (MIT, Copyright 2022 Twilio Inc.); descriptions, examples and response headers left out."
)
LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
ONE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
OPERATIONS = {LIST: ("post", "get"), ONE: ("get",)}
LEFT_OUT = {"description", "examples", "example", "headers", "pii", "tags", "security", "summary"}
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


def cut(published: dict[str, Any]) -> dict[str, Any]:
    """The operations we use and every schema they name, directly or through another."""
    paths = {
        path: {method: _bare(published["paths"][path][method]) for method in methods}
        for path, methods in OPERATIONS.items()
    }
    schemas: dict[str, Any] = {}
    wanted = set(REFERENCE.findall(json.dumps(paths)))
    while missing := wanted - schemas.keys():
        for name in missing:
            schemas[name] = _bare(published["components"]["schemas"][name])
        wanted |= set(REFERENCE.findall(json.dumps(schemas)))
    return {
        "x-origin": LICENCE,
        "openapi": published["openapi"],
        "info": {"title": published["info"]["title"], "license": published["info"]["license"], "version": "1.0.0"},
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _bare(value) for key, value in part.items() if key not in LEFT_OUT}
    return [_bare(item) for item in part] if isinstance(part, list) else part


def fetch() -> dict[str, Any]:
    """The published file, out of the pinned package; nothing of the package is run."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["npm", "pack", PACKAGE, "--silent", "--ignore-scripts"], cwd=directory, check=True, stdout=sys.stderr
        )
        (archive,) = Path(directory).glob("*.tgz")
        with tarfile.open(archive) as package:
            file = package.extractfile(INSIDE)
            assert file is not None
            return json.load(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    act = parser.add_subparsers(dest="act", required=True)
    act.add_parser("cut", help="write the slice anew")
    act.add_parser("check", help="compare the slice with a published file").add_argument("file", type=Path)
    chosen = parser.parse_args()
    if chosen.act == "cut":
        SLICE.write_text(json.dumps(cut(fetch()), indent=1) + "\n", encoding="utf-8")
        print(f"{SLICE.name}: {SLICE.stat().st_size} bytes")
    elif json.loads(SLICE.read_text()) != json.loads(json.dumps(cut(json.loads(chosen.file.read_text())))):
        sys.exit(f"{SLICE.name} is not what {PACKAGE} says: cut it anew and look at the difference")
    else:
        print(f"{SLICE.name} is what {PACKAGE} says.")


if __name__ == "__main__":
    main()

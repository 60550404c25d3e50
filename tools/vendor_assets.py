"""Copies the pinned front end packages into static/vendor/, patched for us, with their licences and a manifest.

python tools/vendor_assets.py            # needs npm; only for those who change a version
python tools/vendor_assets.py --check    # needs nothing: the files are those of the manifest
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"
PACKAGES = {"govuk-frontend": "6.3.0", "htmx.org": "4.0.1", "pretendard": "1.3.9"}

FONT_STACK = 'Pretendard,"Noto Sans KR","Noto Sans CJK KR","Apple SD Gothic Neo","Malgun Gothic",system-ui,sans-serif'
# People read these pages all night: the sizes of a form meant to be filled once are too large for tables.
TYPE_SCALE = {
    "3.3125": "2.125",
    "3": "2",
    "2.25": "1.625",
    "1.5": "1.25",
    "1.6875": "1.375",
    "1.3125": "1.125",
    "1.1875": "1",
}

MIT_OF_GOVUK_FRONTEND = """\
The MIT License (MIT)

Copyright (C) 2017 Crown Copyright (Government Digital Service)

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def patch_govuk_css(css: str) -> str:
    """Without the font and the crest, which are not ours to use, and at our sizes."""
    css = re.sub(r"@font-face\{font-family:GDS Transport[^}]*\}", "", css)
    css = css.replace("GDS Transport,arial,sans-serif", FONT_STACK)
    css = re.sub(r"@supports[^{]*\{\.govuk-footer__copyright-logo:before\{[^}]*\}\}", "", css)
    css = re.sub(r"\.govuk-footer__copyright-logo:before\{[^}]*url\([^}]*\}", "", css)
    # in one pass, so that a size just made is not made smaller again
    css = re.sub(r"font-size:([0-9.]+)rem", lambda m: f"font-size:{TYPE_SCALE.get(m[1], m[1])}rem", css)
    css = re.sub(r"/\*# sourceMappingURL=[^*]*\*/", "", css).strip() + "\n"
    for forbidden in ("GDS Transport", "url(", "data:"):
        if forbidden in css:
            raise SystemExit(f"govuk-frontend.css still holds {forbidden!r}: mend patch_govuk_css")
    return css


def without_source_map(js: str) -> str:
    return re.sub(r"//# sourceMappingURL=.*", "", js).strip() + "\n"


def fetch(name: str, version: str, into: Path) -> Path:
    """The unpacked package."""
    said = subprocess.run(
        ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"],
        cwd=into,
        check=True,
        capture_output=True,
        text=True,
    )
    folder = into / name
    with tarfile.open(into / said.stdout.split()[-1]) as packed:
        packed.extractall(folder, filter="data")
    return folder / "package"


def vendor() -> None:
    """Fetches everything anew."""
    with tempfile.TemporaryDirectory() as temporary:
        govuk, htmx, pretendard = (fetch(n, v, Path(temporary)) for n, v in PACKAGES.items())
        shutil.rmtree(VENDOR, ignore_errors=True)
        text = {
            "govuk-frontend/govuk-frontend.css": patch_govuk_css(
                (govuk / "dist/govuk/govuk-frontend.min.css").read_text()
            ),
            "govuk-frontend/govuk-frontend.js": without_source_map(
                (govuk / "dist/govuk/govuk-frontend.min.js").read_text()
            ),
            "govuk-frontend/LICENSE.txt": MIT_OF_GOVUK_FRONTEND,
            "htmx/htmx.js": without_source_map((htmx / "dist/htmx.min.js").read_text()),
            "htmx/LICENSE.txt": (htmx / "LICENSE").read_text(),
            "pretendard/LICENSE.txt": (pretendard / "dist/LICENSE.txt").read_text(),
        }
        for path, content in text.items():
            (VENDOR / path).parent.mkdir(parents=True, exist_ok=True)
            (VENDOR / path).write_text(content)
        for weight in ("Regular", "Bold"):
            name = f"Pretendard-{weight}.subset.woff2"
            shutil.copyfile(pretendard / "dist/web/static/woff2-subset" / name, VENDOR / "pretendard" / name)
    MANIFEST.write_text(json.dumps({"packages": PACKAGES, "files": digests()}, indent=2) + "\n")


def digests() -> dict[str, str]:
    """`path: sha384-…` of every vendored file."""
    return {
        path.relative_to(VENDOR).as_posix(): digest(path.read_bytes())
        for path in sorted(VENDOR.rglob("*"))
        if path.is_file() and path != MANIFEST
    }


def digest(content: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def differences() -> list[str]:
    """Files that are not as the manifest says, in words."""
    said, found = json.loads(MANIFEST.read_text())["files"], digests()
    return [
        f"{path}: {'missing' if path not in found else 'unknown' if path not in said else 'changed'}"
        for path in sorted(said.keys() | found.keys())
        if said.get(path) != found.get(path)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare the files with the manifest")
    if not parser.parse_args().check:
        vendor()
    wrong = differences()
    print("\n".join(wrong) or f"{len(digests())} vendored files are as the manifest says.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

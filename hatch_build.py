"""Compiles the translations into the wheel: .mo files are never committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTranslations(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        tool = Path(self.root) / "tools" / "translations.py"
        subprocess.run([sys.executable, tool, "compile"], cwd=self.root, check=True)  # noqa: S603
        build_data["artifacts"].append("shelter/translations/**/*.mo")

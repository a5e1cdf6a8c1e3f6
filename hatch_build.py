"""The build hook of the wheel: it carries the web pages, so they are built first, and it never ships without them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebPages(BuildHookInterface[Any]):
    """Runs `./dev web` before a wheel is put together; an editable install builds them when it starts."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what changed; a failure ends the build with what the command said."""
        del build_data
        if version != "editable":
            subprocess.run([sys.executable, Path(self.root) / "dev", "web"], check=True)  # noqa: S603 - our own script

"""Runs the stock tuf-js client (`tufjs/client.mjs`) for any test module; never skips silently."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "tufjs"
INSTALL = "npm ci --prefix offline_packages/tests/tufjs"


class TufJsRefused(Exception):
    """tuf-js refused; `error` is its class name."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error


class TufJs:
    """One tuf-js client with its own folder. `base_url` is `.../trust/<workspace>/<profile>`."""

    def __init__(self, folder: Path, base_url: str, root: bytes) -> None:
        self._node = shutil.which("node") or _fail("node is missing: install node 20.19 or later")
        if not (FOLDER / "node_modules" / "tuf-js").is_dir():
            _fail(f"tuf-js is missing: run `{INSTALL}`")
        self._folder, self._base_url = folder, base_url.rstrip("/")
        (folder / "targets").mkdir(parents=True)
        (folder / "root.json").write_bytes(root)
        self._run("init", str(folder / "root.json"))

    def refresh(self) -> None:
        """Refresh the top-level roles; raise `TufJsRefused`."""
        self._run("refresh")

    def download(self, *names: str) -> list[bytes]:
        """Return the verified bytes of targets; raise `TufJsRefused`."""
        self._run("download", names=names)
        return [(self._folder / "targets" / name.replace("/", "%2F")).read_bytes() for name in names]

    def _run(self, *verb: str, names: tuple[str, ...] = ()) -> None:
        command = [self._node, str(FOLDER / "client.mjs")]
        command += ["--metadata-dir", str(self._folder / "metadata"), "--metadata-url", f"{self._base_url}/metadata"]
        command += ["--target-dir", str(self._folder / "targets"), "--target-base-url", f"{self._base_url}/targets"]
        command += [part for name in names for part in ("--target-name", name)]
        done = subprocess.run([*command, *verb], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            told = json.loads(done.stderr.strip().splitlines()[-1])
            raise TufJsRefused(told["error"], told["message"])


def _fail(line: str) -> str:
    pytest.fail(line)

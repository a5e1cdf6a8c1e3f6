"""Runs the browser's SDK (`miniapps/sdk`) in node, for any test module; never skips silently.

One process answers one JSON line for each line it gets, so a test pays for a start of node once.
"""

import base64
import fcntl
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import pytest

SDK = Path(__file__).parents[2] / "miniapps" / "sdk"
BUNDLE = SDK / "dist" / "cli" / "sampan-sdk.mjs"


class SdkRefused(Exception):
    """The SDK refused; `code` is its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Sdk:
    """The SDK in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [_node(), str(bundle()), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def ask(self, verb: str, *args: Any) -> Any:
        """Return what the verb returns; raise `SdkRefused`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"verb": verb, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line or '{"code": "crashed", "message": "node has ended"}')
        if answer.get("code") == "crashed":
            pytest.fail(answer["message"])
        if "code" in answer:
            raise SdkRefused(answer["code"], answer["message"])
        return answer["value"]


def in_base64(data: bytes) -> str:
    """Return bytes as the verbs take them."""
    return base64.b64encode(data).decode()


def bundle() -> Path:
    """Return the SDK's command line, built when a source is newer."""
    lock = Path(tempfile.gettempdir()) / "sampan-sdk-bundle.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not BUNDLE.exists() or BUNDLE.stat().st_mtime < _newest_source():
            _build()
    return BUNDLE


def _newest_source() -> float:
    files = [*SDK.glob("src/**/*.ts"), *SDK.glob("cli/**/*.ts"), SDK / "vite.cli.config.ts"]
    return max(path.stat().st_mtime for path in files)


def _build() -> None:
    if not (SDK.parents[1] / "node_modules" / "vite").is_dir():
        pytest.fail("vite is missing: run `npm ci --ignore-scripts`")
    command = [_node(), str(SDK.parents[1] / "node_modules/vite/bin/vite.js"), "build", "-c", "vite.cli.config.ts"]
    done = subprocess.run(command, cwd=SDK, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout + done.stderr)


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.fail("node is missing: install node 20.19 or later")
    return found

"""Servers in processes of their own, on a free port of 127.0.0.1, ready when they answer a real request."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from sampan.loadtests.bench.cpu import cpu_seconds
from sampan.loadtests.bench.harness import CannotRun

HOST = "127.0.0.1"
_LOOK_EVERY_SECONDS = 0.005


class ServerFailed(CannotRun):
    """The server ended, or did not answer in time; the text holds the end of its output."""


class Server:
    """One server process, and whatever it starts itself. Use it as a context manager.

    `command` may hold `{port}`, which becomes a free port. The server counts as ready at the first 200 on
    the path `ready`. Its output goes to a temporary file that is shown when it fails.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready: str = "/readyz",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        patience_seconds: float = 60,
    ) -> None:
        self.port = free_port()
        self.ready = ready
        self.ready_after_seconds = 0.0
        self._command = [word.replace("{port}", str(self.port)) for word in command]
        self._environment = {**environment(), **(env or {})}
        self._cwd = cwd
        self._patience_seconds = patience_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile()
        began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - a bench names its own commands
            self._command,
            env=self._environment,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._wait_until_ready(began + self._patience_seconds)
        except BaseException:
            self._stop()
            raise
        self.ready_after_seconds = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """The process that we started; its descendants belong to it."""
        if self._process is None:
            raise ServerFailed("The server was not started; use it in a with statement.")
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that the whole process tree has used so far."""
        return cpu_seconds(self.pid)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a GET on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _wait_until_ready(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise ServerFailed(f"`{' '.join(self._command)}` ended at once:\n{self._tail()}")
            try:
                if self.get(self.ready)[0] == http.HTTPStatus.OK:
                    return
            except (OSError, http.client.HTTPException):
                pass  # not listening yet: that is what we wait for
            time.sleep(_LOOK_EVERY_SECONDS)
        waited = f"no 200 from {self.ready} in {self._patience_seconds:.0f} s"
        raise ServerFailed(f"`{' '.join(self._command)}`: {waited}:\n{self._tail()}")

    def _stop(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nothing else is in this group
                process.wait()
        if self._output is not None:
            self._output.close()

    def _tail(self) -> str:
        if self._output is None:
            return ""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-4000:]


def bare_hello() -> Server:
    """Return the reference for requests and start-up: uvicorn and one Starlette route, as in a tutorial."""
    options = ["--host", HOST, "--port", "{port}", "--no-access-log", "--log-level", "warning"]
    return Server([sys.executable, "-m", "uvicorn", f"{__package__}.hello_app:app", *options], ready="/")


def free_port() -> int:
    """Return a port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """Return our environment for a measured process: it may keep bytecode, and measures nothing of ours."""
    unwanted = {"PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE", "PYTHONTRACEMALLOC"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}

"""For tests of ours and of banks' components: the real command line against a real server process.

Everybody has a folder of their own, as on machines of their own: the server, each publisher, each officer.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from sampan.platform.cli.api import Api
from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder
from sampan.platform.cli.demo_sessions import Sessions

READY_SECONDS, SEEDED_SECONDS, STOP_SECONDS = 60.0, 120.0, 15.0
LOOK_SECONDS = 0.1
COMMAND = [sys.executable, "-c", "from sampan.platform.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did: exit status, standard output and error."""

    status: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The result that --json printed."""
        return json.loads(self.out.splitlines()[-1])


@dataclass
class Person:
    """A person at a terminal of their own: a home folder, a working folder, and maybe a session."""

    folder: Path
    server: str
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, as_json: bool = True) -> Ran:
        """Run one command to its end; nobody can be asked anything."""
        process = self.begin(*arguments, as_json=as_json)
        out, err = process.communicate(timeout=SEEDED_SECONDS)
        return Ran(process.returncode, out, err)

    def begin(self, *arguments: str | Path, as_json: bool = True) -> "subprocess.Popen[str]":
        """Start one command and return its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        env |= {"SAMPAN_HOME": str(self.folder / "home"), "COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, *(["--json"] if as_json else []), *map(str, arguments)],
            cwd=self.folder,
            env={**env, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ok(self, *arguments: str | Path) -> Any:
        """Run a command that must succeed and return its result."""
        ran = self.run(*arguments)
        if ran.status != 0:
            raise AssertionError(f"{arguments} ended with {ran.status}: {ran.out}{ran.err}")
        return ran.value


@dataclass
class DemoServer:
    """`sampan up --demo` in a process of its own, with its folder and port."""

    root: Path
    port: int = field(default_factory=lambda: free_port())
    process: "subprocess.Popen[str] | None" = None
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.folder, self.address)

    @property
    def address(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> DemoFolder:
        """The parts of the demo."""
        return DemoFolder(self.root)

    @property
    def output(self) -> Path:
        """What the server and the seeding printed."""
        return self.root.with_name(f"{self.root.name}.out")

    def start(self) -> float:
        """Start it and return after how many seconds it was ready."""
        began = time.monotonic()
        command = [*COMMAND, "up", "--demo", "--data", str(self.root), "--port", str(self.port)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        self.output.unlink(missing_ok=True)
        with self.output.open("w") as out, self.output.with_suffix(".err").open("w") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, env=env, text=True)  # noqa: S603 - our own command
        wait_until(self._is_ready, READY_SECONDS, self._why)
        return time.monotonic() - began

    def wait_until_told(self) -> str:
        """Return the text with the sign-ins, once it is printed."""
        self.wait_for(lambda: "starting again finds" in self.output.read_text())
        return self.output.read_text()

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Return when something holds that the seeding brings about."""

        def is_so_or_failed() -> bool:
            return is_so() or self._has_failed()

        wait_until(is_so_or_failed, SEEDED_SECONDS, self._why)
        if not is_so():
            raise AssertionError(self._why())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait for its end."""
        self.sessions.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(STOP_SECONDS)

    def api(self, email: str) -> Api:
        """Return the console API as one of the demo's people calls it."""
        return self.sessions.api(email)

    def person(self, email: str, folder: Path) -> Person:
        """Return one of the demo's people at a terminal of their own, signed in."""
        sign_in = self.sessions.sign_in(email)
        given = {"SAMPAN_TOKEN": sign_in.secret, "SAMPAN_SERVER": self.address, "SAMPAN_WORKSPACE": WORKSPACE}
        return Person(folder, self.address, given)

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/readyz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def _has_failed(self) -> bool:
        text = self.output.with_suffix(".err").read_text()
        ended = self.process is not None and self.process.poll() is not None
        return ended or "Traceback" in text or "\nsampan: " in text

    def _why(self) -> str:
        err = self.output.with_suffix(".err").read_text()
        ended = self.process is not None and self.process.poll() is not None
        return f"{'it ended' if ended else 'it runs'}: {self.output.read_text()[-2000:]}{err[-4000:]}"


def wait_until(is_so: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    """Return when `is_so()` holds; raise AssertionError with `why()` after too long."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(why())
        time.sleep(LOOK_SECONDS)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

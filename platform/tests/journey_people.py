"""Real parts for the journey: a server process, people at terminals of their own, a bank's own component."""

import base64
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
from typing import Any, TypeVar

import httpx2

from sampan.platform.cli.api import Api
from sampan.platform.cli.home import SignIn
from sampan.platform.cli.publishing import now_ms
from sampan.platform.crypto.key_files import read_private_key
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.operators.totp import code_for, step_at

COMMAND = (sys.executable, "-c", "from sampan.platform.cli import main; main()")
WORKSPACE = "demo"
PASSPHRASE = "a passphrase of one person"
PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.05
CONFIRM_AFTER_SECONDS = 120.0
Found = TypeVar("Found")

OUTSIDE = '''"""A bank's own component: it hands one-time codes to the carrier, here a file."""

import json
import os

from sampan.platform.component import Component, Port
from sampan.platform.ports import SmsPort


class Carrier:
    """Writes every message to a file outside the server's folder."""

    async def send_code(self, *, workspace_id, phone, code, lang):
        with open(os.environ["BANK_CARRIER"], "a") as file:
            file.write(json.dumps({"workspace": workspace_id, "phone": phone, "code": code}) + "\\n")


component = Component("bank-carrier", (Port(SmsPort, lambda core: Carrier()),))
'''


def install_outside_component(site: Path) -> None:
    """Make what installing a bank's package makes: a module, and metadata with its entry point."""
    metadata = site / "bank_carrier-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "bank_carrier.py").write_text(OUTSIDE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bank-carrier\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[sampan.components]\nbank-carrier = bank_carrier:component\n")


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what is meant for other sampan processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "200", **more}


def until(look: Callable[[], Found | None], why: Callable[[], str] = lambda: "it did not happen in time") -> Found:
    """Return what `look` finds as soon as it finds something; raise AssertionError after too long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        if time.monotonic() > ends:
            raise AssertionError(why())
        time.sleep(LOOK_SECONDS)
    return found


@dataclass
class Person:
    """Somebody with a folder of their own, a password and an authenticator."""

    folder: Path
    server: str
    email: str
    password: str = ""
    totp: bytes = b""
    _last_step: int = 0
    _api: Api | None = None
    _confirmed: float = 0.0

    def sampan(self, *arguments: str | Path, fails: bool = False) -> Any:
        """Run a command to its end and return the result that it printed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*COMMAND, "--json", *map(str, arguments)],
            cwd=self.folder,
            env=clean_environment(SAMPAN_HOME=str(self.folder / "home"), SAMPAN_PASSPHRASE=PASSPHRASE),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{self.email}: {arguments}: {done.stdout}{done.stderr}"
        return json.loads((done.stdout or done.stderr).strip().splitlines()[-1])

    def begin(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command that goes on by itself."""
        environment = clean_environment(SAMPAN_HOME=str(self.folder / "home"), SAMPAN_PASSPHRASE=PASSPHRASE)
        return subprocess.Popen(
            [*COMMAND, "--json", *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def code(self) -> str:
        """Return a one-time code that this person has not used yet."""
        self._last_step = until(lambda: step if (step := self._next_step()) <= step_at(now_ms()) + 1 else None)
        return code_for(self.totp, self._last_step)

    def _next_step(self) -> int:
        return max(self._last_step + 1, step_at(now_ms()))

    def sign_in(self) -> "Person":
        """Sign in at the command line with password and one-time code."""
        place = ("--server", self.server, "--workspace", WORKSPACE)
        self.sampan("login", *place, "--email", self.email, "--password", self.password, "--totp", self.code())
        self._confirmed = time.monotonic()
        return self

    def confirm(self) -> None:
        """Give the second factor again before its five minutes are over, as dangerous acts need it."""
        if time.monotonic() - self._confirmed > CONFIRM_AFTER_SECONDS:
            self.sampan("confirm", "--totp", self.code())
            self._confirmed = time.monotonic()

    @property
    def api(self) -> Api:
        """The console API as this person's session calls it."""
        if self._api is None:
            self._api = Api.of(SignIn(**json.loads((self.folder / "home" / "sign-in.json").read_text())))
        return self._api

    def leave(self) -> None:
        """Close the connection."""
        if self._api is not None:
            self._api.close()

    def approve(self, change_id: str) -> Any:
        """Approve a change request by the digest that is shown."""
        self.confirm()
        digest = self.api.get(f"/changes/{change_id}")["digest"]
        return self.api.post(f"/changes/{change_id}/approve", {"digest": digest})

    def key(self, name: str) -> PrivateKey:
        """Open one of the person's own private keys, for a test that plays a thief or searches for it."""
        return read_private_key(self.folder / name, PASSPHRASE.encode())


@dataclass
class Server:
    """`sampan up` in a process, with a folder of its own; nothing of the demo."""

    root: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The folder that the server alone uses."""
        return self.root / "server"

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def carrier(self) -> Path:
        """Where the bank's component writes text messages."""
        return self.root / "carrier.jsonl"

    def _environment(self) -> dict[str, str]:
        site = self.root / "site"
        path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
        return clean_environment(PYTHONPATH=path, BANK_CARRIER=str(self.carrier), **self.environment)

    def install(self, *admins: str) -> list[Person]:
        """Run `sampan init` and return the first administrators."""
        self.data.mkdir(parents=True)
        install_outside_component(self.root / "site")
        emails = [part for email in admins for part in ("--admin", email)]
        command = [*COMMAND, "--json", "init", WORKSPACE, *emails, "--data", str(self.data)]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        made = json.loads(done.stdout.strip().splitlines()[-1])["admins"]
        return [
            Person(self.root / each["email"].split("@")[0], self.url, each["email"], each["password"], _secret(each))
            for each in made
        ]

    def start(self) -> "Server":
        """Start it and return when it is ready."""
        command = [*COMMAND, "up", "--data", str(self.data), "--port", str(self.port)]
        with (self.data / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment())
        until(self._ready, lambda: (self.data / "server.log").read_text()[-4000:])
        return self

    def _ready(self) -> bool | None:
        assert self.process is not None
        assert self.process.poll() is None, (self.data / "server.log").read_text()[-4000:]
        try:
            return httpx2.get(f"{self.url}/readyz", trust_env=False).status_code == 200 or None
        except httpx2.TransportError:
            return None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait for its end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_SECONDS)

    def text_message(self, phone: str) -> str:
        """Return the last code that was sent to a phone."""
        sent = [json.loads(line) for line in self.carrier.read_text().splitlines()]
        return str([each["code"] for each in sent if each["phone"] == phone][-1])


def new_server(root: Path) -> Server:
    """Return a server that listens on a port nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return Server(root, int(found.getsockname()[1]))


def _secret(admin: dict[str, str]) -> bytes:
    return secret_of(admin["totp"])


def secret_of(text: str) -> bytes:
    """Return the authenticator's secret from the form that people type."""
    return base64.b32decode(text + "=" * (-len(text) % 8))

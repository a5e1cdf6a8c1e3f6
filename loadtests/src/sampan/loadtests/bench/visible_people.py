"""The people of a demo bank at their terminals, each with a folder of their own: what they do is `sampan` commands."""

import contextlib
import http.client
import json
import subprocess
import time
from pathlib import Path
from typing import Any

from sampan.loadtests.bench.demo_bank import sampan
from sampan.loadtests.bench.harness import CannotRun
from sampan.loadtests.bench.server import environment

PUBLISHER, REVIEWER, RELEASER = "publisher@demo.example", "reviewer@demo.example", "release@demo.example"
TIERS = ("visitor", "registered", "e_account", "full")
_COMMAND_SECONDS = 60
_STATE_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.2
# A second factor opens dangerous acts for five minutes.
_SIGN_IN_AGAIN_SECONDS = 200
_NEXT_CODE_SECONDS = 45


class DemoPeople:
    """Publisher, reviewer and release manager of a running demo; raises CannotRun when a command fails."""

    def __init__(self, data: Path, server: str, homes: Path) -> None:
        self._data, self._server, self._homes = data, server, homes
        self._signed_in: dict[str, float] = {}
        self._passwords: dict[str, str] = {}

    def publish(self, app: str, folder: Path, sequence: int) -> None:
        """Pack, sign, upload and approve a version, and wait until it is published."""
        own, out = self._data / "publisher", self._homes / f"{app}-{sequence}"
        numbers = ("--sequence", str(sequence), "--version", f"1.0.{sequence}")
        packed = self._run(PUBLISHER, "pack", str(folder), "--id", app, *numbers, "--out", str(out))
        keys = ("--key", str(own / "publisher.pem"), "--passphrase-file", str(own / "passphrase"))
        self._run(PUBLISHER, "publish", packed["package"], *keys)
        digest = self._wait_for(app, sequence, "in_review")["review_digest"]
        self._run(REVIEWER, "review", "approve", app, str(sequence), "--digest", digest)
        self._wait_for(app, sequence, "published")

    def make_hotfix(self, app: str, sequence: int, path: str, content: Path, out: Path) -> None:
        """Make a hotfix that gives one file new content."""
        change = ("--set", f"{path}={content}", "--out", str(out))
        self._run(PUBLISHER, "hotfix", "make", app, "--sequence", str(sequence), "--on", "0", *change)

    def publish_hotfix(self, file: Path, *more: str) -> dict[str, Any]:
        """Sign and send a hotfix, or with `--out FILE` sign it alone; returns what the command prints."""
        own = self._data / "publisher"
        keys = ("--key", str(own / "publisher.pem"), "--passphrase-file", str(own / "passphrase"))
        return self._run(PUBLISHER, "hotfix", "publish", str(file), *keys, *more)

    def call(self, email: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the console API as a signed-in person's browser would; `bytes` are sent as they are.

        Raises CannotRun for a refusal.
        """
        self.sign_in(email)
        secret = json.loads((self._homes / email / "sign-in.json").read_text())["secret"]
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self._server.partition("//")[2], timeout=_COMMAND_SECONDS)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {secret}", "content-type": kind}
            connection.request(method, f"/w/demo/console/api/v1{path}", content, headers)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise CannotRun(f"{method} {path}: {found.get('detail')}")
        return found

    def propose_release(self, app: str, sequence: int) -> tuple[str, str]:
        """Ask for the release of a version to everybody; returns the change request and its digest."""
        tiers = [word for tier in TIERS for word in ("--tier", tier)]
        found = self._run(RELEASER, "release", "create", app, str(sequence), *tiers)
        return found["change"], found["digest"]

    def approve(self, change: str, digest: str) -> float:
        """Approve a change request, which carries it out; returns when the command had ended, by `time.monotonic`."""
        self._run(REVIEWER, "change", "approve", change, "--digest", digest)
        return time.monotonic()

    def sign_in(self, email: str) -> None:
        """Sign a person in, unless that was done a moment ago."""
        if time.monotonic() - self._signed_in.get(email, -_SIGN_IN_AGAIN_SECONDS) < _SIGN_IN_AGAIN_SECONDS:
            return
        if not self._passwords:
            people = self._command(email, "demo", "people", "--data", str(self._data))["people"]
            self._passwords = {each["email"]: each["password"] for each in people}
        self._log_in(email, time.monotonic() + _NEXT_CODE_SECONDS)
        if email == PUBLISHER:
            self._command(email, "trust", "root", "--pin")
        self._signed_in[email] = time.monotonic()

    def _log_in(self, email: str, deadline: float) -> None:
        """Sign in; a code that was used before is waited out."""
        code = self._command(email, "demo", "code", email, "--data", str(self._data))["code"]
        try:
            self._command(email, "login", "--email", email, "--password", self._passwords[email], "--totp", code)
        except CannotRun:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_EVERY_SECONDS * 10)
            self._log_in(email, deadline)

    def _wait_for(self, app: str, sequence: int, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + _STATE_SECONDS
        while time.monotonic() < deadline:
            found = self._run(REVIEWER, "review", "show", app, str(sequence))
            if found["state"] == state:
                return found
            time.sleep(_LOOK_EVERY_SECONDS)
        raise CannotRun(f"Version {sequence} of {app} did not become {state} within {_STATE_SECONDS} s.")

    def _run(self, email: str, *words: str) -> dict[str, Any]:
        self.sign_in(email)
        return self._command(email, *words)

    def _command(self, email: str, *words: str) -> dict[str, Any]:
        home = self._homes / email
        home.mkdir(parents=True, exist_ok=True)
        own = {name: value for name, value in environment().items() if not name.startswith("SAMPAN_")}
        own |= {"SAMPAN_HOME": str(home), "SAMPAN_SERVER": self._server, "SAMPAN_WORKSPACE": "demo"}
        done = subprocess.run(  # noqa: S603 - our own command
            [sampan(), "--json", *words],
            env=own,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"`sampan {' '.join(words[:3])}` failed:\n{(done.stderr or done.stdout)[-1000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

"""The demo's people at work: each signs in once with their own password and a computed one-time code."""

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any

from sampan.platform.cli.api import Api, ServerRefused
from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder, DemoPerson, write_secret
from sampan.platform.cli.home import SignIn
from sampan.platform.errors import SampanError
from sampan.platform.operators.totp import DRIFT_STEPS, code_for, step_at

Json = dict[str, Any]
FACTOR_MS = 300_000
SPARE_MS = 120_000
"""A second factor that would run out sooner than this is given anew."""


def present_code(person: DemoPerson) -> str:
    """Return the code that the person's authenticator app shows now."""
    return code_for(person.totp_secret, step_at(_now_ms()))


class Sessions:
    """Signs the demo's people in, and keeps the sessions for a seeding that is resumed."""

    def __init__(self, folder: DemoFolder, server: str) -> None:
        self.folder, self.server = folder, server
        self._signed: dict[str, tuple[SignIn, int]] = {}
        self._apis: dict[str, Api] = {}
        self._lock = threading.Lock()

    def api(self, email: str) -> Api:
        """Return the console API as this person calls it, with a recent second factor."""
        sign_in = self.sign_in(email)
        with self._lock:
            if sign_in.secret not in self._apis:
                self._apis[sign_in.secret] = Api.of(sign_in)
            return self._apis[sign_in.secret]

    def close(self) -> None:
        """Close all connections; the people stay signed in."""
        with self._lock:
            for api in self._apis.values():
                api.close()
            self._apis.clear()

    def sign_in(self, email: str) -> SignIn:
        """Return the person's session: the one kept, or a new one."""
        with self._lock:
            sign_in, until_ms = self._signed.get(email, (None, 0))
            if sign_in is None or until_ms - _now_ms() < SPARE_MS:
                sign_in, until_ms = self._kept(email) or self._new(self.folder.person(email))
                self._signed[email] = (sign_in, until_ms)
            return sign_in

    def approve(self, email: str, change: str) -> None:
        """Approve a change request as a second person who has read it."""
        api = self.api(email)
        found = api.get(f"/changes/{change}")
        if found["state"] == "proposed":
            api.post(f"/changes/{change}/approve", {"digest": found["digest"]})

    def _kept(self, email: str) -> tuple[SignIn, int] | None:
        """Return the kept session and until when its second factor opens dangerous acts; None when it is too old."""
        path = self._path(email)
        if not path.exists():
            return None
        kept = SignIn(**json.loads(path.read_text()))
        if kept.server != self.server:
            return None
        with contextlib.closing(Api.of(kept)) as api:
            try:
                until = api.get("/session")["confirmed_until_ms"]
            except ServerRefused:
                return None
        return (kept, until) if until and until - _now_ms() > SPARE_MS else None

    def _new(self, person: DemoPerson) -> tuple[SignIn, int]:
        """Sign in with the oldest code that is still good, so that the present one is left for the person."""
        body = {"email": person.email, "password": person.password, "kind": "bearer"}
        with contextlib.closing(Api(self.server, WORKSPACE)) as api:
            found = with_code(person, lambda code: api.post("/session", {**body, "totp": code}))
        made = SignIn(self.server, WORKSPACE, person.email, found["secret"])
        values = {"server": made.server, "workspace": made.workspace, "email": made.email, "secret": made.secret}
        write_secret(self._path(person.email), json.dumps(values) + "\n")
        return made, _now_ms() + FACTOR_MS

    def _path(self, email: str) -> Path:
        return self.folder.people / "sessions" / f"{email.partition('@')[0]}.json"


def with_code(person: DemoPerson, use: Any) -> Json:
    """Return what `use(code)` returns for the first code that was not spent yet; the last refusal is raised."""
    refused: SampanError | None = None
    now = step_at(_now_ms())
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        try:
            found: Json = use(code_for(person.totp_secret, step))
        except ServerRefused as problem:
            if problem.status not in (401, 422):
                raise
            refused = problem
        else:
            return found
    assert refused is not None  # noqa: S101 - there are three steps
    raise refused


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""The demo's people at work: each signs in once with their own password and a computed one-time code."""

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sampan.platform.cli.api import Api, ServerRefused
from sampan.platform.cli.demo_folder import WORKSPACE, DemoFolder, DemoPerson, write_secret
from sampan.platform.cli.home import SignIn
from sampan.platform.errors import SampanError
from sampan.platform.operators.totp import DRIFT_STEPS, STEP_MS, code_for, step_at

Json = dict[str, Any]
T = TypeVar("T")
FACTOR_MS = 300_000
SPARE_MS = 120_000
"""A second factor that would run out sooner than this is given anew."""
CODES = 4
"""How many codes are tried: one more than are good at a time, far fewer than lock an account."""


def present_code(person: DemoPerson) -> str:
    """Return the code that the person's authenticator app shows now."""
    return code_for(person.totp_secret, step_at(_now_ms()))


class Sessions:
    """Signs the demo's people in, and keeps the sessions for a seeding that is resumed."""

    def __init__(self, folder: DemoFolder, server: str) -> None:
        self.folder, self.server = folder, server
        self._signed: dict[str, tuple[SignIn, int]] = {}
        self._apis: dict[str, Api] = {}
        self._spent: dict[str, int] = {}
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

    def with_code(self, email: str, use: Callable[[str], T]) -> T:
        """Return what `use(code)` returns for the first code that was not spent yet; the last refusal is raised.

        The oldest code that is still good comes first, so that the present one is left for the person.
        """
        refused: SampanError | None = None
        for _ in range(CODES):
            try:
                return use(self.next_code(email, steps=-DRIFT_STEPS))
            except ServerRefused as problem:
                if problem.status not in (401, 422):
                    raise
                refused = problem
        assert refused is not None  # noqa: S101 - there are several codes
        raise refused

    def next_code(self, email: str, *, steps: int = 0) -> str:
        """Return the first code from `steps` on that nobody got from here, once it is good: in a minute at most."""
        secret = self.folder.person(email).totp_secret
        step = max(self._spent.get(email, 0) + 1, step_at(_now_ms()) + steps)
        self._spent[email] = step
        time.sleep(max(0, ((step - DRIFT_STEPS) * STEP_MS - _now_ms()) / 1000))
        return code_for(secret, step)

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
        body = {"email": person.email, "password": person.password, "kind": "bearer"}
        with contextlib.closing(Api(self.server, WORKSPACE)) as api:
            found = self.with_code(person.email, lambda code: api.post("/session", {**body, "totp": code}))
        made = SignIn(self.server, WORKSPACE, person.email, found["secret"])
        values = {"server": made.server, "workspace": made.workspace, "email": made.email, "secret": made.secret}
        write_secret(self._path(person.email), json.dumps(values) + "\n")
        return made, _now_ms() + FACTOR_MS

    def _path(self, email: str) -> Path:
        return self.folder.people / "sessions" / f"{email.partition('@')[0]}.json"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

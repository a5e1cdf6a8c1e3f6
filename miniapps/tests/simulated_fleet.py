"""Hundreds of customers' devices that speak the client protocol over HTTP: session, sync, tickets and events.

They keep nothing on a disk and verify nothing: what may be installed is `SimulatedDevice`'s and the shell's to show.
"""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sampan.loadtests.device.calls import Calls
from sampan.loadtests.device.device_key import DeviceKey
from sampan.platform.cli.demo_folder import WORKSPACE
from sampan.platform.core import system_clock_ms

AT_ONCE = 8
TAKEN = ("offered", "downloaded", "verified", "installed")
Offer = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Phone:
    """One device, of a customer with a full account, with the one app that the test is about."""

    calls: Calls
    app: str
    client_app: str
    token: bytes
    device: str = ""
    access_token: str = ""
    installed: Offer | None = None
    sent: int = 0
    key: DeviceKey = field(init=False)

    def __post_init__(self) -> None:
        found = self.tokens
        self.key = DeviceKey.from_pem(found["device_key_pem"].encode())
        self._keep(found)

    @classmethod
    def new(cls, server: str, app: str, client_app: str) -> "Phone":
        """Register a device with a customer on it, and prove that its key is its own."""
        calls = Calls(server, WORKSPACE)
        asked = {"tier": "full", "client_app": client_app}
        token = calls.send("POST", "/client/v1/demo/token", asked).raise_for_problem().body
        phone = cls(calls, app, client_app, token)
        phone.refresh(phone.tokens["refresh_token"])
        return phone

    @staticmethod
    def client_app_of(server: str) -> str:
        """Return the client app that the web shell of a demo plays."""
        answer = Calls(server, WORKSPACE).send("GET", "/client/v1/shell").raise_for_problem()
        return str(json.loads(answer.body)["client_app"])

    @property
    def tokens(self) -> dict[str, Any]:
        """What the demo answered for this device, with its present tokens."""
        found: dict[str, Any] = json.loads(self.token)
        return found

    @property
    def sequence(self) -> int:
        """Which version it has; 0 is none."""
        return self.installed["sequence"] if self.installed else 0

    def refresh(self, refresh_token: str) -> None:
        """Exchange the refresh token by a proof of the device's key."""
        path = "/client/v1/session/refresh"
        proof = self.key.proof("POST", self.calls.url(path), now_ms=system_clock_ms())
        answer = self.calls.send("POST", path, {"refresh_token": refresh_token}, {"dpop": proof})
        body = json.loads(answer.raise_for_problem().body)
        self.token = json.dumps({**self.tokens, **body}).encode()
        self._keep(body)

    def sync(self) -> Offer | None:
        """Ask what it should have, and return what it is offered of the app."""
        held = self.installed
        has = [{name: held[name] for name in ("kind", "id", "version", "sequence", "digest")}] if held else []
        body = {"client_app": self.client_app, "device": {"host_version": 9}, "installed": has}
        offers = self._call("POST", "/client/v1/sync", body)["offers"]
        return next((each for each in offers if each["id"] == self.app), None)

    def follow(self) -> Offer | None:
        """Sync, and do what the answer says of the app."""
        offer = self.sync()
        if offer is not None:
            self.installed = offer
            self.report(*(f"delivery.{stage}" for stage in TAKEN))
        return offer

    def report(self, *types: str, **attrs: Any) -> None:
        """Send events about the installed version."""
        assert self.installed is not None
        of = {name: self.installed[name] for name in ("sequence", "release", "digest", "ticket")}
        batch = [
            {"seq": self.sent + n, "type": each, "at": system_clock_ms(), "app": self.app, **of, "attrs": attrs}
            for n, each in enumerate(types, start=1)
        ]
        self.sent += len(batch)
        answer = self._call("POST", "/client/v1/events", {"batch": batch})
        assert (answer["accepted_through"], answer["refused"]) == (self.sent, []), answer

    def explained(self) -> int:
        """Return which version the server explains that it should have."""
        offer = self._call("GET", f"/client/v1/apps/{self.app}/explain")["offer"]
        return offer["sequence"] if offer else 0

    def _keep(self, body: dict[str, Any]) -> None:
        self.device, self.access_token = body["device"], body["access_token"]

    def _call(self, method: str, path: str, body: object = None) -> Any:
        sent = {"authorization": f"Bearer {self.access_token}"}
        return json.loads(self.calls.send(method, path, body, sent).raise_for_problem().body)


def at_once(act: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do the same with many, a few at a time, and return what came of each."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(act, items))

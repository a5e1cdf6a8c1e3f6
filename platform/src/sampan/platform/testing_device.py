"""For tests of ours and of banks' components: a device with a key, its proofs, and the session calls.

It speaks HTTP alone, as any client would; see docs/protocols/session.md.
"""

import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from sampan.platform.component import Component
from sampan.platform.core import Core
from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.identity.jwk import base64url, public_jwk
from sampan.platform.identity.repository_client_apps import ClientApp
from sampan.platform.identity.service_client_apps import create_client_app
from sampan.platform.settings import Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core

SESSION = "/client/v1/session"


class Clock:
    """The time of a server under test; starts at a whole second and moves only when told."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return self.now_ms


@dataclass
class TestDevice:
    """One device of the client app `retail`."""

    __test__ = False

    http: httpx2.AsyncClient
    clock: Clock
    prefix: str = ""
    client_app: str = "retail"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def jwk(self) -> dict[str, str]:
        """The public signing key."""
        return public_jwk(self.key.public_key())

    @property
    def bearer(self) -> bytes:
        """The Authorization header of calls other than the session's."""
        return f"Bearer {self.tokens['access_token']}".encode()

    def proof(self, method: str, path: str, *, access_token: str | None = None, **changes: Any) -> str:
        """Make a proof; `changes` replace claims, and those of None are left out."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": f"{str(self.http.base_url).rstrip('/')}{self.prefix}{path}",
            "iat": self.clock.now_ms / 1000,
            "jti": secrets.token_urlsafe(16),
        }
        if access_token is not None:
            claims["ath"] = base64url(hashlib.sha256(access_token.encode()).digest())
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk})

    async def call(
        self, method: str, path: str, body: Any = None, *, signed_in: bool = True, **headers: str
    ) -> httpx2.Response:
        """Send a session call with a fresh proof, and with the access token when there is one."""
        token = self.tokens.get("access_token") if signed_in else None
        sent = {"dpop": self.proof(method, path, access_token=token)}
        if token is not None:
            sent["authorization"] = f"DPoP {token}"
        return await self.http.request(method, self.prefix + path, json=body, headers={**sent, **headers})

    async def begin(self) -> httpx2.Response:
        """Begin a session."""
        body = {"client_app": self.client_app, "device_keys": {"signing": self.jwk}}
        return self.keep(await self.call("POST", SESSION, body, signed_in=False))

    async def refresh(self, token: str | None = None) -> httpx2.Response:
        """Exchange the refresh token, or another one, and keep what comes."""
        body = {"refresh_token": token or self.tokens["refresh_token"]}
        return self.keep(await self.call("POST", f"{SESSION}/refresh", body, signed_in=False))

    async def ask_code(self, phone: str) -> str:
        """Ask for a code and read it in the developer panel."""
        answer = await self.call("POST", f"{SESSION}/code", {"phone": phone})
        if answer.status_code != 202:
            raise AssertionError(answer.text)
        codes = (await self.http.get(f"{self.prefix}/client/v1/demo/codes")).json()["codes"]
        return str(next(code["code"] for code in codes if code["phone"] == phone))

    async def sign_in(self, phone: str) -> httpx2.Response:
        """Sign in with a code from the developer panel, and keep the tokens."""
        code = await self.ask_code(phone)
        return self.keep(await self.call("POST", f"{SESSION}/customer", {"phone": phone, "code": code}))

    async def sign_out(self) -> httpx2.Response:
        """Sign out, and keep the visitor's tokens."""
        return self.keep(await self.call("DELETE", SESSION))

    def keep(self, answer: httpx2.Response) -> httpx2.Response:
        """Keep the tokens of a good answer."""
        if answer.status_code < 300:
            self.tokens = answer.json()
        return answer


async def add_retail_app(core: Core, workspace_id: str = WORKSPACE, **changes: Any) -> None:
    """Create the client app `retail`."""
    values: dict[str, Any] = {
        "id": "retail",
        "name": "Retail",
        "channel": "app",
        "bundle_ids": {"ios": "example.retail"},
        "minimum_versions": {"ios": "1.0.0"},
        "registers_customers": True,
        "closed": False,
        "created_ms": 0,
    }
    async with core.store.workspace(workspace_id).write() as tx:
        await create_client_app(tx, ClientApp(**{**values, **changes}))
    await core.replica.poll()


@dataclass(frozen=True)
class TestServer:
    """A server with the client app `retail` in both workspaces, a client of it, and its clock."""

    __test__ = False

    core: Core
    http: httpx2.AsyncClient
    clock: Clock

    async def device(self, workspace_id: str = WORKSPACE) -> TestDevice:
        """Return a new device with a visitor's session."""
        prefix = "" if workspace_id == WORKSPACE else f"/w/{workspace_id}"
        device = TestDevice(self.http, self.clock, prefix)
        answer = await device.begin()
        if answer.status_code != 201:
            raise AssertionError(answer.text)
        return device

    def caller(self, device: TestDevice, workspace_id: str = WORKSPACE) -> Caller:
        """Return who the server takes the device for, by its present access token."""
        return authenticate(self.core, workspace_id, device.bearer)


@contextlib.asynccontextmanager
async def identity_server(
    folder: Path, *, components: Sequence[Component] = (identity.component, demo.component), is_demo: bool = True
) -> AsyncIterator[TestServer]:
    """Run a server whose clock stands still."""
    clock = Clock()
    settings = Settings(data=folder / "data", default_workspace=WORKSPACE, demo=is_demo)
    async with running_core(settings.data, components=components, now_ms=clock, settings=settings) as core:
        for workspace_id in (WORKSPACE, OTHER_WORKSPACE):
            await add_retail_app(core, workspace_id)
        async with client(core) as http:
            yield TestServer(core, http, clock)

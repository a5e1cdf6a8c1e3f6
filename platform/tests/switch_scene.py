"""A server with people who make switches, for tests of switches."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from sampan.platform.app import build_app, built_in_components
from sampan.platform.core import Core
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

CONSOLE = "/console/api/v1"
BULK = "/ofrep/v1/evaluate/flags"
EVERYONE: dict[str, Any] = {"all": []}
COMPONENTS = tuple(each for each in built_in_components(demo=True) if each.name not in ("trust", "artifacts"))


def tier_from(tier: str) -> dict[str, Any]:
    """Return the rule for everyone of this tier and above."""
    return {"attr": "tier", "op": "at_least", "values": [tier]}


def switch(key: str = "new-look", **changes: Any) -> dict[str, Any]:
    """Return a definition: off for all, unless rules are given."""
    return {
        "key": key,
        "type": "boolean",
        "title": "",
        "variants": {"on": True, "off": False},
        "default": "off",
        "by": "device",
        "rules": [],
        **changes,
    }


@dataclass
class Scene:
    """A running server, a maker and a checker of changes."""

    server: TestServer
    maker: dict[str, str] = field(default_factory=dict)
    checker: dict[str, str] = field(default_factory=dict)

    @property
    def core(self) -> Core:
        return self.server.core

    async def call(self, method: str, path: str, body: Any = None, **headers: Any) -> httpx2.Response:
        """Call the console API as the maker, or with other headers."""
        sent = headers.pop("as_", self.maker)
        params = body if method == "GET" else None
        return await self.server.http.request(
            method, CONSOLE + path, json=None if method == "GET" else body, params=params, headers=sent
        )

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """Call what must succeed, and bring this worker up to date."""
        answer = await self.call(method, path, body)
        if answer.status_code >= 400:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        await self.core.replica.poll()
        return answer.json()

    async def approve(self, outcome: Any) -> None:
        """Approve the change request that waits."""
        answer = await self.call(
            "POST", f"/changes/{outcome['change']}/approve", {"digest": outcome["digest"]}, as_=self.checker
        )
        if answer.status_code >= 400:
            raise AssertionError(answer.text)
        await self.core.replica.poll()

    async def activate(self, *definitions: dict[str, Any]) -> None:
        """Have switches made and activated."""
        await self.approve(await self.done("POST", "/switch-file", {"switches": list(definitions), "activate": True}))

    async def machine(self, *permissions: str) -> str:
        """Return the secret of a machine token."""
        made = await self.done("POST", "/tokens", {"name": "t", "permissions": list(permissions), "days": 1})
        return str(made["secret"])

    async def ask(
        self, device: TestDevice, context: dict[str, Any] | None = None, key: str = "", **headers: str
    ) -> httpx2.Response:
        """Ask for all switches, or for one, as a device."""
        path = f"{device.prefix}{BULK}{'/' if key else ''}{key}"
        sent = {"authorization": device.bearer.decode(), **headers}
        return await self.server.http.post(path, json={"context": context or {}}, headers=sent)

    async def value(self, device: TestDevice, context: dict[str, Any] | None = None, key: str = "new-look") -> Any:
        """Return the value that a device gets."""
        answer = await self.ask(device, context, key)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Run a server with a maker and a checker."""
    async with identity_server(folder, components=COMPONENTS) as server:
        people = [await person_with(server.core, WORKSPACE, "admin") for _ in range(2)]
        headers = [await bearer_for(server.core, WORKSPACE, each) for each in people]
        yield Scene(server, *headers)


@contextlib.asynccontextmanager
async def serving(core: Core) -> AsyncIterator[str]:
    """Serve the whole application on 127.0.0.1 and yield its address."""
    config = uvicorn.Config(build_app(core), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    running = asyncio.ensure_future(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for stop in core.on_stop:
            stop()
        server.should_exit = True
        await running
        listening.close()

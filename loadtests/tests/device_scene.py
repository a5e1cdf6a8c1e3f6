"""A bank with a publisher, two release managers and a server on 127.0.0.1, for devices that speak HTTP to it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.loadtests.device import Round, SimulatedDevice
from sampan.loadtests.device.simulated import Profile
from sampan.miniapps import service as miniapps
from sampan.miniapps.catalogue import Category
from sampan.miniapps.component import component as miniapps_component
from sampan.offline_packages.fetching import Fetch, HttpFetch
from sampan.platform.app import build_app
from sampan.platform.artifacts.component import component as artifacts
from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.component import component as audience
from sampan.platform.component import Component
from sampan.platform.core import Core
from sampan.platform.identity.component import component as identity
from sampan.platform.identity.demo_component import component as identity_demo
from sampan.platform.insight.component import component as insight
from sampan.platform.insight.intake import intake_of
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_rows import Change, ChangeState
from sampan.platform.operators.changes import approve
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.release import drafts, kills, rolling_back, starting
from sampan.platform.release.component import component as release
from sampan.platform.release.repository import Release, releases_of
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_artifacts import Publishing, packed_app, without_background
from sampan.platform.testing_device import add_retail_app
from sampan.platform.testing_trust import APP, Clock
from sampan.platform.trust.component import component as trust

COMPONENTS: tuple[Component, ...] = (
    identity,
    identity_demo,
    operators,
    without_background(trust),
    without_background(artifacts),
    insight,
    audience,
    release,
    miniapps_component,
)
EVERYONE = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}
BIG = "0123456789abcdef" * 20_000


@dataclass
class Wire:
    """What stands between devices and server: it may lie in sync, and notes what was asked for."""

    app: ASGIApp
    lie: Mapping[str, Any] | None = None
    ranges: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.calls.append(scope["path"].rpartition("/client/v1/")[2])
            self.ranges += [value.decode() for name, value in scope["headers"] if name == b"range"]
            if self.lie is not None and scope["path"].endswith("/client/v1/sync"):
                await _answer(send, self.lie)
                return
        await self.app(scope, receive, send)


async def _answer(send: Send, body: Mapping[str, Any]) -> None:
    data = json.dumps(body).encode()
    head: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
    await send(head)
    await send({"type": "http.response.body", "body": data})


@dataclass
class Scene:
    """The bank. Methods that a person would do take effect at once and are visible to devices."""

    publishing: Publishing
    wire: Wire
    url: str
    maker: Actor
    checker: Actor

    @property
    def core(self) -> Core:
        return self.publishing.core

    async def approved(self, change: Change) -> None:
        if change.state is not ChangeState.APPLIED:  # what lowers risk is applied at once
            await approve(self.core, WORKSPACE, self.checker, change.id, digest=change.digest)
        await self.publishing.expose()

    async def publish(self, sequence: int) -> str:
        """Publish a version with a big file in it and return its digest."""
        packed = packed_app(self.publishing.folder, sequence, files={"big.txt": f"{sequence}{BIG}"})
        await self.publishing.submit(packed)
        await self.publishing.approve(sequence)
        await self.publishing.expose()
        return packed.digest

    async def release(
        self,
        sequence: int,
        *,
        rollback_to: int | None = None,
        audience: Mapping[str, Any] = EVERYONE,
        share: int = STEPS,
        client_rules: Mapping[str, Any] | None = None,
    ) -> Release:
        """Release a published version, to a share of the audience."""
        stages = [{"name": "first", "basis_points": share}]
        draft = drafts.Draft(
            "miniapp", APP, sequence, audience, rollback_to=rollback_to, stages=stages, client_rules=client_rules
        )
        made = await drafts.create_release(self.core, WORKSPACE, self.maker, draft)
        await self.approved(await starting.submit_release(self.core, WORKSPACE, self.maker, made.id))
        return made

    async def publish_and_release(self, sequence: int, *, rollback_to: int | None = None) -> Release:
        await self.publish(sequence)
        return await self.release(sequence, rollback_to=rollback_to)

    async def list_app(self, *, tier: str = "visitor") -> None:
        """Show the app in the catalogue from a tier on."""
        await miniapps.put_category(self.core, WORKSPACE, self.maker, Category("all", "全部", "All", 1))
        edit = miniapps.EntryEdit(is_listed=True, see_tier=tier, open_tier=tier)
        await self.approved(await miniapps.edit_entry(self.core, WORKSPACE, self.maker, APP, edit))

    async def kill(self, sequence: int) -> None:
        await kills.kill_version(
            self.core,
            WORKSPACE,
            self.maker,
            kind="miniapp",
            deliverable_id=APP,
            sequence=sequence,
            reason="data_leak",
            cause="a test",
        )
        await self.publishing.expose()

    async def roll_back(self, made: Release, *, to: int | None = None) -> None:
        await rolling_back.roll_back_release(self.core, WORKSPACE, self.maker, made.id, cause="a test", to=to)
        await self.publishing.expose()

    async def releases(self) -> list[Release]:
        """Return all releases of the app, the newest first."""
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            return await releases_of(tx, "miniapp", APP)

    def device(
        self, name: str = "device", *, fetch: Fetch | None = None, profile: Profile | None = None
    ) -> SimulatedDevice:
        """Return the device of this name; twice the same name is the same device after a restart."""
        return SimulatedDevice(
            self.publishing.folder / "devices" / name,
            server=self.url,
            workspace=WORKSPACE,
            client_app="retail",
            now_ms=self.core.now_ms,
            fetch=fetch or HttpFetch(),
            profile=profile,
        )

    async def round(self, device: SimulatedDevice) -> Round:
        """Let the device do a round, with what it reported written down."""
        done = await asyncio.to_thread(device.run)
        await intake_of(self.core).flush()
        return done


def shown(device: SimulatedDevice) -> int:
    """Open the app without any network and return which version it shows, having read all of it."""
    with device.device.open(APP, now_ms=device.session._now_ms()) as app:
        sequence = app.package.installed.sequence
        assert app.package.read("big.txt").decode() == f"{sequence}{BIG}"
        return sequence


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on 127.0.0.1 and yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    listening = socket.create_server(("127.0.0.1", 0))
    running = asyncio.ensure_future(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()


@contextlib.asynccontextmanager
async def opened_scene(folder: Path) -> AsyncIterator[Scene]:
    """Open the bank: one app, published and released as version 1, listed for everyone."""
    async with running_core(folder / "server", components=COMPONENTS, now_ms=Clock()) as core:
        publishing = Publishing(core, folder)
        await publishing.start()
        await add_retail_app(core)
        people = [await person_with(core, WORKSPACE, "release_manager") for _ in range(2)]
        maker, checker = [await actor_of(core, WORKSPACE, each) for each in people]
        wire = Wire(build_app(core))
        async with serving(wire) as url:
            scene = Scene(publishing, wire, url, maker, checker)
            await scene.publish_and_release(1)
            await scene.list_app()
            yield scene

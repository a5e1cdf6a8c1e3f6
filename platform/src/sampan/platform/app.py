"""The composition root: opens the engines, collects the contributions, builds the one ASGI application."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from sampan.platform.access_log import AccessLog
from sampan.platform.component import (
    Background,
    Component,
    Consumes,
    HotRoute,
    Jobs,
    Port,
    PortNeed,
    contributions_at_start,
    discover,
)
from sampan.platform.console_app import PREFIX as CONSOLE_PREFIX
from sampan.platform.console_app import Console
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.crypto.seal import Sealer, derive
from sampan.platform.crypto.selftest import run_self_test
from sampan.platform.engines.bus import LocalBus
from sampan.platform.engines.cache import LocalCache, LocalCounters, LocalNonces
from sampan.platform.engines.database import Database, SqliteDatabase
from sampan.platform.engines.keys import system_key
from sampan.platform.engines.objects import LocalObjects
from sampan.platform.engines.telling import tell
from sampan.platform.errors import Unavailable
from sampan.platform.front import Front
from sampan.platform.hot import hot_key
from sampan.platform.later_routes import WORK_AFTER_SECONDS, LaterRoutes
from sampan.platform.logs import Log
from sampan.platform.master_key import master_key
from sampan.platform.metrics import CONTENT_TYPE, REGISTRY, RequestMetrics, render
from sampan.platform.problems import HANDLERS
from sampan.platform.settings import Settings
from sampan.platform.static_sites import StaticSite, StaticSites
from sampan.platform.workspaces.host_rows import hosts_of
from sampan.platform.workspaces.replica import FollowedLog, Replica, SnapshotPart
from sampan.platform.workspaces.store import Store

UNREADY_POLL_AGE_MS = 30_000
log = Log("app")


class PortMissing(Unavailable):
    """A port that a component needs is implemented by none; the server does not start half able."""

    code = "port_missing"


def built_in_components(*, demo: bool = False) -> tuple[Component, ...]:
    """Return the platform's own floors, lowest first, and in a demo what only demos have."""
    from sampan.platform.artifacts.component import component as artifacts
    from sampan.platform.audience.component import component as audience
    from sampan.platform.console_site import component as console_pages
    from sampan.platform.deltas.component import component as deltas
    from sampan.platform.identity.component import component as identity
    from sampan.platform.identity.demo_component import component as identity_demo
    from sampan.platform.insight.component import component as insight
    from sampan.platform.live.component import component as live
    from sampan.platform.operators.component import component as operators
    from sampan.platform.operators.identity_component import component as identity_console
    from sampan.platform.promotion.component import component as promotion
    from sampan.platform.release.component import component as release
    from sampan.platform.switches.component import component as switches
    from sampan.platform.trust.component import component as trust
    from sampan.platform.upgrades.component import component as upgrades

    people = (identity, operators, identity_console)
    floors = (
        *people,
        trust,
        artifacts,
        audience,
        insight,
        deltas,
        release,
        live,
        switches,
        upgrades,
        promotion,
        console_pages,
    )
    return (*floors, identity_demo) if demo else floors


@contextlib.asynccontextmanager
async def open_core(
    settings: Settings,
    *,
    components: Sequence[Component] | None = None,
    now_ms: Callable[[], int] = system_clock_ms,
    is_guest: bool = False,
    database: Database | None = None,
) -> AsyncIterator[Core]:
    """Open the engines of one process and close them at the end; nothing runs in the background yet.

    `database` is the embedded one in the data folder unless another is given.

    A guest only looks, beside a server that may be running on the same folder: it removes no leftovers.
    """
    run_self_test()
    found = discover(built_in_components(demo=settings.demo)) if components is None else tuple(components)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    bus = LocalBus()
    changed = system_key("changed")
    store = Store(
        database or SqliteDatabase(settings.data / "sampan.sqlite"),
        on_change=lambda: bus.publish(changed),
        on_tell=lambda workspace_id, topic, data: tell(bus, workspace_id, topic, data),
    )
    replica = Replica(
        store, contributions_at_start(found, SnapshotPart), contributions_at_start(found, FollowedLog), now_ms
    )
    bus.subscribe(changed, lambda _payload: replica.wake())
    is_fresh = not (settings.data / "objects").exists()  # made below, once the key is safe
    key = master_key(settings, is_fresh=is_fresh)
    objects = LocalObjects(settings.data / "objects")
    if not is_guest:
        objects.sweep()
    core = Core(
        settings=settings,
        components=found,
        store=store,
        objects=objects,
        bus=bus,
        cache=LocalCache(),
        counters=LocalCounters(),
        nonces=LocalNonces(now_ms=now_ms()),
        sealer=Sealer(key),
        replica=replica,
        secret=lambda purpose: derive(key, f"secret/{purpose}"),
        now_ms=now_ms,
    )
    try:
        yield core
    finally:
        for close in core.on_close:
            await close()
        await bus.close()
        await store.database.close()


@contextlib.asynccontextmanager
async def running(
    core: Core, *more: Callable[[], Awaitable[None]], work_after_seconds: float = 0
) -> AsyncIterator[None]:
    """Poll, then run the replica's poll, `more`, and every contributed background task, until the end.

    Background tasks begin at once, or after `work_after_seconds`; then their code is imported in a thread.
    """
    refuse_missing_ports(core.components)
    await core.replica.poll()
    tasks: list[asyncio.Future[None]] = []

    def start(*work: Awaitable[None]) -> None:
        for awaitable in work:
            tasks.append(asyncio.ensure_future(awaitable))
            tasks[-1].add_done_callback(_tell_of_failure)

    def start_work() -> None:
        start(*_runners(core), *(task.run(core) for task in core.contributions(Background)))

    async def start_work_later() -> None:
        await asyncio.sleep(work_after_seconds)
        await asyncio.to_thread(core.contributions, Background)
        start_work()

    start(core.replica.run(), *(run() for run in more))
    if work_after_seconds:
        start(start_work_later())
    else:
        start_work()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_of_failure(task: "asyncio.Future[None]") -> None:
    """Log a background task that failed when it does, not when the server stops."""
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.error("background_task_failed", error=repr(problem), problem=problem)


def _runners(core: Core) -> Iterator[Awaitable[None]]:
    """Yield the job runner and the outbox dispatcher, when anything was contributed that they would run."""
    from sampan.platform.workspaces.runners import build_dispatcher, build_job_runner

    changed = system_key("changed")
    if jobs := core.contributions(Jobs):
        runner = build_job_runner(core.store, [each.build(core) for each in jobs], now_ms=core.now_ms)
        core.bus.subscribe(changed, lambda _payload: runner.wake())
        yield runner.run()
    if consumers := core.contributions(Consumes):
        dispatcher = build_dispatcher(core.store, [each.build(core) for each in consumers], now_ms=core.now_ms)
        core.bus.subscribe(changed, lambda _payload: dispatcher.wake())
        yield dispatcher.run()


def build_app(core: Core, *, log_descriptor: int = 2) -> ASGIApp:
    """Return the one application of this process: every surface of every component."""
    requests = RequestMetrics(REGISTRY)
    access = AccessLog(log_descriptor)
    console = Console(core)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with (
            access.running(),
            running(core, rest.complete, console.build_soon, work_after_seconds=WORK_AFTER_SECONDS),
        ):
            yield
        REGISTRY.unregister(requests)

    routes: list[BaseRoute] = [*_operation_routes(core), Mount(CONSOLE_PREFIX, app=console)]
    framework = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    at_start = contributions_at_start(core.components, HotRoute)
    hot = {hot_key(route.method, route.path): route.build(core) for route in at_start}
    rest = LaterRoutes(core, hot, framework)
    hosts = hosts_of(core)
    return Front(
        hot,
        rest,
        hosts=hosts,
        sites=StaticSites(contributions_at_start(core.components, StaticSite), hosts),
        app_origins=rest.app_origins,
        requests=requests,
        access=access,
    )


def _operation_routes(core: Core) -> list[BaseRoute]:
    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        age_ms = core.replica.age_ms()
        failed = sorted({part for _workspace, part in core.replica.failed})  # the log names the workspace
        ready = age_ms < UNREADY_POLL_AGE_MS and not failed
        body = {"status": "ready" if ready else "not_ready", "last_good_poll_ms": age_ms, "failed_parts": failed}
        return JSONResponse(body, 200 if ready else 503)

    async def status(request: Request) -> Response:
        # Only of the workspace that was asked for: who else banks here is nobody's business.
        name: str = request.scope["sampan_workspace"]
        return JSONResponse({"pid": os.getpid(), "revision": str(core.replica.view(name).revision)})

    async def metrics(_request: Request) -> Response:
        return PlainTextResponse(render(), media_type=CONTENT_TYPE)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/status", status),
        Route("/metrics", metrics),
    ]


def refuse_missing_ports(components: Sequence[Component]) -> None:
    """Raise `PortMissing` when a component needs a port that none implements."""
    implemented = {port.protocol for port in contributions_at_start(components, Port)}
    for need in contributions_at_start(components, PortNeed):
        if need.protocol not in implemented:
            raise PortMissing(
                f"No component implements {need.protocol.__name__} ({need.why}). "
                "Install the bank's component that does; see docs/operations/ports.md."
            )

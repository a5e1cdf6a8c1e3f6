"""The routes that a device's first answer does not need: their code is imported when the server takes requests.

The framework begins with the routes of operations; a request for anything else waits until all are
there. They are built by themselves shortly after the start, in a thread, so that hot routes are answered meanwhile.
"""

import asyncio
from collections.abc import MutableMapping

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.component import AppOrigins, ClientRoutes, HotRoute
from sampan.platform.core import Core
from sampan.platform.hot import find_hot, hot_key
from sampan.platform.problems import RouteNotFound

WORK_AFTER_SECONDS = 0.25

Hot = MutableMapping[tuple[str, str], ASGIApp]


class LaterRoutes:
    """Answers with the framework, and completes it and the hot routes when first needed; see the module."""

    def __init__(self, core: Core, hot: Hot, framework: Starlette) -> None:
        self._core, self._hot, self._framework = core, hot, framework
        # Not what is mounted: below its prefix a hot route may come that is not there yet.
        self._first = tuple(route for route in framework.routes if isinstance(route, Route))
        self._completion: asyncio.Future[None] | None = None
        self._app_origins: ASGIApp = _no_apps
        self._is_complete = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        handler: ASGIApp = self._framework
        if (
            not self._is_complete
            and scope["type"] == "http"
            and not any(route.matches(scope)[0] is Match.FULL for route in self._first)
        ):
            await self.completed()
            handler = find_hot(self._hot, scope["method"], scope["path"])[0] or handler
        await handler(scope, receive, send)

    async def app_origins(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer on the host of an app."""
        await self.completed()
        await self._app_origins(scope, receive, send)

    async def complete(self) -> None:
        """Complete the routes shortly after the start, so that nobody waits for it."""
        await asyncio.sleep(WORK_AFTER_SECONDS)
        await self.completed()

    async def completed(self) -> None:
        """Return when all routes are there. What failed is this caller's failure alone; the next one tries again."""
        done = self._completion
        if done is None or (done.done() and (done.cancelled() or done.exception() is not None)):
            done = self._completion = asyncio.ensure_future(self._add())
        if not done.done():
            await asyncio.shield(done)

    async def _add(self) -> None:
        hot, routes, apps = await asyncio.to_thread(_build, self._core, frozenset(self._hot))
        self._framework.router.routes.extend(routes)
        self._hot.update(hot)
        self._app_origins = apps
        self._is_complete = True


def _build(core: Core, present: frozenset[tuple[str, str]]) -> tuple[Hot, list[BaseRoute], ASGIApp]:
    """Return the hot routes that are not `present`, the framework's further routes, and what answers for apps."""
    later = [route for route in core.contributions(HotRoute) if hot_key(route.method, route.path) not in present]
    routes = [route for client in core.contributions(ClientRoutes) for route in client.build(core)]
    apps = [origins.build(core) for origins in core.contributions(AppOrigins)[-1:]]
    hot = {hot_key(route.method, route.path): route.build(core) for route in later}
    return hot, routes, apps[0] if apps else _no_apps


async def _no_apps(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RouteNotFound("No component of this server serves apps of its own.")

"""The outermost ASGI application: workspace, trace id, hot routes, metrics, the access line, last-resort errors.

Raw ASGI on purpose: what runs here runs for every request. A hot route is found by one dictionary look-up on
method and path; everything else is a page's file or goes on to the framework.
"""

import time
from collections.abc import Awaitable, Mapping
from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.platform.access_log import AccessLog
from sampan.platform.errors import SampanError
from sampan.platform.hosts import Hosts, Place, Surface
from sampan.platform.hot import find_hot
from sampan.platform.ids import WORKSPACE_ID
from sampan.platform.logs import Log, start_trace
from sampan.platform.metrics import RequestMetrics
from sampan.platform.problems import RouteNotFound, internal_error, send_problem
from sampan.platform.static_sites import StaticSites

APP_ROUTE = "an app's origin"
log = Log("front")


class Front:
    """Wraps the framework application; see the module."""

    def __init__(
        self,
        hot: Mapping[tuple[str, str], ASGIApp],
        rest: ASGIApp,
        *,
        hosts: Hosts,
        sites: StaticSites,
        app_origins: ASGIApp,
        requests: RequestMetrics,
        access: AccessLog,
    ) -> None:
        self._hot = hot
        self._rest = rest
        self._hosts = hosts
        self._sites = sites
        self._app_origins = app_origins
        self._requests = requests
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        started = time.perf_counter()
        trace_id = start_trace(scope["headers"])
        status = 500
        begun = ended = False

        def send_and_note(message: Message) -> Awaitable[None]:
            # No coroutine of its own: what the server's `send` returns is awaited by whoever sends.
            nonlocal status, begun, ended
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-trace-id", trace_id.encode())]
            else:
                ended = not message.get("more_body", False)
            return send(message)

        route = "-"
        try:
            place = self._name_workspace(scope)
            path = scope["path"]
            handler = self._hot.get((scope["method"], path))
            if handler is None or place.hides_console:  # no such path, or a host that does not serve everything
                handler, path = self._find(place, scope["method"], path)
            route = path
            await handler(scope, receive, send_and_note)
        except SampanError as error:
            if not begun:
                await send_problem(send_and_note, error)
        except Exception:  # the last place where a device still gets an answer
            log.exception("unexpected_error", path=scope["path"])
            if begun and not ended:
                raise  # the server must cut the connection, or the client takes a torn answer for whole
            if not begun:
                await send_problem(send_and_note, internal_error())
        finally:
            seconds = time.perf_counter() - started
            self._requests.observe(route or _pattern(scope), status, seconds)
            self._access.write(scope, status, seconds, trace_id)

    def _name_workspace(self, scope: Scope) -> Place:
        """Note the place that the host names, and take a `/w/<workspace>` prefix off the path."""
        place = scope["sampan_place"] = self._hosts.place_of(scope["headers"])
        scope["sampan_workspace"] = place.workspace_id
        path = scope["path"]
        if not path.startswith("/w/") or place.surface is Surface.APP:
            return place
        workspace_id, slash, rest = path[3:].partition("/")
        if not slash or WORKSPACE_ID.fullmatch(workspace_id) is None:
            raise RouteNotFound("After /w/ comes a workspace id and then a path, as in /w/demo/client/v1/session.")
        if place.surface is Surface.WORKSPACE and place.workspace_id != workspace_id:
            raise RouteNotFound("This host serves its own workspace alone.")
        scope["sampan_workspace"] = workspace_id
        scope["path"] = "/" + rest
        raw_path = cast("bytes", scope.get("raw_path") or path.encode())
        scope["raw_path"] = raw_path[len(workspace_id) + 3 :]
        scope["sampan_prefix"] = f"/w/{workspace_id}"
        return place

    def _find(self, place: Place, method: str, path: str) -> tuple[ASGIApp, str]:
        """Return what answers here, and the name of its requests in metrics; empty: the framework names them."""
        if place.surface is Surface.APP:
            return self._app_origins, APP_ROUTE
        if place.hides_console and (path == "/console" or path.startswith("/console/")):
            raise RouteNotFound("The console is not served under this host.")
        hot, pattern = find_hot(self._hot, method, path)
        if hot is not None:
            return hot, pattern
        site = self._sites.find(place.surface, path)
        return (self._rest, "") if site is None else (site, site.route)


def _pattern(scope: Scope) -> str:
    """Return the route's pattern, not the path: paths from clients would make metrics without bound."""
    route = scope.get("route")
    return cast("str", getattr(route, "path", "-"))

"""The outermost ASGI application: workspace, trace id, hot routes, metrics, the access line, last-resort errors.

Raw ASGI on purpose: what runs here runs for every request. A hot route is found by one dictionary look-up on
method and path; everything else goes on to the framework.
"""

import time
from collections.abc import Awaitable, Mapping
from typing import cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.platform.access_log import AccessLog
from sampan.platform.errors import SampanError
from sampan.platform.ids import WORKSPACE_ID
from sampan.platform.logs import start_trace
from sampan.platform.metrics import RequestMetrics
from sampan.platform.problems import RouteNotFound, internal_error, send_problem

log = structlog.get_logger("front")


class Front:
    """Wraps the framework application; see the module."""

    def __init__(
        self,
        hot: Mapping[tuple[str, str], ASGIApp],
        rest: ASGIApp,
        *,
        default_workspace: str,
        requests: RequestMetrics,
        access: AccessLog,
    ) -> None:
        self._hot = hot
        self._rest = rest
        self._default_workspace = default_workspace
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
            self._name_workspace(scope)
            path = scope["path"]
            handler = self._hot.get((scope["method"], path))
            if handler is not None:
                route = path
                await handler(scope, receive, send_and_note)
            else:
                await self._rest(scope, receive, send_and_note)
                route = _pattern(scope)
        except SampanError as error:
            if not begun:
                await send_problem(send_and_note, error)
        except Exception:
            log.exception("unexpected_error", path=scope["path"])
            if begun and not ended:
                raise  # the server must cut the connection, or the client takes a torn answer for whole
            if not begun:
                await send_problem(send_and_note, internal_error())
        finally:
            seconds = time.perf_counter() - started
            self._requests.observe(route, status, seconds)
            self._access.write(scope, status, seconds, trace_id)

    def _name_workspace(self, scope: Scope) -> None:
        """Take a `/w/<workspace>` prefix off the path; without one the default workspace is meant."""
        path = scope["path"]
        if not path.startswith("/w/"):
            scope["sampan_workspace"] = self._default_workspace
            return
        workspace_id, slash, rest = path[3:].partition("/")
        if not slash or WORKSPACE_ID.fullmatch(workspace_id) is None:
            raise RouteNotFound("After /w/ comes a workspace id and then a path, as in /w/demo/client/v1/session.")
        scope["sampan_workspace"] = workspace_id
        scope["path"] = "/" + rest
        raw_path = cast("bytes", scope.get("raw_path") or path.encode())
        scope["raw_path"] = raw_path[len(workspace_id) + 3 :]
        scope["sampan_prefix"] = f"/w/{workspace_id}"


def _pattern(scope: Scope) -> str:
    """Return the route's pattern, not the path: paths from clients would make metrics without bound."""
    route = scope.get("route")
    return cast("str", getattr(route, "path", "-"))

"""The API for people and machines: the contributed routers in one FastAPI application, built when first needed.

FastAPI and the console's models take longer to import than all the rest; nothing that answers devices needs them.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sampan.platform.component import ConsoleRoutes
from sampan.platform.core import Core
from sampan.platform.hot import read_body
from sampan.platform.invalid_fields import places, summary
from sampan.platform.problems import HANDLERS, InvalidBody, problem_response

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

BUILD_AFTER_SECONDS = 1.0
PREFIX = "/console/api/v1"
MAX_BODY_BYTES = 2**20
PRIVATE = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Console:
    """The console API as an ASGI application; see the module."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._app: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, after the build when it is the first."""
        await (await self.built())(scope, receive, _private(send))

    async def built(self) -> ASGIApp:
        """Return the application, built once, in a thread, so that devices are answered meanwhile.

        A build that failed is that request's failure alone; the next request builds again.
        """
        if self._app is None or (self._app.done() and (self._app.cancelled() or self._app.exception() is not None)):
            self._app = asyncio.ensure_future(asyncio.to_thread(build_console_api, self._core))
        return await asyncio.shield(self._app)

    async def build_soon(self) -> None:
        """Build it shortly after the start, so that no person waits for it."""
        await asyncio.sleep(BUILD_AFTER_SECONDS)
        await self.built()


def build_console_api(core: Core) -> ASGIApp:
    """Return the application with the routes of every component; it also writes the OpenAPI document."""
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from fastapi.routing import APIRoute

    console = FastAPI(
        title="sampan console API",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    console.state.core = core
    for kind, handler in HANDLERS.items():
        console.add_exception_handler(kind, handler)
    console.add_exception_handler(RequestValidationError, _on_invalid_body)
    unread: list[APIRoute] = []
    for contribution in core.contributions(ConsoleRoutes):
        router = contribution.build(core)
        unread += [route for route in router.routes if isinstance(route, APIRoute) and route.body_field is None]
        console.include_router(router)
    return _BoundedBodies(console, [(route.methods or set(), route.path_regex) for route in unread])


def _private(send: Send) -> Send:
    """Return a `send` whose answers nobody keeps, guesses the type of, or frames: they are one person's."""

    def guarded(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _value in headers}
            message["headers"] = headers + [each for each in PRIVATE if each[0] not in present]
        return send(message)

    return guarded


class _BoundedBodies:
    """Refuses bodies over `MAX_BODY_BYTES` before FastAPI, which reads a body whole before it asks who sends it.

    `unread` are the methods and paths of the routes that read no body or stream it, with bounds of their own.
    """

    def __init__(self, app: ASGIApp, unread: list[tuple[set[str], re.Pattern[str]]]) -> None:
        self._app = app
        self._unread = unread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"][len(scope.get("root_path", "")) :]
        if not any(scope["method"] in methods and pattern.match(path) for methods, pattern in self._unread):
            receive = _replay(await read_body(receive, MAX_BODY_BYTES), receive)
        await self._app(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _operation_id(route: "APIRoute") -> str:
    """Return the name of an operation: what it is about and what its function is called, as `apps_list_versions`."""
    about = str(route.tags[0]).replace(" ", "_") if route.tags else "console"
    return f"{about}_{route.name}"


async def _on_invalid_body(_request: Request, error: Exception) -> Response:
    """Render FastAPI's `RequestValidationError`, which is not imported at the top for the module's reason."""
    found: list[dict[str, Any]] = error.errors()  # type: ignore[attr-defined] # see above: the type is not imported
    told = places(found)
    return problem_response(InvalidBody(summary(told), errors=told))

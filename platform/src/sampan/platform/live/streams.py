"""The two streams as raw ASGI: devices by their access token, people by the console's session."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.core import Core
from sampan.platform.hot import header
from sampan.platform.identity.caller import authenticate
from sampan.platform.live.frames import farewell
from sampan.platform.live.hub import REVISION, Audience, Hub, hub_of
from sampan.platform.live.listener import Listener, everything
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.session_cookie import ForeignOrigin, cookie_name
from sampan.platform.operators.signed_in import NotSignedIn, recognise

HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
    (b"x-content-type-options", b"nosniff"),
)
OWN_SITES = (None, b"same-origin", b"none")
AREAS_OF_PUBLISHERS = frozenset({"version"})


def build_devices(core: Core) -> ASGIApp:
    """Return `GET /client/v1/live`."""
    hub = hub_of(core)

    async def live(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id, authorization = scope["sampan_workspace"], header(scope, b"authorization")
        caller = authenticate(core, workspace_id, authorization)

        async def check() -> None:
            authenticate(core, workspace_id, authorization)

        listener = Listener(workspace_id, caller.device_id, check, everything)
        await stream(hub, Audience.DEVICES, listener, scope, receive, send)

    return live


def build_console(core: Core) -> ASGIApp:
    """Return `GET /console/api/v1/live`."""
    hub = hub_of(core)

    async def live(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id, secret = scope["sampan_workspace"], _secret(scope)
        source = scope["client"][0] if scope.get("client") else "unknown"
        found = await recognise(core, workspace_id, secret, source=source)

        async def check() -> None:
            await recognise(core, workspace_id, secret, source=source)

        owner = found.actor.via or found.actor.operator_id
        listener = Listener(workspace_id, owner, check, _Wanted(found.actor))
        await stream(hub, Audience.CONSOLE, listener, scope, receive, send)

    return live


class _Wanted:
    """Which topics a person hears: staff all of them, publishers those about versions."""

    def __init__(self, actor: Actor) -> None:
        self._is_staff = actor.holds("change:read")

    def __call__(self, topic: str, data: Mapping[str, Any]) -> bool:
        return self._is_staff or topic == REVISION or data.get("area") in AREAS_OF_PUBLISHERS


async def stream(
    hub: Hub,
    audience: Audience,
    listener: Listener,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    greeting: tuple[str, bytes] | None = None,
    headers: Sequence[tuple[bytes, bytes]] = HEADERS,
) -> None:
    """Send events until the client goes, may listen no longer, or does not keep up.

    `greeting` is the id and the event of how things stand, by default of the revision. `Last-Event-ID` names the one
    that the client knows; without it, or when it is another one, the present one comes at once. A client that does not
    keep up finds its connection cut, without a farewell that it would not read.
    """
    hub.add(audience, listener)
    watcher = asyncio.ensure_future(_watch(receive, listener))
    listener.task = asyncio.current_task()
    try:
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        present, event = greeting or hub.revision_frame(listener.workspace_id)
        known = (header(scope, b"last-event-id") or b"").decode("latin-1")
        await _say(send, b"retry: 3000\n\n" + (b"" if known == present else event))
        while frames := await listener.next():
            await _say(send, frames)
        await send({"type": "http.response.body", "body": farewell(listener.end_reason), "more_body": False})
    except asyncio.CancelledError:
        if not listener.is_cut or listener.task is None or listener.task.uncancel():
            raise
    finally:
        listener.task = None
        watcher.cancel()
        hub.remove(audience, listener)


async def _say(send: Send, frames: bytes) -> None:
    await send({"type": "http.response.body", "body": frames, "more_body": True})


async def _watch(receive: Receive, listener: Listener) -> None:
    """Wait until the client goes; what it sends meanwhile is nothing to us."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.gone()


def _secret(scope: Scope) -> str:
    """Return the session's secret: from the Authorization header, or from the cookie of a page of this host."""
    authorization = (header(scope, b"authorization") or b"").decode("latin-1")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:]
    if header(scope, b"sec-fetch-site") not in OWN_SITES:
        raise ForeignOrigin("This stream is for the pages of this console. Open the console itself, or use a token.")
    cookies = cookie_parser((header(scope, b"cookie") or b"").decode("latin-1"))
    secret = cookies.get(cookie_name(scope["sampan_workspace"]))
    if not secret:
        raise NotSignedIn("Sign in with POST /console/api/v1/session, or send a token in the Authorization header.")
    return secret

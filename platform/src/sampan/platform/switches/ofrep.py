"""The OpenFeature Remote Evaluation Protocol 0.3.0 (open-feature/protocol), raw ASGI: one switch, or all.

What stock clients need beyond the document: `variant` and `errorDetails` are always there, floats stay floats, a
value is always given, the ETag seals targeting key and results and not a version of the configuration, and a limit
that no honest client reaches, because one 429 silences the whole client until `Retry-After`.
"""

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import msgspec
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.core import Core
from sampan.platform.engines.log import Cursor
from sampan.platform.errors import SampanError, TooMany, Unauthorized
from sampan.platform.hot import JSON, UNREADABLE, ClientGone, header, read_body, send_bytes
from sampan.platform.logs import Log
from sampan.platform.switches.asking import Asked, Asking, BadContext, Context
from sampan.platform.switches.compiled import SwitchesPart
from sampan.platform.switches.listening import DAY_MS, ListenKeys
from sampan.platform.switches.part import PART
from sampan.platform.workspaces.replica import WorkspaceView

BULK = "/ofrep/v1/evaluate/flags"
SINGLE = "/ofrep/v1/evaluate/flags/{switch}"
EVENTS = "/ofrep/v1/events"
MAX_BODY_BYTES = 32 * 1024
WINDOW_MS = 60_000
PER_DEVICE, PER_MACHINE = 1_200, 600_000
INACTIVITY_SECONDS = 120
_SEEN = b"flagConfigEtag="
PRIVATE = (b"cache-control", b"private, no-cache")
# Whoever asks proves itself by a header that no page sends by itself, so any origin may.
CORS = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"etag, retry-after"))
PREFLIGHT = (
    *CORS,
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"authorization, content-type, if-none-match, x-api-key"),
    (b"access-control-max-age", b"86400"),
)
NONE = SwitchesPart(())
log = Log("ofrep")


class OfrepLimit(TooMany):
    """One device or machine token asks for switches far more often than any client does by itself."""

    code = "ofrep_limit"


class Request(msgspec.Struct):
    """The body; a missing context is an empty one."""

    context: Context = Context()


_decoder = msgspec.json.Decoder(Request)
Answering = Callable[[Scope, Receive, Send], Awaitable[None]]


class Meter:
    """Counts each owner's requests of the present minute, in this process."""

    def __init__(self) -> None:
        self._window = 0
        self._counts: dict[tuple[str, str], int] = {}

    def count(self, owner: tuple[str, str], most: int, now_ms: int) -> None:
        """Count one more; raise `OfrepLimit` when that is one too many."""
        window = now_ms // WINDOW_MS
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts[owner] = self._counts.get(owner, 0) + 1
        if count > most:
            wait = max(1, ((window + 1) * WINDOW_MS - now_ms + 999) // 1000)
            raise OfrepLimit("Ask again after the time in Retry-After.", retry_after_seconds=wait)


class Ofrep:
    """Both routes of one process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asking = Asking(core)
        self._meter = Meter()
        self._keys: dict[str, ListenKeys] = {}

    async def bulk(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer all switches at once."""
        view, asked = await self._asked(scope, receive)
        part: SwitchesPart = view.parts[PART] or NONE
        pieces, seal = part.plan(asked.facts).answer(asked.facts)
        day = asked.facts.now_ms // DAY_MS
        depends = b"%b\n%d\n%b" % (asked.targeting_key.encode(), day, seal)
        etag = b'"%b"' % blake2b(depends, digest_size=16).hexdigest().encode()
        if header(scope, b"if-none-match") == etag:
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", etag), PRIVATE, *CORS]})
            await send({"type": "http.response.body", "body": b""})
            return
        streams = self._streams(scope, asked, day)
        body = b"".join([b'{"flags":[', *pieces, b'],"eventStreams":[', streams, b"]}"])
        await send_bytes(send, 200, body, (JSON, PRIVATE, (b"etag", etag), *CORS))

    async def single(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one switch."""
        view, asked = await self._asked(scope, receive)
        part: SwitchesPart = view.parts[PART] or NONE
        key = scope["path"].rpartition("/")[2]
        switch = part.by_key.get(key)
        if switch is None:
            body = {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"There is no active switch {key!r}."}
            await send_bytes(send, 404, orjson.dumps(body), (JSON, PRIVATE, *CORS))
            return
        await send_bytes(send, 200, switch.answer(asked.facts).body, (JSON, PRIVATE, *CORS))

    def keys_of(self, workspace_id: str) -> ListenKeys:
        """Return what makes and reads the listen keys of a workspace."""
        found = self._keys.get(workspace_id)
        if found is None:
            found = self._keys[workspace_id] = ListenKeys(self._core.secret(f"ofrep-listen/{workspace_id}"))
        return found

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[WorkspaceView, Asked]:
        workspace_id: str = scope["sampan_workspace"]
        view = self._core.replica.view(workspace_id)
        body = await read_body(receive, MAX_BODY_BYTES)
        context = _context(body)
        authorization, api_key = header(scope, b"authorization"), header(scope, b"x-api-key")
        source = scope["client"][0] if scope.get("client") else "unknown"
        asked = await self._asking.ask(view, workspace_id, authorization, api_key, context, source=source)
        most = PER_MACHINE if asked.is_machine else PER_DEVICE
        self._meter.count((workspace_id, asked.owner), most, asked.facts.now_ms)
        if scope["query_string"]:  # only now: catching up reads the database, which strangers must not make us do
            newer = await self._caught_up(workspace_id, view, scope["query_string"])
            if newer is not view:
                view, asked = (
                    newer,
                    await self._asking.ask(newer, workspace_id, authorization, api_key, context, source=source),
                )
        return view, asked

    async def _caught_up(self, workspace_id: str, view: WorkspaceView, query: bytes) -> WorkspaceView:
        """Return a view at or above what an event told the client; another worker may have sent it."""
        _, found, rest = query.partition(_SEEN)
        incarnation, dot, n = rest.partition(b"&")[0].partition(b".")
        if not (found and dot and incarnation.isdigit() and n.isdigit() and len(rest) < 40):
            return view
        return await self._core.replica.catch_up(workspace_id, Cursor(int(incarnation), int(n)))

    def _streams(self, scope: Scope, asked: Asked, day: int) -> bytes:
        owner = f"{asked.owner}\n{asked.targeting_key}" if asked.is_machine else asked.owner
        key = self.keys_of(scope["sampan_workspace"]).make(owner, day)
        uri = f"{scope.get('sampan_prefix', '')}{EVENTS}?listen={key}"
        return b'{"type":"sse","endpoint":{"requestUri":"%b"},"inactivityDelaySec":%d}' % (
            uri.encode(),
            INACTIVITY_SECONDS,
        )


def ofrep_of(core: Core) -> Ofrep:
    """Return the process's one."""
    return core.shared(Ofrep, Ofrep)


def build_bulk(core: Core) -> ASGIApp:
    """Return `POST /ofrep/v1/evaluate/flags`."""
    return guarded(ofrep_of(core).bulk)


def build_single(core: Core) -> ASGIApp:
    """Return `POST /ofrep/v1/evaluate/flags/{key}`."""
    return guarded(ofrep_of(core).single)


def build_preflight(_core: Core) -> ASGIApp:
    """Return the answer to a browser that asks whether a page may call."""

    async def preflight(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
        await send({"type": "http.response.body", "body": b""})

    return preflight


def guarded(answer: Answering) -> ASGIApp:
    """Return the route with every refusal in the protocol's own form, which has no problem+json."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await answer(scope, receive, send)
        except BadContext as problem:
            await _refuse(scope, send, 400, problem.code, str(problem))
        except ClientGone:
            raise
        except SampanError as problem:
            await _refuse(scope, send, problem.status, "GENERAL", problem.detail, problem)
        except Exception:  # the front would answer with problem+json
            log.exception("ofrep_failed", path=scope["path"])
            await _refuse(scope, send, 500, "GENERAL", "The server failed; its log says why.")

    return route


async def _refuse(
    scope: Scope, send: Send, status: int, code: str, says: str, problem: SampanError | None = None
) -> None:
    body: dict[str, Any] = {"errorCode": code, "errorDetails": says}
    if not scope["path"].endswith(BULK):
        body = {"key": scope["path"].rpartition("/")[2], **body}
    headers = [JSON, PRIVATE, *CORS]
    if problem is not None and (wait := problem.facts.get("retry_after_seconds")) is not None:
        headers.append((b"retry-after", str(wait).encode()))
    if isinstance(problem, Unauthorized):
        headers.append((b"www-authenticate", b"Bearer"))
    await send_bytes(send, status, orjson.dumps(body), headers)


def _context(body: bytes) -> Context:
    try:
        return _decoder.decode(body).context
    except msgspec.ValidationError as problem:
        raise BadContext("INVALID_CONTEXT", f"Correct the context: {problem}.") from problem
    except UNREADABLE as problem:
        raise BadContext("PARSE_ERROR", f"The body is not JSON: {problem}.") from problem

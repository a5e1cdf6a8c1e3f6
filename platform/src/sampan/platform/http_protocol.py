"""HTTP/1.1 for uvicorn's server: one connection, read by llhttp (httptools), its requests answered in their order.

uvicorn's own protocol costs more than the rest of a small answer, and reads request lines, headers and trailers
without any bound. This one does what our server needs of it and no more: no WebSockets, no access lines (the
front writes those). See docs/adr/0007-http-protocol.md.
"""

import asyncio
import urllib.parse
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

import httptools
import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from sampan.platform.crowding import Crowd
from sampan.platform.http_exchange import Exchange
from sampan.platform.logs import Log

MAX_HEAD_BYTES = 64 * 1024  # many times what any client of ours sends
HEAD_SECONDS = 30.0
LINGER_SECONDS = 1.0
# Content has no deadline of its own, since an honest slow line may send a large package; it has a rate. At 500 bytes a
# second a route that takes 64 KiB is held for little more than two minutes, and a pause of half a minute is forgiven.
CONTENT_SECONDS = 30.0
CONTENT_BYTES = 15_000  # in CONTENT_SECONDS
# A mini-app can fill its parent domain with cookies that ride along to all hosts beside it; nothing here needs them.
FORGET_COOKIES = b'clear-site-data: "cookies"\r\n'
CROWDED = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain\r\nretry-after: 10\r\ncontent-length: 44\r\n"
    b"connection: close\r\n\r\nToo many connections come from your address."
)
_FRAMING = frozenset({b"host", b"transfer-encoding", b"content-length", b"upgrade"})
log = Log("http")


class Ambiguous(ValueError):
    """A request that two servers could understand differently; the connection ends with it."""


class Http(asyncio.Protocol):
    """One connection. uvicorn's server makes it, shuts it down, and waits for `connections` and `tasks` to empty."""

    transport: asyncio.Transport
    flow: FlowControl
    scope: dict[str, Any]
    headers: list[tuple[bytes, bytes]]
    _framing: dict[bytes, bytes]

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        crowd: Crowd | None = None,
    ) -> None:
        self._crowd = crowd
        self._counted_as = ""
        self.app = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()  # what has nothing to wait for returns it
        self.done.set_result(None)
        self.server_state = server_state
        self.app_state = app_state
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn does: what follows a request that asked to close is skipped instead of refused.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.exchange: Exchange | None = None  # the newest, which the parser fills
        self._running: Exchange | None = None  # the one that is answered; an older one, if requests wait
        self._waiting: deque[Exchange] = deque()
        self._idle_seconds = float(config.timeout_keep_alive)
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._url = b""
        self._is_in_head = self._is_going_on = self._is_refused = False
        self._unread_bytes = 0
        self._content_bytes = 0  # of content, since the connection began
        self._looked: tuple[Exchange, float, int] | None = None  # whose content was looked at, when, and its bytes then

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not registered as asyncio's classes
        self.flow = FlowControl(self.transport)
        self._ends = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "server": get_local_addr(self.transport),
            "client": get_remote_addr(self.transport),
            "scheme": "https" if is_ssl(self.transport) else "http",
            "root_path": "",
        }
        self.server_state.connections.add(self)  # type: ignore[arg-type] # uvicorn only calls `shutdown`
        if self._is_crowded():
            self._is_refused = True  # without a line in the log for each: that is what a crowd would want
            self.transport.write(CROWDED)
            self.transport.close()
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End: whoever still answers is told that nobody listens."""
        self.server_state.connections.discard(self)
        if self._crowd is not None:
            self._crowd.leave(self._counted_as)
        if self._timer is not None:
            self._timer.cancel()
        del self.parser  # they hold each other
        for exchange in (self._running, *self._waiting):
            if exchange is not None and not exchange.is_answered:
                exchange.is_disconnected = True
                exchange.wake()
        self._waiting.clear()
        self._running = None
        self.flow.resume_writing()

    def eof_received(self) -> None:
        """Close with the client; the answer of a client that sends no more is not awaited."""

    def pause_writing(self) -> None:
        """Stop the answers: the client does not keep up."""
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        """Let answers go on."""
        self.flow.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take what arrived. What leads neither to a whole head nor to content counts towards the bound."""
        if self._is_refused:
            return
        self._is_going_on = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self.exchange is not None:  # answered as the ordinary request that it is too; nothing is upgraded
                self.exchange.keep_alive = False
        except httptools.HttpParserError:
            self._refuse("Invalid HTTP request received.")
            return
        if self._is_going_on:
            self._unread_bytes = 0
        else:
            self._count(len(data))

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self.headers = []
        self._framing = {}
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one that comes after the content (a trailer) is nobody's."""
        if self._is_in_head:
            name = name.lower()
            self.headers.append((name, value))
            if name in _FRAMING:
                # As one list (RFC 9110, 5.3): a proxy may act on the first of two lines, or on the last.
                before = self._framing.get(name)
                self._framing[name] = value if before is None else b"%b, %b" % (before, value)

    def on_headers_complete(self) -> None:
        """Begin to answer, or queue behind the request before this one."""
        self._is_in_head, self._is_going_on, self._deadline = False, True, None
        parser, headers = self.parser, self.headers
        version = parser.get_http_version()
        _refuse_ambiguous(self._url, version, self._framing)
        scope: Scope = self._ends.copy()
        scope["headers"] = headers
        scope["method"] = parser.get_method().decode("ascii")
        scope["state"] = self.app_state.copy()
        _split(self._url, scope)
        scope["http_version"] = version
        keep_alive = version == "1.1" and parser.should_keep_alive()
        before = self.exchange
        exchange = self.exchange = Exchange(self, scope, keep_alive=keep_alive)
        if before is None or before.is_answered:
            self._start(exchange)
        else:
            self.flow.pause_reading()
            self._waiting.append(exchange)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the content."""
        self._is_going_on = True
        self._content_bytes += len(body)
        exchange = self.exchange
        if exchange is not None and not exchange.is_answered and exchange.take(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """Note that the content is whole."""
        if self.exchange is not None:
            self.exchange.is_whole = True
            self.exchange.wake()

    # What exchanges and the server call

    def answered(self) -> None:
        """Go on after an answer: with the next request that waits, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._waiting:
            self._start(self._waiting.popleft())
            self._arm(self._idle_seconds)
        else:
            self._wait_for_head()

    def shutdown(self) -> None:
        """End as soon as nothing is under way."""
        if self.exchange is None or self.exchange.is_answered:
            self.transport.close()
        else:
            self.exchange.keep_alive = False

    def _is_crowded(self) -> bool:
        client = get_remote_addr(self.transport)
        if self._crowd is None or client is None:
            return False
        name = self._crowd.enter(client[0], now=self.loop.time())
        self._counted_as = name or ""
        return name is None

    def _start(self, exchange: Exchange) -> None:
        self._running = exchange
        tasks = self.server_state.tasks
        task = self.loop.create_task(exchange.run(self.app))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _wait_for_head(self) -> None:
        """Give the next request its time to begin. One timer a connection: arming one each time costs more."""
        self._deadline = self.loop.time() + self._idle_seconds
        self._arm(self._idle_seconds)

    def _arm(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        exchange = self.exchange
        if self.transport.is_closing():
            return
        if exchange is not None and not exchange.is_answered:
            if not exchange.is_whole:
                self._look_at_content(exchange)
        elif self._deadline is not None:
            left = self._deadline - self.loop.time()
            if left <= 0:
                self.transport.close()
            else:  # never later than a deadline that is set meanwhile
                self._arm(min(left, self._idle_seconds))

    def _look_at_content(self, exchange: Exchange) -> None:
        """Cut off content that trickles. The time that it waits for us does not count: another look begins then."""
        now = self.loop.time()
        if self.flow.read_paused or exchange is not self._running or not exchange.is_invited:
            self._looked = None
        elif self._looked is None or self._looked[0] is not exchange:
            self._looked = exchange, now, self._content_bytes
        elif now - self._looked[1] >= CONTENT_SECONDS:
            if self._content_bytes - self._looked[2] < CONTENT_BYTES:
                self._refuse("The content came too slowly; send it again.", status=b"408 Request Timeout")
                return
            self._looked = exchange, now, self._content_bytes
        self._arm(self._idle_seconds)

    def _count(self, size: int) -> None:
        if self.transport.is_closing():
            return
        if self._is_in_head and not self._unread_bytes:
            self._deadline = self.loop.time() + HEAD_SECONDS
        self._unread_bytes += size
        if self._unread_bytes > MAX_HEAD_BYTES:
            # Any page of the web can send a browser here with a long address, but only neighbours with many cookies.
            header = b"" if len(self._url) > MAX_HEAD_BYTES // 2 else FORGET_COOKIES
            self._refuse("The request line and the headers are too large.", header)

    def _refuse(self, text: str, header: bytes = b"", *, status: bytes = b"400 Bad Request") -> None:
        """Answer and close; what still arrives meanwhile is dropped, since a reset would take the answer away.

        Requests before it that are still answered come first: then the connection ends with the last of those answers.
        """
        log.warning("request_refused", reason=text)
        self._is_refused = True
        earlier = [each for each in (self._running, *self._waiting) if each is not None and not each.is_answered]
        begun = earlier.pop() if earlier and not earlier[-1].is_whole else None  # the refused one itself
        if begun is not None:
            begun.is_disconnected = True
            begun.wake()
        if earlier:
            earlier[-1].keep_alive = False
            if begun is not None:
                self._waiting.remove(begun)
            return
        if begun is not None and begun.is_begun:
            self.transport.close()
            return
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\n%b"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, header, len(text), text.encode())
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _refuse_ambiguous(url: bytes, version: str, framing: Mapping[bytes, bytes]) -> None:
    """Raise `Ambiguous` for what a proxy before us may read otherwise than we do; llhttp lets all of this pass."""
    if version not in ("1.0", "1.1"):
        raise Ambiguous("This server speaks HTTP/1.1.")
    if (url[:1] != b"/" and url != b"*") or b"#" in url:
        raise Ambiguous("The request target must be a path.")
    if version == "1.1" and b"host" not in framing:
        raise Ambiguous("A request names its host.")
    coding = framing.get(b"transfer-encoding")
    if coding is not None and (version == "1.0" or coding.strip().lower() != b"chunked"):
        raise Ambiguous("Only chunked is understood as Transfer-Encoding, and only in HTTP/1.1.")
    if b"upgrade" in framing and (coding is not None or framing.get(b"content-length", b"0").strip(b"0")):
        raise Ambiguous("A request that asks for an upgrade has no content.")


def _split(url: bytes, scope: Scope) -> None:
    """Put path and query of a request target into the scope (RFC 9112, 3.2)."""
    raw_path, _mark, query = url.partition(b"?")
    path = raw_path.decode("ascii")
    scope["path"] = urllib.parse.unquote(path) if "%" in path else path
    scope["raw_path"] = raw_path
    scope["query_string"] = query

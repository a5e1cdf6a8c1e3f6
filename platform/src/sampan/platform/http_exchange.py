"""One request and its answer on a connection, as an ASGI application sees them; see `http_protocol`."""

import asyncio
import http
import re
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Scope

from sampan.platform.logs import Log

if TYPE_CHECKING:
    from sampan.platform.http_protocol import Http

NAMES_KEPT = 1_000
_STATUS = {status.value: b"HTTP/1.1 %d %b" % (status, status.phrase.encode()) for status in http.HTTPStatus}
_BODILESS = frozenset({204, 304})
_TEXT = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])  # what a field's value may have (RFC 9110, 5.5)
_NO_NAME = re.compile(rb'[\x00-\x20\x7f()<>@,;:\[\]={}\\"]|^$')  # what no field's name has
_LENGTH, _ENCODING, _CONNECTION = 1, 2, 3
_KINDS = {b"content-length": _LENGTH, b"transfer-encoding": _ENCODING, b"connection": _CONNECTION}
_names: dict[bytes, tuple[bytes, int]] = {}
log = Log("http")


class Exchange:
    """A request and its answer. `is_whole`: the content has arrived. `is_answered`: the last byte was handed on."""

    __slots__ = (
        "_body", "_event", "_is_chunked", "_is_invited", "_is_new", "_left", "_protocol", "is_answered", "is_begun",
        "is_disconnected", "is_whole", "keep_alive", "scope",
    )  # fmt: skip

    def __init__(self, protocol: "Http", scope: Scope, *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.scope = scope
        self.keep_alive = keep_alive
        self.is_whole = self.is_begun = self.is_answered = self.is_disconnected = False
        self._body: bytes | bytearray = b""
        self._is_new = self._is_invited = self._is_chunked = False
        self._event: asyncio.Event | None = None  # made only for who has to wait
        self._left: int | None = 0  # bytes of the answer's content; None: until the connection ends

    def take(self, body: bytes) -> int:
        """Add a piece of the content; return how much waits for the application."""
        if not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        self.wake()
        return len(self._body)

    @property
    def is_invited(self) -> bool:
        """Whether the client may send its content: it was asked, or does not wait to be asked."""
        return self._is_invited or not self._expects_invitation()

    def wake(self) -> None:
        """Show the application what is new."""
        self._is_new = True
        if self._event is not None:
            self._event.set()

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer. One that fails before it begins is answered for; a torn answer is cut off."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException:
            # A cancelled one too: the task ends here either way, and whoever waits for the answer gets one.
            log.exception("application_failed", path=self.scope["path"])
        if self.is_answered or self.is_disconnected:
            return
        if self.is_begun:
            log.error("answer_torn", path=self.scope["path"])
            self._protocol.transport.close()
            return
        text = b"Internal Server Error"
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(text)), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": text})

    async def receive(self) -> Message:
        """ASGI's `receive`."""
        if not (self.is_disconnected or self.is_answered):
            self._protocol.flow.resume_reading()
            if not self.is_whole and not self._is_invited:
                self._invite()
            if not self._is_new:
                if self._event is None:
                    self._event = asyncio.Event()
                self._event.clear()
                await self._event.wait()
            self._is_new = False
        if self.is_disconnected or self.is_answered:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": not self.is_whole}

    def send(self, message: Message) -> Awaitable[None]:
        """ASGI's `send`. Bytes leave at the call; what it returns waits while the client does not keep up."""
        if self._protocol.flow.write_paused and not self.is_disconnected:
            return self._send_later(message)
        self._send(message)
        return self._protocol.done

    async def _send_later(self, message: Message) -> None:
        await self._protocol.flow.drain()
        self._send(message)

    def _send(self, message: Message) -> None:
        if self.is_disconnected:
            return
        if not self.is_begun:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"{message['type']} cannot be sent before the status.")
            self._begin(message["status"], message.get("headers", ()))
        elif self.is_answered or message["type"] != "http.response.body":
            raise RuntimeError(f"{message['type']} cannot be sent any more.")
        else:
            self._go_on(message.get("body", b""), message.get("more_body", False))

    def _expects_invitation(self) -> bool:
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.scope["headers"])

    def _invite(self) -> None:
        """Ask for the content if the client waits to be asked (RFC 9110, 10.1.1)."""
        self._is_invited = True
        if not self.is_begun and self._expects_invitation():
            self._protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        if not self.is_whole and not self._is_invited and self._expects_invitation():
            self.keep_alive = False  # nobody knows whether the content still comes
        parts = [_STATUS.get(status) or b"HTTP/1.1 %d " % status]
        is_framed = says_close = False
        for name, value in (*self._protocol.server_state.default_headers, *headers):
            prefix, kind = _names.get(name) or _prefix(name)
            if kind == _LENGTH and not is_framed:
                self._left, is_framed = int(value), True
            elif kind == _ENCODING and value.lower() == b"chunked":
                self._left, is_framed, self._is_chunked = 0, True, True
            elif kind == _CONNECTION and b"close" in [token.strip() for token in value.lower().split(b",")]:
                says_close, self.keep_alive = True, False
            parts += (prefix, value)
        if not is_framed and status not in _BODILESS and self.scope["method"] != "HEAD":
            if self.scope["http_version"] == "1.1":
                self._is_chunked = True
                parts += (b"\r\ntransfer-encoding: ", b"chunked")
            else:
                self._left = None
        if not self.keep_alive and not says_close:
            parts += (b"\r\nconnection: ", b"close")
        head = b"".join(parts) + b"\r\n\r\n"
        if head.translate(None, _TEXT) != b"\r\n" * (len(parts) // 2 + 2):
            raise RuntimeError("A header's value has a control character.")
        self.is_begun = True
        self._protocol.transport.write(head)

    def _go_on(self, body: bytes, more_body: bool) -> None:
        transport = self._protocol.transport
        if self.scope["method"] == "HEAD":
            self._left = 0
        elif self._is_chunked:
            pieces = [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
            transport.writelines(pieces if more_body else [*pieces, b"0\r\n\r\n"])
        else:
            if self._left is not None:
                self._left -= len(body)
                if self._left < 0:
                    raise RuntimeError("The content is longer than its content-length.")
            transport.write(body)
        if not more_body:
            if self._left:
                raise RuntimeError("The content is shorter than its content-length.")
            self.is_answered = True
            self.wake()
            if not self.keep_alive:
                transport.close()
            self._protocol.answered()


def _prefix(name: bytes) -> tuple[bytes, int]:
    """Return how a header's line begins, and what kind of header it is; remembered, within a bound."""
    if _NO_NAME.search(name):
        raise RuntimeError("A header's name has a character that no name may have.")
    lower = name.lower()
    found = _names[name] = b"\r\n%b: " % lower, _KINDS.get(lower, 0)
    if len(_names) > NAMES_KEPT:
        del _names[next(iter(_names))]
    return found

"""Small tools of raw ASGI routes: read a bounded body, find a header, send bytes; for where microseconds count."""

from collections.abc import Iterable, Mapping

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.errors import SampanError, TooLarge

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
# What msgspec raises for bytes that are not the wanted JSON: text that is no UTF-8 and deep nesting included.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BodyTooLarge(TooLarge):
    """The body is over the limit of this route; `limit_bytes` says how much it takes."""

    code = "body_too_large"


class ClientGone(SampanError):
    """The client went away before its request was whole; nobody reads the answer."""

    code = "client_gone"


def hot_key(method: str, path: str) -> tuple[str, str]:
    """Return where a hot route stands: under its path, whose last segment may be a parameter, `{like_this}`."""
    parent, _slash, last = path.rpartition("/")
    return (method, f"{parent}/{{}}") if last.startswith("{") else (method, path)


def find_hot(hot: Mapping[tuple[str, str], ASGIApp], method: str, path: str) -> tuple[ASGIApp | None, str]:
    """Return the hot route of a path, and the name of its requests in metrics: what fills a parameter is left out."""
    if found := hot.get((method, path)):
        return found, path
    pattern = f"{path.rpartition('/')[0]}/{{}}"
    return hot.get((method, pattern)), pattern


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of this lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Return the whole body; raise `BodyTooLarge` as soon as it passes the limit, whatever its length header said."""
    message = await receive()
    body = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False) and len(body) <= limit_bytes:
        return bytes(body)
    parts, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body", False) and size <= limit_bytes:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > limit_bytes:
        raise BodyTooLarge(f"This route takes at most {limit_bytes} bytes; send less.", limit_bytes=limit_bytes)
    if message["type"] != "http.request":
        raise ClientGone("The connection closed before the request was whole.")
    return b"".join(parts)


async def send_bytes(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = (JSON,)) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})

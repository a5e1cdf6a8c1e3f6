"""Whose word counts for a client's address: only that of the proxies that the operator named."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from sampan.platform.serving import server_config
from sampan.platform.settings import Settings

pytestmark = pytest.mark.anyio


async def address_seen(peer: str, forwarded: str, trusted: str) -> str:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["client"][0])

    async def receive() -> Message:
        raise AssertionError("nobody reads a body here")

    async def send(_message: Message) -> None:
        raise AssertionError("nobody answers here")

    config = server_config(Settings(trusted_proxies=trusted), app)
    config.load()
    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (peer, 1),
        "server": ("127.0.0.1", 80),
    }
    await config.loaded_app(scope, receive, send)
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.9", "203.0.113.5", "", "192.0.2.9"),
        ("127.0.0.1", "203.0.113.5", "", "127.0.0.1"),
        ("192.0.2.9", "203.0.113.5", "10.0.0.0/8", "192.0.2.9"),
        ("10.1.2.3", "203.0.113.5", "10.0.0.0/8", "203.0.113.5"),
        ("10.1.2.3", "198.51.100.1, 203.0.113.5", "10.0.0.0/8,192.0.2.9", "203.0.113.5"),
        ("10.1.2.3", "203.0.113.5, 192.0.2.9", "10.0.0.0/8,192.0.2.9", "203.0.113.5"),
    ],
)
async def test_an_address_is_believed_only_from_a_named_proxy(
    peer: str, forwarded: str, trusted: str, address: str
) -> None:
    assert await address_seen(peer, forwarded, trusted) == address

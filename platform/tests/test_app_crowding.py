"""One address holds so many connections and no more; proxies that are named and this machine are not counted."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from sampan.platform.crowding import Crowd
from sampan.platform.serving import server_config
from sampan.platform.settings import Settings

pytestmark = pytest.mark.anyio


class Wire(asyncio.Transport):
    """The end of a connection from somewhere."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 40_000), "sockname": ("203.0.113.1", 443)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


class Door:
    """A server that takes two connections from an address."""

    def __init__(self, trusted: str = "") -> None:
        async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise AssertionError("nobody asks here")

        self.config = server_config(Settings(connections_per_address=2, trusted_proxies=trusted), app)
        self.config.load()
        self.state = ServerState()

    def connect(self, peer: str) -> tuple[Any, Wire]:
        make: Any = self.config.http_protocol_class
        connection = make(config=self.config, server_state=self.state, app_state={})
        wire = Wire(peer)
        connection.connection_made(wire)
        return connection, wire


async def test_a_connection_too_many_is_answered_and_closed() -> None:
    door = Door()
    first, _wire = door.connect("198.51.100.7")
    _second, wire = door.connect("198.51.100.7")
    assert not wire.is_closed
    third, wire = door.connect("198.51.100.7")
    assert wire.is_closed
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 ")
    assert f"content-length: {len(body)}".encode() in head
    third.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    third.connection_lost(None)
    assert not door.connect("198.51.100.8")[1].is_closed, "a neighbour is another address"
    assert door.connect("198.51.100.7")[1].is_closed, "the refused one gave no place free"
    first.connection_lost(None)
    assert not door.connect("198.51.100.7")[1].is_closed


@pytest.mark.parametrize(
    ("peer", "trusted", "is_bounded"),
    [
        ("198.51.100.7", "", True),
        ("127.0.0.1", "", False),
        ("::1", "", False),
        ("10.1.2.3", "10.0.0.0/8, 192.0.2.9", False),
        ("192.0.2.9", "10.0.0.0/8, 192.0.2.9", False),
        ("192.0.2.10", "10.0.0.0/8, 192.0.2.9", True),
        ("198.51.100.7", "*", False),
        ("::ffff:198.51.100.7", "", True),
    ],
)
def test_who_is_counted(peer: str, trusted: str, is_bounded: bool) -> None:
    crowd = Crowd(2, trusted)
    taken = [crowd.enter(peer, now=0.0) for _ in range(5)]
    assert (taken.count(None) == 3) is is_bounded
    assert Crowd(0, "").enter(peer, now=0.0) == "", "0 sets no bound"


def test_an_ipv6_household_is_one_address() -> None:
    crowd = Crowd(2, "")
    names = [crowd.enter(f"2001:db8:1:2::{n}", now=0.0) for n in range(1, 4)]
    assert names == ["2001:db8:1:2::/64"] * 2 + [None]
    assert crowd.enter("2001:db8:1:3::1", now=0.0) == "2001:db8:1:3::/64"
    crowd.leave("2001:db8:1:2::/64")
    assert crowd.enter("2001:db8:1:2::9", now=0.0) is not None

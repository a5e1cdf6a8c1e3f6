"""A request line or headers without end are cut off; ordinary ones, and large bodies, are not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from sampan.platform.hot import read_body, send_bytes
from sampan.platform.http_protocol import MAX_HEAD_BYTES
from sampan.platform.serving import server_config
from sampan.platform.settings import Settings

pytestmark = pytest.mark.anyio
LARGE = 40 * MAX_HEAD_BYTES


async def echo_length(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        body = await read_body(receive, 2 * LARGE)
        await send_bytes(send, 200, f"{len(body)} {len(scope['path'])}".encode())


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = server_config(Settings(port=0), echo_length)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await server.shutdown()


async def say(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        answer = await reader.read(65536)
    except ConnectionError:
        pass  # cut off while we wrote
    finally:
        writer.close()
    return answer


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nhost: x\r\nx-long: "])
async def test_a_head_without_end_is_cut_off(port: int, begin: bytes) -> None:
    answer = await asyncio.wait_for(say(port, begin, b"a" * LARGE), 10)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


async def test_a_browser_that_carries_too_many_cookies_is_told_to_forget_them(port: int) -> None:
    """The answer comes whole although the head was never read to its end."""
    head = b"GET / HTTP/1.1\r\nhost: x\r\ncookie: " + b"a" * 400_000 + b"\r\n\r\n"
    answer = await asyncio.wait_for(say(port, head), 10)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'\r\nclear-site-data: "cookies"\r\n' in answer


async def test_a_foreign_page_cannot_have_cookies_forgotten_by_a_long_address(port: int) -> None:
    head = b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nhost: x\r\ncookie: a=b\r\n\r\n"
    answer = await asyncio.wait_for(say(port, head), 10)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"clear-site-data" not in answer


async def test_many_small_headers_count_too(port: int) -> None:
    line = b"x-some: thing\r\n"
    answer = await asyncio.wait_for(say(port, b"GET / HTTP/1.1\r\nhost: x\r\n", line * (LARGE // len(line))), 10)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


async def test_an_ordinary_head_and_a_large_body_pass(port: int) -> None:
    head = b"POST /%b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (b"a" * 8000, LARGE)
    answer = await asyncio.wait_for(say(port, head, b"b" * LARGE), 10)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"%d 8001" % LARGE)


async def test_each_request_of_a_connection_counts_anew(port: int) -> None:
    one = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n" % (b"a" * 40_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(one)
        answer = await asyncio.wait_for(reader.readuntil(b"0 40001"), 10)
        assert answer.startswith(b"HTTP/1.1 200 ")
    writer.close()

"""The network bridge's connections: kept for the next call, and closed with the server."""

import asyncio
from pathlib import Path

import pytest

from sampan.miniapps.network_bridge import NetworkBridge
from sampan.platform.guarded_calls import parse_destination
from sampan.platform.settings import Settings
from sampan.platform.testing import WORKSPACE, running_core

pytestmark = pytest.mark.anyio


async def test_no_connection_outlives_the_server(tmp_path: Path) -> None:
    ended: list[asyncio.Task[bytes]] = []

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        ended.append(asyncio.create_task(reader.read()))
        await asyncio.wait(ended)
        writer.close()

    async with await asyncio.start_server(say, "127.0.0.1", 0) as running:
        place = f"127.0.0.1:{running.sockets[0].getsockname()[1]}"
        settings = Settings(data=tmp_path, default_workspace=WORKSPACE, demo=True, private_hosts=place)
        async with running_core(tmp_path, settings=settings) as core:
            bridge = core.shared(NetworkBridge, NetworkBridge)
            answer = await bridge.calls.call(parse_destination(f"http://{place}/", allows_http=True), "GET", {}, b"")
            assert answer.status == 200
            assert not ended[0].done()
        assert await asyncio.wait_for(ended[0], 10) == b""

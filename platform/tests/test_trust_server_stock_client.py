"""The stock python-tuf client installs from the running server, over HTTP, unmodified."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from tuf.ngclient import Updater

from sampan.offline_packages.roles import control_path, index_path, package_path
from sampan.platform.app import build_app
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import APP, Parties, package_of
from sampan.platform.trust import service
from sampan.platform.trust.component import component

pytestmark = pytest.mark.anyio


class _Clock:
    """The real time, moved by a test that looks back from the future."""

    shift_ms = 0

    def __call__(self) -> int:
        return system_clock_ms() + self.shift_ms


@contextlib.asynccontextmanager
async def serving(core: Core) -> AsyncIterator[str]:
    """Serve the whole application on 127.0.0.1 and yield its address."""
    config = uvicorn.Config(build_app(core), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    running = asyncio.ensure_future(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        listening.close()


class StockClient:
    """python-tuf's client with a folder of its own; every call runs in a thread."""

    def __init__(self, folder: Path, base: str, root: bytes) -> None:
        for name in ("metadata", "targets"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._folder, self._base, self._root = folder, base, root

    def install(self, *paths: str) -> list[bytes]:
        updater = Updater(
            str(self._folder / "metadata"),
            f"{self._base}/metadata/",
            str(self._folder / "targets"),
            f"{self._base}/targets/",
            bootstrap=self._root,
        )
        updater.refresh()
        found = []
        for path in paths:
            target = updater.get_targetinfo(path)
            assert target is not None, path
            found.append(Path(updater.download_target(target)).read_bytes())
        return found


@pytest.fixture
async def clock() -> _Clock:
    return _Clock()


@pytest.fixture
async def parties(tmp_path: Path, clock: _Clock) -> AsyncIterator[Parties]:
    async with running_core(tmp_path / "server", components=[component], now_ms=clock) as core:
        yield Parties(core)


async def _client(parties: Parties, base: str, folder: Path, profile: str = "intl") -> StockClient:
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        root = await service.current_role(tx, profile, "root")
    assert root is not None
    return StockClient(folder, f"{base}/trust/{WORKSPACE}/{profile}", root.body)


async def test_from_ceremony_to_installed_package(parties: Parties, tmp_path: Path) -> None:
    await parties.start()
    await parties.delegate()
    index, package, _ = package_of(APP, 1)
    await parties.publish(1)
    control = await parties.offer(1)
    await service.publish_tree(parties.core, WORKSPACE, "intl")
    async with serving(parties.core) as base:
        client = await _client(parties, base, tmp_path / "device")
        found = await asyncio.to_thread(client.install, index_path(APP, 1), package_path(APP, 1), control_path(APP))
    assert found == [index, package, control.to_bytes()]

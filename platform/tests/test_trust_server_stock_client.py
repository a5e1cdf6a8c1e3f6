"""The stock python-tuf client installs from the running server, over HTTP, unmodified."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from tuf.api import exceptions
from tuf.ngclient import Updater
from tufjs_runner import TufJs

from sampan.offline_packages.publishing import renewed_app_body
from sampan.offline_packages.roles import control_path, index_path, package_path
from sampan.offline_packages.signed_bytes import sign_body, signers
from sampan.platform.app import build_app
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import ACTOR, APP, DAY_MS, Parties, package_of
from sampan.platform.trust import service
from sampan.platform.trust.component import component
from sampan.platform.trust.encodings import compress
from sampan.platform.trust.key_rows import Purpose, list_keys

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
        self._folder, self.base, self.root = folder, base, root

    def install(self, *paths: str) -> list[bytes]:
        updater = Updater(
            str(self._folder / "metadata"),
            f"{self.base}/metadata/",
            str(self._folder / "targets"),
            f"{self.base}/targets/",
            bootstrap=self.root,
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


async def test_tuf_js_installs_too(parties: Parties, tmp_path: Path) -> None:
    await parties.start("intl")
    await parties.delegate()
    index, package, _ = package_of(APP, 1)
    await parties.publish(1)
    control = await parties.offer(1)
    await service.publish_tree(parties.core, WORKSPACE, "intl")
    async with serving(parties.core) as base:
        stock = await _client(parties, base, tmp_path / "unused")
        client = await asyncio.to_thread(TufJs, tmp_path / "js", stock.base, stock.root)
        await asyncio.to_thread(client.refresh)
        await compress(parties.core, WORKSPACE, package_of(APP, 1)[2].package_digest.partition(":")[2])
        names = (index_path(APP, 1), package_path(APP, 1), control_path(APP))
        assert await asyncio.to_thread(client.download, *names) == [index, package, control.to_bytes()]


async def test_a_tree_signed_two_days_ago_is_refused_and_a_fresh_signature_mends_it(
    parties: Parties, clock: _Clock, tmp_path: Path
) -> None:
    clock.shift_ms = -2 * DAY_MS
    await parties.start("intl")
    await parties.delegate()
    await parties.publish(1)
    await service.publish_tree(parties.core, WORKSPACE, "intl")
    async with serving(parties.core) as base:
        client = await _client(parties, base, tmp_path / "device")
        with pytest.raises(exceptions.ExpiredMetadataError):
            await asyncio.to_thread(client.install, index_path(APP, 1))
        clock.shift_ms = 0
        await service.publish_tree(parties.core, WORKSPACE, "intl")
        assert await asyncio.to_thread(client.install, index_path(APP, 1)) == [package_of(APP, 1)[0]]


async def test_a_client_follows_every_rotation(parties: Parties, tmp_path: Path) -> None:
    """New officers, new online keys and a new publisher key, each seen by a client that trusts what was before."""
    core = parties.core
    await parties.start("intl")
    await parties.delegate()
    await parties.publish(1)
    await parties.offer(1)
    await service.publish_tree(core, WORKSPACE, "intl")
    async with serving(core) as base:
        client = await _client(parties, base, tmp_path / "device")
        wanted = (index_path(APP, 1), control_path(APP))
        before = await asyncio.to_thread(client.install, *wanted)
        for rotate in (_rotate_officers, _rotate_online_keys, _rotate_publisher):
            await rotate(parties)
            await service.publish_tree(core, WORKSPACE, "intl")
            assert await asyncio.to_thread(client.install, *wanted) == before
        fresh = await _client(parties, base, tmp_path / "late")
        assert await asyncio.to_thread(fresh.install, *wanted) == before
        await parties.publish(2)
        await service.publish_tree(core, WORKSPACE, "intl")
        assert await asyncio.to_thread(client.install, index_path(APP, 2)) == [package_of(APP, 2)[0]]


async def _rotate_officers(parties: Parties) -> None:
    fresh = PrivateKey.generate("es256")
    await parties.register(fresh, Purpose.OFFICER)
    parties.officers[2] = fresh
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        names = [key_id(each.public) for each in parties.officers]
        await service.change_officers(parties.core, tx, "intl", names, ACTOR)
    assert await parties.sign_all("intl") == ["root", "targets"]


async def _rotate_online_keys(parties: Parties) -> None:
    for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL):
        await service.rotate_server_key(parties.core, WORKSPACE, ACTOR, profile="intl", purpose=purpose)
    assert await parties.sign_all("intl") == ["root", "targets"]


async def _rotate_publisher(parties: Parties) -> None:
    fresh = PrivateKey.generate("es256")
    name = await parties.register(fresh, Purpose.PUBLISHER, "intl")
    current = await parties.current("intl", f"app.{APP}")
    assert current is not None
    body = sign_body(renewed_app_body(current, now_ms=parties.core.now_ms()), fresh)
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        await service.change_app_keys(parties.core, tx, APP, "intl", name, body, ACTOR)
    assert await parties.sign_all("intl") == ["targets"]
    parties.publisher["intl"] = fresh


async def test_the_trial_tree_is_signed_by_the_intake_key_alone(parties: Parties, tmp_path: Path) -> None:
    await parties.start()
    await parties.delegate()
    await parties.publish(1, profile="trial")
    for profile in parties.trees:
        await service.publish_tree(parties.core, WORKSPACE, profile)
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        keys = {each.purpose: each.key_id for each in await list_keys(tx) if each.profile in {"trial", "intl"}}
        stored = await service.current_role(tx, "trial", f"app.{APP}")
    assert stored is not None
    assert set(signers(stored.body)) == {key_id(parties.publisher["trial"].public), keys[Purpose.INTAKE]}
    assert keys[Purpose.REVIEW] not in signers(stored.body)
    async with serving(parties.core) as base:
        client = await _client(parties, base, tmp_path / "tester", "trial")
        assert await asyncio.to_thread(client.install, index_path(APP, 1)) == [package_of(APP, 1)[0]]
        other = StockClient(tmp_path / "customer", client.base.replace("trial", "intl"), client.root)
        with pytest.raises(exceptions.UnsignedMetadataError):
            await asyncio.to_thread(other.install, index_path(APP, 1))

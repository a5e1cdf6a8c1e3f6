"""The simulated device and hotfixes: taken at its next round, reported with their release, left when withdrawn."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hotfix_scene import Scene, hotfix_scene
from switch_scene import serving

from sampan.loadtests.device import Round, SimulatedDevice
from sampan.platform.insight.delivery_rows import reached_by_release
from sampan.platform.insight.intake import intake_of
from sampan.platform.insight.schemas import Stage
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


async def went_round(scene: Scene, *, opens: bool = False) -> tuple[SimulatedDevice, Round]:
    """Start the device again, as after an end of its process, and do a round."""
    async with serving(scene.core) as url:
        device = SimulatedDevice(
            scene.folder / "device", server=url, workspace=WORKSPACE, client_app="retail", now_ms=scene.core.now_ms
        )
        done = await asyncio.to_thread(device.run, open_apps=opens)
    await intake_of(scene.core).flush()
    return device, done


def read(device: SimulatedDevice) -> bytes:
    with device.store.open(APP) as package:
        return package.read("app.js")


async def reached(scene: Scene, release: str) -> dict[Stage, int]:
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return {each.stage: each.devices for each in await reached_by_release(tx, release)}


async def running(scene: Scene) -> int:
    """Return on how many devices hotfix 1 runs, by what they said in sync."""
    await intake_of(scene.core).flush()
    return int((await scene.done("GET", scene.path(1)))["devices"])


async def test_it_takes_a_hotfix_reports_it_and_leaves_it_when_it_is_withdrawn(scene: Scene) -> None:
    await scene.fix({"app.js": b"works()\n"}, n=1)
    release = await scene.give(1)
    device, done = await went_round(scene)
    told = [(each.what, each.detail) for each in done.happenings if each.what in ("offered", "installed", "refused")]
    assert told == [("offered", "install"), ("installed", "1.1.0"), ("offered", "hotfix 1"), ("installed", "1.1.0+1")]
    assert read(device) == b"works()\n"
    assert device.status()["apps"][0]["hotfixes"] == ["1"]
    assert await reached(scene, release) == {Stage.INSTALLED: 1}
    device, done = await went_round(scene)
    assert [each.what for each in done.happenings if each.what in ("offered", "installed", "refused")] == []
    assert await running(scene) == 1
    await scene.withdraw(1)
    device, done = await went_round(scene)
    assert (read(device), device.status()["apps"][0]["hotfixes"]) == (b"broken()\n", [])
    assert done.codes() == {}
    await went_round(scene)
    assert await running(scene) == 0


async def test_what_it_opens_counts_for_the_hotfix_and_leaving_one_is_told(scene: Scene) -> None:
    await scene.done("PUT", "/catalogue/categories/all", {"name_zh": "全部", "name_en": "All", "position": 1})
    entry = {"listed": True, "category": "all", "see_tier": "visitor", "open_tier": "visitor"}
    asked = await scene.done("PATCH", f"/catalogue/apps/{APP}", entry)
    await scene.done("POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, as_=scene.checker)
    await scene.fix({"app.js": b"works()\n"}, n=1)
    await scene.give(1)
    _, done = await went_round(scene, opens=True)
    assert [each.detail for each in done.happenings if each.what == "opened"] == ["1.1.0+1"]
    found = await scene.done("GET", f"/insight/apps/{APP}@1/health")
    assert [(each["sequence"], each["opens"]) for each in found["versions"]] == [(1, 1)]
    await scene.withdraw(1)
    _, done = await went_round(scene, opens=True)
    told = [each for each in done.as_json()["happenings"] if each["what"] in ("left_hotfixes", "opened")]
    assert told == [
        {"what": "left_hotfixes", "app": APP, "sequence": 1, "detail": "1.1.0+1"},
        {"what": "opened", "app": APP, "sequence": 1},
    ]

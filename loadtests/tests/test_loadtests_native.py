"""Native patches from the publisher's folder to devices: whom they are for, going back, killing, counting, why."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from device_scene import Scene, opened_scene

from sampan.loadtests.device import SimulatedDevice
from sampan.loadtests.device.simulated import Profile
from sampan.offline_packages import Packed, pack
from sampan.offline_packages.device import MAX_BOOTS
from sampan.platform.artifacts.taking_in import WrongPackage
from sampan.platform.audience.buckets import STEPS
from sampan.platform.console_app import PREFIX
from sampan.platform.insight.delivery_rows import reached_by_release
from sampan.platform.insight.schemas import Stage
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release import drafts, kills, starting
from sampan.platform.release.repository import Release
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import packed_app

pytestmark = pytest.mark.anyio
PATCH, KIND = "bank.demo.paylib", "native"
FIVE_ONE: Mapping[str, Any] = {"attr": "app_version", "op": "matches", "values": ["~5.1"]}
FITTING, OTHER = Profile(app_version="5.1.7"), Profile(app_version="5.2.0")


def library(sequence: int) -> bytes:
    """Return what no mini-app may hold: a program for Linux."""
    return b"\x7fELF\x02\x01\x01" + bytes(5000) + str(sequence).encode()


def packed_patch(folder: Path, sequence: int) -> Packed:
    source = folder / f"patch-{sequence}"
    (source / "lib").mkdir(parents=True)
    manifest = {
        "app_id": PATCH,
        "name": "Payment library",
        "icons": [],
        "version": {"code": sequence, "name": f"1.{sequence}.0"},
        "platform_version": {"min_code": 1},
        "x-sampan": {"kind": KIND},
    }
    (source / "manifest.json").write_text(json.dumps(manifest))
    (source / "lib/libpay.so").write_bytes(library(sequence))
    return pack(source, folder / f"patch-{sequence}-out")


async def publish(scene: Scene, sequence: int) -> None:
    """Pack and sign as the publisher, approve as the reviewer, and let the tree be published."""
    await scene.publishing.submit(packed_patch(scene.publishing.folder, sequence))
    await scene.publishing.approve(sequence)
    await scene.publishing.expose()


async def release(scene: Scene, sequence: int, *, rollback_to: int | None = None) -> Release:
    """Release a version to super-apps of versions 5.1.x; a second person approves."""
    draft = drafts.Draft(KIND, PATCH, sequence, FIVE_ONE, rollback_to=rollback_to)
    made = await drafts.create_release(scene.core, WORKSPACE, scene.maker, draft)
    await scene.approved(await starting.submit_release(scene.core, WORKSPACE, scene.maker, made.id))
    return made


def loaded(device: SimulatedDevice) -> bytes:
    """Return what the super-app's own loader would take into its process, verified, without the network."""
    with device.device.open(PATCH, now_ms=device.session._now_ms()) as opened:
        return opened.package.read("lib/libpay.so")


async def reached(scene: Scene, made: Release) -> dict[Stage, int]:
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return {each.stage: each.devices for each in await reached_by_release(tx, made.id)}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with opened_scene(tmp_path) as opened:
        await opened.publishing.create_app(PATCH, kind=KIND)
        opened.publishing.app = PATCH
        yield opened


async def test_it_reaches_the_versions_that_it_is_for_and_no_others(scene: Scene) -> None:
    await publish(scene, 1)
    made = await release(scene, 1)
    fitting, other = scene.device("fitting", profile=FITTING), scene.device("other", profile=OTHER)
    done = await scene.round(fitting)
    assert (done.codes(), done.apps("installed").get(PATCH), done.apps("opened").get(PATCH)) == ({}, 1, 1)
    assert loaded(fitting) == library(1)
    assert PATCH not in (await scene.round(other)).apps("offered")
    assert other.store.state(PATCH).current is None
    assert await reached(scene, made) == {Stage.BOOTED: 1}


async def test_it_is_rolled_back_by_one_person_and_the_way_back_is_signed(scene: Scene) -> None:
    await publish(scene, 1)
    await publish(scene, 2)
    await release(scene, 1)
    device = scene.device(profile=FITTING)
    await scene.round(device)
    second = await release(scene, 2, rollback_to=1)
    await scene.round(device)
    assert loaded(device) == library(2)
    await scene.roll_back(second)
    assert (await scene.round(device)).apps("installed").get(PATCH) == 1
    assert loaded(device) == library(1)


async def test_a_killed_one_is_loaded_nowhere_any_more(scene: Scene) -> None:
    await publish(scene, 1)
    await release(scene, 1)
    device = scene.device(profile=FITTING)
    await scene.round(device)
    await kills.kill_version(
        scene.core, WORKSPACE, scene.maker, kind=KIND, deliverable_id=PATCH, sequence=1, reason="crash", cause="a test"
    )
    await scene.publishing.expose()
    assert (await scene.round(device)).apps("removed").get(PATCH) == 1
    assert not device.open(PATCH)


async def test_one_that_crashes_while_it_is_loaded_is_left_and_never_taken_again(scene: Scene) -> None:
    await publish(scene, 1)
    await publish(scene, 2)
    device = scene.device(profile=FITTING)
    await release(scene, 1)
    await scene.round(device)
    await release(scene, 2)
    await asyncio.to_thread(device.run, open_apps=False)
    bad = device.store.state(PATCH).current
    assert bad is not None
    for _start in range(MAX_BOOTS):
        assert loaded(device) == library(2)  # and the process ends before it says that it runs
    assert loaded(device) == library(1)
    for _round in range(3):
        await scene.round(device)
        assert loaded(device) == library(1)
    assert device.store.state(PATCH).failed == (bad.digest,)


async def test_somebody_can_ask_why_a_device_does_not_get_it(scene: Scene) -> None:
    await publish(scene, 1)
    await release(scene, 1)
    device = scene.device(profile=OTHER)
    await scene.round(device)
    asking = await bearer_for(scene.core, WORKSPACE, await person_with(scene.core, WORKSPACE, "admin", "service_desk"))
    async with httpx2.AsyncClient(base_url=scene.url, headers=asking, trust_env=False) as http:
        answer = await http.get(f"{PREFIX}/explain", params={"device": device.session.kept.device, "kind": KIND})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    (judged,) = item["releases"]
    assert (item["id"], item["offered"], judged["reason"]) == (PATCH, None, "not_in_audience")


async def test_its_stages_may_have_gates(scene: Scene) -> None:
    await publish(scene, 1)
    stages = [{"name": "first", "basis_points": 100, "gate": {}}, {"name": "all", "basis_points": STEPS}]
    draft = drafts.Draft(KIND, PATCH, 1, FIVE_ONE, stages=stages)
    made = await drafts.create_release(scene.core, WORKSPACE, scene.maker, draft)
    assert [stage.gate is not None for stage in made.stages] == [True, False]


async def test_a_mini_app_cannot_bring_programs_by_calling_itself_a_patch(scene: Scene) -> None:
    packed = packed_app(scene.publishing.folder, 1, app=PATCH)
    with pytest.raises(WrongPackage):
        await scene.publishing.submit(packed)

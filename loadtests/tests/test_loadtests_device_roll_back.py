"""Going back to any earlier version, again and again, on the simulated device; and forward again to a later one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from device_scene import Scene, opened_scene, shown

from sampan.loadtests.device import SimulatedDevice
from sampan.platform.release.repository import Release
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with opened_scene(tmp_path) as opened:
        yield opened


async def version_after_a_round(scene: Scene, device: SimulatedDevice) -> int:
    done = await scene.round(device)
    assert done.codes() == {}
    return shown(device)


async def offering(scene: Scene, sequence: int) -> Release:
    return next(
        each for each in await scene.releases() if each.sequence == sequence and each.state is ReleaseState.RUNNING
    )


async def test_back_to_any_earlier_version_again_and_again_and_forward_again(scene: Scene) -> None:
    device = scene.device()
    assert await version_after_a_round(scene, device) == 1
    await scene.publish_and_release(2)
    third = await scene.publish_and_release(3)
    assert await version_after_a_round(scene, device) == 3
    await scene.roll_back(third, to=1)  # past version 2, which is offered to everybody too
    assert await version_after_a_round(scene, device) == 1
    assert device.store.state(APP).highest == 3
    fourth = await scene.publish_and_release(4)
    assert await version_after_a_round(scene, device) == 4
    await scene.roll_back(fourth, to=2)
    assert await version_after_a_round(scene, device) == 2
    await scene.roll_back(await offering(scene, 2), to=1)  # what a roll-back offers can be rolled back too
    assert await version_after_a_round(scene, device) == 1
    await scene.publish_and_release(5)
    assert await version_after_a_round(scene, device) == 5


async def test_the_same_way_back_can_be_taken_twice(scene: Scene) -> None:
    device = scene.device()
    await scene.publish(2)
    for _ in range(2):
        second = await scene.release(2, rollback_to=1)
        assert await version_after_a_round(scene, device) == 2
        await scene.roll_back(second)
        assert await version_after_a_round(scene, device) == 1


async def test_a_device_that_slept_through_it_all_goes_back_at_its_next_round(scene: Scene) -> None:
    device = scene.device()
    await scene.publish_and_release(2)
    third = await scene.publish_and_release(3)
    assert await version_after_a_round(scene, device) == 3
    await scene.roll_back(third, to=2)
    await scene.roll_back(await offering(scene, 2), to=1)
    assert await version_after_a_round(scene, device) == 1


async def test_a_roll_back_in_the_middle_of_a_grey_release_reaches_those_who_have_it(scene: Scene) -> None:
    await scene.publish(2)
    partial = await scene.release(2, share=5000)
    devices = [scene.device(f"device-{number}") for number in range(6)]
    before = [await version_after_a_round(scene, device) for device in devices]
    assert 2 in before
    await scene.roll_back(partial, to=1)
    assert {await version_after_a_round(scene, device) for device in devices} == {1}
    await scene.publish_and_release(3)
    assert {await version_after_a_round(scene, device) for device in devices} == {3}


async def test_a_killed_version_gives_way_to_an_earlier_one(scene: Scene) -> None:
    device = scene.device()
    second = await scene.publish_and_release(2)
    assert await version_after_a_round(scene, device) == 2
    await scene.kill(2)
    await scene.round(device)
    assert not device.open(APP)
    await scene.roll_back(second, to=1)  # the kill stopped the release
    assert await version_after_a_round(scene, device) == 1

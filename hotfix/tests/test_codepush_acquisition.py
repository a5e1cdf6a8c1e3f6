"""Update checks over HTTP: first install, update, mandatory, disabled, rollout, binary versions, refusals."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from codepush_scene import CHECK, Scene, bundle, files_of, hash_of, scene

pytestmark = pytest.mark.anyio


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as found:
        yield found


async def test_a_release_reaches_devices_once_a_second_person_approved_it(town: Scene) -> None:
    answer = await town.release("one", "^1.0.0", isMandatory=True, description="First.")
    assert answer.status_code == 201
    assert (answer.json()["package"]["label"], answer.json()["package"]["isDisabled"]) == ("v1", True)
    assert not (await town.check())["is_available"]
    await town.approve()
    info = await town.check()
    assert (info["is_available"], info["label"], info["is_mandatory"]) == (True, "v1", True)
    assert (info["description"], info["target_binary_range"]) == ("First.", "1.0.0")
    assert info["package_hash"] == hash_of(files_of("one"))
    assert [each["isDisabled"] for each in await town.history()] == [False]
    fetched = await town.http.get(info["download_url"])
    assert fetched.content == bundle(files_of("one"))
    assert len(fetched.content) == info["package_size"]
    assert (await town.http.get(CHECK, params={"deployment_key": "x" * 30, "app_version": "1.0.0"})).status_code == 404

"""The whole way of a hotfix: made, approved by a second person, released, on a device, withdrawn, gone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hotfix_scene import Scene, hotfix_scene

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


async def test_a_broken_app_is_mended_and_the_mending_is_taken_back(scene: Scene) -> None:
    phone = await scene.phone()
    await phone.round()
    assert await phone.page() == "broken()\n"
    submitted = await scene.submit({"app.js": b"works()\n", "new/more.js": b"more()", "data/rates.json": None}, n=1)
    assert (submitted["state"], submitted["stack"], submitted["on"]) == ("in_review", [1], [])
    published = await scene.approve(1)
    assert published["state"] == "published"
    assert await phone.hotfix() is None  # not released yet
    release = await scene.give(1)
    assert await scene.stacks() == [(1, ("1",), published["digest"])]
    told = await phone.hotfix()
    assert (told["n"], told["patches"], told["digest"], told["release"]) == (1, ["1"], published["digest"], release)
    await phone.round()
    assert await phone.page() == "works()\n"
    assert await phone.page("new/more.js") == "more()"
    withdrawn = await scene.withdraw(1)
    assert (withdrawn["state"], withdrawn["withdrawn"]["cause"]) == ("withdrawn", "it is wrong")
    assert await scene.stacks() == []
    assert await phone.hotfix() is None
    await phone.round()
    assert await phone.page() == "broken()\n"
    assert (await scene.done("GET", f"/releases/{release}"))["state"] == "stopped"

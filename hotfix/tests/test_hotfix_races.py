"""Two at once, and kill -9 of the server between the steps: one of both happens, or nothing of a step does."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hotfix_scene import EVERYTHING, Scene, hotfix_scene

from sampan.hotfix.repository import Record, find_hotfix
from sampan.hotfix.withdrawing import withdraw_hotfix
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.release.repository import releases_of
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_artifacts import SYSTEM, packed_app
from sampan.platform.testing_trust import APP, HOUR_MS, NOW_MS, Clock
from sampan.platform.trust import service as trust

pytestmark = pytest.mark.anyio
CHILD = Path(__file__).with_name("hotfix_kill_child.py")
PATHS = os.pathsep.join(str(Path(__file__).resolve().parents[2] / part) for part in ("platform/tests", "hotfix/tests"))
SUBMIT = f"/apps/{APP}/versions/1/hotfixes"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with hotfix_scene(tmp_path) as made:
        yield made


async def test_of_two_that_take_one_number_one_gets_it(scene: Scene) -> None:
    bodies = [await scene.body_of({"app.js": text}, n=1) for text in (b"one\n", b"two\n")]
    answers = await asyncio.gather(*(scene.call("POST", SUBMIT, body, as_=scene.publisher) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] in ("hotfix_number_taken", "hotfix_open")
    assert (await scene.done("GET", SUBMIT))["total"] == 1


async def test_so_it_is_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with hotfix_scene(tmp_path, postgres_url=postgres_url) as scene:
        await test_of_two_that_take_one_number_one_gets_it(scene)
        await scene.approve(1)
        await scene.fix({"info.txt": b"two\n"}, n=2, on=[1])
        await scene.give(2)
        phone = await scene.phone()
        assert (await phone.hotfix())["patches"] == ["1", "2"]
        await scene.withdraw(1)
        assert (await phone.hotfix())["patches"] == ["2"]


async def test_two_approvals_at_once_are_one(scene: Scene) -> None:
    submitted = await scene.submit({"app.js": b"one\n"}, n=1)
    digest = {"digest": submitted["review_digest"]}
    path = f"{scene.path(1)}/approve"
    answers = await asyncio.gather(*(scene.call("POST", path, digest, as_=scene.reviewer) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    await scene.expose()
    assert (await scene.done("GET", scene.path(1)))["state"] == "published"


async def test_a_withdrawal_beside_an_approval_wins_or_comes_after_it(scene: Scene) -> None:
    submitted = await scene.submit({"app.js": b"one\n"}, n=1)
    digest = {"digest": submitted["review_digest"]}
    await asyncio.gather(
        scene.call("POST", f"{scene.path(1)}/approve", digest, as_=scene.reviewer),
        scene.call("POST", f"{scene.path(1)}/withdraw", {"cause": "no"}, as_=scene.maker),
    )
    await scene.expose()
    assert (await scene.done("GET", scene.path(1)))["state"] == "withdrawn"
    draft = {"kind": "hotfix", "id": f"{APP}@1", "sequence": 1, "audience": {"all": []}}
    assert await scene.refused("POST", "/releases", draft) == (409, "not_releasable")


async def test_an_approval_that_finds_another_base_asks_for_a_new_signature(scene: Scene) -> None:
    submitted = await scene.submit({"app.js": b"one\n"}, n=1)
    await scene.publishing.submit(packed_app(scene.folder, 2))
    await scene.publishing.approve(2)  # and not visible yet
    digest = {"digest": submitted["review_digest"]}
    approve = f"{scene.path(1)}/approve"
    assert await scene.refused("POST", approve, digest, as_=scene.reviewer) == (409, "body_base_moved")
    assert (await scene.done("GET", scene.path(1)))["state"] == "needs_signature"


@contextlib.asynccontextmanager
async def _after_the_kill(folder: Path, step: str) -> AsyncIterator[Core]:
    command = [sys.executable, str(CHILD), str(folder), step]
    environment = {**os.environ, "PYTHONPATH": PATHS}
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, timeout=240, check=False, env=environment
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    async with running_core(folder / "server", components=EVERYTHING, now_ms=Clock(NOW_MS + HOUR_MS)) as core:
        yield core


async def _record(core: Core) -> Record | None:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return await find_hotfix(tx, APP, 1, 1)


async def _stacks(core: Core) -> list[tuple[str, ...]]:
    async with core.store.workspace(WORKSPACE).read() as tx:
        control = await trust.current_control(tx, APP)
    assert control is not None
    return [stack.patches for stack in control.stacks]


async def _is_listed(core: Core) -> bool:
    async with core.store.workspace(WORKSPACE).read() as tx:
        role = await trust.current_role(tx, "intl", f"app.{APP}")
    assert role is not None
    return b"hotfix-1.json" in role.body


async def test_a_submission_that_was_cut_off_is_gone(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "submit") as core:
        assert await _record(core) is None
        assert not await _is_listed(core)


async def test_an_approval_that_was_cut_off_did_not_happen(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "approve") as core:
        found = await _record(core)
        assert found is not None
        assert found.state is VersionState.IN_REVIEW
        assert not await _is_listed(core)


async def test_what_was_approved_becomes_visible_after_the_next_start(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "expose") as core:
        assert await _is_listed(core)
        await trust.publish_tree(core, WORKSPACE, "intl")
        found = await _record(core)
        assert found is not None
        assert found.is_live


async def test_a_release_that_was_cut_off_did_not_start(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "give") as core:
        assert await _stacks(core) == []
        async with core.store.workspace(WORKSPACE).read() as tx:
            found = await releases_of(tx, "hotfix", f"{APP}@1")
        assert [(each.state, each.started_ms) for each in found] == [("submitted", 0)]


async def test_a_withdrawal_that_was_cut_off_did_not_happen_and_happens_when_it_is_asked_again(tmp_path: Path) -> None:
    async with _after_the_kill(tmp_path, "withdraw") as core:
        found = await _record(core)
        assert found is not None
        assert found.is_live
        assert await _stacks(core) == [("1",)]
        await withdraw_hotfix(core, WORKSPACE, SYSTEM, APP, 1, 1, cause="again")
        assert await _stacks(core) == []

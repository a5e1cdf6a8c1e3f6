"""What no device is sent to goes, after its time, and nothing else; a crash leaves a file or none, and no row alone."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from codepush_scene import APP, CONSOLE, Scene, bundle, files_of, hash_of, scene
from sqlalchemy import select

from sampan.codepush import collecting
from sampan.codepush.collecting import collect, run_collector
from sampan.codepush.component import component
from sampan.codepush.storage import bundle_key, bundles_key, new_object_id, uploads_key
from sampan.codepush.tables import bundles, differences
from sampan.platform.component import Background
from sampan.platform.core import Core, system_clock_ms
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

pytestmark = pytest.mark.anyio
CHILD = Path(__file__).with_name("codepush_kill_child.py")
PATHS = os.pathsep.join(str(Path(__file__).resolve().parents[2] / part) for part in ("platform/tests", "hotfix/tests"))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MONTH_MS = 31 * DAY_MS


class Watch:
    """The real time, and what a test puts before it."""

    ahead_ms = 0

    def __call__(self) -> int:
        return system_clock_ms() + self.ahead_ms


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def town(tmp_path: Path, watch: Watch) -> AsyncIterator[Scene]:
    async with scene(tmp_path, now_ms=watch) as found:
        yield found


async def files_in(core: Core, workspace_id: str = WORKSPACE) -> set[str]:
    return {key.rsplit("/", 1)[1] async for key in core.objects.keys(bundles_key(workspace_id))}


async def rows_in(core: Core, workspace_id: str = WORKSPACE) -> set[str]:
    async with core.store.workspace(workspace_id).read() as tx:
        found: set[str] = set()
        for table in (bundles, differences):
            statement = select(table.c.object_id).where(table.c.workspace_id == workspace_id)
            found |= set((await tx.execute(statement)).scalars())
    return found


async def rounds(core: Core, workspace_id: str = WORKSPACE) -> None:
    """Collect twice: rows go first, their files in the next round."""
    for _ in range(2):
        await collect(core, workspace_id)
    await core.replica.poll()


async def fetched(town: Scene, label: str) -> int:
    (url,) = [each["blobUrl"] for each in await town.history() if each["label"] == label]
    return (await town.http.get(url)).status_code if url else 0


async def test_a_refused_release_loses_its_bundle_after_its_time_and_stays_in_the_history(
    town: Scene, watch: Watch
) -> None:
    await town.released("one")
    await town.release("two")
    (waiting,) = await town.waiting()
    await town.decide(waiting, "reject")
    await town.work()
    watch.ahead_ms = 29 * DAY_MS
    await rounds(town.core)
    assert len(await rows_in(town.core)) == 2, "a refused release is kept for keep_refused_days"
    watch.ahead_ms = MONTH_MS
    await rounds(town.core)
    assert len(await rows_in(town.core)) == len(await files_in(town.core)) == 1
    watch.ahead_ms = 0
    assert [(each["label"], each["isDisabled"]) for each in await town.history()] == [("v1", False), ("v2", True)]
    assert (await fetched(town, "v1"), await fetched(town, "v2")) == (200, 0)
    assert (await town.patch(label="v2", isDisabled=False)).status_code == 409
    assert (await town.release("two")).status_code == 201, "it may be released again"
    assert await rows_in(town.core) <= await files_in(town.core)


async def test_nothing_refused_goes_where_it_is_kept_for_ever(tmp_path: Path, watch: Watch) -> None:
    async with scene(tmp_path, now_ms=watch, keep_refused_days=0) as town:
        await town.release("one")
        (waiting,) = await town.waiting()
        await town.decide(waiting, "reject")
        watch.ahead_ms = 12 * MONTH_MS
        await rounds(town.core)
        assert len(await rows_in(town.core)) == len(await files_in(town.core)) == 1


async def test_a_release_that_waited_in_vain_is_refused_with_its_bundle(town: Scene, watch: Watch) -> None:
    await town.release("one")
    (waiting,) = await town.waiting()
    watch.ahead_ms = 8 * DAY_MS
    await rounds(town.core)
    assert len(await files_in(town.core)) == 1, "expired: its maker can renew the request"
    watch.ahead_ms = 8 * DAY_MS + MONTH_MS
    await rounds(town.core)
    assert await rows_in(town.core) == await files_in(town.core) == set()
    watch.ahead_ms = 0
    body = {"digest": waiting["digest"], "payload": waiting["payload"]}
    renewed = await town.http.put(f"{CONSOLE}/changes/{waiting['id']}", headers=town.maker, json=body)
    assert (renewed.status_code, "Release it again" in renewed.text) == (409, True), renewed.text
    approve = f"{CONSOLE}/changes/{waiting['id']}/approve"
    approved = await town.http.post(approve, headers=town.checker, json={"digest": waiting["digest"]})
    assert (approved.status_code, "Release it again" in approved.text) == (409, True), approved.text
    await town.decide(waiting, "reject")  # it can still be closed
    assert (await town.release("one")).status_code == 201


async def test_a_bundle_stays_as_long_as_one_deployment_needs_it(town: Scene, watch: Watch) -> None:
    await town.released("one")
    await town.http.post(f"/codepush/apps/{APP}/deployments/Production/promote/Staging", headers=town.tool, json={})
    (waiting,) = await town.waiting()
    await town.decide(waiting, "reject")
    await town.patch(isDisabled=True)
    watch.ahead_ms = MONTH_MS
    await rounds(town.core)
    assert len(await rows_in(town.core)) == len(await files_in(town.core)) == 1, "whoever may can enable v1 again"
    watch.ahead_ms = 0
    await town.patch(isDisabled=False)
    await town.approve()
    assert await fetched(town, "v1") == 200


async def test_differences_go_a_day_after_nobody_is_sent_to_their_label(town: Scene, watch: Watch) -> None:
    for text in ("one", "two"):
        await town.released(text)
    await town.work()
    old = await town.check(package_hash=hash_of(files_of("one")), label="v1")
    await town.released("three")
    await town.work()
    await rounds(town.core)
    assert (await town.http.get(old["download_url"])).status_code == 200, "somebody was told of it just now"
    watch.ahead_ms = DAY_MS + HOUR_MS
    await collect(town.core, WORKSPACE)
    assert len(await files_in(town.core)) == 3 + 3, "the row went, its file goes in the next round"
    await rounds(town.core)
    assert (await town.http.get(old["download_url"])).status_code == 404
    assert len(await files_in(town.core)) == 3 + 2
    assert await files_in(town.core) == await rows_in(town.core)
    (*_, two, three) = await town.history()
    assert (len(two["diffPackageMap"]), len(three["diffPackageMap"])) == (0, 2)


async def test_what_is_offered_again_gets_its_differences_back(town: Scene, watch: Watch) -> None:
    for text in ("one", "two", "three"):
        await town.released(text)
    await town.work()
    await rounds(town.core)
    watch.ahead_ms = DAY_MS + HOUR_MS
    await rounds(town.core)
    watch.ahead_ms = 0
    whole = await town.patch(label="v3", isDisabled=True)
    assert whole.status_code == 200
    await town.work()
    again = await town.check(package_hash=hash_of(files_of("one")), label="v1")
    (_one, two, _three) = await town.history()
    assert again["label"] == "v2"
    assert again["package_size"] < two["size"]
    assert (await town.http.get(again["download_url"])).status_code == 200


async def test_a_mark_is_taken_back_when_a_label_is_offered_again(town: Scene, watch: Watch) -> None:
    for text in ("one", "two", "three"):
        await town.released(text)
    await town.work()
    await rounds(town.core)
    await town.patch(label="v3", isDisabled=True)
    watch.ahead_ms = DAY_MS + HOUR_MS
    await rounds(town.core)
    watch.ahead_ms = 0
    assert len([each for each in await town.history() if each["diffPackageMap"]]) == 2, "v3's were needed until now"
    assert (await town.check(package_hash=hash_of(files_of("one"))))["label"] == "v2"


async def test_what_is_taken_in_beside_a_round_stands(town: Scene, watch: Watch) -> None:
    """The same ZIP again, while the refused one of before goes: whoever comes later has a file of their own."""
    await town.release("one")
    (waiting,) = await town.waiting()
    await town.decide(waiting, "reject")
    watch.ahead_ms = MONTH_MS
    await collect(town.core, WORKSPACE)  # the row is gone, its file not yet
    watch.ahead_ms = 0
    answer = await town.release("one")
    assert answer.status_code == 201, answer.text
    watch.ahead_ms = 2 * HOUR_MS
    await rounds(town.core)
    assert len(await files_in(town.core)) == 1
    watch.ahead_ms = 0
    await town.approve()
    assert await fetched(town, "v2") == 200
    await asyncio.gather(town.release("two"), *(collect(town.core, WORKSPACE) for _ in range(5)))
    await town.approve()
    assert await fetched(town, "v3") == 200


async def test_files_without_a_row_go_after_an_hour(town: Scene, watch: Watch) -> None:
    data = bundle(files_of("one"))
    for _ in range(2):  # the same ZIP twice: the second is refused late, or not needed
        await town.upload(data, {"appVersion": "1.0.0"})
    await town.core.objects.put(bundle_key(WORKSPACE, new_object_id()), b"half done")
    await collect(town.core, WORKSPACE)
    assert len(await files_in(town.core)) == 2, "somebody may be about to write its row"
    watch.ahead_ms = HOUR_MS + 60_000
    assert await collect(town.core, WORKSPACE) == 1
    assert await files_in(town.core) == await rows_in(town.core)


async def test_uploads_in_pieces_go_after_a_day(town: Scene, watch: Watch) -> None:
    base = f"/codepush/v0.1/apps/us/{APP}/deployments/Production/uploads"
    begun = (await town.http.post(base, headers={"x-api-token": town.access_key})).json()
    address = f"/codepush/v0.1/upload/set_metadata/{begun['id']}"
    await town.http.post(address, params={"token": begun["token"], "file_Size": 10})
    watch.ahead_ms = DAY_MS - HOUR_MS
    assert await collect(town.core, WORKSPACE) == 0
    watch.ahead_ms = DAY_MS + HOUR_MS
    assert await collect(town.core, WORKSPACE) == 1
    assert [key async for key in town.core.objects.keys(uploads_key(WORKSPACE))] == []


async def test_a_removed_app_leaves_nothing_and_its_workspace_is_still_looked_at(
    town: Scene, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.core.objects.put(bundle_key(WORKSPACE, new_object_id()), b"of an upload that a crash cut off")
    assert (await town.http.delete(f"/codepush/apps/{APP}", headers=town.tool)).status_code == 204
    await town.core.replica.poll()
    watch.ahead_ms = 2 * HOUR_MS
    seen: list[str] = []
    done = asyncio.Event()

    async def note(core: Core, workspace_id: str) -> int:
        seen.append(workspace_id)
        count = await collect(core, workspace_id)
        done.set()
        return count

    monkeypatch.setattr(collecting, "collect", note)
    monkeypatch.setattr(collecting, "FIRST_SECONDS", 0)
    running = asyncio.ensure_future(run_collector(town.core))
    await asyncio.wait_for(done.wait(), 60)
    running.cancel()
    assert await files_in(town.core) == set()
    assert seen == [WORKSPACE], "a workspace that never had CodePush is left alone"
    assert run_collector in [each.run for each in component.everything() if isinstance(each, Background)]


async def test_two_workspaces_share_nothing(town: Scene, watch: Watch) -> None:
    other = await bearer_for(town.core, OTHER_WORKSPACE, await person_with(town.core, OTHER_WORKSPACE, "admin"))
    assert (await town.http.post(f"/w/{OTHER_WORKSPACE}/codepush/apps", headers=other, json={"name": APP})).is_success
    await town.core.objects.put(bundle_key(OTHER_WORKSPACE, new_object_id()), b"theirs")
    await town.released("one")
    watch.ahead_ms = MONTH_MS
    await rounds(town.core)
    assert len(await files_in(town.core, OTHER_WORKSPACE)) == 1
    await rounds(town.core, OTHER_WORKSPACE)
    assert await files_in(town.core, OTHER_WORKSPACE) == set()
    assert await files_in(town.core) == await rows_in(town.core) != set()


async def test_so_it_is_on_postgresql(tmp_path: Path, postgres_url: str, watch: Watch) -> None:
    async with scene(tmp_path, postgres_url=postgres_url, now_ms=watch) as town:
        await test_a_refused_release_loses_its_bundle_after_its_time_and_stays_in_the_history(town, watch)
        await test_releases_beside_rounds_keep_their_files(town)


async def test_releases_beside_rounds_keep_their_files(town: Scene) -> None:
    for n in range(4):
        await asyncio.gather(town.release(f"text {n}", "3.0.0"), *(collect(town.core, WORKSPACE) for _ in range(3)))
        await town.approve()
    assert await rows_in(town.core) <= await files_in(town.core)


@pytest.mark.parametrize("step", ["taking in", "forgetting", "removing"])
async def test_a_kill_leaves_a_file_or_none_and_no_row_without_its_file(
    tmp_path: Path, step: str, watch: Watch
) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(CHILD), str(tmp_path), step],
        capture_output=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": PATHS},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    watch.ahead_ms = MONTH_MS
    async with running_core(tmp_path, now_ms=watch) as core:
        assert await rows_in(core) <= await files_in(core)
        assert len(await files_in(core)) == {"taking in": 2, "forgetting": 2, "removing": 1}[step]
        await rounds(core)
        assert await files_in(core) == await rows_in(core)
        assert len(await files_in(core)) == 1

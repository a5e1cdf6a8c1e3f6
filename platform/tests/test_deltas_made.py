"""Deltas of published versions: made by the job, fetched by a device, collected when they are of no more use."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sampan.offline_packages.delta import apply_delta
from sampan.offline_packages.index import ArchiveEntry
from sampan.platform.deltas.choice import BASES, TARGETS, is_worth_serving, pairs
from sampan.platform.deltas.component import component as deltas_component
from sampan.platform.deltas.making import JOB, make_job
from sampan.platform.deltas.rows import Delta, read_deltas
from sampan.platform.engines.jobs import enqueue, jobs
from sampan.platform.insight.component import component as insight_component
from sampan.platform.insight.repository import note_inventory
from sampan.platform.testing import client
from sampan.platform.testing_artifacts import COMPONENTS, Publishing, packed_app, publishing_in, without_background
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
TEXT = "".join(f"line {number} of a text that stays as it is\n" for number in range(4_000))


class Scene:
    def __init__(self, made: Publishing) -> None:
        self.made = made
        self.archives: dict[int, bytes] = {}

    async def publish(self, sequence: int, text: str = TEXT) -> None:
        packed = packed_app(self.made.folder, sequence, files={"texts.js": text + f"// {sequence}"})
        self.archives[sequence] = packed.archive_path.read_bytes()
        await self.made.submit(packed)
        await self.made.approve(sequence)
        await self.made.expose()

    async def make(self) -> None:
        core = self.made.core
        runner = build_job_runner(core.store, [make_job(core)], now_ms=core.now_ms)
        assert await runner.poll() == 1
        await runner.idle()
        async with core.store.workspace(self.made.workspace).read() as tx:
            left = select(jobs.c.last_error).where(jobs.c.workspace_id == tx.workspace_id, jobs.c.kind == JOB)
            assert list(await tx.execute(left)) == []

    async def rows(self) -> list[Delta]:
        async with self.made.core.store.workspace(self.made.workspace).read() as tx:
            return await read_deltas(tx, self.made.app)

    async def fetched(self, row: Delta) -> tuple[int, bytes]:
        async with client(self.made.core) as http:
            path = f"/trust/{self.made.workspace}/intl/deltas/{row.base_sha256}-{row.target_sha256}"
            answer = await http.get(path)
            return answer.status_code, answer.content


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    plugged = (*COMPONENTS, insight_component, without_background(deltas_component))
    async with publishing_in(tmp_path, components=plugged) as made:
        yield Scene(made)


async def test_a_published_version_gets_deltas_from_those_before_that_a_device_can_use(scene: Scene) -> None:
    for sequence in (1, 2, 3):
        await scene.publish(sequence)
    await scene.make()
    rows = await scene.rows()
    assert [(row.base_sequence, row.target_sequence) for row in rows] == [(2, 3), (1, 3), (1, 2)]
    for row in rows:
        status, delta = await scene.fetched(row)
        target = scene.archives[row.target_sequence]
        assert status == 200
        assert len(delta) == row.delta_bytes < len(target) / 50
        made = apply_delta(scene.archives[row.base_sequence], delta, ArchiveEntry(len(target), row.target_sha256))
        assert made == target


async def test_a_delta_that_saves_too_little_is_noted_and_not_served(scene: Scene) -> None:
    await scene.publish(1)
    await scene.publish(2, random.Random(1).randbytes(90_000).hex())  # noqa: S311 - the same every time
    await scene.make()
    (row,) = await scene.rows()
    assert not row.is_served
    assert (await scene.fetched(row))[0] == 404


async def test_deltas_to_versions_that_are_no_longer_among_the_newest_are_taken_away(scene: Scene) -> None:
    await scene.publish(1)
    await scene.publish(2)
    await scene.make()
    (old,) = await scene.rows()
    for sequence in range(3, 3 + TARGETS):
        await scene.publish(sequence)
    await scene.make()
    assert old.target_sequence not in {row.target_sequence for row in await scene.rows()}
    assert (await scene.fetched(old))[0] == 404


async def test_what_a_device_says_of_another_kind_hides_nobody_who_holds_the_app(scene: Scene) -> None:
    newest = BASES + 2
    for sequence in range(1, newest + 1):
        await scene.publish(sequence)
    said = [*(("miniapp", 1) for _ in range(20)), *(("miniapp", newest) for _ in range(20)), ("shared", 1)]
    held = [
        {"device_id": f"dev_{n}", "kind": kind, "artefact_id": scene.made.app, "sequence": sequence}
        for n, (kind, sequence) in enumerate(said)
    ]
    async with scene.made.core.store.workspace(scene.made.workspace).write() as tx:
        rows = [{**each, "digest": "", "seen_ms": 1} for each in held]
        await note_inventory(tx, [str(each["device_id"]) for each in held], rows)
    await scene.make()
    assert (1, newest) in {(row.base_sequence, row.target_sequence) for row in await scene.rows()}


async def test_the_job_done_again_changes_nothing(scene: Scene) -> None:
    await scene.publish(1)
    await scene.publish(2)
    await scene.make()
    before = await scene.rows()
    async with scene.made.core.store.workspace(scene.made.workspace).write() as tx:
        await enqueue(tx, JOB, {"app": scene.made.app}, run_at_ms=scene.made.core.now_ms())
    await scene.make()
    assert await scene.rows() == before


async def test_an_address_that_is_no_pair_of_digests_is_not_looked_up(scene: Scene) -> None:
    async with client(scene.made.core) as http:
        for name in ("x", "0" * 64, f"{'0' * 64}-{'g' * 64}", f"{'0' * 64}-{'0' * 64}"):
            assert (await http.get(f"/trust/{scene.made.workspace}/intl/deltas/{name}")).status_code == 404


def test_bases_are_the_versions_just_before_and_those_that_many_devices_hold() -> None:
    published = list(range(1, 21))
    chosen = pairs(published, {3: 10, 4: 2, 19: 90})
    assert [base for base, target in chosen if target == 20] == [*range(19, 19 - BASES, -1), 3]
    assert {target for _, target in chosen} == {20, 19, 18}


def test_a_delta_is_worth_it_below_three_fifths_of_the_cheaper_other_way() -> None:
    assert is_worth_serving(59, files_bytes=100, whole_bytes=200)
    assert not is_worth_serving(60, files_bytes=100, whole_bytes=200)
    assert not is_worth_serving(60, files_bytes=200, whole_bytes=100)

"""Polls are shared, each caller sees what was committed before, and no stream of callers keeps anybody waiting."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import Cursor
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.workspaces.replica import Replica, SnapshotPart, StaleWorker
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[Replica]:
    async with running_core(tmp_path, components=()) as core:
        yield Replica(core.store, (), (), core.now_ms)


async def test_callers_who_never_cease_do_not_keep_the_others_waiting(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.poll()

    async def slow(_self: Replica) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    monkeypatch.setattr(Replica, "_poll_once", slow)
    absurd = Cursor(9, 10**9)
    callers = [asyncio.ensure_future(replica.catch_up(WORKSPACE, absurd))]
    while not callers[0].done() and len(callers) < 100:
        callers.append(asyncio.ensure_future(replica.catch_up(WORKSPACE, absurd)))
        await asyncio.sleep(0)
    assert len(callers) < 20
    await asyncio.gather(*callers)


async def test_a_poll_sees_what_was_committed_before_it_was_asked_for(replica: Replica) -> None:
    for _ in range(20):
        under_way = [asyncio.ensure_future(replica.poll()) for _ in range(3)]
        await asyncio.sleep(0)
        async with replica.store.workspace(WORKSPACE).write() as tx:
            revision = await raise_revision(tx)
        await replica.poll()
        assert replica.view(WORKSPACE).revision == revision
        await asyncio.gather(*under_way)


async def test_many_callers_share_two_polls(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    polls = 0
    poll_once = Replica._poll_once

    async def counted(self: Replica) -> None:
        nonlocal polls
        polls += 1
        await poll_once(self)

    monkeypatch.setattr(Replica, "_poll_once", counted)
    await asyncio.gather(*(replica.poll() for _ in range(50)))
    assert polls == 2


async def test_a_workspace_that_cannot_be_read_grows_old_alone(replica: Replica) -> None:
    broken, now_ms = {OTHER_WORKSPACE}, 1000

    async def load(tx: Transaction) -> str:
        if tx.workspace_id in broken:
            raise ValueError("a row that nobody can read")
        return tx.workspace_id

    replica.parts = (SnapshotPart("name", load, str),)
    replica.now_ms = lambda: now_ms
    await replica.poll()
    assert replica.view(WORKSPACE).parts == {"name": WORKSPACE}
    with pytest.raises(StaleWorker):
        replica.view(OTHER_WORKSPACE)
    broken.clear()
    await replica.poll()
    broken.add(OTHER_WORKSPACE)
    for workspace_id in (OTHER_WORKSPACE, WORKSPACE):
        async with replica.store.workspace(workspace_id).write() as tx:
            revision = await raise_revision(tx, "name")
    now_ms = 9000
    await replica.poll()
    assert replica.view(WORKSPACE).revision == revision
    assert (replica.age_ms(WORKSPACE), replica.age_ms(OTHER_WORKSPACE), replica.age_ms()) == (0, 8000, 8000)
    with pytest.raises(StaleWorker):
        await replica.catch_up(OTHER_WORKSPACE, revision)
    broken.clear()
    await replica.poll()
    assert replica.age_ms() == 0
    assert (await replica.catch_up(OTHER_WORKSPACE, revision)).revision == revision


async def test_a_caller_who_goes_away_stops_nobodys_poll(replica: Replica) -> None:
    waiting = [asyncio.ensure_future(replica.poll()) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[2:]] == [type(None)] * 2
    await replica.poll()
    assert replica.view(WORKSPACE).revision >= Cursor(1, 1)

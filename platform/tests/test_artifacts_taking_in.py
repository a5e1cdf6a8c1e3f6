"""Work on packages: few at once, also when their callers went away, and nothing left behind by a cancelled one."""

import asyncio
import threading
from pathlib import Path

import pytest

from sampan.offline_packages import Accepted, Policy, intake
from sampan.platform.artifacts import taking_in
from sampan.platform.artifacts.taking_in import AT_ONCE, in_thread
from sampan.platform.testing_artifacts import packed_app, publishing_in

pytestmark = pytest.mark.anyio


async def test_work_that_nobody_waits_for_keeps_its_turn_until_it_ends() -> None:
    begun, may_end, lock, running = threading.Semaphore(0), threading.Event(), threading.Lock(), [0, 0]

    def work() -> None:
        with lock:
            running[0] += 1
            running[1] = max(running)
        begun.release()
        may_end.wait(10)
        with lock:
            running[0] -= 1

    tasks = [asyncio.ensure_future(in_thread(work)) for _ in range(AT_ONCE)]
    for _ in tasks:
        await asyncio.to_thread(begun.acquire)
    following = asyncio.ensure_future(in_thread(work))
    for _ in range(20):
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)
    may_end.set()
    await asyncio.wait([*tasks, following])
    assert [task.cancelled() for task in tasks] == [True] * AT_ONCE
    assert running == [0, AT_ONCE]


async def test_a_submission_that_was_cancelled_leaves_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(source: Path, out: Path, policy: Policy) -> Accepted:
        accepted = intake(source, out, policy)
        begun.set()
        may_end.wait(10)
        return accepted

    monkeypatch.setattr(taking_in, "intake", slow)
    async with publishing_in(tmp_path) as publishing:
        task = asyncio.ensure_future(publishing.submit(packed_app(publishing.folder, 1)))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(publishing.core.objects.incoming.iterdir()) == []

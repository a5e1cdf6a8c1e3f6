"""Waiting and backing off, as the runners do it."""

import asyncio

import pytest

from sampan.platform.engines.doors import backoff_ms, wait_for_wake

pytestmark = pytest.mark.anyio


async def test_a_wake_or_the_time_ends_the_wait() -> None:
    wake = asyncio.Event()
    await wait_for_wake(wake, 0)
    wake.set()
    async with asyncio.timeout(5):
        await wait_for_wake(wake, 1000)


async def test_a_cancellation_that_meets_the_wake_up_is_not_lost() -> None:
    wake = asyncio.Event()

    async def loop() -> None:
        while True:
            wake.clear()
            await wait_for_wake(wake, 1000)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    for _ in range(10):
        wake.set()
        await asyncio.sleep(0)
    wake.set()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    assert done
    assert task.cancelled()


@pytest.mark.parametrize(("attempt", "wait_ms"), [(1, 1000), (2, 2000), (5, 16_000), (9, 60_000), (10_000, 60_000)])
def test_pauses_double_up_to_a_limit(attempt: int, wait_ms: int) -> None:
    assert backoff_ms(attempt, first_ms=1000, most_ms=60_000) == wait_ms

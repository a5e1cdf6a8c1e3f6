"""Looking up names: slow name servers hold up each other and nobody else."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest

from sampan.platform.guarded_calls import Destination, GuardedCalls, UpstreamFailed
from sampan.platform.name_lookups import OF_A_ZONE, NameLookups, NamesBusy

pytestmark = pytest.mark.anyio


class SlowZone:
    """Names that are answered when the test says so; those of `quick.example` at once."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.threads: set[str] = set()

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.threads.add(threading.current_thread().name)
        if not host.endswith("quick.example"):
            assert self.may_answer.wait(60)
        if host.startswith("missing."):
            raise OSError("no such name")
        return ["203.0.113.1"]


@pytest.fixture
def zone() -> Iterator[SlowZone]:
    slow = SlowZone()
    yield slow
    slow.may_answer.set()


async def asked(lookups: NameLookups, names: Sequence[str]) -> list[asyncio.Task[Sequence[str]]]:
    tasks = [asyncio.create_task(_ask(lookups, name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def _ask(lookups: NameLookups, name: str) -> Sequence[str]:
    return await lookups(name, 443)


async def test_a_slow_zone_takes_no_thread_of_the_process_and_not_all_places(zone: SlowZone) -> None:
    lookups = NameLookups(zone, places=64, seconds=60)
    slow = await asked(lookups, [f"{number}.evil.example" for number in range(OF_A_ZONE)])
    with pytest.raises(NamesBusy) as caught:
        await lookups("one.more.Evil.Example", 443)
    assert caught.value.facts["retry_after_seconds"] > 0
    assert await lookups("api.quick.example", 443) == ["203.0.113.1"]
    assert not any(name.startswith(("asyncio_", "ThreadPool")) for name in zone.threads)
    zone.may_answer.set()
    assert await asyncio.gather(*slow) == [["203.0.113.1"]] * OF_A_ZONE
    assert await lookups("again.evil.example", 443) == ["203.0.113.1"]


async def test_all_zones_together_have_a_bound(zone: SlowZone) -> None:
    lookups = NameLookups(zone, places=3, seconds=60)
    slow = await asked(lookups, [f"api.evil{number}.example" for number in range(3)])
    with pytest.raises(NamesBusy):
        await lookups("api.quick.example", 443)
    zone.may_answer.set()
    await asyncio.gather(*slow)


async def test_a_name_that_takes_too_long_is_given_up_and_keeps_its_place(zone: SlowZone) -> None:
    lookups = NameLookups(zone, places=1, seconds=0.01)
    calls = GuardedCalls(resolve=lookups)
    with pytest.raises(UpstreamFailed) as caught:
        await calls.call(Destination("https", "slow.example", 443, "/"), "GET", {}, b"", seconds=30)
    assert caught.value.facts["reason"] == "timeout"
    with pytest.raises(NamesBusy):
        await calls.call(Destination("https", "slow.example", 443, "/"), "GET", {}, b"", seconds=30)
    await calls.close()


async def test_who_is_not_known_is_told_so(zone: SlowZone) -> None:
    zone.may_answer.set()
    with pytest.raises(OSError, match="no such name"):
        await NameLookups(zone)("missing.example", 443)

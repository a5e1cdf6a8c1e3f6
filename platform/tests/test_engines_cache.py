"""The contract of cache, counters and nonces. Another implementation is one parameter more per fixture."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.engines.cache import (
    Cache,
    CounterMissing,
    Counters,
    CountersFull,
    LocalCache,
    LocalCounters,
    LocalNonces,
    Nonces,
    NoncesFull,
)
from sampan.platform.engines.keys import BadKey, Key, workspace_key

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000
KEEP = 300_000
KEY = workspace_key("demo", "one")
TWO = workspace_key("demo", "two")
THREE = workspace_key("demo", "three")


@pytest.fixture(params=["local"])
def cache(request: pytest.FixtureRequest) -> Cache:
    assert request.param == "local"
    return LocalCache()


@pytest.fixture(params=["local"])
def counters(request: pytest.FixtureRequest) -> Counters:
    assert request.param == "local"
    return LocalCounters()


@pytest.fixture(params=["local"])
def nonces(request: pytest.FixtureRequest) -> Nonces:
    assert request.param == "local"
    return LocalNonces(now_ms=NOW, keep_ms=KEEP)


def nonce(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def test_a_value_lives_until_its_time_is_over(cache: Cache) -> None:
    assert await cache.get(KEY, now_ms=NOW) is None
    await cache.set(KEY, b"value", ttl_ms=1000, now_ms=NOW)
    assert await cache.get(KEY, now_ms=NOW + 999) == b"value"
    assert await cache.get(KEY, now_ms=NOW + 1000) is None
    await cache.set(KEY, b"again", ttl_ms=0, now_ms=NOW)
    assert await cache.get(KEY, now_ms=NOW) is None


async def test_a_value_is_replaced_and_deleted(cache: Cache) -> None:
    await cache.set(KEY, b"1", ttl_ms=1000, now_ms=NOW)
    await cache.set(KEY, b"2", ttl_ms=1000, now_ms=NOW)
    assert await cache.get(KEY, now_ms=NOW) == b"2"
    await cache.delete(KEY)
    await cache.delete(KEY)
    assert await cache.get(KEY, now_ms=NOW) is None


async def test_only_keys_reach_cache_and_counters(cache: Cache, counters: Counters) -> None:
    with pytest.raises(BadKey):
        await cache.set(Key("one"), b"x", ttl_ms=1, now_ms=NOW)
    with pytest.raises(BadKey):
        await cache.get(Key("one"), now_ms=NOW)
    with pytest.raises(BadKey):
        await counters.increment(Key("one"), window_ms=1, now_ms=NOW)


async def test_the_least_recently_used_value_goes_first() -> None:
    cache = LocalCache(max_entries=2)
    await cache.set(KEY, b"1", ttl_ms=1000, now_ms=NOW)
    await cache.set(TWO, b"2", ttl_ms=1000, now_ms=NOW)
    await cache.get(KEY, now_ms=NOW)
    await cache.set(THREE, b"3", ttl_ms=1000, now_ms=NOW)
    assert [await cache.get(key, now_ms=NOW) for key in (KEY, TWO, THREE)] == [b"1", None, b"3"]


async def test_values_are_bounded_by_bytes_too() -> None:
    cache = LocalCache(max_bytes=10)
    await cache.set(KEY, b"12345", ttl_ms=1000, now_ms=NOW)
    await cache.set(TWO, b"12345", ttl_ms=1000, now_ms=NOW)
    await cache.set(TWO, b"123456", ttl_ms=1000, now_ms=NOW)
    assert await cache.get(KEY, now_ms=NOW) is None
    await cache.set(THREE, b"x" * 11, ttl_ms=1000, now_ms=NOW)
    assert [await cache.get(key, now_ms=NOW) for key in (TWO, THREE)] == [b"123456", None]


async def test_a_count_rises_until_its_window_ends(counters: Counters) -> None:
    async def add(after_ms: int, by: int = 1) -> int:
        return await counters.increment(KEY, window_ms=1000, now_ms=NOW + after_ms, by=by)

    assert [await add(0), await add(1, by=3), await add(999)] == [1, 4, 5]
    assert await counters.count(KEY, now_ms=NOW + 999) == 5
    assert [await add(1000), await add(1999), await add(2000)] == [1, 2, 1]


async def test_a_missing_count_is_not_zero(counters: Counters) -> None:
    with pytest.raises(CounterMissing):
        await counters.count(KEY, now_ms=NOW)
    await counters.increment(KEY, window_ms=1000, now_ms=NOW)
    with pytest.raises(CounterMissing):
        await counters.count(KEY, now_ms=NOW + 1000)


async def test_a_reset_count_starts_anew(counters: Counters) -> None:
    await counters.increment(KEY, window_ms=1000, now_ms=NOW, by=5)
    await counters.reset(KEY)
    await counters.reset(KEY)
    assert await counters.increment(KEY, window_ms=1000, now_ms=NOW) == 1


async def test_concurrent_additions_are_all_counted(counters: Counters) -> None:
    additions = (counters.increment(KEY, window_ms=1000, now_ms=NOW) for _ in range(100))
    assert sorted(await asyncio.gather(*additions)) == list(range(1, 101))


async def test_running_counters_are_never_dropped_for_new_ones() -> None:
    counters = LocalCounters(max_counters=2)
    await counters.increment(KEY, window_ms=5000, now_ms=NOW)
    await counters.increment(TWO, window_ms=1000, now_ms=NOW)
    with pytest.raises(CountersFull):
        await counters.increment(THREE, window_ms=1000, now_ms=NOW)
    assert await counters.increment(KEY, window_ms=5000, now_ms=NOW + 1) == 2
    assert await counters.increment(THREE, window_ms=1000, now_ms=NOW + 1000) == 1
    assert await counters.increment(KEY, window_ms=5000, now_ms=NOW + 1001) == 3


async def test_a_nonce_is_new_once_per_key(nonces: Nonces) -> None:
    assert await nonces.add("key-1", nonce(1), NOW)
    assert not await nonces.add("key-1", nonce(1), NOW + 1)
    assert await nonces.add("key-2", nonce(1), NOW + 1)
    assert await nonces.add("key-1", nonce(2), NOW + 1)


async def test_nonces_say_since_when_they_know(nonces: Nonces) -> None:
    assert nonces.remembers_since_ms == NOW


async def test_a_nonce_has_one_length(nonces: Nonces) -> None:
    for wrong in (b"", b"x" * 15, b"x" * 17):
        with pytest.raises(ValueError, match="16 bytes"):
            await nonces.add("key-1", wrong, NOW)


@given(
    st.lists(
        st.tuples(st.integers(0, 120_000), st.sampled_from(["a", "b"]), st.integers(0, 8)),
        min_size=1,
        max_size=60,
    )
)
def test_within_its_time_a_nonce_is_never_forgotten(steps: list[tuple[int, str, int]]) -> None:
    async def check() -> None:
        nonces, now = LocalNonces(now_ms=NOW, keep_ms=KEEP, shards=2), NOW
        used: dict[tuple[str, int], int] = {}
        for passed, key_id, number in steps:
            now += passed
            is_new = await nonces.add(key_id, nonce(number), now)
            first_used = used.get((key_id, number))
            if first_used is None or now - first_used > 2 * KEEP + 240_000:
                assert is_new
            elif now - first_used < KEEP:
                assert not is_new
            if is_new:
                used[key_id, number] = now

    asyncio.run(check())


async def test_old_nonces_make_room() -> None:
    nonces = LocalNonces(now_ms=NOW, keep_ms=KEEP, max_per_key=10)
    for step in range(10):
        now = NOW + step * 2 * KEEP
        assert all([await nonces.add("key", nonce(number), now) for number in range(10)])


async def test_a_key_that_used_its_share_is_refused_and_nothing_is_forgotten() -> None:
    nonces = LocalNonces(now_ms=NOW, keep_ms=KEEP, max_per_key=10)
    for number in range(10):
        assert await nonces.add("greedy", nonce(number), NOW + number * 29_000)
    with pytest.raises(NoncesFull):
        await nonces.add("greedy", nonce(10), NOW + KEEP - 1)
    assert not await nonces.add("greedy", nonce(9), NOW + KEEP - 1)
    assert await nonces.add("modest", nonce(0), NOW + KEEP - 1)


async def test_a_clock_that_ran_ahead_and_came_back_is_like_a_restart() -> None:
    nonces = LocalNonces(now_ms=NOW, keep_ms=KEEP, max_total=8, shards=1)
    ahead = NOW + 100 * KEEP
    for number in range(8):
        assert await nonces.add("key", nonce(number), ahead)
    assert nonces.remembers_since_ms == NOW
    assert not await nonces.add("key", nonce(99), NOW + 5)
    assert nonces.remembers_since_ms == NOW + 5  # not sure of what was used before ...
    assert await nonces.add("key", nonce(99), NOW + 6)  # ... but not full until that day comes again
    assert not await nonces.add("key", nonce(99), NOW + 4)


async def test_a_full_store_refuses() -> None:
    nonces = LocalNonces(now_ms=NOW, keep_ms=KEEP, max_total=5, shards=1)
    for number in range(5):
        assert await nonces.add(f"key-{number}", nonce(0), NOW)
    with pytest.raises(NoncesFull):
        await nonces.add("one-more", nonce(0), NOW)
    assert not await nonces.add("key-0", nonce(0), NOW)

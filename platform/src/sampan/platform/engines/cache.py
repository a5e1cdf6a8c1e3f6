"""Short-lived shared memory: a cache that may forget, counters that may not, and nonces seen once.

Times are passed in as milliseconds since the epoch. Methods are coroutines because the fleet
implementations ask a server; the embedded ones never wait.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import ClassVar, Protocol

from sampan.platform.engines.keys import Key, checked
from sampan.platform.errors import TooMany, Unavailable

NONCE_BYTES = 16
SWEEP_EVERY_MS = 1000


class CounterMissing(Unavailable):
    """Nothing was counted in the present window, or the count was lost: do not read it as zero."""

    code: ClassVar[str] = "counter_missing"


class CountersFull(Unavailable):
    """No further counter fits in memory, and running ones are never dropped."""

    code: ClassVar[str] = "counters_full"


class NoncesFull(TooMany):
    """The key, or the store, holds all the nonces it may; none is dropped before its time."""

    code: ClassVar[str] = "nonces_full"


class Cache(Protocol):
    """Values that can be computed again. Any of them may be gone at any time."""

    async def get(self, key: Key, *, now_ms: int) -> bytes | None:
        """Return the value, or None when it is unknown or over its time."""

    async def set(self, key: Key, value: bytes, *, ttl_ms: int, now_ms: int) -> None:
        """Keep `value` for at most `ttl_ms`."""

    async def delete(self, key: Key) -> None:
        """Forget the value."""


class Counters(Protocol):
    """Counts that refuse something: rate limits and lock-outs.

    Take an attempt with `increment` before the work, compare its answer with the limit, and `reset` after
    success. That holds for concurrent attempts and never mistakes a lost count for a fresh one.
    """

    async def increment(self, key: Key, *, window_ms: int, now_ms: int, by: int = 1) -> int:
        """Add `by` and return the count; the first addition starts a window of `window_ms`.

        Raise `CountersFull` instead of forgetting a running counter.
        """

    async def count(self, key: Key, *, now_ms: int) -> int:
        """Return the count of the running window; raise `CounterMissing` when there is none, never zero."""

    async def reset(self, key: Key) -> None:
        """Start anew with the next addition."""


class Nonces(Protocol):
    """Which nonces were used, for at least the time they are kept."""

    @property
    def remembers_since_ms(self) -> int:
        """Nothing before this is known: routes that fail closed refuse requests stamped earlier."""

    async def add(self, key_id: str, nonce: bytes, now_ms: int) -> bool:
        """Return True when this 16-byte nonce is new for `key_id`, else False; raise `NoncesFull`.

        Call it only after the signature verified, or strangers fill the store.
        """


class LocalCache:
    """The cache of one process: least recently used values go first, by count and by bytes."""

    def __init__(self, *, max_entries: int = 100_000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._values: OrderedDict[Key, tuple[bytes, int]] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0

    async def get(self, key: Key, *, now_ms: int) -> bytes | None:
        """See `Cache.get`."""
        found = self._values.get(checked(key))
        if found is None:
            return None
        value, expires_ms = found
        if now_ms >= expires_ms:
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return value

    async def set(self, key: Key, value: bytes, *, ttl_ms: int, now_ms: int) -> None:
        """See `Cache.set`."""
        self._drop(checked(key))
        if ttl_ms <= 0 or len(value) > self._max_bytes:
            return
        self._values[key] = (value, now_ms + ttl_ms)
        self._bytes += len(value)
        while len(self._values) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._values)))

    async def delete(self, key: Key) -> None:
        """See `Cache.delete`."""
        self._drop(checked(key))

    def _drop(self, key: Key) -> None:
        value, _ = self._values.pop(key, (b"", 0))
        self._bytes -= len(value)


class LocalCounters:
    """The counters of one process."""

    def __init__(self, *, max_counters: int = 200_000) -> None:
        self._counts: dict[Key, tuple[int, int]] = {}
        self._max_counters = max_counters
        self._next_sweep_ms = 0

    async def increment(self, key: Key, *, window_ms: int, now_ms: int, by: int = 1) -> int:
        """See `Counters.increment`."""
        count, ends_ms = self._counts.get(checked(key), (0, 0))
        if now_ms >= ends_ms:
            count, ends_ms = 0, now_ms + window_ms
            if key not in self._counts:
                self._make_room(now_ms)
        self._counts[key] = (count + by, ends_ms)
        return count + by

    async def count(self, key: Key, *, now_ms: int) -> int:
        """See `Counters.count`."""
        count, ends_ms = self._counts.get(checked(key), (0, 0))
        if now_ms >= ends_ms:
            raise CounterMissing("The count of attempts is not known. Try again later.")
        return count

    async def reset(self, key: Key) -> None:
        """See `Counters.reset`."""
        self._counts.pop(checked(key), None)

    def _make_room(self, now_ms: int) -> None:
        """Drop ended windows when full, looking through all of them at most once in `SWEEP_EVERY_MS`."""
        if len(self._counts) >= self._max_counters and now_ms >= self._next_sweep_ms:
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now_ms}
            self._next_sweep_ms = now_ms + SWEEP_EVERY_MS
        if len(self._counts) >= self._max_counters:
            raise CountersFull("Too many callers at once to count them all. Try again later.", retry_after_seconds=5)


class LocalNonces:
    """The nonces of one process, in shards of two generations each.

    A generation takes nonces for `keep_ms`, then becomes the older one and is dropped whole after another
    `keep_ms`; so each nonce is remembered for `keep_ms` to twice that. Shards turn at different moments and
    stay small, so that neither growing nor dropping a set holds a request up. A clock that ran ahead and came
    back has dropped too much: from then on it is as after a restart.
    """

    def __init__(
        self,
        *,
        now_ms: int,
        keep_ms: int = 300_000,
        max_per_key: int = 20_000,
        max_total: int = 5_000_000,
        shards: int = 64,
    ) -> None:
        self._keep_ms = keep_ms
        self._max_per_key = max_per_key
        self._sizes = shards, max_total // shards or 1
        self._begin(now_ms)

    def _begin(self, now_ms: int) -> None:
        self.remembers_since_ms = self._latest_ms = now_ms
        count, size = self._sizes
        self._shards = [_Shard(now_ms - n * self._keep_ms // count, self._keep_ms, size) for n in range(count)]

    async def add(self, key_id: str, nonce: bytes, now_ms: int) -> bool:
        """See `Nonces.add`."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has exactly {NONCE_BYTES} bytes")
        if now_ms < self._latest_ms - self._keep_ms:
            self._begin(now_ms)
            return False  # its caller looked at `remembers_since_ms` before that changed
        self._latest_ms = max(self._latest_ms, now_ms)
        seal = blake2b(nonce + key_id.encode(), digest_size=16).digest()
        # All nonces of one key stand in one shard, which therefore can count them.
        shard = self._shards[hash(key_id) % len(self._shards)]
        return shard.add(key_id, seal, now_ms, self._max_per_key)


class _Generation:
    def __init__(self) -> None:
        self.seals: set[bytes] = set()
        self.per_key: dict[str, int] = {}


class _Shard:
    def __init__(self, turned_ms: int, keep_ms: int, max_nonces: int) -> None:
        self._turned_ms = turned_ms
        self._keep_ms = keep_ms
        self._max_nonces = max_nonces
        self._young, self._old = _Generation(), _Generation()

    def add(self, key_id: str, seal: bytes, now_ms: int, max_per_key: int) -> bool:
        self._turn(now_ms)
        young, old = self._young, self._old
        if seal in young.seals or seal in old.seals:
            return False
        used = young.per_key.get(key_id, 0)
        if used + old.per_key.get(key_id, 0) >= max_per_key:
            raise NoncesFull("This key sends too many requests. Slow down.", retry_after_seconds=60)
        if len(young.seals) + len(old.seals) >= self._max_nonces:
            raise NoncesFull("The server sees too many signed requests. Try again later.", retry_after_seconds=60)
        young.seals.add(seal)
        young.per_key[key_id] = used + 1
        return True

    def _turn(self, now_ms: int) -> None:
        passed = now_ms - self._turned_ms
        if passed < self._keep_ms:
            return
        self._old = self._young if passed < 2 * self._keep_ms else _Generation()
        self._young = _Generation()
        self._turned_ms = now_ms

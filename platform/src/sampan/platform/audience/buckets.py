"""Buckets: the sticky place of a key among 10,000, by which percentages are rolled out. Pure.

The place is MurmurHash3 (x86, 32 bits, seed 0; Austin Appleby, public domain) of `salt:key` modulo 10,000. A salt is
kept as long as one release lives, so a higher percentage only adds keys, and the next release has another one, so the
same people are not always first. With `UNLEASH_STEPS` the places are those of Unleash's gradual rollout.
"""

from collections.abc import Callable
from struct import unpack_from

from msgspec import Struct

STEPS = 10_000
UNLEASH_STEPS = 100
_M = 0xFFFFFFFF


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """Return MurmurHash3_x86_32 of the bytes as an unsigned number, without any library."""
    h = seed & _M
    blocks = len(data) // 4
    for k in unpack_from(f"<{blocks}I", data):
        k = k * 0xCC9E2D51 & _M
        k = (k << 15 | k >> 17) * 0x1B873593 & _M
        h ^= k
        h = ((h << 13 | h >> 19) * 5 + 0xE6546B64) & _M
    if tail := data[blocks * 4 :]:
        k = int.from_bytes(tail, "little") * 0xCC9E2D51 & _M
        h ^= (k << 15 | k >> 17) * 0x1B873593 & _M
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & _M
    h = (h ^ h >> 13) * 0xC2B2AE35 & _M
    return h ^ h >> 16


murmur3: Callable[[bytes], int]
try:
    from mmh3 import mmh3_32_uintdigest as murmur3
except ImportError:  # no wheel for this machine: the same hash, slower
    murmur3 = murmur3_32


class Buckets(Struct, frozen=True):
    """The places under one salt. `steps` is 10,000, or 100 for the places of Unleash, which are spread over 10,000."""

    salt: str
    steps: int = STEPS

    def place(self, key: str) -> int:
        """Return the place of the key, 0 to 9,999."""
        return murmur3(f"{self.salt}:{key}".encode()) % self.steps * (STEPS // self.steps)

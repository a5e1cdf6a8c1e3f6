"""What strangers' secrets cost: a made-up one is counted before anything is read for it.

A secret that was good here lately is never counted, so nobody who is signed in is locked out by a neighbour behind the
same address. One that was unknown is remembered for a minute and refused without a read. Only digests are kept.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sampan.platform.engines.keys import Key, system_key, workspace_key
from sampan.platform.errors import TooMany
from sampan.platform.operators.attempts import network_of_source
from sampan.platform.operators.session_rows import hash_of

if TYPE_CHECKING:
    from sampan.platform.core import Core

MINUTE_MS = 60_000
GOOD_MS = 10 * MINUTE_MS
UNKNOWN_A_MINUTE = 120
YES = b"1"
Found = TypeVar("Found")


class TooManySecrets(TooMany):
    """Too many unknown sessions or tokens came from this address in a minute."""

    code: ClassVar[str] = "too_many_secrets"


async def guarded(
    core: "Core", workspace_id: str, secret: str, source: str, find: Callable[[], Awaitable[Found | None]]
) -> Found | None:
    """Return what `find` reads for a secret; None, without reading, for one that was unknown a moment ago.

    Raises `TooManySecrets` when `source`, the caller's address, sent too many unknown ones this minute.
    """
    digest, now_ms = hash_of(secret), core.now_ms()
    good, unknown = _key(workspace_id, "good", digest), _key(workspace_id, "unknown", digest)
    if await core.cache.get(unknown, now_ms=now_ms) is not None:
        return None
    is_known = await core.cache.get(good, now_ms=now_ms) is not None
    tries = system_key("secrets", network_of_source(source))
    if not is_known and await core.counters.increment(tries, window_ms=MINUTE_MS, now_ms=now_ms) > UNKNOWN_A_MINUTE:
        raise TooManySecrets(
            "Too many unknown sessions or tokens came from your address. Wait a minute, then sign in again.",
            retry_after_seconds=MINUTE_MS // 1000,
        )
    found = await find()
    if found is None:
        await core.cache.set(unknown, YES, ttl_ms=MINUTE_MS, now_ms=now_ms)
    elif not is_known:
        await core.counters.increment(tries, window_ms=MINUTE_MS, now_ms=now_ms, by=-1)
        await core.cache.set(good, YES, ttl_ms=GOOD_MS, now_ms=now_ms)
    return found


def _key(workspace_id: str, what: str, digest: str) -> Key:
    return workspace_key(workspace_id, "secret", what, digest)

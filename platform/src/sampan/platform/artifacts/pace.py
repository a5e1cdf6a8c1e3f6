"""How fast one person may send packages and have them looked into: so many at once, so many a minute.

Reading a package costs a thread for seconds, and there are two for everybody. Machine tokens count as their owner.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator

from sampan.platform.core import Core
from sampan.platform.engines.keys import workspace_key
from sampan.platform.errors import TooMany
from sampan.platform.operators.actor import Actor

MINUTE_MS = 60_000
A_MINUTE = 60
AT_ONCE = 4


class UploadPace(TooMany):
    """One person uploads, or has uploads looked into, too fast or too many at once."""

    code = "upload_pace"


class _AtWork(Counter[tuple[str, str, str]]):
    """How many of what each person has under way in this process, by workspace."""


async def count_one(core: Core, workspace_id: str, actor: Actor, what: str) -> None:
    """Count one more `upload` or `inspect` of a person's minute; raise `UploadPace`."""
    key = workspace_key(workspace_id, "limit", f"package-{what}", actor.person_id)
    if await core.counters.increment(key, window_ms=MINUTE_MS, now_ms=core.now_ms()) > A_MINUTE:
        raise UploadPace(f"You may do this {A_MINUTE} times a minute. Wait a minute.", retry_after_seconds=60)


@contextlib.contextmanager
def at_work(core: Core, workspace_id: str, actor: Actor, what: str) -> Iterator[None]:
    """Count something as long as it lasts; raise `UploadPace` when the person has too many under way."""
    under_way, key = core.shared(_AtWork, lambda _core: _AtWork()), (workspace_id, actor.person_id, what)
    if under_way[key] >= AT_ONCE:
        raise UploadPace(f"{AT_ONCE} of yours are under way; wait for one of them.", retry_after_seconds=5)
    under_way[key] += 1
    try:
        yield
    finally:
        under_way[key] -= 1
        if not under_way[key]:
            del under_way[key]

"""The publisher job: one background task per process that keeps every tree published and freshly signed.

A wake-up only makes it look sooner; the look at all trees once a second is the truth. Changes that come within
300 ms of each other share a snapshot.
"""

import asyncio
import os
import socket

from sampan.platform.core import Core
from sampan.platform.engines.doors import wait_for_wake
from sampan.platform.logs import Log
from sampan.platform.trust.exposure import Exposed, publish_round
from sampan.platform.trust.making import TIMESTAMP_EVERY
from sampan.platform.trust.memory import TrustMemory
from sampan.platform.trust.tree_rows import TREES_DOOR, LeaseLost, Tree, all_trees
from sampan.platform.trust.waking import PUBLISHER_WAKES

TOGETHER_SECONDS = 0.3
LOOK_SECONDS = 1.0
AFTER_FAILURE_MS = 5_000
log = Log("trust")


async def run_publisher(core: Core) -> None:
    """Publish what is due, until cancelled; the first look completes what a crash left half exposed."""
    wake = asyncio.Event()
    unsubscribe = core.bus.subscribe(PUBLISHER_WAKES, lambda _payload: wake.set())
    failed: dict[tuple[str, str], int] = {}
    try:
        while True:
            wake.clear()
            await _look(core, failed)
            await wait_for_wake(wake, LOOK_SECONDS)
            if wake.is_set():
                await asyncio.sleep(TOGETHER_SECONDS)
    finally:
        unsubscribe()


async def publish_tree(core: Core, workspace_id: str, profile: str) -> Exposed | None:
    """Bring one tree up to date now; rounds of one process never overlap. See `exposure.publish_round`."""
    async with core.shared(TrustMemory, TrustMemory).lock(workspace_id, profile):
        return await publish_round(core, workspace_id, profile, holder=holder_name(core))


def holder_name(core: Core) -> str:
    """Return the name that leases are held under.

    An embedded database belongs to one server process at a time, so its next start may take its own lease back
    at once; in a fleet a lease of a dead process must run out.
    """
    return "embedded" if core.store.database.dialect == "sqlite" else f"{socket.gethostname()}-{os.getpid()}"


def is_due(tree: Tree, now_ms: int) -> bool:
    """Whether a tree has something to expose or to sign again."""
    if tree.made_timestamp != tree.exposed_timestamp or tree.changed != tree.exposed_changed:
        return True
    return tree.exposed_timestamp > 0 and now_ms - tree.exposed_ms >= TIMESTAMP_EVERY.total_seconds() * 1000


async def _look(core: Core, failed: dict[tuple[str, str], int]) -> None:
    try:
        async with core.store.system(TREES_DOOR).read() as tx:
            trees = await all_trees(tx)
    except Exception:
        # The database may be away for a while; the job must outlive that, and the log says so.
        log.exception("publisher_cannot_look")
        return
    for tree in trees:
        name, now_ms = (tree.workspace_id, tree.profile), core.now_ms()
        if not is_due(tree, now_ms) or now_ms < failed.get(name, 0):
            continue
        try:
            await publish_tree(core, *name)
            failed.pop(name, None)
        except LeaseLost:
            log.warning("publisher_lease_lost", workspace=name[0], tree=name[1])
        except Exception:
            # One tree that cannot be signed must not keep the others from being fresh.
            failed[name] = now_ms + AFTER_FAILURE_MS
            log.exception("publisher_failed", workspace=name[0], tree=name[1])

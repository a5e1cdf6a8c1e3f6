"""Removes what no client can ask for any more: snapshots and timestamps that others replaced more than a day ago.

The publisher signs a timestamp every hour and a snapshot with every change, for ever. Everything else stays: every
numbered root (a client walks through all of them), targets, control and app bodies. What was current a day ago stays
too, so that a client which is in the middle of an update finds the files that its timestamp names.
"""

import asyncio

from sampan.platform.core import Core
from sampan.platform.logs import Log
from sampan.platform.trust.metadata_rows import delete_bodies, superseded_versions
from sampan.platform.trust.profiles import SNAPSHOT, TIMESTAMP
from sampan.platform.trust.tree_rows import TREES_DOOR, all_trees, tree_row
from sampan.platform.trust.waking import metadata_key

KEEP_MS = 24 * 3600 * 1000
FIRST_SECONDS, EVERY_SECONDS = 60.0, 3600.0
AT_ONCE = 200
log = Log("trust")


async def run_collector(core: Core) -> None:
    """Collect from all trees now and then, until cancelled."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        try:
            async with core.store.system(TREES_DOOR).read() as tx:
                trees = await all_trees(tx)
            for tree in trees:
                await collect(core, tree.workspace_id, tree.profile)
        except Exception:
            log.exception("trust_collection_failed")  # the next round tries again
        await asyncio.sleep(EVERY_SECONDS)


async def collect(core: Core, workspace_id: str, profile: str) -> int:
    """Remove the superseded snapshots and timestamps of a tree; return how many bodies went.

    Files go before rows, so that what a crash leaves is found again. A tree whose last round is not exposed yet
    is left alone: clients still see what the round before made.
    """
    door, count = core.store.workspace(workspace_id), 0
    for role in (SNAPSHOT, TIMESTAMP):
        while True:
            async with door.read() as tx:
                tree = await tree_row(tx, profile)
                if tree.made_timestamp != tree.exposed_timestamp:
                    return count
                before_ms = core.now_ms() - KEEP_MS
                versions = await superseded_versions(tx, profile, role, before_ms=before_ms, limit=AT_ONCE)
            if not versions:
                break
            for version in versions if role == SNAPSHOT else ():  # timestamps have one file, which is replaced
                await core.objects.delete(metadata_key(workspace_id, profile, f"{version}.{role}.json"))
            async with door.write() as tx:
                await delete_bodies(tx, profile, role, versions)
            count += len(versions)
    return count

"""Removes what no device is sent to and nobody can bring back: bundles, differences, uploads in pieces.

A bundle goes when each label of it was refused, or waited in vain, `keep_refused_days` ago; its label stays as refused.
One that was ever approved stays: whoever may can enable it, go back to it or promote it. A difference goes a day after
the last label that devices are sent to by it; who was told of it just before still finds it. Files without a row, which
a refusal or a crash left, go after an hour, and uploads in pieces after a day.

Rows go before their files, which the next round removes: until then every server has heard of it. Every upload is an
object of its own, so what is taken in meanwhile is never what goes. A crash leaves a file without a row at most.
"""

import asyncio
from itertools import groupby

from sampan.codepush import repository
from sampan.codepush.part import PART
from sampan.codepush.records import offered
from sampan.codepush.storage import bundles_key, uploads_key
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.keys import Key
from sampan.platform.logs import Log
from sampan.platform.workspaces.revisions import raise_revision

HOUR_MS = 3_600_000
ORPHAN_AGE_MS, DAY_MS = HOUR_MS, 24 * HOUR_MS
FIRST_SECONDS, EVERY_SECONDS = 90.0, 3600.0
log = Log("codepush")


async def run_collector(core: Core) -> None:
    """Collect from all workspaces with CodePush now and then, until cancelled."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        for workspace_id in core.replica.workspaces:
            try:
                if core.replica.view(workspace_id).parts[PART] is not None:
                    await collect(core, workspace_id)
            except Exception:
                log.exception("codepush_collection_failed", workspace=workspace_id)  # the next round tries again
        await asyncio.sleep(EVERY_SECONDS)


async def collect(core: Core, workspace_id: str) -> int:
    """Remove files that nothing names, then rows that nobody needs; return how many files went."""
    now_ms, kept_days = core.now_ms(), core.settings.keep_refused_days
    async with core.store.workspace(workspace_id).read() as tx:
        named = await repository.object_ids(tx)
    count = await _delete_old(core, bundles_key(workspace_id), -1, now_ms - ORPHAN_AGE_MS, named)
    count += await _delete_old(core, uploads_key(workspace_id), -2, now_ms - DAY_MS)
    async with core.store.workspace(workspace_id).write() as tx:
        if kept_days:
            await repository.give_up_bundles(tx, await repository.given_up(tx, before_ms=now_ms - kept_days * DAY_MS))
        if await repository.forget_differences(
            tx, await _needed(tx), now_ms=now_ms, unneeded_before_ms=now_ms - DAY_MS
        ):
            await raise_revision(tx, PART)
    return count


async def _needed(tx: Transaction) -> set[str]:
    """Return the bundles that devices are sent to, or will be when a second person agrees."""
    approved = groupby(await repository.approved_releases(tx), key=lambda each: each.deployment_id)
    sent_to = {each.bundle for _deployment, releases in approved for each in offered(list(releases))}
    return sent_to | await repository.waiting_bundles(tx)


async def _delete_old(core: Core, below: Key, part: int, before_ms: int, named: frozenset[str] = frozenset()) -> int:
    """Delete what stands below and was made before this time, by the id that is this part of its key."""
    count = 0
    async for key in core.objects.keys(below):
        object_id = key.split("/")[part]
        if object_id not in named and _made_ms(object_id) < before_ms:
            await core.objects.delete(key)
            count += 1
    return count


def _made_ms(identifier: str) -> int:
    """Return the time inside an id of ours (UUIDv7); things with other names count as old."""
    try:
        return int(identifier.partition("_")[2][:12], 16)
    except ValueError:
        return 0

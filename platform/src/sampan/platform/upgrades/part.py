"""The snapshot part `app_upgrades`: what releases lead customers to now. None as long as there was never one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import part_revisions

if TYPE_CHECKING:
    from sampan.platform.release.repository import Release
    from sampan.platform.upgrades.compiled import CompiledUpgrades
    from sampan.platform.upgrades.repository import Upgrade

PART = "app_upgrades"
KIND = "app_upgrade"
Rows = tuple[Sequence["Release"], Mapping[tuple[str, int], "Upgrade"]]


async def load(tx: Transaction) -> Rows | None:
    """Read the releases of upgrades that offer now, and the upgrades; None when there never was a release."""
    statement = select(part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == PART
    )
    if (await tx.execute(statement)).one_or_none() is None:
        return None
    from sampan.platform.release.repository import offering_releases
    from sampan.platform.upgrades.repository import find_upgrades

    releases = await offering_releases(tx, kind=KIND)
    return releases, await find_upgrades(tx, {(each.deliverable_id, each.sequence) for each in releases})


def compile_part(rows: Rows | None) -> "CompiledUpgrades | None":
    """Compile the rows."""
    if rows is None:
        return None
    from sampan.platform.upgrades.compiled import compile_upgrades

    return compile_upgrades(*rows)


snapshot_part = SnapshotPart(PART, load, compile_part)

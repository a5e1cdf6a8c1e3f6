"""The snapshot part `codepush`: what devices of each deployment get. None as long as there was never a deployment."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import part_revisions

if TYPE_CHECKING:
    from sampan.codepush.checking import CodePushPart
    from sampan.codepush.records import Deployment, Difference, Release

PART = "codepush"
Rows = tuple[list["Deployment"], list["Release"], list["Difference"], dict[str, str]]


async def load(tx: Transaction) -> "Rows | None":
    """Read deployments, their approved labels and the differences to them; None when there never was any."""
    statement = select(part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == PART
    )
    if (await tx.execute(statement)).one_or_none() is None:
        return None
    from sampan.codepush import repository

    releases = await repository.approved_releases(tx)
    given_out = {each.bundle for each in releases if each.is_given_out}
    differences = await repository.find_differences(tx, given_out)
    return await repository.list_deployments(tx), releases, differences, await repository.find_object_ids(tx, given_out)


def compile_part(rows: "Rows | None") -> "CodePushPart | None":
    """Compile the rows."""
    if rows is None:
        return None
    from sampan.codepush.checking import compile_part as compiled

    return compiled(*rows)


snapshot_part = SnapshotPart(PART, load, compile_part)

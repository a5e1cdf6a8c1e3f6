"""The snapshot part `hotfixes`: what releases give now, and what digests mean. None as long as there was never one."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from sampan.hotfix.names import PART
from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart, WorkspaceView
from sampan.platform.workspaces.revisions import part_revisions

if TYPE_CHECKING:
    from sampan.hotfix.compiled import CompiledHotfixes, Rows


async def load(tx: Transaction) -> "Rows | None":
    """Read the releases of hotfixes, and the hotfixes that they give; None when there never was one."""
    statement = select(part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == PART
    )
    if (await tx.execute(statement)).one_or_none() is None:
        return None
    from sampan.hotfix.compiled import read_rows

    return await read_rows(tx)


def compile_part(rows: "Rows | None") -> "CompiledHotfixes | None":
    """Compile the rows."""
    if rows is None:
        return None
    from sampan.hotfix.compiled import compile_hotfixes

    return compile_hotfixes(rows)


def told_of(view: WorkspaceView, app_id: str, sequence: int, digest: str) -> tuple[str, int] | None:
    """Return the id and number of the hotfix that gives the package with this digest; None when there is none."""
    part: CompiledHotfixes | None = view.parts.get(PART)
    return None if part is None else part.by_digest.get((app_id, sequence, digest))


snapshot_part = SnapshotPart(PART, load, compile_part)

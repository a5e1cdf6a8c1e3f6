"""The snapshot part `switches`. It is None as long as a workspace never served one: then a start reads no code of ours.

What reads and compiles is imported with the first switch (docs/adr/0011).
"""

from typing import TYPE_CHECKING

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import part_revisions

if TYPE_CHECKING:
    from sampan.platform.switches.compiled import SwitchesPart
    from sampan.platform.switches.rollouts import SwitchRows

KIND = "switch"
PART = "switches"


async def load(tx: Transaction) -> "SwitchRows | None":
    """Read what is served, and what releases give instead; None when nothing ever was."""
    statement = select(part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == PART
    )
    if (await tx.execute(statement)).one_or_none() is None:
        return None
    from sampan.platform.switches.rollouts import read_rows

    return await read_rows(tx)


def compile_part(rows: "SwitchRows | None") -> "SwitchesPart | None":
    """Compile the rows."""
    if rows is None:
        return None
    from sampan.platform.switches.compiled import SwitchesPart

    return SwitchesPart([(each.text, each.salt) for each in rows.switches], rows.rollouts)


snapshot_part = SnapshotPart(PART, load, compile_part)

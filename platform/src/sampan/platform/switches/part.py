"""The snapshot part `switches`. It is None as long as a workspace never served one: then a start reads no code of ours.

What reads and compiles is imported with the first switch (docs/adr/0011).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import part_revisions

if TYPE_CHECKING:
    from sampan.platform.switches.compiled import SwitchesPart

PART = "switches"


async def load(tx: Transaction) -> Sequence[tuple[str, str]] | None:
    """Read the definition and the salt of what is served; None when nothing ever was."""
    statement = select(part_revisions.c.n).where(
        part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == PART
    )
    if (await tx.execute(statement)).one_or_none() is None:
        return None
    from sampan.platform.switches.repository import served_switches

    return await served_switches(tx)


def compile_part(switches: Sequence[tuple[str, str]] | None) -> "SwitchesPart | None":
    """Compile the rows."""
    if switches is None:
        return None
    from sampan.platform.switches.compiled import SwitchesPart

    return SwitchesPart(switches)


snapshot_part = SnapshotPart(PART, load, compile_part)

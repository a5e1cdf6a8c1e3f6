"""What releases keep of a customer who is erased: rules name nobody, and a place of a capped release is nobody's.

The place stays taken, or erasing one customer would let another in who is one too many.
"""

from sqlalchemy import select, update

from sampan.platform.audience.forgetting import forget_in
from sampan.platform.component import Forgets
from sampan.platform.engines.database import Transaction
from sampan.platform.ids import new_id
from sampan.platform.release.cap_rows import release_places
from sampan.platform.release.repository import releases
from sampan.platform.release.snapshot import PART
from sampan.platform.workspaces.revisions import part_revisions, raise_revision


async def _forget(tx: Transaction, customer_id: str, _subject: int) -> None:
    place = release_places.c
    await tx.execute(
        update(release_places)
        .where(place.workspace_id == tx.workspace_id, place.subject == customer_id)
        .values(subject=new_id("gone"))
    )
    if await forget_in(tx, customer_id, (releases.c.audience, releases.c.stages)):
        await raise_revision(tx, *await _served_parts(tx))


async def _served_parts(tx: Transaction) -> set[str]:
    """Return the parts that the workspace ever served: releases of every kind may be compiled into one of them."""
    statement = select(part_revisions.c.part).where(part_revisions.c.workspace_id == tx.workspace_id)
    return {PART, *(row.part for row in await tx.execute(statement))}


FORGETS = Forgets("releases", _forget)

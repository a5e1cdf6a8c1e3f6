"""The revision: one rising counter per workspace; each snapshot part remembers the value of its last change.

Raised in the transaction of the change itself, under the row's lock, so the order of revisions is the order
of commits and a reader that sees revision n sees everything up to n.
"""

from sqlalchemy import BigInteger, Column, Integer, String, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import FIRST_INCARNATION, Cursor, insert_or_ignore
from sampan.platform.engines.tables import scoped_table

revisions = scoped_table(
    "revisions",
    Column("incarnation", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
)
part_revisions = scoped_table(
    "part_revisions",
    Column("part", String(64), primary_key=True),
    Column("n", BigInteger, nullable=False),
)


async def raise_revision(tx: Transaction, *parts: str) -> Cursor:
    """Raise the workspace's revision, mark `parts` as changed by it, and return it; workers wake after COMMIT."""
    statement = (
        update(revisions)
        .where(revisions.c.workspace_id == tx.workspace_id)
        .values(n=revisions.c.n + 1)
        .returning(revisions.c.incarnation, revisions.c.n)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        values = {"workspace_id": tx.workspace_id, "incarnation": FIRST_INCARNATION, "n": 0}
        await tx.execute(insert_or_ignore(tx, revisions).values(values))
        row = (await tx.execute(statement)).one()
    for part in parts:
        await _mark(tx, part, row.n)
    tx.wake()
    return Cursor(row.incarnation, row.n)


async def current_revision(tx: Transaction) -> Cursor:
    """Return the workspace's revision as this transaction sees it."""
    statement = select(revisions.c.incarnation, revisions.c.n).where(revisions.c.workspace_id == tx.workspace_id)
    row = (await tx.execute(statement)).one_or_none()
    return Cursor(row.incarnation, row.n) if row else Cursor(FIRST_INCARNATION, 0)


async def _mark(tx: Transaction, part: str, n: int) -> None:
    values = {"workspace_id": tx.workspace_id, "part": part, "n": n}
    await tx.execute(insert_or_ignore(tx, part_revisions).values(values))
    await tx.execute(
        update(part_revisions)
        .where(part_revisions.c.workspace_id == tx.workspace_id, part_revisions.c.part == part)
        .values(n=n)
    )

"""What rules keep of a customer who is erased: nothing. A stand-in that nobody has takes the id's place.

Rules list customers by id. Where one is erased, every stored rule, also of history, names `NOBODY` instead: the rule
keeps its form and reaches exactly the others, and is compiled anew. What stays is told in docs/operations/devices.md.
"""

from collections.abc import Collection

from sqlalchemy import Column, func, update

from sampan.platform.audience.audience_rows import PART
from sampan.platform.audience.tables import audience_editions, audiences
from sampan.platform.component import Forgets
from sampan.platform.engines.database import Transaction
from sampan.platform.workspaces.revisions import raise_revision

NOBODY = f"cus_{'0' * 32}"


async def forget_in(tx: Transaction, customer_id: str, columns: Collection[Column[str]]) -> bool:
    """Let texts of stored rules name `NOBODY` in place of a customer; return whether any did name them."""
    is_changed = False
    for column in columns:
        table = column.table
        statement = (
            update(table)
            .where(table.c.workspace_id == tx.workspace_id, column.contains(customer_id, autoescape=True))
            .values({column.name: func.replace(column, customer_id, NOBODY)})
        )
        is_changed |= (await tx.execute(statement)).rowcount > 0
    return is_changed


async def _forget(tx: Transaction, customer_id: str, _subject: int) -> None:
    if await forget_in(tx, customer_id, (audiences.c.rule, audience_editions.c.rule)):
        await raise_revision(tx, PART)


FORGETS_IN_RULES = Forgets("saved audiences", _forget)

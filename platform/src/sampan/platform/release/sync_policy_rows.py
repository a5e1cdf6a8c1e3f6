"""How often devices ask what they should have: a policy of the workspace. Its row, and the SQL."""

from sqlalchemy import BigInteger, Column, Integer, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table

DEFAULT_CHECK_SECONDS = 1800
LEAST_CHECK_SECONDS, MOST_CHECK_SECONDS = 60, 86_400

release_policies = scoped_table(
    "release_policies",
    Column("sync_check_seconds", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
_P = release_policies.c


async def sync_check_seconds(tx: Transaction) -> int:
    """Return after how many seconds devices ask again at the latest."""
    statement = select(_P.sync_check_seconds).where(_P.workspace_id == tx.workspace_id)
    return (await tx.execute(statement)).scalar_one_or_none() or DEFAULT_CHECK_SECONDS


async def put_check_seconds(tx: Transaction, seconds: int, *, now_ms: int) -> None:
    """Store after how many seconds devices ask again."""
    values = {"sync_check_seconds": seconds, "changed_ms": now_ms}
    statement = insert_or(tx, release_policies).values(workspace_id=tx.workspace_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["workspace_id"], set_=values))

"""How long a workspace keeps what devices report. Records, and the SQL."""

from sqlalchemy import BigInteger, Column, Integer, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or
from sampan.platform.engines.tables import scoped_table

DEFAULT_KEEP_DAYS = 90
LEAST_KEEP_DAYS, MOST_KEEP_DAYS = 7, 1095

insight_policies = scoped_table(
    "insight_policies",
    Column("event_keep_days", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
_P = insight_policies.c


async def event_keep_days(tx: Transaction) -> int:
    """Return for how many days events are kept as they came."""
    statement = select(_P.event_keep_days).where(_P.workspace_id == tx.workspace_id)
    return (await tx.execute(statement)).scalar_one_or_none() or DEFAULT_KEEP_DAYS


async def put_keep_days(tx: Transaction, days: int, *, now_ms: int) -> None:
    """Store for how many days events are kept."""
    values = {"event_keep_days": days, "changed_ms": now_ms}
    statement = insert_or(tx, insight_policies).values(workspace_id=tx.workspace_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["workspace_id"], set_=values))

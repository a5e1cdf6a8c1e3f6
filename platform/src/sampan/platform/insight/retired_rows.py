"""Versions of which no device's signals are kept any more. Records, and the SQL."""

from collections.abc import Collection

from sqlalchemy import BigInteger, Column, String, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table

retired_versions = scoped_table(
    "retired_versions",
    Column("app", String(200), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
)
_R = retired_versions.c


async def is_retired(tx: Transaction, app: str, sequence: int) -> bool:
    """Whether what devices signalled of a version was removed."""
    own = (_R.workspace_id == tx.workspace_id, _R.app == app, _R.sequence == sequence)
    return (await tx.execute(select(_R.app).where(*own))).first() is not None


async def retire(tx: Transaction, versions: Collection[tuple[str, int]]) -> None:
    """Remember that signals of these versions go."""
    rows = [{"workspace_id": tx.workspace_id, "app": app, "sequence": number} for app, number in sorted(versions)]
    await tx.execute(insert_or_ignore(tx, retired_versions), rows)

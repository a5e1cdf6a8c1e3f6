"""Rows of the policy: all the SQL."""

import orjson
from sqlalchemy import BigInteger, Column, LargeBinary, insert, select, update

from sampan.miniapps.policy import AppPolicy, read_policy
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import scoped_table

policies = scoped_table(
    "miniapp_policies",
    Column("revision", BigInteger, nullable=False),
    Column("policy", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
_P = policies.c


async def current_policy(tx: Transaction) -> AppPolicy:
    """Return the workspace's policy; the strict one of `AppPolicy` before the first change."""
    statement = select(_P.policy).where(_P.workspace_id == tx.workspace_id)
    stored = (await tx.execute(statement)).scalar_one_or_none()
    return AppPolicy() if stored is None else read_policy(orjson.loads(stored))


async def policy_revision(tx: Transaction) -> str:
    """Return the number of the policy's last change, `0` before the first."""
    statement = select(_P.revision).where(_P.workspace_id == tx.workspace_id)
    return str((await tx.execute(statement)).scalar_one_or_none() or 0)


async def put_policy(tx: Transaction, policy: AppPolicy, *, now_ms: int) -> None:
    """Store the policy."""
    revision = int(await policy_revision(tx)) + 1
    values = {"revision": revision, "policy": orjson.dumps(policy.as_json()), "changed_ms": now_ms}
    if revision == 1:
        await tx.execute(insert(policies).values(workspace_id=tx.workspace_id, **values))
    else:
        await tx.execute(update(policies).where(_P.workspace_id == tx.workspace_id).values(**values))

"""The audit: one row per change, written in the change's own transaction, in a hash chain without gaps.

Only things that happened stand here. Refused reads and probes go to `security_log`, or strangers could
write the chain full. Rows carry ids, never names or other personal data: ids survive an erasure.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, insert, select

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import take_numbers
from sampan.platform.engines.tables import scoped_table
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit_chain import EMPTY, GENESIS, AuditRow, Head, row_hash

AUDIT_LOG = "audit"
HEAD_FIELD = "x-sampan-audit"

audit_rows = scoped_table(
    "audit_rows",
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("operator_id", String(64), nullable=False),
    Column("via", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(300), nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("previous", String(71), nullable=False),
    Column("hash", String(71), nullable=False),
    Index("ix_audit_rows_at", "workspace_id", "at_ms"),
    Index("ix_audit_rows_action", "workspace_id", "action", "n"),
    Index("ix_audit_rows_target", "workspace_id", "target", "n"),
    Index("ix_audit_rows_person", "workspace_id", "person_id", "n"),
)


async def record(
    tx: Transaction, actor: Actor, action: str, *, target: str, detail: Mapping[str, Any] | None = None, now_ms: int
) -> int:
    """Write the next row and return its number; it commits, or does not, together with the change.

    `action` is `thing.verb` (`release.stop`), `target` an id, `detail` JSON without fractions and without
    personal data.
    """
    n = await take_numbers(tx, AUDIT_LOG, 1)
    previous = await _hash_of(tx, n - 1)
    row = AuditRow(
        workspace_id=tx.workspace_id,
        n=n,
        at_ms=now_ms,
        actor_kind=str(actor.kind),
        person_id=actor.person_id,
        operator_id=actor.operator_id,
        via=actor.via,
        action=action,
        target=target,
        detail=canonical_json(dict(detail or {})),
        previous=previous,
        hash="",
    )
    row = replace(row, hash=row_hash(row))
    await tx.execute(insert(audit_rows).values({name: getattr(row, name) for name in AuditRow.__slots__}))
    tx.tell("changed", {"area": action.partition(".")[0]})
    return n


async def head(tx: Transaction) -> Head:
    """Return the last row's number and hash, which `timestamp.json` carries as `x-sampan-audit`."""
    statement = (
        select(audit_rows.c.n, audit_rows.c.hash)
        .where(audit_rows.c.workspace_id == tx.workspace_id)
        .order_by(audit_rows.c.n.desc())
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return Head(row.n, row.hash) if row else EMPTY


async def _hash_of(tx: Transaction, n: int) -> str:
    """Return the hash of row `n`. A missing row gives GENESIS: the break is for `verify` to tell, not for us."""
    statement = select(audit_rows.c.hash).where(audit_rows.c.workspace_id == tx.workspace_id, audit_rows.c.n == n)
    found = (await tx.execute(statement)).scalar_one_or_none()
    return str(found) if found else GENESIS

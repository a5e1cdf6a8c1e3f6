"""Where a promoted version was approved before: what its promoter said, kept beside the version. Records, and the SQL.

Nothing here was checked by this server: the other workspace may be on another one. It is shown as a claim with the
name of whoever made it, and the review of the version does not rest on it.
"""

from msgspec import Struct
from sqlalchemy import insert, select

from sampan.platform.artifacts.tables import version_origins as table
from sampan.platform.engines.database import Transaction


class OriginClaim(Struct, frozen=True):
    """A workspace on a server, and who is said to have approved exactly these bytes there, and when."""

    server: str
    workspace: str
    approved_by: str
    approved_ms: int


class Origin(Struct, frozen=True):
    """A claim, and who made it when."""

    claim: OriginClaim
    claimed_by: str
    claimed_ms: int


async def keep_origin(tx: Transaction, candidate_id: str, claim: OriginClaim, *, by: str, now_ms: int) -> None:
    """Store the claim that came with a version, unless one stands there already: the first one is kept."""
    if await origin_of(tx, candidate_id) is not None:
        return
    await tx.execute(
        insert(table).values(
            workspace_id=tx.workspace_id,
            candidate_id=candidate_id,
            server=claim.server,
            source=claim.workspace,
            approved_by=claim.approved_by,
            approved_ms=claim.approved_ms,
            claimed_by=by,
            claimed_ms=now_ms,
        )
    )


async def origin_of(tx: Transaction, candidate_id: str) -> Origin | None:
    """Return what was said of a version's origin; None for one that was not promoted."""
    c = table.c
    columns = (c.server, c.source, c.approved_by, c.approved_ms, c.claimed_by, c.claimed_ms)
    statement = select(*columns).where(c.workspace_id == tx.workspace_id, c.candidate_id == candidate_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    claim = OriginClaim(row.server, row.source, row.approved_by, row.approved_ms)
    return Origin(claim, row.claimed_by, row.claimed_ms)

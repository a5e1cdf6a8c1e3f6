"""Which candidates' files nobody needs any more. The SQL of the sweep."""

from sqlalchemy import and_, func, select

from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.tables import candidates, history, versions
from sampan.platform.engines.database import Transaction

GIVEN_UP = (VersionState.REJECTED, VersionState.WITHDRAWN)
"""States in which a version's files are kept for a while only; its rows and its audit stay."""


async def is_given_up(tx: Transaction, source_id: str, *, before_ms: int) -> bool:
    """Whether the files under this id are of a version that was rejected or withdrawn before this time."""
    v, c, h = versions.c, candidates.c, history.c
    statement = (
        select(v.candidate_id)
        .join(candidates, and_(c.workspace_id == v.workspace_id, c.id == v.candidate_id))
        .where(
            v.workspace_id == tx.workspace_id,
            c.workspace_id == tx.workspace_id,
            v.source_id == source_id,
            c.state.in_([state.value for state in GIVEN_UP]),
        )
        .limit(1)
    )
    candidate_id = (await tx.execute(statement)).scalar_one_or_none()
    if candidate_id is None:
        return False
    last = select(func.max(h.at_ms)).where(h.workspace_id == tx.workspace_id, h.candidate_id == candidate_id)
    at_ms: int | None = (await tx.execute(last)).scalar_one()
    return at_ms is not None and at_ms < before_ms

"""When releases began to reach more devices, for whoever measures how soon they are seen."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.insight.beginnings import Beginnings
from sampan.platform.release.repository import release_history
from sampan.platform.release.states import ReleaseState

_H = release_history.c


async def _read(tx: Transaction, releases: Collection[str]) -> Mapping[str, Sequence[int]]:
    """Return the moments at which these releases started, went on, or came to another stage."""
    statement = (
        select(_H.release_id, _H.at_ms)
        .where(
            _H.workspace_id == tx.workspace_id,
            _H.release_id.in_(sorted(releases)),
            _H.state == ReleaseState.RUNNING,
        )
        .order_by(_H.release_id, _H.at_ms)
    )
    found: dict[str, list[int]] = defaultdict(list)
    for row in await tx.execute(statement):
        found[row.release_id].append(row.at_ms)
    return found


BEGAN = Beginnings(_read)

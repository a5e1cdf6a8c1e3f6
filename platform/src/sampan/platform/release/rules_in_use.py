"""The rules that releases keep: what they name cannot be deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.platform.audience.references import RulesInUse, Use
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import MAX_LIMIT, Paging
from sampan.platform.release.repository import OLDEST, page_releases
from sampan.platform.release.stages import rule_in
from sampan.platform.release.states import ReleaseState

LIVING = tuple(state for state in ReleaseState if state not in (ReleaseState.STOPPED, ReleaseState.ROLLED_BACK))


async def _find(tx: Transaction) -> Sequence[tuple[Use, Mapping[str, Any]]]:
    kept: list[tuple[Use, Mapping[str, Any]]] = []
    for state in LIVING:
        cursor: str | None = None
        while True:
            found = await page_releases(tx, Paging(cursor, MAX_LIMIT), OLDEST, state=state)
            for each in found.items:
                use = Use("release", each.id, f"{each.deliverable_id} {each.version}")
                kept += [(use, rule_in(each.audience, stage)) for stage in each.stages]
            cursor = found.next_cursor
            if cursor is None:
                break
    return kept


RULES = RulesInUse("releases", _find)

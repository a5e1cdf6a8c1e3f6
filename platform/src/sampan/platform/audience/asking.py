"""Estimates that people ask for, wherever they ask: so many a minute, and of named persons only for who may explain."""

from typing import Any

from sampan.platform.audience.audience_rows import PART, AudiencesPart
from sampan.platform.audience.estimate import Estimate, estimate
from sampan.platform.audience.problems import ExplainLimit
from sampan.platform.audience.reach import singles_out
from sampan.platform.audience.references import checked_rule
from sampan.platform.audience.rules import Bucketing
from sampan.platform.core import Core
from sampan.platform.engines.keys import workspace_key
from sampan.platform.operators.actor import Actor

ASKS_A_MINUTE = 120
MINUTE_MS = 60_000


async def limit_asking(core: Core, workspace_id: str, actor: Actor) -> None:
    """Count one more question of a person; raise `ExplainLimit` beyond what a person reads in a minute."""
    key = workspace_key(workspace_id, "limit", "explain", actor.operator_id or "system")
    if await core.counters.increment(key, window_ms=MINUTE_MS, now_ms=core.now_ms()) > ASKS_A_MINUTE:
        raise ExplainLimit("Wait a minute, then ask again.", retry_after_seconds=60)


async def estimate_for(
    core: Core, workspace_id: str, actor: Actor, rule: object, bucketing: Bucketing | None = None
) -> Estimate:
    """Return the estimate of a rule to a person; raise `ExplainLimit`, `MissingPermission`, or a `BadRule`."""
    await limit_asking(core, workspace_id, actor)
    async with core.store.workspace(workspace_id).read() as tx:
        compiled = await checked_rule(tx, rule)
    audiences: AudiencesPart | dict[str, Any] = core.replica.view(workspace_id).parts.get(PART, {})
    if singles_out(compiled, audiences):  # its numbers can tell of one person
        actor.require("audience:explain")
    return await estimate(core, workspace_id, rule, bucketing)

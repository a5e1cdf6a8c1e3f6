"""How many customers and active devices a rule reaches, before anything is released by it. Consumes nothing.

No number tells of one person: few are only told to be few, who is left out is hidden likewise where they are few, and
all numbers are rounded, so that two rules that differ by one person are mostly told the same.
"""

import asyncio
import time
from typing import Any

from msgspec import Struct
from pyroaring import BitMap

from sampan.platform.audience.audience_rows import PART, AudiencesPart
from sampan.platform.audience.device_facts import PARTS, count_active, sample_active
from sampan.platform.audience.members import Column, numbers_of
from sampan.platform.audience.reach import Counted, World, count, customer_ids, is_set_rule, split, tier_sets
from sampan.platform.audience.references import checked_rule
from sampan.platform.audience.rules import Bucketing, CompiledRule, Condition, Group
from sampan.platform.audience.tags_service import states_of
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.subjects import LOG as SUBJECTS
from sampan.platform.identity.subjects import SubjectStates
from sampan.platform.identity.tiers import Tier

ACTIVE_DAYS = 30
DAY_MS = 24 * 3600 * 1000
SAMPLE = 20_000
SMALL = 20
STEP = 10
KEPT_TIMES = 20


class Reach(Struct, frozen=True):
    """How many: surely, and at most, when all of whom not enough is known belong too; rounded.

    `is_small`: fewer than 20, and nothing more is told. Where fewer than 20 are left out, `at_least` is 19 below the
    total and `at_most` the total, whoever they are.
    """

    at_least: int
    at_most: int
    total: int
    is_small: bool = False


class Estimate(Struct, frozen=True):
    """`customers` is exact where `is_exact`, else those of active devices; `sampled` devices were looked at."""

    customers: Reach
    devices: Reach
    is_exact: bool
    sampled: int
    active_days: int = ACTIVE_DAYS


class TierSets:
    """The customers by tier, as sets, of the workspaces that were asked about. One per process.

    They are kept for 20 times as long as they took to make: 10,000 customers are counted as they are, five million as
    they were at most some seconds ago.
    """

    def __init__(self, _core: Core) -> None:
        self._made: dict[str, tuple[float, dict[Tier, BitMap]]] = {}

    async def of(self, workspace_id: str, states: SubjectStates) -> dict[Tier, BitMap]:
        """Return the sets of one workspace."""
        until, sets = self._made.get(workspace_id, (0.0, {}))
        if time.monotonic() >= until:
            sets, seconds = await asyncio.to_thread(_timed_sets, bytes(states.tiers))
            self._made[workspace_id] = (time.monotonic() + KEPT_TIMES * seconds, sets)
        return sets


def _timed_sets(tiers: bytes) -> tuple[dict[Tier, BitMap], float]:
    """Return the sets, and how many seconds of CPU they took."""
    begun = time.thread_time()
    sets = tier_sets(tiers)
    return sets, time.thread_time() - begun


async def estimate(core: Core, workspace_id: str, rule: object, bucketing: Bucketing | None = None) -> Estimate:
    """Return how many a rule reaches; raise a `BadRule`. With the bucketing of a release, exactly its devices."""
    await core.replica.poll()  # what was entered a moment ago counts
    view, now_ms = core.replica.view(workspace_id), core.now_ms()
    since_ms = now_ms - ACTIVE_DAYS * DAY_MS
    async with core.store.workspace(workspace_id).read() as tx:
        compiled = await checked_rule(tx, rule, bucketing)
        active = await count_active(tx, since_ms=since_ms)
        parts = PARTS if active <= SAMPLE else max(1, PARTS * SAMPLE // active)
        devices = await sample_active(tx, view, since_ms=since_ms, now_ms=now_ms, parts=parts)
        world = await _world(core, tx, compiled)
    counted = await asyncio.to_thread(count, compiled, devices)
    scale = active / counted.looked_at if counted.looked_at else 1
    if _is_everybody(compiled):  # by its form, so that it tells of nobody
        everyone = len(world.everyone)
        return Estimate(Reach(everyone, everyone, everyone), Reach(active, active, active), True, 0)
    reached = told(counted.inside * scale, active - counted.outside * scale, active)
    if is_set_rule(compiled, world.audiences):
        found = await asyncio.to_thread(split, compiled, world)
        everyone = len(world.everyone)
        customers = told(len(found.inside), everyone - len(found.outside), everyone)
        return Estimate(customers, reached, True, counted.looked_at)
    return Estimate(_customers(counted, scale, len(world.everyone)), reached, False, counted.looked_at)


async def _world(core: Core, tx: Transaction, rule: CompiledRule) -> World:
    view = core.replica.view(tx.workspace_id)
    audiences: AudiencesPart | dict[str, Any] = view.parts.get(PART, {})
    states: SubjectStates = view.followed[SUBJECTS]
    tiers = await core.shared(TierSets, TierSets).of(tx.workspace_id, states)
    listed = await numbers_of(tx, Column.CUSTOMER, customer_ids(rule, audiences))
    return World(tiers, states_of(core, tx.workspace_id).members, audiences, listed)


def _customers(counted: Counted, scale: float, everyone: int) -> Reach:
    unsure = counted.looked_at - counted.inside - counted.outside
    least = len(counted.customers) * scale
    return told(least, least + unsure * scale, everyone)


def told(at_least: float, at_most: float, total: int) -> Reach:
    """Return what may be told of a number of people: see `Reach`."""
    least, most = round(at_least), max(round(at_least), min(round(at_most), total))
    if least < SMALL:
        return Reach(0, max(_rounded(most, total), SMALL - 1), total, is_small=most < SMALL)
    if total - most < SMALL:
        most = total
    if total - least < SMALL:
        return Reach(max(0, total - SMALL + 1), total, total)
    return Reach(_rounded(least, total), most if most == total else _rounded(most, total), total)


def _rounded(n: int, total: int) -> int:
    """Return `n` in steps of 10 below 1,000, of 100 below 10,000 and so on; never above the total."""
    step: int = max(STEP, 10 ** (len(str(n)) - 2))
    nearest = (n + step // 2) // step * step
    return nearest if nearest <= total else n // step * step


def _is_everybody(rule: CompiledRule) -> bool:
    match rule.root:
        case Group(word="all", parts=parts):
            return not parts
        case Condition(op="in") as condition:
            return condition.attribute.name == "tier" and set(condition.values) == set(Tier)
    return False

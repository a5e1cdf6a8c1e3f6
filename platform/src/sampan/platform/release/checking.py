"""Looking at everything that may speak against a release: when it is checked, handed in, and approved."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.platform.audience.asking import estimate_for
from sampan.platform.audience.audience_rows import list_audiences
from sampan.platform.audience.estimate import Reach
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import SampanError
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.release import conflicts
from sampan.platform.release.conflicts import Objection
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.drafts import Draft, checked
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.judging import evidence_before, work_out
from sampan.platform.release.releasable import kind_of, releasable
from sampan.platform.release.repository import Release, get_release, releases_of
from sampan.platform.release.stages import rule_in
from sampan.platform.release.states import OFFERING


class Checked(Struct, frozen=True):
    """What speaks against a release for certain, and what people should know besides."""

    conflicts: list[Objection]
    warnings: list[Objection]


class Reached(Struct, frozen=True):
    """How many active devices a release reaches at most in the stages whose gate counts them; see `reach_of`."""

    in_stages: Mapping[int, int]
    before: Evidence


class Asked:
    """What one person is told of the rules of one release: each distinct rule is estimated, and counted, once."""

    def __init__(self, core: Core, workspace_id: str, actor: Actor, release_id: str) -> None:
        self._core, self._workspace_id, self._actor = core, workspace_id, actor
        self._bucketing = Bucketing(release_id)
        self._told: dict[bytes, Reach | None] = {}

    async def devices(self, rule: Mapping[str, Any]) -> Reach | None:
        """Return how many devices a rule reaches; None where it names persons and this one may not explain.

        Raises `ExplainLimit`.
        """
        key = canonical_json(rule)
        if key not in self._told:
            try:
                found = await estimate_for(self._core, self._workspace_id, self._actor, rule, self._bucketing)
                self._told[key] = found.devices
            except MissingPermission:
                self._told[key] = None
        return self._told[key]


async def check_release(core: Core, workspace_id: str, actor: Actor, release_id: str) -> Checked:
    """Return all that is to be said of a release as it stands."""
    async with core.store.workspace(workspace_id).read() as tx:
        release = await get_release(tx, release_id)
    return await _check(core, workspace_id, actor, release)


async def check_draft(core: Core, workspace_id: str, actor: Actor, draft: Draft) -> Checked:
    """Return all that is to be said of a draft that nobody has saved yet; raise what creating it would raise."""
    actor.require("release:create", app=app_of(draft.deliverable_id))
    async with core.store.workspace(workspace_id).read() as tx:
        release = await checked(core, tx, actor, draft)
    return await _check(core, workspace_id, actor, release)


async def _check(core: Core, workspace_id: str, actor: Actor, release: Release) -> Checked:
    asked = Asked(core, workspace_id, actor, release.id)
    reached = await reach_of(core, workspace_id, release, asked)
    whole = await asked.devices(release.audience)
    is_empty = whole is not None and (whole.at_most == 0 or whole.is_small)
    async with core.store.workspace(workspace_id).read() as tx:
        found = await conflicts_of(core, tx, release, reached)
        warnings = await _warnings(core, tx, release, reached.before, is_empty=is_empty)
    return Checked(found, warnings)


async def reach_of(core: Core, workspace_id: str, release: Release, asked: Asked) -> Reached:
    """Estimate what gates can hear of; slow, and therefore outside of write transactions."""
    async with core.store.workspace(workspace_id).read() as tx:
        before = await evidence_before(tx, release)
    await work_out(release.stages, before)
    in_stages = {}
    for number, sample in conflicts.samples_of(release.stages, before).items():
        if sample is not None:
            devices = await asked.devices(rule_in(release.audience, release.stages[number]))
            if devices is not None and devices.total >= sample:  # a fleet that is too small itself may still grow
                in_stages[number] = devices.at_most
    return Reached(in_stages, before)


async def conflicts_of(core: Core, tx: Transaction, release: Release, reached: Reached | None) -> list[Objection]:
    """Return what certainly speaks against a release; without `reached`, nothing is said of too small stages."""
    now_ms, saved = core.now_ms(), {each.id: compile_rule(each.rule).root for each in await list_audiences(tx)}
    found = conflicts.nobody(release, saved, now_ms)
    is_anybody = not found
    found += conflicts.out_of_time(release, now_ms)
    if is_anybody:
        seen_by = kind_of(core, release.kind).seen_by
        tiers = await seen_by(tx, release.deliverable_id) if seen_by is not None else None
        others = await releases_of(tx, release.kind, release.deliverable_id)
        found += conflicts.overlapping(release, others, saved, now_ms)
        found += conflicts.too_wide(release, tiers, saved, now_ms)
    if reached is not None:
        found += conflicts.too_small(release.stages, reached.before, reached.in_stages)
    return found + await _without_way_back(core, tx, release)


async def _without_way_back(core: Core, tx: Transaction, release: Release) -> list[Objection]:
    if release.rollback_to is None:
        return []
    try:
        target = await releasable(core, tx, release.kind, release.deliverable_id, release.rollback_to)
    except SampanError as problem:
        zh = f"回滚目标（序号 {release.rollback_to}）未发布或已被禁用，请换一个。"
        return [
            Objection(
                "rollback_not_offerable", "rollback_to", zh, f"Choose another version to go back to: {problem.detail}"
            )
        ]
    if target.digest != release.rollback_digest:
        zh = f"回滚目标（序号 {release.rollback_to}）的内容在填写之后已变更，请重新保存或新建发布单。"
        en = "What the release would go back to was changed since. Save the draft again, or make a new one."
        return [Objection("rollback_not_offerable", "rollback_to", zh, en)]
    return []


async def _warnings(
    core: Core, tx: Transaction, release: Release, before: Evidence, *, is_empty: bool
) -> list[Objection]:
    saved = {each.id: compile_rule(each.rule).root for each in await list_audiences(tx)}
    offering = [each for each in await releases_of(tx, release.kind, release.deliverable_id) if each.state in OFFERING]
    found = conflicts.hidden(release, offering, saved, core.now_ms())
    found += conflicts.unknowable(release.stages, before)
    if is_empty:
        zh = "按目前的活跃设备估算，受众不足 20 台设备，可能没有设备。"
        en = "By the devices active now, the audience holds fewer than 20 devices, perhaps none."
        found.append(Objection("estimated_nobody", "audience", zh, en))
    return found

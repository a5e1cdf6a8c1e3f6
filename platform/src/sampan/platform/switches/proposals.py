"""Editions of a switch that nobody gets by themselves: releases give them, in stages, and completion to everyone."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from sampan.platform.audience.rules import EVERYONE
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import Deliverable
from sampan.platform.release.releasable import NotReleasable
from sampan.platform.release.repository import Release
from sampan.platform.release.stages import rule_in
from sampan.platform.switches.definition import parse, to_text
from sampan.platform.switches.problems import BadSwitch, SwitchMoved, WrongSwitchState
from sampan.platform.switches.repository import (
    Edition,
    Switch,
    SwitchState,
    get_edition,
    put_proposal,
    take_proposal,
)
from sampan.platform.switches.service import check_names, next_edition, present

ALL_TIERS = frozenset(tier.label for tier in Tier)


async def propose_edition(
    core: Core, workspace_id: str, actor: Actor, key: str, plain: Mapping[str, Any], *, edition: int, note: str = ""
) -> Edition:
    """Keep what an active switch whose present edition is `edition` shall be; nobody gets it before it is released."""
    actor.require("switch:edit")
    definition = parse({**plain, "key": key})
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if switch.edition != edition:
            raise SwitchMoved("Read the switch again, then propose the change.", edition=switch.edition)
        if switch.state is not SwitchState.ACTIVE:
            raise WrongSwitchState("Only an active switch is released. Activate it first.", state=str(switch.state))
        if to_text(definition) == to_text(switch.definition):
            raise BadSwitch("This is what everybody is served already.", at="")
        await check_names(tx, definition)
        now_ms = core.now_ms()
        proposed = Edition(switch.last_edition + 1, SwitchState.PROPOSED, definition, note, actor.person_id, now_ms)
        await put_proposal(tx, switch, proposed)
        detail = {"edition": proposed.edition, "state": str(SwitchState.PROPOSED), "cause": note}
        await audit.record(tx, actor, "switch.proposed", target=key, detail=detail, now_ms=now_ms)
    return proposed


async def present_edition(tx: Transaction, key: str, edition: int) -> Edition:
    """Return an edition; raise `NotReleasable`."""
    found = await get_edition(tx, key, edition)
    if found is None:
        raise NotReleasable(f"The switch {key!r} has no edition {edition}. Propose one first.")
    return found


async def check_release(tx: Transaction, release: Release) -> tuple[Switch, Edition]:
    """Return the switch and the edition that a release would give; raise what stands against it."""
    switch = await present(tx, release.deliverable_id)
    edition = await present_edition(tx, switch.key, release.sequence)
    if switch.state is not SwitchState.ACTIVE:
        raise WrongSwitchState("Only an active switch is given. Activate it first.", state=str(switch.state))
    if edition.state is not SwitchState.PROPOSED or edition.edition <= switch.edition:
        raise NotReleasable(
            f"Edition {edition.edition} is not newer than edition {switch.edition}, which everybody is served."
            " Propose it again: it then has a new number."
        )
    return switch, edition


async def on_completed(core: Core, tx: Transaction, release: Release, actor: Actor) -> None:
    """Serve the edition to everyone when that is whom the release meant at last; else it goes on as it is."""
    if not is_for_everyone(release):
        return
    switch, edition = await check_release(tx, release)
    now_ms = core.now_ms()
    changed = replace(switch, definition=edition.definition, edition=edition.edition, changed_ms=now_ms)
    cause = f"release {release.id} completed"
    await take_proposal(tx, changed, cause=cause)
    detail = {"edition": changed.edition, "state": str(changed.state), "cause": cause}
    await audit.record(tx, actor, "switch.changed", target=switch.key, detail=detail, now_ms=now_ms)
    facts = {"key": changed.key, "edition": changed.edition, "state": str(changed.state)}
    await emit(tx, "switch.changed", facts, now_ms=now_ms)


async def roll_back(core: Core, tx: Transaction, release: Release, target: Deliverable, actor: Actor) -> None:
    """Serve the target to everyone, as a new edition, unless it is what they have or something newer came since."""
    switch = await present(tx, release.deliverable_id)
    edition = await present_edition(tx, switch.key, target.sequence)
    is_same = to_text(edition.definition) == to_text(switch.definition)
    if switch.state is not SwitchState.ACTIVE or switch.edition > release.sequence or is_same:
        return
    await check_names(tx, edition.definition)
    cause = f"roll-back of {release.id} to edition {edition.edition}"
    await next_edition(core, tx, actor, switch, edition.definition, switch.state, cause=cause)


def is_for_everyone(release: Release) -> bool:
    """Whether a release means everybody, by the form of its rule."""
    return release.client_app is None and _is_everyone(rule_in(release.audience, release.stages[release.stage]))


def _is_everyone(rule: Mapping[str, Any]) -> bool:
    match rule:
        case {"all": parts}:
            return all(_is_everyone(part) for part in parts)
        case {"any": parts}:
            return any(_is_everyone(part) for part in parts)
        case {"attr": "tier", "op": "in", "values": values}:
            return set(values) >= ALL_TIERS
        case {"attr": "tier", "op": "at_least", "values": [lowest]}:
            return bool(lowest == Tier.VISITOR.label)
    return dict(rule) == EVERYONE

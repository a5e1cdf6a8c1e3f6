"""Use cases of promotion: what another workspace has is proposed here, whole, in one change request, and applied.

Who promotes says what is to be replaced (editions of this workspace), so nothing that was changed here meanwhile is
lost. Where it comes from is the promoting person's word: it stands in the request, the history and the audit as such.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from sampan.platform.audience.audience_rows import PART, SavedAudience, get_audience, list_audiences, put_audience
from sampan.platform.audience.references import checked_rule
from sampan.platform.audience.rules import Bucketing
from sampan.platform.audience.words import rule_words
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest as digest_of
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.change_rows import ChangeFilter, ChangeState, DiffLine, Words, page_changes
from sampan.platform.operators.changes import Change, propose_in
from sampan.platform.promotion.planning import AudienceStep, Plan, SwitchStep, Wanted, ordered, planned
from sampan.platform.promotion.problems import NothingToPromote, PromotionTargetMoved
from sampan.platform.switches.definition import from_text
from sampan.platform.switches.differences import STATES, differences
from sampan.platform.switches.repository import SwitchState, get_switch
from sampan.platform.switches.service import bring_switch
from sampan.platform.workspaces.revisions import raise_revision

SWITCHES, AUDIENCES = "promotion.switches", "promotion.audiences"
MANY = "*"
LOOKED_AT = 200


class Promoted(Struct, frozen=True):
    """What came of a promotion: `done` says of each thing `unchanged` or `waits`; the request that it waits in."""

    done: Mapping[str, str]
    change: Change | None = None
    already: bool = False


async def promote(core: Core, workspace_id: str, actor: Actor, wanted: Wanted, *, note: str) -> Promoted:
    """Propose what differs from this workspace in one change request; asking the same again finds the first one."""
    if not wanted.switches and not wanted.audiences:
        raise NothingToPromote("Name at least one switch or saved audience.")
    for things, permission in ((wanted.audiences, "audience:edit"), (wanted.switches, "switch:edit")):
        if things:
            actor.require(permission)
    asked = digest_of(json.dumps(to_builtins(wanted), sort_keys=True).encode())
    wanted = ordered(wanted)
    async with core.store.workspace(workspace_id).write() as tx:
        plan = await planned(tx, wanted)
        if not plan.audiences and not plan.switches:
            return Promoted(plan.done)
        kind = SWITCHES if plan.switches else AUDIENCES
        if (waiting := await _waiting(core, tx, kind, actor, asked)) is not None:
            return Promoted(plan.done, waiting, already=True)
        payload = {"source": to_builtins(wanted.source), "asked": asked, **_plain(plan)}
        change = await propose_in(core, tx, actor, kind=kind, target=_target(plan), payload=payload, note=note)
        return Promoted(plan.done, change)


async def apply_promotion(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    """Carry out a promotion, saved audiences first; runs in the approving transaction."""
    payload = change.payload
    if payload["audiences"]:
        actor.require("audience:approve")
    for each in payload["audiences"]:
        await _bring_audience(core, tx, change, actor, AudienceStep(**each))
    for each in payload["switches"]:
        step = SwitchStep(**each)
        cause = _cause(payload["source"], change)
        await bring_switch(core, tx, actor, from_text(step.after), edition=step.edition, cause=cause)


async def base_of(tx: Transaction, target: str) -> str:
    """Return the edition of the one thing that a request is about; requests about several check each when applied."""
    what, _, name = target.partition(":")
    if what == "switch":
        found = await get_switch(tx, name)
        return str(found.edition) if found else "0"
    if what == "audience":
        saved = await get_audience(tx, name)
        return str(saved.edition) if saved else "0"
    return ""


def describe(payload: dict[str, Any]) -> list[DiffLine]:
    """Return the readable diff: where it comes from, then thing by thing."""
    source = payload["source"]
    whence = f"{source['workspace']} ({source['server']})"
    lines = [DiffLine("来源（发起人所述，未经核实）", "Comes from (as the proposer says, not checked)", None, whence)]
    for each in payload["audiences"]:
        lines += _audience_lines(AudienceStep(**each))
    for each in payload["switches"]:
        lines += _switch_lines(SwitchStep(**each))
    return lines


def named(payload: Mapping[str, Any]) -> str:
    """Return what people call the target of a request."""
    names = [each["key"] for each in payload["switches"]] + [each["name"] for each in payload["audiences"]]
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"


async def _bring_audience(core: Core, tx: Transaction, change: Change, actor: Actor, step: AudienceStep) -> None:
    present, now_ms = await get_audience(tx, step.id), core.now_ms()
    others = [each.id for each in await list_audiences(tx) if each.name == step.name and each.id != step.id]
    if (present.edition if present else 0) != step.edition or others:
        raise _moved(step.name)
    await checked_rule(tx, step.rule, Bucketing(step.id), within=step.id)
    maker = change.maker_operator_id
    made = SavedAudience(step.id, step.name, step.note, step.rule, step.edition + 1, maker, now_ms, now_ms)
    await put_audience(tx, replace(made, created_ms=present.created_ms) if present else made)
    detail = {
        "edition": made.edition,
        "rule": dict(made.rule),
        "promoted_from_as_claimed": {**change.payload["source"], **step.claim},
    }
    action = "audience.change" if present else "audience.create"
    await record(tx, actor, action, target=step.id, detail=detail, now_ms=now_ms)
    await raise_revision(tx, PART)


async def _waiting(core: Core, tx: Transaction, kind: str, actor: Actor, asked: str) -> Change | None:
    """Return the same person's open request for exactly this, if there is one among the newest."""
    wanted = ChangeFilter(state=ChangeState.PROPOSED, kind=kind, maker=actor.person_id)
    found = await page_changes(tx, wanted, Paging(limit=LOOKED_AT), now_ms=core.now_ms())
    return next((each for each in found.items if each.payload["asked"] == asked), None)


def _plain(plan: Plan) -> dict[str, Any]:
    return {"audiences": to_builtins(plan.audiences), "switches": to_builtins(plan.switches)}


def _target(plan: Plan) -> str:
    targets = [f"audience:{each.id}" for each in plan.audiences] + [f"switch:{each.key}" for each in plan.switches]
    return targets[0] if len(targets) == 1 else MANY


def _audience_lines(step: AudienceStep) -> list[DiffLine]:
    before = canonical_json(step.before).decode() if step.before is not None else None
    after = canonical_json(step.rule).decode()
    said = {after: rule_words(step.rule)}
    if before is not None and step.before is not None:
        said[before] = rule_words(step.before)
    lines = [_claimed(step.name, step.claim)]
    if before != after:
        lines.append(DiffLine(f"受众 {step.name}", f"Audience {step.name}", before, after, said))
    if step.note != step.note_before:
        lines.append(DiffLine(f"{step.name} 备注", f"{step.name} Note", step.note_before, step.note))
    return lines


def _switch_lines(step: SwitchStep) -> list[DiffLine]:
    lines = [_claimed(step.key, step.claim)]
    is_served = step.state == SwitchState.ACTIVE
    if not is_served:
        lines.append(DiffLine(f"{step.key} 状态", f"{step.key} State", step.state or None, "active", STATES))
    return lines + differences(from_text(step.before) if is_served else None, from_text(step.after), key=step.key)


def _claimed(name: str, claim: Mapping[str, Any]) -> DiffLine:
    moment = datetime.fromtimestamp(claim["approved_ms"] / 1000, UTC)
    text = f"{claim['approved_by']}, {moment:%Y-%m-%d %H:%M} UTC"
    words = {text: Words(f"第 {claim['edition']} 版，{text}", f"edition {claim['edition']}, {text}")}
    return DiffLine(f"{name} 原环境生效（所述）", f"{name} In force there (as said)", None, text, words)


def _cause(source: Mapping[str, str], change: Change) -> str:
    note = f" {change.note}" if change.note else ""
    return f"promoted from {source['workspace']} on {source['server']} (as claimed); {change.id}.{note}"[:2000]


def _moved(name: str) -> PromotionTargetMoved:
    return PromotionTargetMoved(f"{name} was changed here meanwhile. Withdraw this and promote it again.", name=name)

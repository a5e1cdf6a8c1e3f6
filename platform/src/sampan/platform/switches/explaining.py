"""Why somebody gets the value that they get, and which rules the switches keep."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.platform.audience.attributes import Privacy
from sampan.platform.audience.buckets import Buckets
from sampan.platform.audience.device_facts import facts_of_customer, facts_of_device
from sampan.platform.audience.explain import Explanation, explain
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.problems import SubjectUnknown
from sampan.platform.audience.references import RulesInUse, Use
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.release.decide import Candidate, DeliverableSnapshot, Reason, decide
from sampan.platform.switches.compiled import ANY_HOST, Rollout, compile_switch, split_salt
from sampan.platform.switches.definition import from_text
from sampan.platform.switches.part import KIND
from sampan.platform.switches.repository import Switch, SwitchState, list_switches, waiting_editions
from sampan.platform.switches.rollouts import rollouts_of
from sampan.platform.switches.service import present


class Released(Struct, frozen=True):
    """A release of another edition: whether it gives it to the subject, and the tree of its audience."""

    release: str
    edition: int
    reason: Reason
    rule: Explanation


class Explained(Struct, frozen=True):
    """What a subject gets, and each rule's tree, the first first; `place` is the one in splits, None without a key.

    A rule after the one that decided is explained too, although it was not looked at. `releases` are those of other
    editions, the newest first; the first that means the subject decides, and `rules` are those of its edition then.
    """

    state: SwitchState
    edition: int
    answer: Mapping[str, Any]
    place: int | None
    rules: Sequence[Explanation]
    releases: Sequence[Released]


async def explain_switch(
    core: Core,
    workspace_id: str,
    actor: Actor,
    key: str,
    *,
    device: str | None,
    customer: str | None,
    claims: Claims | None,
    reason: str,
) -> Explained:
    """Explain a switch for a device, or for a customer on no device in particular; audited with the reason."""
    actor.require("switch:read")
    actor.require("audience:explain")
    view, now_ms = core.replica.view(workspace_id), core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        switch = await present(tx, key)
        if device is not None:
            facts = await facts_of_device(tx, view, device, now_ms=now_ms, claims=claims)
        elif customer is not None:
            facts = await facts_of_customer(tx, view, customer, now_ms=now_ms, claims=claims or Claims())
        else:
            raise SubjectUnknown("Name a device or a customer.", field="device")
        detail = {"subject": device or customer or "", "reason": reason}
        await record(tx, actor, "switch.explain", target=key, detail=detail, now_ms=now_ms)
        rollouts = await rollouts_of(tx, switch) if switch.state is SwitchState.ACTIVE else ()
    may_see = set(Privacy) - (set() if actor.holds("customer:personal") else {Privacy.PERSONAL})
    return _explained(switch, rollouts, facts, may_see)


def _explained(switch: Switch, rollouts: Sequence[Rollout], facts: Facts, may_see: set[Privacy]) -> Explained:
    ordered = sorted(rollouts, key=lambda each: -each.candidate.sequence)
    snapshot = DeliverableSnapshot(KIND, switch.key, [each.candidate for each in ordered])
    chosen = decide(facts, ANY_HOST, snapshot).candidate
    texts = {each.candidate.release_id: each.text for each in ordered}
    definition = switch.definition if chosen is None else from_text(texts[chosen.release_id])
    answer = json.loads(compile_switch(definition, switch.salt).answer(facts).body)
    own: str | None = getattr(facts, str(definition.by))
    place = Buckets(split_salt(switch.salt)).place(own) if own else None
    rules = [explain(rule, facts, may_see=may_see) for rule in definition.compiled(switch.salt)]
    releases = [_released(each.candidate, facts, may_see) for each in ordered]
    edition = switch.edition if chosen is None else chosen.sequence
    return Explained(switch.state, edition, answer, place, rules, releases)


def _released(candidate: Candidate, facts: Facts, may_see: set[Privacy]) -> Released:
    alone = DeliverableSnapshot(KIND, "", [candidate])
    tree = explain(candidate.audience, facts, may_see=may_see)
    return Released(candidate.release_id, candidate.sequence, decide(facts, ANY_HOST, alone).reason, tree)


async def _rules(tx: Transaction) -> Sequence[tuple[Use, Mapping[str, Any]]]:
    kept = await list_switches(tx, *SwitchState)  # archived ones too: they may come back
    served = [(each.key, each.definition) for each in kept]
    proposed = [(key, edition.definition) for key, edition in await waiting_editions(tx)]
    return [(Use("switch", key, key), rule.audience) for key, each in served + proposed for rule in each.rules]


RULES = RulesInUse("switches", _rules)

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
from sampan.platform.switches.compiled import compile_switch, split_salt
from sampan.platform.switches.repository import Switch, SwitchState, list_switches
from sampan.platform.switches.service import present


class Explained(Struct, frozen=True):
    """What a subject gets, and each rule's tree, the first first; `place` is the one in splits, None without a key.

    A rule after the one that decided is explained too, although it was not looked at.
    """

    state: SwitchState
    answer: Mapping[str, Any]
    place: int | None
    rules: Sequence[Explanation]


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
    return _explained(switch, facts, set(Privacy) - (set() if actor.holds("customer:personal") else {Privacy.PERSONAL}))


def _explained(switch: Switch, facts: Facts, may_see: set[Privacy]) -> Explained:
    definition = switch.definition
    answer = json.loads(compile_switch(definition, switch.salt).answer(facts).body)
    own: str | None = getattr(facts, str(definition.by))
    place = Buckets(split_salt(switch.salt)).place(own) if own else None
    rules = [explain(rule, facts, may_see=may_see) for rule in definition.compiled(switch.salt)]
    return Explained(switch.state, answer, place, rules)


async def _rules(tx: Transaction) -> Sequence[tuple[Use, Mapping[str, Any]]]:
    kept = await list_switches(tx, *SwitchState)  # archived ones too: they may come back
    return [(Use("switch", each.key, each.key), rule.audience) for each in kept for rule in each.definition.rules]


RULES = RulesInUse("switches", _rules)

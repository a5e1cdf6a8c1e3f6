"""Why a subject is or is not in an audience: the rule's tree with the outcome of each condition and the value seen.

Pure, and made from the same tests as the decision itself. An outcome is True, False, or None where a fact is not known.
"""

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from sampan.platform.audience.attributes import Privacy
from sampan.platform.audience.buckets import Buckets
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import CompiledRule, Condition, Group, Negation, Node, tests_of

EVERYTHING = frozenset(Privacy)
MASKED = "***"


class Explanation(Struct, frozen=True, omit_defaults=True):
    """One node; `word` is `all`, `any`, `not` or `condition`. `seen` of a value one may not see is `***`."""

    word: str
    at: str
    outcome: bool | None
    attr: str | None = None
    op: str | None = None
    values: tuple[Any, ...] = ()
    source: str | None = None
    seen: Any = None
    parts: "tuple[Explanation, ...]" = ()


def explain(rule: CompiledRule, facts: Facts, *, may_see: Collection[Privacy] = EVERYTHING) -> Explanation:
    """Return the explained tree; its own outcome is True exactly where `rule.matches` is."""
    return _explained(rule.root, facts, rule, frozenset(may_see))


def _explained(node: Node, facts: Facts, rule: CompiledRule, may_see: frozenset[Privacy]) -> Explanation:
    tests = tests_of(node)
    outcome = True if tests.holds(facts) else False if tests.fails(facts) else None
    match node:
        case Group():
            parts = tuple(_explained(part, facts, rule, may_see) for part in node.parts)
            return Explanation(node.word, node.at, outcome, parts=parts)
        case Negation():
            return Explanation("not", node.at, outcome, parts=(_explained(node.part, facts, rule, may_see),))
    attribute = node.attribute
    seen = _seen(node, facts, rule)
    if seen is not None and attribute.privacy not in may_see:
        seen = MASKED
    is_open = attribute.privacy in may_see or attribute.privacy is not Privacy.PERSONAL
    return Explanation(
        "condition",
        node.at,
        outcome,
        attribute.name,
        node.op,
        node.written if is_open else (MASKED,) * len(node.written),
        attribute.source,
        seen,
        _within(node, facts, may_see),
    )


def _seen(condition: Condition, facts: Facts, rule: CompiledRule) -> Any:
    match condition.attribute.name:
        case "percentage":
            key = facts.device if rule.bucketing.by == "device" else facts.customer
            return Buckets(rule.bucketing.salt, rule.bucketing.steps).place(key) if key else None
        case "tag":
            if any(name not in facts.tags for name in condition.values):
                return None
            return [name for name in condition.values if facts.subject in facts.tags[name]]
        case "audience":
            if any(name not in facts.audiences for name in condition.values):
                return None
            return [name for name in condition.values if facts.audiences[name].matches(facts)]
    return condition.attribute.seen(facts)


def _within(condition: Condition, facts: Facts, may_see: frozenset[Privacy]) -> tuple[Explanation, ...]:
    """Return the explanations of the saved audiences that a condition names."""
    if condition.attribute.name != "audience":
        return ()
    found = (facts.audiences.get(name) for name in condition.values)
    return tuple(explain(each, facts, may_see=may_see) for each in found if isinstance(each, CompiledRule))

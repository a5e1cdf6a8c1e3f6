"""The rule tree: `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` and `{"attr", "op", "values"}`.

A rule is checked when it is saved and compiled to closures when the snapshot is: an unknown attribute, operator
or value is refused then and can never be "false" or "true" by accident later. Pure: no clock, no database.

A condition on something that is not known neither holds nor fails (`conditions`), whatever `not`s stand around it: a
device that does not say its version is reached by no rule about versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.platform.audience.attributes import ATTRIBUTES, Attribute, Bucketing, Form
from sampan.platform.audience.conditions import Test, Tests, all_of, any_of
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.problems import (
    BadRule,
    RuleAttributeUnknown,
    RuleOperatorUnknown,
    RuleTooLarge,
    RuleValueInvalid,
)
from sampan.platform.errors import Invalid
from sampan.platform.identity.tiers import Tier

__all__ = ["EVERYONE", "BadRule", "Bucketing", "CompiledRule", "Facts", "compile_rule", "for_tiers"]

MAX_DEPTH = 12
MAX_NODES = 200
MAX_ALL_VALUES = 5000
EVERYONE: dict[str, Any] = {"all": []}
NO_BUCKETING = Bucketing()


class Condition(Struct, frozen=True):
    """A checked condition: `values` as parsed, `written` as saved, `at` its place in the rule."""

    attribute: Attribute
    op: str
    values: tuple[Any, ...]
    written: tuple[Any, ...]
    at: str
    tests: Tests


class Group(Struct, frozen=True):
    """`all` or `any` of the parts."""

    word: str
    parts: "tuple[Node, ...]"
    at: str


class Negation(Struct, frozen=True):
    """`not` the part."""

    part: "Node"
    at: str


Node = Condition | Group | Negation


class CompiledRule(Struct, frozen=True):
    """A rule ready to run.

    `matches` is true only for subjects who surely belong, `excludes` only for those who surely do not; neither for the
    others. `attributes` are those it looks at, `tags` and `audiences` the ones it names, `moments_ms` the times at
    which its answer may change by itself.
    """

    matches: Test
    excludes: Test
    root: Node
    bucketing: Bucketing
    attributes: frozenset[str]
    tags: frozenset[str]
    audiences: frozenset[str]
    moments_ms: tuple[int, ...]


def for_tiers(*tiers: Tier) -> dict[str, Any]:
    """Return the rule that holds for the given tiers."""
    return {"attr": "tier", "op": "in", "values": [tier.label for tier in sorted(tiers)]}


def compile_rule(rule: object, bucketing: Bucketing = NO_BUCKETING) -> CompiledRule:
    """Check and compile a rule; raise a `BadRule` with the place of the first thing that is wrong.

    `bucketing` says how percentages are drawn. That tags and saved audiences exist is for the caller to check.
    """
    _refuse_too_large(rule)
    root = _parsed(rule, "rule", bucketing)
    tests = tests_of(root)
    conditions = list(conditions_of(root))
    return CompiledRule(
        tests.holds,
        tests.fails,
        root,
        bucketing,
        frozenset(each.attribute.name for each in conditions),
        _named(conditions, "tag"),
        _named(conditions, "audience"),
        tuple(sorted({moment for each in conditions if each.attribute.name == "time" for moment in each.values})),
    )


def conditions_of(node: Node) -> Iterator[Condition]:
    """Yield the conditions of a rule from left to right."""
    match node:
        case Condition():
            yield node
        case Negation():
            yield from conditions_of(node.part)
        case Group():
            for part in node.parts:
                yield from conditions_of(part)


def tests_of(node: Node) -> Tests:
    """Return the tests of a whole tree: its `not`s are carried down to the conditions, which know their opposites."""
    match node:
        case Condition():
            return node.tests
        case Negation():
            return tests_of(node.part).opposite()
    parts = [tests_of(part) for part in node.parts]
    holds, fails = [each.holds for each in parts], [each.fails for each in parts]
    return Tests(all_of(holds), any_of(fails)) if node.word == "all" else Tests(any_of(holds), all_of(fails))


def _named(conditions: Sequence[Condition], attribute: str) -> frozenset[str]:
    return frozenset(value for each in conditions if each.attribute.name == attribute for value in each.values)


def _refuse_too_large(rule: object) -> None:
    """Walk the tree without recursion: what is too deep must not get so far as to be parsed."""
    waiting: list[tuple[object, str, int]] = [(rule, "rule", 1)]
    nodes = values = 0
    while waiting:
        found, at, depth = waiting.pop()
        nodes += 1
        if depth > MAX_DEPTH:
            raise RuleTooLarge(f"A rule may be nested {MAX_DEPTH} deep.", at=at)
        if nodes > MAX_NODES:
            raise RuleTooLarge(f"A rule may have {MAX_NODES} parts. Use a tag or a saved audience instead.", at="rule")
        if not isinstance(found, Mapping):
            continue
        if isinstance(listed := found.get("values"), list):
            values += len(listed)
        if values > MAX_ALL_VALUES:
            raise RuleTooLarge(f"A rule may have {MAX_ALL_VALUES} values. Use a tag instead.", at=f"{at}.values")
        for word in ("all", "any"):
            if isinstance(parts := found.get(word), list):
                waiting.extend((part, f"{at}.{word}[{n}]", depth + 1) for n, part in enumerate(parts))
        if "not" in found:
            waiting.append((found["not"], f"{at}.not", depth + 1))


def _parsed(rule: object, at: str, bucketing: Bucketing) -> Node:
    if not isinstance(rule, dict):
        raise BadRule('A rule is an object: {"all": [...]}, {"any": [...]}, {"not": ...} or {"attr", ...}.', at=at)
    match set(rule):
        case names if names in ({"all"}, {"any"}):
            (word,) = names
            if not isinstance(rule[word], list):
                raise BadRule(f"{word!r} takes a list of rules.", at=f"{at}.{word}")
            parts = (_parsed(part, f"{at}.{word}[{n}]", bucketing) for n, part in enumerate(rule[word]))
            return Group(word, tuple(parts), at)
        case names if names == {"not"}:
            return Negation(_parsed(rule["not"], f"{at}.not", bucketing), at)
        case names if names == {"attr", "op", "values"}:
            return _condition(rule, at, bucketing)
    found = sorted(str(name) for name in rule)
    raise BadRule(f"Exactly one of all, any, not, or the three of attr, op, values; here: {found}.", at=at)


def _condition(rule: dict[str, Any], at: str, bucketing: Bucketing) -> Condition:
    name, op, written = rule["attr"], rule["op"], rule["values"]
    attribute = ATTRIBUTES.get(name) if isinstance(name, str) else None
    if attribute is None:
        raise RuleAttributeUnknown(f"There is no attribute {name!r}; there are {sorted(ATTRIBUTES)}.", at=f"{at}.attr")
    form = attribute.ops.get(op) if isinstance(op, str) else None
    if form is None:
        raise RuleOperatorUnknown(
            f"{attribute.name} has no operator {op!r}; it has {sorted(attribute.ops)}.", at=f"{at}.op"
        )
    if not isinstance(written, list) or not form.least <= len(written) <= form.most:
        number = str(form.least) if form.least == form.most else f"{form.least} to {form.most}"
        raise RuleValueInvalid(f"values takes a list of {number} of them.", at=f"{at}.values")
    values = tuple(_value(form, value, f"{at}.values[{n}]") for n, value in enumerate(written))
    return Condition(attribute, op, values, tuple(written), at, _tests(form, values, bucketing, at))


def _value(form: Form, value: object, at: str) -> Any:
    try:
        return form.parse(value)
    except (Invalid, KeyError, TypeError) as problem:
        says = problem.detail if isinstance(problem, Invalid) else f"{value!r} is no value of this attribute."
        raise RuleValueInvalid(says, at=at) from problem


def _tests(form: Form, values: tuple[Any, ...], bucketing: Bucketing, at: str) -> Tests:
    try:
        return form.build(values, bucketing)
    except Invalid as problem:
        raise RuleValueInvalid(problem.detail, at=f"{at}.values") from problem

"""The rule tree: `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` and `{"attr", "op", "values"}`.

A rule is checked when it is saved and compiled to closures when the snapshot is: an unknown attribute, operator
or value is refused then and can never be "false" or "true" by accident later. Pure: no clock, no database.

Every attribute has a source. `server` attributes come from the token and the server's own state alone; what a
client says about itself can only feed `client` attributes.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from sampan.platform.errors import Invalid
from sampan.platform.identity.tiers import Tier

MAX_DEPTH = 12
MAX_NODES = 200


class BadRule(Invalid):
    """The rule has a form, attribute, operator or value that does not exist; `at` in the facts names the place."""

    code = "bad_rule"
    field = "audience"


class Facts(Struct, frozen=True):
    """What is known of one subject on one device when a rule is evaluated."""

    tier: Tier


class Attribute(Struct, frozen=True):
    """An attribute that rules may use: where its value comes from, and how its values are read from JSON."""

    name: str
    source: str
    parse: Callable[[Any], Any]
    of: Callable[[Facts], Any]


Matches = Callable[[Facts], bool]


class CompiledRule(Struct, frozen=True):
    """A rule ready to run. `attributes` are those it looks at."""

    matches: Matches
    attributes: frozenset[str]

    def tiers(self) -> frozenset[Tier]:
        """Return the tiers for which a rule that looks at nothing else holds."""
        return frozenset(tier for tier in Tier if self.matches(Facts(tier)))


ATTRIBUTES = {"tier": Attribute("tier", "server", Tier.parse, lambda facts: facts.tier)}
EVERYONE: dict[str, Any] = {"all": []}


def for_tiers(*tiers: Tier) -> dict[str, Any]:
    """Return the rule that holds for the given tiers."""
    return {"attr": "tier", "op": "in", "values": [tier.label for tier in sorted(tiers)]}


def compile_rule(rule: object) -> CompiledRule:
    """Check and compile a rule; raise `BadRule` with the place of the first thing that is wrong."""
    nodes = list(_walk(rule, "rule", 1))
    if len(nodes) > MAX_NODES:
        raise BadRule(f"A rule may have {MAX_NODES} parts; this one has more. Use a saved list instead.", at="rule")
    return CompiledRule(_compile(rule, "rule"), frozenset(node["attr"] for node in nodes if "attr" in node))


def _walk(rule: object, at: str, depth: int) -> Iterator[dict[str, Any]]:
    if depth > MAX_DEPTH:
        raise BadRule(f"A rule may be nested {MAX_DEPTH} deep.", at=at)
    if not isinstance(rule, dict):
        raise BadRule('A rule is an object: {"all": [...]}, {"any": [...]}, {"not": ...} or {"attr", ...}.', at=at)
    yield rule
    for name in ("all", "any"):
        parts = rule.get(name, [])
        if not isinstance(parts, list):
            raise BadRule(f"{name!r} takes a list of rules.", at=f"{at}.{name}")
        for number, part in enumerate(parts):
            yield from _walk(part, f"{at}.{name}[{number}]", depth + 1)
    if "not" in rule:
        yield from _walk(rule["not"], f"{at}.not", depth + 1)


def _compile(rule: Any, at: str) -> Matches:
    match set(rule):
        case names if names == {"all"}:
            parts = [_compile(part, f"{at}.all[{n}]") for n, part in enumerate(rule["all"])]
            return lambda facts: all(part(facts) for part in parts)
        case names if names == {"any"}:
            parts = [_compile(part, f"{at}.any[{n}]") for n, part in enumerate(rule["any"])]
            return lambda facts: any(part(facts) for part in parts)
        case names if names == {"not"}:
            part = _compile(rule["not"], f"{at}.not")
            return lambda facts: not part(facts)
        case names if names == {"attr", "op", "values"}:
            return _compile_condition(rule, at)
    raise BadRule(f"Exactly one of all, any, not, or the three of attr, op, values; here: {sorted(rule)}.", at=at)


def _compile_condition(rule: dict[str, Any], at: str) -> Matches:
    attribute = ATTRIBUTES.get(rule["attr"]) if isinstance(rule["attr"], str) else None
    if attribute is None:
        raise BadRule(f"There is no attribute {rule['attr']!r}; there are {sorted(ATTRIBUTES)}.", at=f"{at}.attr")
    if rule["op"] not in ("in", "not_in"):
        raise BadRule(f"There is no operator {rule['op']!r}; there are 'in' and 'not_in'.", at=f"{at}.op")
    if not isinstance(rule["values"], list) or not rule["values"]:
        raise BadRule("values takes a list with at least one value.", at=f"{at}.values")
    values = frozenset(_parse(attribute, value, f"{at}.values[{n}]") for n, value in enumerate(rule["values"]))
    of = attribute.of
    if rule["op"] == "in":
        return lambda facts: of(facts) in values
    return lambda facts: of(facts) not in values


def _parse(attribute: Attribute, value: object, at: str) -> object:
    try:
        return attribute.parse(value)
    except (ValueError, KeyError, TypeError, AttributeError, Invalid) as problem:
        says = problem.detail if isinstance(problem, Invalid) else f"{value!r} is not a value of {attribute.name}."
        raise BadRule(says, at=at) from problem

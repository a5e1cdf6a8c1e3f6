"""How many a rule reaches. Customers by bitmap algebra where the rule allows it; devices one by one, or a sample. Pure.

Rules about customers alone (tier, tags, lists, saved audiences of the same) are worked out as sets: what surely matches
and what surely does not. Everything else depends on the device, so it is counted over devices.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress

from msgspec import Struct
from pyroaring import BitMap

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import CompiledRule, Condition, Negation, Node, conditions_of
from sampan.platform.identity.tiers import CUSTOMER_TIERS, Tier

SET_ATTRIBUTES = frozenset({"tier", "tag", "customer", "audience"})
PERSONS = frozenset({"customer", "device"})


class World(Struct, frozen=True):
    """The customers of a workspace as sets of subject numbers; `tiers` holds present ones alone."""

    tiers: Mapping[Tier, BitMap]
    tags: Mapping[str, BitMap]
    audiences: Mapping[str, CompiledRule]
    customers: Mapping[str, int]

    @property
    def everyone(self) -> BitMap:
        """All present customers."""
        return BitMap.union(*self.tiers.values()) if self.tiers else BitMap()


class Split(Struct, frozen=True):
    """Who surely belongs and who surely does not."""

    inside: BitMap
    outside: BitMap


class Counted(Struct, frozen=True):
    """What came of looking at devices: how many surely match, how many surely do not, and whose the first are."""

    looked_at: int
    inside: int
    outside: int
    customers: frozenset[str]


def tier_sets(tiers: bytes | bytearray) -> dict[Tier, BitMap]:
    """Return the customers of each tier, from the array of tiers by subject number; takes a while for millions."""
    found = {}
    for tier in CUSTOMER_TIERS:
        marks = bytes(tiers).translate(bytes(1 if value == tier else 0 for value in range(256)))
        found[tier] = BitMap(array("I", compress(range(len(marks)), marks)))
    return found


def is_set_rule(rule: CompiledRule, audiences: Mapping[str, CompiledRule]) -> bool:
    """Whether a rule, with the saved audiences that it names, is about customers alone."""
    named = [audiences[name] for name in rule.audiences if name in audiences]
    return rule.attributes <= SET_ATTRIBUTES and all(is_set_rule(each, audiences) for each in named)


def split(rule: CompiledRule, world: World) -> Split:
    """Return which customers a rule about customers alone reaches."""
    return _split(rule.root, world, world.everyone)


def count(rule: CompiledRule, devices: Iterable[Facts]) -> Counted:
    """Look at devices one by one."""
    looked_at = inside = outside = 0
    customers = set[str]()
    for facts in devices:
        looked_at += 1
        if rule.matches(facts):
            inside += 1
            if facts.customer is not None:
                customers.add(facts.customer)
        elif rule.excludes(facts):
            outside += 1
    return Counted(looked_at, inside, outside, frozenset(customers))


def singles_out(rule: CompiledRule, audiences: Mapping[str, CompiledRule]) -> bool:
    """Whether a rule, with the saved audiences that it names, lists persons or devices."""
    named = [audiences[name] for name in rule.audiences if name in audiences]
    return bool(rule.attributes & PERSONS) or any(singles_out(each, audiences) for each in named)


def customer_ids(rule: CompiledRule, audiences: Mapping[str, CompiledRule]) -> set[str]:
    """Return the customers that a rule and its saved audiences list."""
    own = {value for each in conditions_of(rule.root) if each.attribute.name == "customer" for value in each.values}
    for name in rule.audiences & audiences.keys():
        own |= customer_ids(audiences[name], audiences)
    return own


def _split(node: Node, world: World, everyone: BitMap) -> Split:
    match node:
        case Negation():
            found = _split(node.part, world, everyone)
            return Split(found.outside, found.inside)
        case Condition():
            found = _condition(node, world, everyone)
            return Split(found.outside, found.inside) if node.op in ("not_in", "below") else found
    parts = [_split(part, world, everyone) for part in node.parts]
    inside, outside = [part.inside for part in parts], [part.outside for part in parts]
    if node.word == "all":
        return Split(_intersection(inside, everyone), _union(outside))
    return Split(_union(inside), _intersection(outside, everyone))


def _condition(condition: Condition, world: World, everyone: BitMap) -> Split:
    """Return the split of a condition's positive form: `in`, `has_all` or `at_least`."""
    values = condition.values
    match condition.attribute.name:
        case "tier":
            lowest = values[0]
            wanted = values if condition.op in ("in", "not_in") else [tier for tier in Tier if tier >= lowest]
            inside = _union([world.tiers[tier] for tier in wanted if tier in world.tiers])
        case "customer":
            inside = BitMap(world.customers[value] for value in values if value in world.customers) & everyone
        case "tag":
            return _tags(condition, world, everyone)
        case _:
            found = [split(world.audiences[name], world) for name in values if name in world.audiences]
            inside = _union([each.inside for each in found])
            if len(found) < len(values):
                return Split(inside, BitMap())
            return Split(inside, _intersection([each.outside for each in found], everyone))
    return Split(inside, everyone - inside)


def _tags(condition: Condition, world: World, everyone: BitMap) -> Split:
    known = [world.tags[name] for name in condition.values if name in world.tags]
    is_whole = len(known) == len(condition.values)
    if condition.op == "has_all":
        inside = _intersection(known, everyone) if is_whole else BitMap()
        return Split(inside, everyone - _intersection(known, everyone))
    inside = _union(known) & everyone
    return Split(inside, everyone - inside if is_whole else BitMap())


def _union(sets: Sequence[BitMap]) -> BitMap:
    return BitMap.union(*sets) if sets else BitMap()


def _intersection(sets: Sequence[BitMap], everyone: BitMap) -> BitMap:
    found = everyone
    for each in sorted(sets, key=len):
        found = found & each
    return found

"""Whether two rules can hold for one device, and whether a rule can hold at all: sound, and cautious. Pure.

A rule is taken apart into boxes: what each attribute may be, for one way in which the rule holds. A box in which some
attribute may be nothing is impossible; two rules overlap when a box of one goes with a box of the other. What is not
understood of a condition (parts of texts, ranges of languages) limits nothing, so "cannot" is always true, and "can"
is sometimes too careful. Percentages count within one rule only: two releases draw their places differently.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.rules import Condition, Negation, Node
from sampan.platform.audience.versions import FIRST
from sampan.platform.identity.tiers import Tier

MOST_BOXES = 256
SETS = frozenset({"tier", "customer", "device", "client_app", "channel", "platform", "network", "model", "region"})
VERSIONS = frozenset({"os_version", "app_version"})
MOMENTS = frozenset({"time", "first_seen"})
TIERS = frozenset(Tier)


class Among(Struct, frozen=True):
    """One of the values, or, turned round, none of them."""

    values: frozenset[Any]
    is_none_of: bool = False

    def both(self, other: "Limit") -> "Limit | None":
        """Return what satisfies both, None when nothing does."""
        if not isinstance(other, Among):
            return self
        if self.is_none_of and other.is_none_of:
            return Among(self.values | other.values, is_none_of=True)
        if self.is_none_of:
            return other.both(self)
        left = self.values - other.values if other.is_none_of else self.values & other.values
        return Among(left) if left else None


class Between(Struct, frozen=True):
    """In one of the spans: from a value up to, not including, another; None is no end."""

    spans: tuple[tuple[Any, Any], ...]

    def both(self, other: "Limit") -> "Limit | None":
        """Return what satisfies both, None when nothing does."""
        if not isinstance(other, Between):
            return self
        left = [
            (max(low, other_low), _lower(high, other_high))
            for low, high in self.spans
            for other_low, other_high in other.spans
        ]
        kept = tuple((low, high) for low, high in left if high is None or low < high)
        return Between(kept) if kept else None


Limit = Among | Between
Box = Mapping[Hashable, Limit]
ANYTHING: tuple[Box, ...] = ({},)


class Scope(Struct, frozen=True):
    """The ways in which a rule can hold."""

    boxes: Sequence[Box]

    @property
    def is_empty(self) -> bool:
        """Whether the rule surely holds for nobody, now or later."""
        return not self.boxes

    @property
    def tiers(self) -> frozenset[Tier]:
        """The tiers for which the rule may hold."""
        found: set[Tier] = set()
        for box in self.boxes:
            limit = box.get("tier")
            found |= {tier for tier in TIERS if limit is None or limit.both(Among(frozenset({tier}))) is not None}
        return frozenset(found)

    def can_meet(self, other: "Scope") -> bool:
        """Whether one device may be meant by both rules, each with percentages of its own."""
        mine, others = _without_places(self.boxes), _without_places(other.boxes)
        return any(_merged(box, other_box) is not None for box in mine for other_box in others)


def scope_of(
    root: Node, *, saved: Mapping[str, Node] | None = None, client_app: str | None = None, now_ms: int | None = None
) -> Scope:
    """Return the ways in which a compiled rule can hold from `now_ms` on, in one client app when it is given.

    `saved` are the rules of the saved audiences; one that is not among them may be anything.
    """
    base: dict[Hashable, Limit] = {"percentage": Between(((0, STEPS),)), "tier": Among(TIERS)}
    if client_app is not None:
        base["client_app"] = Among(frozenset({client_app}))
    if now_ms is not None:
        base["time"] = Between(((now_ms, None),))
    return Scope(_product([base], _boxes(root, saved or {}, positive=True)))


def _boxes(node: Node, saved: Mapping[str, Node], *, positive: bool) -> Sequence[Box]:
    match node:
        case Condition():
            return _of_condition(node, saved, positive=positive)
        case Negation():
            return _boxes(node.part, saved, positive=not positive)
    return _joined(
        (_boxes(part, saved, positive=positive) for part in node.parts), needs_all=(node.word == "all") is positive
    )


def _joined(parts: Iterable[Sequence[Box]], *, needs_all: bool) -> Sequence[Box]:
    if not needs_all:
        together = [box for part in parts for box in part]
        return together if len(together) <= MOST_BOXES else ANYTHING
    found: Sequence[Box] = ANYTHING
    for part in parts:
        found = _product(found, part)
    return found


def _product(first: Sequence[Box], second: Sequence[Box]) -> Sequence[Box]:
    """Return the boxes of both; where they would be too many, those of the first, which is wider."""
    if len(first) * len(second) > MOST_BOXES:
        return first
    merged = (_merged(box, other) for box in first for other in second)
    return [box for box in merged if box is not None]


def _merged(box: Box, other: Box) -> Box | None:
    found = dict(box)
    for name, limit in other.items():
        both = limit if name not in found else found[name].both(limit)
        if both is None:
            return None
        found[name] = both
    return found


def _of_condition(condition: Condition, saved: Mapping[str, Node], *, positive: bool) -> Sequence[Box]:
    name, op, values = condition.attribute.name, condition.op, condition.values
    if op.startswith("not_"):
        op, positive = op.removeprefix("not_"), not positive
    if name == "tag":
        return _of_tags(values, positive=positive, needs_all=(op == "has_all") is positive)
    if name == "audience":
        each = [_of_audience(value, saved, positive=positive) for value in values]
        return _joined(each, needs_all=not positive)
    limit = _limit(name, op, values, positive=positive)
    if limit is None:
        return ANYTHING
    return [{name: limit}] if not isinstance(limit, Between) or limit.spans else []


def _limit(name: str, op: str, values: Sequence[Any], *, positive: bool) -> Limit | None:
    """Return what an attribute may be, None where this says nothing."""
    if name == "tier" and op in ("at_least", "below"):
        op, values = "in", [tier for tier in TIERS if (tier >= values[0]) is (op == "at_least")]
    if name in SETS and op == "in":
        return Among(frozenset(values), is_none_of=not positive)
    if name in VERSIONS:
        return _between([span for spans in values for span in spans], FIRST, positive=positive)
    if name in MOMENTS or name == "percentage":
        low, high = {"at_least": (values[0], None), "below": (0, values[0])}.get(op, (values[0], values[-1]))
        return _between([(low, high)], 0, positive=positive)
    return None


def _between(spans: Iterable[tuple[Any, Any]], first: Any, *, positive: bool) -> Between:
    inside = tuple((low, high) for low, high in spans if high is None or low < high)
    if positive:
        return Between(inside)
    outside: Limit | None = Between(((first, None),))
    for low, high in inside:
        rest = Between(tuple(span for span in ((first, low), (high, None)) if _is_some(span)))
        outside = outside.both(rest) if outside is not None and rest.spans else None
    return outside if isinstance(outside, Between) else Between(())


def _is_some(span: tuple[Any, Any]) -> bool:
    low, high = span
    return low is not None and (high is None or low < high)


def _of_tags(names: Sequence[str], *, positive: bool, needs_all: bool) -> Sequence[Box]:
    each: list[Sequence[Box]] = [[{("tag", name): Among(frozenset({positive}))}] for name in names]
    return _joined(each, needs_all=needs_all)


def _of_audience(name: str, saved: Mapping[str, Node], *, positive: bool) -> Sequence[Box]:
    if name in saved:
        return _boxes(saved[name], saved, positive=positive)
    return [{("audience", name): Among(frozenset({positive}))}]


def _lower(high: Any, other: Any) -> Any:
    if high is None or other is None:
        return other if high is None else high
    return min(high, other)


def _without_places(boxes: Sequence[Box]) -> list[Box]:
    return [{name: limit for name, limit in box.items() if name != "percentage"} for box in boxes]

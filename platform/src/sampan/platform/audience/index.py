"""Many rules at once: those that cannot apply to a subject are not evaluated for it. Pure.

Two steps. Subjects are told apart by a few attributes with few values (`BY`); for each kind seen, every rule is worked
out as far as these decide it (`RuleIndex`): what surely fails is dropped for good, of the rest only undecided parts
remain. Then a `Sieve` keeps, for each value of a further attribute (`MASKED`), which rules it lets through, as the bits
of a number: the rules for one subject are an AND of a few numbers, whatever their count, and only what depends on the
subject itself (percentages, tags, lists, time) is evaluated. A client may claim anything, so what is remembered is
bounded.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import attrgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct

from sampan.platform.audience.buckets import STEPS, murmur3
from sampan.platform.audience.conditions import Draw, Test, all_of, any_of
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import CompiledRule, Condition, Group, Negation, Node, conditions_of

BY = ("tier", "client_app", "channel", "platform")
MASKED = ("app_version", "os_version", "region", "model", "language", "network")
KINDS_KEPT = 512
VALUES_KEPT = 512
MASKS_KEPT = 256
_OTHER = "\x00other"

_MASKED_ALONE = [frozenset({name}) for name in MASKED]

Item = TypeVar("Item")
Entry = TypeVar("Entry")
Kind = tuple[Any, ...]


class Conjunct(Struct, frozen=True):
    """A part of a rule that must hold, and what it looks at; `draw` says what `test` does, where it is one."""

    test: Test
    attributes: frozenset[str]
    draw: Draw | None = None


def narrow(rule: CompiledRule, facts: Facts, known: Iterable[str]) -> Sequence[Conjunct] | None:
    """Return what must still hold for everyone with the `known` facts, nothing if all does; None if it surely fails."""
    conjuncts, decided = [], frozenset(known)
    for node, positive in _conjuncts(rule.root, positive=True):
        left = _narrowed(node, facts, decided, positive=positive)
        if left is False:
            return None
        if left is not True:
            looks_at = frozenset(each.attribute.name for each in conditions_of(node))
            draw = node.tests.draw if isinstance(node, Condition) and positive else None
            conjuncts.append(Conjunct(left, looks_at - decided, draw))
    return conjuncts


class RuleIndex(Generic[Item]):
    """Items with a rule each, in their order; `candidates` gives those that may apply."""

    def __init__(self, items: Iterable[tuple[Item, CompiledRule]]) -> None:
        self._items = list(items)
        self._named: list[frozenset[Any]] = [
            frozenset(
                value
                for _item, rule in self._items
                for condition in conditions_of(rule.root)
                if condition.attribute.name == name
                for value in condition.values
            )
            for name in BY
        ]

    def kind(self, facts: Facts) -> Kind:
        """Return what tells these facts from others as far as any rule of the index cares."""
        _tiers, apps, channels, platforms = self._named
        app, channel, platform = facts.client_app, facts.channel, facts.platform
        return (
            int(facts.tier),
            app if not app or app in apps else _OTHER,
            channel if not channel or channel in channels else _OTHER,
            platform if not platform or platform in platforms else _OTHER,
        )

    def candidates(self, facts: Facts) -> list[tuple[Item, Sequence[Conjunct]]]:
        """Return the items whose rule does not surely fail for this kind of subject, with what must still hold."""
        found = ((item, narrow(rule, facts, BY)) for item, rule in self._items)
        return [(item, conjuncts) for item, conjuncts in found if conjuncts is not None]


class Sieve(Generic[Item]):
    """The items that may apply to one kind of subject; `passing` gives those that do apply to one subject."""

    def __init__(self, items: Sequence[tuple[Item, Sequence[Conjunct]]]) -> None:
        self._all = (1 << len(items)) - 1
        self._entries: list[tuple[Item, Test | None]] = [(item, _left(conjuncts)) for item, conjuncts in items]
        self._drawn = [(item, *_drawn(conjuncts)) for item, conjuncts in items]
        self._columns = [column for name in MASKED if (column := _column(name, items)) is not None]
        self._lists: dict[int, list[tuple[Item, bytes, int, int, Test | None]]] = {}
        self.is_sure = not self._columns and all(test is None for _item, test in self._entries)

    def passing(self, facts: Facts) -> list[Item]:
        """Return the items whose rule holds, in their order.

        What is left of most rules is one percentage, so these are drawn here, without a call each.
        """
        mask = self.mask(facts)
        found = self._lists.get(mask)
        if found is None:
            if len(self._lists) >= MASKS_KEPT:
                self._lists.clear()
            found = self._lists[mask] = _chosen(self._drawn, mask)
        key = facts.device.encode()
        return [
            item
            for item, prefix, first, end, test in found
            if (not prefix or (first <= murmur3(prefix + key) % STEPS < end and key)) and (test is None or test(facts))
        ]

    def mask(self, facts: Facts) -> int:
        """Return which items are let through, as bits."""
        mask = self._all
        for column in self._columns:
            mask &= column.mask(facts)
        return mask

    def of(self, mask: int) -> list[tuple[Item, Test | None]]:
        """Return the items of a mask, like `among`, but remember nothing."""
        return _chosen(self._entries, mask)


def _chosen(entries: Sequence[Entry], mask: int) -> list[Entry]:
    bits = f"{mask:0{len(entries)}b}"[::-1]
    return list(compress(entries, map("1".__eq__, bits)))


class _Column:
    """Which items each value of one attribute lets through."""

    def __init__(self, name: str, tests: Mapping[int, Test], everything: int) -> None:
        self._of = attrgetter(name)
        self._tests = tests
        self._others = everything & ~sum(1 << n for n in tests)
        self._masks: dict[Any, int] = {}

    def mask(self, facts: Facts) -> int:
        value = self._of(facts)
        found = self._masks.get(value)
        if found is None:
            if len(self._masks) >= VALUES_KEPT:
                self._masks.clear()
            found = self._others | sum(1 << n for n, test in self._tests.items() if test(facts))
            self._masks[value] = found
        return found


def _column(name: str, items: Sequence[tuple[Any, Sequence[Conjunct]]]) -> _Column | None:
    tests = {
        n: all_of(own)
        for n, (_item, conjuncts) in enumerate(items)
        if (own := [each.test for each in conjuncts if each.attributes == {name}])
    }
    return _Column(name, tests, (1 << len(items)) - 1) if tests else None


def _left(conjuncts: Sequence[Conjunct]) -> Test | None:
    """Return the test of what no column decides."""
    left = [each.test for each in conjuncts if each.attributes not in _MASKED_ALONE]
    return all_of(left) if left else None


def _drawn(conjuncts: Sequence[Conjunct]) -> tuple[bytes, int, int, Test | None]:
    """Return one draw of what no column decides, with an empty prefix where there is none, and the test of the rest."""
    left = [each for each in conjuncts if each.attributes not in _MASKED_ALONE]
    drawn = next((each for each in left if each.draw is not None), None)
    if drawn is None or drawn.draw is None:
        return b"", 0, 0, _left(left)
    return *drawn.draw, _left([each for each in left if each is not drawn])


def _conjuncts(node: Node, *, positive: bool) -> Iterable[tuple[Node, bool]]:
    """Yield the parts that must all hold: of an `all`, or of an `any` that must not hold."""
    match node:
        case Negation():
            yield from _conjuncts(node.part, positive=not positive)
        case Group() if (node.word == "all") is positive:
            for part in node.parts:
                yield from _conjuncts(part, positive=positive)
        case _:
            yield node, positive


def _narrowed(node: Node, facts: Facts, known: frozenset[str], *, positive: bool) -> bool | Test:
    match node:
        case Condition():
            test = node.tests.holds if positive else node.tests.fails
            return test(facts) if node.attribute.name in known else test
        case Negation():
            return _narrowed(node.part, facts, known, positive=not positive)
    parts = [_narrowed(part, facts, known, positive=positive) for part in node.parts]
    needs_all = (node.word == "all") is positive
    decides = not needs_all  # one False decides an all, one True an any
    if any(part is decides for part in parts):
        return decides
    left = [part for part in parts if not isinstance(part, bool)]
    if not left:
        return not decides
    return all_of(left) if needs_all else any_of(left)

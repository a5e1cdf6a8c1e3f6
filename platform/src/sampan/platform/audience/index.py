"""Many rules at once: those that cannot apply to a kind of subject are not evaluated for it. Pure.

Subjects are told apart by a few attributes with few values (`BY`). For each kind seen, every rule is worked out as far
as these attributes decide it: what surely fails is dropped for good, what surely holds costs nothing any more, and of
the rest only the undecided conditions remain. A client may claim any platform: claims that no rule names are one kind.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from sampan.platform.audience.conditions import Test, all_of, any_of
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import CompiledRule, Condition, Negation, Node, conditions_of

BY = ("tier", "client_app", "channel", "platform")
KINDS_KEPT = 512
_OTHER = "\x00other"

Item = TypeVar("Item")
Kind = tuple[Any, ...]
Undecided = Sequence[tuple[Item, Test | None]]
"""Items that may apply; the test is None where the rule surely holds."""


def narrow(rule: CompiledRule, facts: Facts, known: Iterable[str]) -> bool | Test:
    """Return whether the rule holds for everyone with the `known` facts, or the test that remains to be made."""
    return _narrowed(rule.root, facts, frozenset(known), positive=True)


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
        self._kinds: dict[Kind, Undecided[Item]] = {}

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

    def candidates(self, facts: Facts) -> Undecided[Item]:
        """Return the items whose rule does not surely fail for this kind of subject; remembered per kind."""
        kind = self.kind(facts)
        found = self._kinds.get(kind)
        if found is None:
            while len(self._kinds) >= KINDS_KEPT:
                del self._kinds[next(iter(self._kinds))]
            found = self._kinds[kind] = list(self._worked_out(facts))
        return found

    def _worked_out(self, facts: Facts) -> Iterable[tuple[Item, Test | None]]:
        for item, rule in self._items:
            test = narrow(rule, facts, BY)
            if test is True:
                yield item, None
            elif test is not False:
                yield item, test


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

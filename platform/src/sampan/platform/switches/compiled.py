"""Switches ready to be evaluated: every possible answer is encoded when the snapshot is compiled. Pure.

Asked for one switch, its rules are tried in turn. Asked for all, callers of one class (tier, client app, channel, and
what the client claims, as far as any rule looks at it) share a plan: what the class decides is joined to ready bytes,
and per request remain the places of splits and the few conditions on the device, customer, tags and time.

A class is remembered when it is seen for the second time, so that a client that claims something new each time costs
no more than the work of trying the rules.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from msgspec import Struct

from sampan.platform.audience.attributes import Source
from sampan.platform.audience.buckets import STEPS, murmur3
from sampan.platform.audience.conditions import Test
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.index import BY, Kind, RuleIndex, narrow
from sampan.platform.audience.rules import CompiledRule, conditions_of
from sampan.platform.switches.definition import By, Definition, Rule, to_text

PLANS_BYTES = 32 * 1024 * 1024
CLASSES_SEEN = 4096
_SLOT = b"\x00"  # cannot occur in JSON text
_PER_CHOICE = 64

Class = tuple[Kind, Any]


class Answer(Struct, frozen=True, gc=False):
    """One outcome of one switch: its JSON, and a seal that stands for its content."""

    body: bytes
    seal: bytes


Choose = Callable[[Facts], Answer]
Step = tuple[Test | None, Answer | Choose]
"""For whom, None for all who come so far, and what they get."""


class CompiledSwitch(Struct, frozen=True):
    """A switch with its answers. Percentages in its rules and places in its splits have salts of their own."""

    key: str
    rules: Sequence[tuple[CompiledRule, Answer | Choose]]
    otherwise: Answer

    def answer(self, facts: Facts) -> Answer:
        """Return what this subject gets."""
        for rule, given in self.rules:
            if rule.matches(facts):
                return given if isinstance(given, Answer) else given(facts)
        return self.otherwise


class Plan(Struct, frozen=True):
    """What a class of callers gets: the pieces of the list's JSON, every second one a gap that a choice fills."""

    pieces: list[bytes]
    choices: Sequence[Choose]
    seal: bytes
    size_bytes: int

    def answer(self, facts: Facts) -> tuple[list[bytes], bytes]:
        """Return the pieces of the list `[...]`, and the seal of what is in it."""
        if not self.choices:
            return self.pieces, self.seal
        chosen = [choose(facts) for choose in self.choices]
        pieces = self.pieces.copy()
        pieces[1::2] = [each.body for each in chosen]
        return pieces, self.seal + b"".join([each.seal for each in chosen])


class SwitchesPart:
    """All active switches of a workspace; `moments_ms` are the times at which answers may change by themselves."""

    def __init__(self, switches: Iterable[tuple[Definition, str]]) -> None:
        switches = list(switches)
        self.by_key = {definition.key: compile_switch(definition, salt) for definition, salt in switches}
        rules = [rule for each in self.by_key.values() for rule, _given in each.rules]
        conditions = [condition for rule in rules for condition in conditions_of(rule.root)]
        claimed = sorted({each.attribute.name for each in conditions if each.attribute.source is Source.CLAIMED})
        self.moments_ms = sorted({moment for rule in rules for moment in rule.moments_ms})
        self.has_tags = any(rule.tags or rule.audiences for rule in rules)
        self.seal = _seal(*(f"{salt}{to_text(definition)}".encode() for definition, salt in switches)).hex()
        self._known = frozenset({*BY, *claimed})
        self._claims: Callable[[Facts], Any] = attrgetter(*claimed) if claimed else lambda _facts: ()
        self._index = RuleIndex((None, rule) for rule in rules)
        self._by_kind: dict[Kind, Plan] = {}
        self._by_class: dict[Class, Plan] = {}
        self._bytes = 0
        self._seen: set[Class] = set()

    def plan(self, facts: Facts) -> Plan:
        """Return the plan for this caller's class, or for its kind while the class is new."""
        key = (self._index.kind(facts), self._claims(facts))
        found = self._by_class.get(key)
        return found if found is not None else self._new(key, facts)

    def _new(self, key: Class, facts: Facts) -> Plan:
        if key not in self._seen:
            if len(self._seen) >= CLASSES_SEEN:
                self._seen.clear()
            self._seen.add(key)
            return self._of_kind(key[0], facts)
        plan = self._worked_out(facts, self._known)
        self._bytes += plan.size_bytes
        while self._bytes > PLANS_BYTES and self._by_class:
            self._bytes -= self._by_class.pop(next(iter(self._by_class))).size_bytes
        self._by_class[key] = plan
        return plan

    def _of_kind(self, kind: Kind, facts: Facts) -> Plan:
        found = self._by_kind.get(kind)
        if found is None:
            if len(self._by_kind) >= 64:
                del self._by_kind[next(iter(self._by_kind))]
            found = self._by_kind[kind] = self._worked_out(facts, frozenset(BY))
        return found

    def _worked_out(self, facts: Facts, known: frozenset[str]) -> Plan:
        fixed: list[Answer] = []
        choices: list[Choose] = []
        items = []
        for switch in self.by_key.values():
            given = _narrowed(switch, facts, known)
            if isinstance(given, Answer):
                fixed.append(given)
                items.append(given.body)
            else:
                choices.append(given)
                items.append(_SLOT)
        around = b",".join(items).split(_SLOT)
        pieces = [piece for text in around for piece in (text, b"")][:-1]
        size = sum(map(len, pieces)) + _PER_CHOICE * len(pieces)
        return Plan(pieces, choices, _seal(*(each.seal for each in fixed)), size)


def compile_switch(definition: Definition, salt: str) -> CompiledSwitch:
    """Return the switch with all its answers encoded."""
    rules = definition.compiled(salt)
    otherwise = _answer(definition, definition.default, "DEFAULT" if rules else "STATIC")
    given = [_given(definition, rule, f"{split_salt(salt)}:") for rule in definition.rules]
    return CompiledSwitch(definition.key, list(zip(rules, given, strict=True)), otherwise)


def split_salt(salt: str) -> str:
    """Return the salt of places in splits: another one than that of percentages in the same switch's rules."""
    return f"{salt}:split"


def _given(definition: Definition, rule: Rule, salt: str) -> Answer | Choose:
    if rule.variant is not None:
        return _answer(definition, rule.variant, "TARGETING_MATCH")
    spans = [(high, _answer(definition, name, "SPLIT")) for name, low, high in rule.spans() if high > low]
    beside = _answer(definition, definition.default, "SPLIT")
    key_of = attrgetter(str(definition.by))
    if definition.by is By.DEVICE and len(spans) == 1:
        ((edge, inside),) = spans

        def one(facts: Facts) -> Answer:
            key = facts.device
            return inside if key and murmur3(salt + key, 0, False) % STEPS < edge else beside

        return one

    def pick(facts: Facts) -> Answer:
        key = key_of(facts)
        if not key:
            return beside
        place = murmur3(salt + key, 0, False) % STEPS
        for edge, answer in spans:
            if place < edge:
                return answer
        return beside

    return pick


def _narrowed(switch: CompiledSwitch, facts: Facts, known: frozenset[str]) -> Answer | Choose:
    """Return what everybody with the `known` facts gets, or what remains to be chosen."""
    steps: list[Step] = []
    for rule, given in switch.rules:
        test = narrow(rule, facts, known)
        if test is True:
            return _chooser(steps, given)
        if test is not False:
            steps.append((test, given))
    return _chooser(steps, switch.otherwise)


def _chooser(steps: Sequence[Step], otherwise: Answer | Choose) -> Answer | Choose:
    if not steps:
        return otherwise

    def choose(facts: Facts) -> Answer:
        for test, given in steps:
            if test is None or test(facts):
                return given if isinstance(given, Answer) else given(facts)
        return otherwise if isinstance(otherwise, Answer) else otherwise(facts)

    return choose


def _answer(definition: Definition, variant: str, reason: str) -> Answer:
    value: Mapping[str, Any] = {
        "key": definition.key,
        "reason": reason,
        "variant": variant,
        "value": definition.variants[variant],
    }
    # Not orjson: its floats are as good, but json is what wrote and read the stored text.
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Answer(body, _seal(body))


def _seal(*parts: bytes) -> bytes:
    return blake2b(b"\n".join(parts), digest_size=8).digest()

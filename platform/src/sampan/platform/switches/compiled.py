"""Switches ready to be evaluated: every possible answer is encoded when the snapshot is compiled. Pure.

Asked for one switch, its rules are tried in turn. Asked for all, callers for whom tier, client app, channel and what
the client claims decide the same (audience/index) share a plan: what is decided is joined to ready bytes, and per
request remain the places of splits and the few conditions on the device, customer, tags and time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.buckets import STEPS, murmur3
from sampan.platform.audience.conditions import Test
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.index import KINDS_KEPT, Conjunct, Kind, RuleIndex, Sieve
from sampan.platform.audience.rules import CompiledRule
from sampan.platform.release.decide import Candidate, Context, DeliverableSnapshot, decide
from sampan.platform.switches.definition import By, Definition, Rule, from_text
from sampan.platform.switches.part import KIND

PLANS_BYTES = 32 * 1024 * 1024
COMPILED_KEPT = 8192
_SLOT = b"\x00"  # cannot occur in JSON text
_PER_CHOICE = 64
ANY_HOST = Context(0)


class Answer(Struct, frozen=True, gc=False):
    """One outcome of one switch: its JSON, and a seal that stands for its content."""

    body: bytes
    seal: bytes


Choose = Callable[[Facts], Answer]
Step = tuple[Test | None, Answer | Choose]
"""For whom, None for all who come so far, and what they get."""
Item = tuple[int, Answer | Choose]
"""The number of a switch, and what one of its rules gives."""


class Rollout(Struct, frozen=True):
    """A release that gives another edition of a switch: to whom, and its definition as stored.

    `audience` is the text of the rule that the candidate was compiled from.
    """

    candidate: Candidate
    audience: str
    text: str


class CompiledSwitch(Struct, frozen=True):
    """A switch with its answers. Percentages in its rules and places in its splits have salts of their own.

    `released` are the releases of other editions, `revised` those editions by release.
    """

    key: str
    rules: Sequence[tuple[CompiledRule, Answer | Choose]]
    otherwise: Answer
    released: DeliverableSnapshot | None = None
    revised: Mapping[str, "CompiledSwitch"] = {}

    def answer(self, facts: Facts) -> Answer:
        """Return what this subject gets."""
        if self.released is not None and (chosen := decide(facts, ANY_HOST, self.released).candidate) is not None:
            return self.revised[chosen.release_id].answer(facts)
        for rule, given in self.rules:
            if rule.matches(facts):
                return given if isinstance(given, Answer) else given(facts)
        return self.otherwise


class Revised(Struct, frozen=True):
    """What a release gives those whom it means: another edition of the switch, by that edition's own rules."""

    client_app: str | None
    switch: CompiledSwitch

    def __call__(self, facts: Facts) -> Answer:
        """Return what the edition gives."""
        return self.switch.answer(facts)


class Plan(Struct, frozen=True):
    """What callers get for whom the same is decided: pieces of the list's JSON, every second a gap for a choice."""

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
    """All active switches of a workspace, of their stored texts and salts.

    `moments_ms` are the times at which answers may change by themselves.
    """

    def __init__(
        self, switches: Sequence[tuple[str, str]], rollouts: Mapping[str, Sequence[Rollout]] | None = None
    ) -> None:
        rollouts = rollouts or {}
        compiled = [(_compiled(text, salt), salt) for text, salt in switches]
        self.by_key = {each.key: _with_rollouts(each, salt, rollouts.get(each.key, ())) for each, salt in compiled}
        items = [(item, rule) for n, each in enumerate(self.by_key.values()) for item, rule in _items(n, each)]
        rules = [rule for each in self.by_key.values() for rule in _all_rules(each)]
        self.moments_ms = sorted({moment for rule in rules for moment in rule.moments_ms})
        self.has_tags = any(rule.tags or rule.audiences for rule in rules)
        released = [rollout for each in rollouts.values() for rollout in each]
        self.seal = _seal(
            *(f"{salt}{text}".encode() for text, salt in switches), *(_rollout_text(each) for each in released)
        ).hex()
        self._index = RuleIndex(items)
        self._sieves: dict[Kind, Sieve[Item]] = {}
        self._plans: dict[tuple[Kind, int], Plan] = {}
        self.remembered_bytes = 0

    def plan(self, facts: Facts) -> Plan:
        """Return the plan of all callers for whom the same is decided as for this one."""
        kind = self._index.kind(facts)
        sieve = self._sieves.get(kind)
        if sieve is None:
            sieve = self._new_sieve(kind, facts)
        mask = sieve.mask(facts)
        found = self._plans.get((kind, mask))
        return found if found is not None else self._new_plan(kind, sieve, mask)

    def _new_sieve(self, kind: Kind, facts: Facts) -> "Sieve[Item]":
        if len(self._sieves) >= KINDS_KEPT:
            del self._sieves[next(iter(self._sieves))]
        sieve = self._sieves[kind] = Sieve([_for_client(*each) for each in self._index.candidates(facts)])
        for key in [key for key in self._plans if key[0] == kind]:  # masks of another sieve count other rules
            self.remembered_bytes -= self._plans.pop(key).size_bytes
        return sieve

    def _new_plan(self, kind: Kind, sieve: "Sieve[Item]", mask: int) -> Plan:
        plan = self._worked_out(sieve.of(mask))
        self.remembered_bytes += plan.size_bytes
        while self.remembered_bytes > PLANS_BYTES and self._plans:
            self.remembered_bytes -= self._plans.pop(next(iter(self._plans))).size_bytes
        self._plans[kind, mask] = plan
        return plan

    def _worked_out(self, possible: Iterable[tuple[Item, Test | None]]) -> Plan:
        steps: dict[int, list[Step]] = {}
        for (n, given), test in possible:
            steps.setdefault(n, []).append((test, given))
        fixed: list[Answer] = []
        choices: list[Choose] = []
        items = []
        for n, switch in enumerate(self.by_key.values()):
            given = _chosen(steps.get(n, ()), switch.otherwise)
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


def _items(n: int, switch: CompiledSwitch) -> Iterator[tuple[Item, CompiledRule]]:
    """Yield what a switch may give, in the order in which it is tried: as `decide` would, the newest edition first."""
    if switch.released is not None:
        for candidate in switch.released.candidates:
            yield (n, Revised(candidate.client_app, switch.revised[candidate.release_id])), candidate.audience
    for rule, given in switch.rules:
        yield (n, given), rule


def _for_client(item: Item, conjuncts: Sequence[Conjunct]) -> tuple[Item, Sequence[Conjunct]]:
    """Add what a release asks of the client besides its audience."""
    given = item[1]
    if not isinstance(given, Revised) or given.client_app is None:
        return item, conjuncts
    app = given.client_app
    return item, [*conjuncts, Conjunct(lambda facts: facts.client_app == app, frozenset({"client_app"}))]


def _all_rules(switch: CompiledSwitch) -> Iterator[CompiledRule]:
    yield from (rule for rule, _given in switch.rules)
    if switch.released is not None:
        yield from (each.audience for each in switch.released.candidates)
    for revised in switch.revised.values():
        yield from _all_rules(revised)


def _with_rollouts(switch: CompiledSwitch, salt: str, rollouts: Sequence[Rollout]) -> CompiledSwitch:
    if not rollouts:
        return switch
    candidates = sorted((each.candidate for each in rollouts), key=lambda each: -each.sequence)
    revised = {each.candidate.release_id: _compiled(each.text, salt) for each in rollouts}
    return replace(switch, released=DeliverableSnapshot(KIND, switch.key, candidates), revised=revised)


def _rollout_text(rollout: Rollout) -> bytes:
    """Return what changes whenever the release may mean others, or give them something else."""
    candidate = rollout.candidate
    return f"{candidate.release_id}{candidate.client_app}{rollout.audience}{rollout.text}".encode()


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(text: str, salt: str) -> CompiledSwitch:
    """Compile a stored switch; when one of thousands changes, the others are remembered."""
    return compile_switch(from_text(text), salt)


def compile_switch(definition: Definition, salt: str) -> CompiledSwitch:
    """Return the switch with all its answers encoded."""
    rules = definition.compiled(salt)
    otherwise = _answer(definition, definition.default, "DEFAULT" if rules else "STATIC")
    given = [_given(definition, rule, f"{split_salt(salt)}:") for rule in definition.rules]
    return CompiledSwitch(definition.key, list(zip(rules, given, strict=True)), otherwise)


def split_salt(salt: str) -> str:
    """Return the salt of places in splits: another one than that of percentages in the same switch's rules."""
    return f"{salt}:split"


def _given(definition: Definition, rule: Rule, salted: str) -> Answer | Choose:
    if rule.variant is not None:
        return _answer(definition, rule.variant, "TARGETING_MATCH")
    spans = [(high, _answer(definition, name, "SPLIT")) for name, low, high in rule.spans() if high > low]
    beside = _answer(definition, definition.default, "SPLIT")
    key_of = attrgetter(str(definition.by))
    salt = salted.encode()
    if definition.by is By.DEVICE and len(spans) == 1:
        ((edge, inside),) = spans

        def one(facts: Facts) -> Answer:
            key = facts.device
            return inside if key and murmur3(salt + key.encode()) % STEPS < edge else beside

        return one

    def pick(facts: Facts) -> Answer:
        key = key_of(facts)
        if not key:
            return beside
        place = murmur3(salt + key.encode()) % STEPS
        for edge, answer in spans:
            if place < edge:
                return answer
        return beside

    return pick


def _chosen(steps: Sequence[Step], otherwise: Answer | Choose) -> Answer | Choose:
    """Return what everybody gets for whom these steps are possible, or what remains to be chosen."""
    for n, (test, given) in enumerate(steps):
        if test is None:
            steps, otherwise = steps[:n], given
            break
    if not steps:
        return otherwise
    open_steps = [(test, given) for test, given in steps if test is not None]

    def choose(facts: Facts) -> Answer:
        for test, given in open_steps:
            if test(facts):
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
    if definition.apps:  # the shell reads it: it hands the value to these mini-apps alone
        value = {**value, "metadata": {"apps": " ".join(definition.apps)}}
    # Not orjson: its floats are as good, but json is what wrote and read the stored text.
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Answer(body, _seal(body))


def _seal(*parts: bytes) -> bytes:
    return blake2b(b"\n".join(parts), digest_size=8).digest()

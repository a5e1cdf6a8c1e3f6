"""Operators: from the values of a condition to two tests, of which each holds only where it surely does.

A condition is true, false or, where its fact is not known, neither. `holds` is true only in the first case and `fails`
only in the second, so a rule without its `not`s (they turn tests round) needs no third value: what is unknown is not
offered, neither by a condition nor by its opposite.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from sampan.platform.audience.buckets import STEPS, Buckets, murmur3
from sampan.platform.audience.facts import Facts
from sampan.platform.audience.versions import Key, Span, lies_in, version_key

Test = Callable[[Facts], bool]
Known = Callable[[Any], bool]


Draw = tuple[bytes, int, int]
"""`prefix`, `first`, `end`: holds where the place of `prefix` and the device's id lies from `first` up to `end`."""


class Tests(Struct, frozen=True):
    """Whether a condition surely holds, and whether it surely fails; `draw` says what `holds` does, where it is one."""

    __test__ = False

    holds: Test
    fails: Test
    draw: Draw | None = None

    def opposite(self) -> "Tests":
        """Return the tests of the opposite condition."""
        return Tests(self.fails, self.holds)


def one_of(of: Callable[[Facts], Any], values: frozenset[Any], unknown: Any) -> Tests:
    """Test whether a fact is one of the values; `unknown` is what it is when nobody knows it."""
    if len(values) == 1:
        (only,) = values
        return Tests(lambda facts: bool(of(facts) == only), lambda facts: of(facts) not in (only, unknown))
    unlike = values | {unknown}
    return Tests(lambda facts: of(facts) in values, lambda facts: of(facts) not in unlike)


def tested(of: Callable[[Facts], Any], test: Callable[[Any], bool], unknown: Any) -> Tests:
    """Test a fact by a function, where it is known."""

    def holds(facts: Facts) -> bool:
        value = of(facts)
        return value != unknown and test(value)

    def fails(facts: Facts) -> bool:
        value = of(facts)
        return value != unknown and not test(value)

    return Tests(holds, fails)


def in_spans(of: Callable[[Facts], str], spans: tuple[Span, ...]) -> Tests:
    """Test whether a version lies in one of the spans; what is no version is unknown."""
    inside = _within(spans)

    def holds(facts: Facts) -> bool:
        key = version_key(of(facts))
        return key is not None and inside(key)

    def fails(facts: Facts) -> bool:
        key = version_key(of(facts))
        return key is not None and not inside(key)

    return Tests(holds, fails)


def _within(spans: tuple[Span, ...]) -> Callable[[Key], bool]:
    """Return the test of a version's key; the common shapes are written out."""
    (low, high), *more = spans
    if more:
        return lambda key: lies_in(key, spans)
    if high is None:
        return lambda key: low <= key
    return lambda key: low <= key < high


def bucket_between(by: str, buckets: Buckets, low: int, high: int) -> Tests:
    """Test whether the place of a key, `device` or `customer`, lies from `low` up to, not including, `high`."""
    key_of: Callable[[Facts], str | None] = attrgetter(by)
    steps, scale, prefix = buckets.steps, STEPS // buckets.steps, f"{buckets.salt}:".encode()
    first, end = -(-low // scale), -(-high // scale)  # the same bounds in steps

    def holds(facts: Facts) -> bool:
        key = key_of(facts)
        return key is not None and key != "" and first <= murmur3(prefix + key.encode()) % steps < end

    def fails(facts: Facts) -> bool:
        key = key_of(facts)
        return key is not None and key != "" and not first <= murmur3(prefix + key.encode()) % steps < end

    return Tests(holds, fails, (prefix, first, end) if by == "device" and steps == STEPS else None)


def any_tag(names: Sequence[str]) -> Tests:
    """Test whether the subject has one of the tags; a tag that is not there is unknown."""
    if len(names) == 1:
        (name,) = names

        def has(facts: Facts) -> bool:
            members = facts.tags.get(name)
            return members is not None and facts.subject in members

        def lacks(facts: Facts) -> bool:
            members = facts.tags.get(name)
            return members is not None and facts.subject not in members

        return Tests(has, lacks)
    each = [any_tag([name]) for name in names]
    return Tests(any_of([tests.holds for tests in each]), all_of([tests.fails for tests in each]))


def all_tags(names: Sequence[str]) -> Tests:
    """Test whether the subject has every one of the tags."""
    each = [any_tag([name]) for name in names]
    return Tests(all_of([tests.holds for tests in each]), any_of([tests.fails for tests in each]))


def any_audience(ids: Sequence[str]) -> Tests:
    """Test whether the subject is in one of the saved audiences; one that is not there is unknown."""

    def inside(facts: Facts) -> bool:
        found = (facts.audiences.get(each) for each in ids)
        return any(audience is not None and audience.matches(facts) for audience in found)

    def outside(facts: Facts) -> bool:
        found = [facts.audiences.get(each) for each in ids]
        return all(audience is not None and audience.excludes(facts) for audience in found)

    return Tests(inside, outside)


def all_of(tests: Sequence[Test]) -> Test:
    """Return the test that holds when all do; the common short ones are written out, which is half the time."""
    match list(tests):
        case []:
            return lambda _facts: True
        case [a]:
            return a
        case [a, b]:
            return lambda facts: a(facts) and b(facts)
        case [a, b, c]:
            return lambda facts: a(facts) and b(facts) and c(facts)
        case [a, b, c, d]:
            return lambda facts: a(facts) and b(facts) and c(facts) and d(facts)
        case [a, b, c, d, e]:
            return lambda facts: a(facts) and b(facts) and c(facts) and d(facts) and e(facts)
    first, rest = all_of(tests[:5]), all_of(tests[5:])
    return lambda facts: first(facts) and rest(facts)


def any_of(tests: Sequence[Test]) -> Test:
    """Return the test that holds when one does."""
    match list(tests):
        case []:
            return lambda _facts: False
        case [a]:
            return a
        case [a, b]:
            return lambda facts: a(facts) or b(facts)
        case [a, b, c]:
            return lambda facts: a(facts) or b(facts) or c(facts)
    first, rest = any_of(tests[:3]), any_of(tests[3:])
    return lambda facts: first(facts) or rest(facts)


def fact(name: str) -> Callable[[Facts], Any]:
    """Return the reader of one field of the facts."""
    return attrgetter(name)

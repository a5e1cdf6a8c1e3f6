"""Random rules and facts, and a slow interpreter of rules that shares no code with the compiled ones."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from sampan.platform.audience.buckets import murmur3_32
from sampan.platform.audience.facts import Facts
from sampan.platform.identity.tiers import Tier

DEVICES = [f"dev_0192f0c8a7b4{n:020x}" for n in range(40)]
CUSTOMERS = [f"cus_0192f0c8a7b5{n:020x}" for n in range(6)]
SAVED = [f"aud_0192f0c8a7b6{n:020x}" for n in range(3)]
TAGS = {"vip": {1, 2, 3}, "staff": {3, 4}, "nobody": set[int]()}
LABELS = [tier.label for tier in Tier]
SEEN_MS = int("0192f0c8a7b4", 16)
VERSIONS = ["1", "1.2", "1.2.3", "1.10.0", "2.0.0", "2.0.0-beta", "17.4"]
TEXTS = {
    "platform": ["android", "ios", "web"],
    "model": ["pixel 9", "iphone17,1", "mate 70"],
    "network": ["wifi", "5g"],
    "region": ["cn-31", "cn-11", "hk"],
    "language": ["zh", "zh-cn", "zh-hant-tw", "en", "zhx"],
    "client_app": ["retail", "staff"],
    "channel": ["store", "beta"],
}


def _condition(attr: str, op: str, values: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda found: {"attr": attr, "op": op, "values": found})


def _some(values: list[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most)


def _rising(low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True).map(sorted)


def _text_ops(name: str) -> list[str]:
    ops = ["in", "not_in"]
    if name in ("model", "region"):
        ops += ["starts_with", "ends_with", "contains", "not_starts_with", "not_ends_with", "not_contains"]
    return [*ops, "matches", "not_matches"] if name == "language" else ops


conditions = st.one_of(
    *(_condition("tier", op, _some(LABELS)) for op in ("in", "not_in")),
    *(_condition("tier", op, _some(LABELS, 1)) for op in ("at_least", "below")),
    *(_condition("tag", op, _some([*TAGS, "gone"])) for op in ("in", "not_in", "has_all")),
    *(_condition("audience", op, _some(SAVED)) for op in ("in", "not_in")),
    *(_condition("customer", op, _some(CUSTOMERS)) for op in ("in", "not_in")),
    *(_condition("device", op, _some(DEVICES)) for op in ("in", "not_in")),
    _condition("percentage", "below", st.lists(st.integers(0, 10_000), min_size=1, max_size=1)),
    _condition("percentage", "between", _rising(0, 10_000)),
    *(
        _condition(name, op, st.lists(st.integers(middle - 5, middle + 5), min_size=1, max_size=1))
        for op in ("at_least", "below")
        for name, middle in (("first_seen", SEEN_MS), ("time", 50))
    ),
    *(
        _condition(name, "between", _rising(middle - 5, middle + 5))
        for name, middle in (("first_seen", SEEN_MS), ("time", 50))
    ),
    *(_condition(name, op, _some(values)) for name, values in TEXTS.items() for op in _text_ops(name)),
    *(
        _condition(name, op, _some(VERSIONS, 1 if op in ("at_least", "below") else 3))
        for name in ("os_version", "app_version")
        for op in ("in", "not_in", "at_least", "below")
    ),
)


def _rules(leaf: st.SearchStrategy[dict[str, Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda parts: {"all": parts}),
            st.lists(inner, max_size=4).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=most,
    )


rules = _rules(conditions, 8)


def _maybe(values: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "something else", *values])


facts = st.builds(
    Facts,
    tier=st.sampled_from(Tier),
    subject=st.integers(0, 5),
    device=st.sampled_from(["", "dev_1", *DEVICES]),
    customer=st.sampled_from([None, *CUSTOMERS]),
    now_ms=st.integers(44, 56),
    os_version=_maybe(VERSIONS),
    app_version=_maybe(VERSIONS),
    tags=st.just(TAGS),
    **{name: _maybe(values) for name, values in TEXTS.items()},
)


def judge(rule: Any, facts: Facts, salt: str = "") -> bool | None:
    """Return what a rule says of a subject by three-valued logic (Kleene): True, False, or None for unknown."""
    if "all" in rule or "any" in rule:
        (word,) = rule
        found = [judge(part, facts, salt) for part in rule[word]]
        decisive = word == "any"
        return decisive if decisive in found else None if None in found else not decisive
    if "not" in rule:
        inner = judge(rule["not"], facts, salt)
        return None if inner is None else not inner
    op = rule["op"]
    negative = op.startswith("not_") or op == "below"
    positive = {"below": "at_least"}.get(op, op.removeprefix("not_"))
    if rule["attr"] == "percentage":
        return _percentage(rule, facts, salt)
    found_one = _judge_one(rule["attr"], positive, rule["values"], facts)
    return found_one if found_one is None or not negative else not found_one


def _percentage(rule: Any, facts: Facts, salt: str) -> bool | None:
    low, high = rule["values"] if rule["op"] == "between" else (0, rule["values"][0])
    return low <= murmur3_32(f"{salt}:{facts.device}".encode()) % 10_000 < high if facts.device else None


def _judge_one(attr: str, op: str, values: list[Any], facts: Facts) -> bool | None:
    match attr:
        case "tag":
            have = [facts.subject in facts.tags[name] if name in facts.tags else None for name in values]
            return _all(have) if op == "has_all" else _any(have)
        case "audience":
            return _any([_saved(facts.audiences.get(name), facts) for name in values])
        case "tier":
            return facts.tier.label in values if op == "in" else bool(facts.tier >= Tier.parse(values[0]))
        case "customer":
            return facts.customer in values
        case "first_seen" | "time":
            moment = facts.now_ms if attr == "time" else _seen(facts.device)
            if moment is None:
                return None
            return bool(moment >= values[0] if op == "at_least" else values[0] <= moment < values[1])
    value = getattr(facts, attr)
    if attr.endswith("_version"):
        return _versions(value, op, values)
    if not value:
        return None
    tests: dict[str, Callable[[Any], bool]] = {
        "in": lambda one: value == one,
        "starts_with": value.startswith,
        "ends_with": value.endswith,
        "contains": lambda one: one in value,
        "matches": lambda one: value == one or value.startswith(one + "-"),
    }
    return any(tests[op](one) for one in values)


def _saved(audience: Any, facts: Facts) -> bool | None:
    if audience is None:
        return None
    return True if audience.matches(facts) else False if audience.excludes(facts) else None


def _seen(device: str) -> int | None:
    return int(device.split("_")[1][:12], 16) if len(device) > 30 else None


def _versions(text: str, op: str, values: list[str]) -> bool | None:
    key = _order(text)
    if key is None:
        return None
    wanted = [_order(value) for value in values]
    return bool(key in wanted if op == "in" else key >= (wanted[0] or ()))


def _order(text: str) -> tuple[Any, ...] | None:
    if not text or not text[0].isdigit():
        return None
    numbers, _, pre = text.partition("-")
    found = [int(part) for part in numbers.split(".")]
    return (*(found + [0] * 4)[:4], pre == "", pre)


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True

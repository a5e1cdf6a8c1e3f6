"""Rules that can hold for nobody, and pairs that can never meet: said only where it is so."""

from typing import Any

import pytest
from audience_drawn import conditions, facts, rules
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.overlap import Scope, scope_of
from sampan.platform.audience.rules import EVERYONE, Bucketing, compile_rule
from sampan.platform.identity.tiers import Tier


def scope(rule: Any, **named: Any) -> Scope:
    return scope_of(compile_rule(rule).root, **named)


def at(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


@given(rules, facts)
@settings(max_examples=1500, deadline=None)
def test_a_rule_that_holds_for_somebody_is_never_called_empty(rule: Any, of: Facts) -> None:
    compiled = compile_rule(rule, Bucketing("a"))
    if compiled.matches(of):
        found = scope_of(compiled.root, now_ms=of.now_ms)
        assert not found.is_empty
        assert of.tier in found.tiers


@given(st.one_of(rules, conditions), st.one_of(rules, conditions), facts)
@settings(max_examples=3000, deadline=None)
def test_two_rules_that_hold_for_one_device_are_never_said_to_keep_apart(one: Any, other: Any, of: Facts) -> None:
    first, second = compile_rule(one, Bucketing("a")), compile_rule(other, Bucketing("b"))
    if first.matches(of) and second.matches(of):
        assert scope_of(first.root).can_meet(scope_of(second.root))


@pytest.mark.parametrize(
    "rule",
    [
        {"any": []},
        {"not": EVERYONE},
        {"all": [at("tier", "in", "full"), at("tier", "below", "registered")]},
        {"all": [at("platform", "in", "ios"), at("platform", "not_in", "ios", "android")]},
        {"all": [at("app_version", "at_least", "2.0"), at("app_version", "below", "1.4")]},
        {"all": [at("app_version", "matches", "^2"), {"not": at("app_version", "matches", ">=2")}]},
        {"all": [at("tag", "in", "vip"), {"not": at("tag", "in", "vip", "staff")}]},
        {"all": [at("tag", "has_all", "vip", "staff"), at("tag", "not_in", "staff")]},
        {"all": [at("percentage", "below", 100), at("percentage", "between", 100, 200)]},
        {"all": [at("time", "at_least", 100), at("time", "below", 50)]},
        at("percentage", "below", 0),
    ],
)
def test_contradictions_are_found(rule: dict[str, Any]) -> None:
    assert scope(rule).is_empty


def test_what_is_over_reaches_nobody_from_then_on() -> None:
    rule = at("time", "between", 10, 20)
    assert not scope(rule, now_ms=19).is_empty
    assert scope(rule, now_ms=20).is_empty


def test_a_saved_audience_counts_by_its_rule() -> None:
    name = "aud_0192f0c8a7b600000000000000000001"
    saved = {name: compile_rule(at("tier", "in", "full")).root}
    narrowed = {"all": [at("audience", "in", name), at("tier", "in", "visitor")]}
    assert not scope(narrowed).is_empty  # it may be anything
    assert scope(narrowed, saved=saved).is_empty
    assert scope(at("audience", "not_in", name), saved=saved).tiers == set(Tier) - {Tier.FULL}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (at("tier", "in", "full"), at("tier", "in", "visitor", "registered")),
        (at("region", "in", "hk"), {"all": [at("region", "in", "cn-31"), at("tag", "in", "vip")]}),
        (at("app_version", "below", "2.0"), at("app_version", "matches", ">=2.0.0")),
        (at("tag", "in", "vip"), {"not": at("tag", "in", "vip")}),
        ({"any": [at("platform", "in", "ios"), at("platform", "in", "web")]}, at("platform", "not_in", "ios", "web")),
    ],
)
def test_rules_that_keep_apart_are_known_to(one: Any, other: Any) -> None:
    assert not scope(one).can_meet(scope(other))
    assert not scope(other).can_meet(scope(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EVERYONE, at("tier", "in", "full")),
        (at("percentage", "below", 100), at("percentage", "between", 9000, 10_000)),  # of other releases, other places
        (at("model", "starts_with", "pixel"), at("model", "starts_with", "mate")),  # not looked into
        (at("tag", "in", "vip"), at("tag", "in", "staff")),
    ],
)
def test_others_may_meet(one: Any, other: Any) -> None:
    assert scope(one).can_meet(scope(other))


def test_two_client_apps_never_meet() -> None:
    assert not scope(EVERYONE, client_app="retail").can_meet(scope(EVERYONE, client_app="staff"))
    assert scope(EVERYONE, client_app="retail").can_meet(scope(EVERYONE))
    assert scope(at("client_app", "in", "staff"), client_app="retail").is_empty


def test_a_rule_with_too_many_ways_is_taken_for_anything() -> None:
    wide = {"all": [{"any": [at("tag", "in", f"t{n}-{m}") for m in range(4)]} for n in range(12)]}
    assert not scope(wide).is_empty
    assert scope(wide).can_meet(scope(EVERYONE))

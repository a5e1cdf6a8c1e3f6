"""Rules: what they mean, and that nothing unknown is ever saved."""

from typing import Any

import pytest
from audience_drawn import DEVICES, SAVED, TAGS, conditions, facts, judge, rules
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.audience.attributes import ATTRIBUTES, Source
from sampan.platform.audience.explain import explain
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.index import RuleIndex, Sieve
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.rules import MAX_DEPTH, MAX_NODES, Bucketing, CompiledRule, compile_rule, for_tiers
from sampan.platform.identity.tiers import Tier

FULL = for_tiers(Tier.FULL)
ALL = frozenset(Tier)


def one(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


def is_not_about_audiences(condition: Any) -> bool:
    return bool(condition["attr"] != "audience")


def tiers_of(rule: CompiledRule) -> frozenset[Tier]:
    return frozenset(tier for tier in Tier if rule.matches(Facts(tier)))


@pytest.mark.parametrize(
    ("rule", "tiers"),
    [
        ({"all": []}, ALL),
        ({"any": []}, frozenset()),
        (FULL, {Tier.FULL}),
        (for_tiers(Tier.REGISTERED, Tier.FULL), {Tier.REGISTERED, Tier.FULL}),
        ({"not": FULL}, ALL - {Tier.FULL}),
        (one("tier", "not_in", "full"), ALL - {Tier.FULL}),
        (one("tier", "at_least", "e_account"), {Tier.E_ACCOUNT, Tier.FULL}),
        (one("tier", "below", "registered"), {Tier.VISITOR}),
        ({"any": [FULL, for_tiers(Tier.VISITOR)]}, {Tier.FULL, Tier.VISITOR}),
        ({"all": [FULL, for_tiers(Tier.VISITOR)]}, frozenset()),
    ],
)
def test_a_rule_holds_for_exactly_these_tiers(rule: object, tiers: frozenset[Tier]) -> None:
    assert tiers_of(compile_rule(rule)) == tiers


def device(**known: Any) -> Facts:
    return Facts(Tier.FULL, 3, device=DEVICES[0], now_ms=50, tags=TAGS).with_claims(Claims(**known))


@pytest.mark.parametrize(
    ("condition", "known", "holds"),
    [
        (one("platform", "in", "iOS"), {"platform": "ios"}, True),
        (one("platform", "in", "ios"), {"platform": "iOS"}, True),
        (one("os_version", "matches", ">=17.2 <18", "26.x"), {"os_version": "17.4"}, True),
        (one("os_version", "matches", ">=17.2 <18", "26.x"), {"os_version": "26.1"}, True),
        (one("os_version", "not_matches", "17.x"), {"os_version": "18.0"}, True),
        (one("os_version", "not_matches", "17.x"), {"os_version": "Longhorn"}, False),
        (one("app_version", "at_least", "1.10"), {"app_version": "1.9.9"}, False),
        (one("app_version", "at_least", "1.10.0"), {"app_version": "1.10.0-rc.1"}, False),
        (one("app_version", "below", "1.10"), {"app_version": "1.9.9"}, True),
        (one("model", "starts_with", "Pixel"), {"model": "pixel 9 Pro"}, True),
        (one("model", "not_contains", "fold"), {"model": "Pixel 9 Pro Fold"}, False),
        (one("region", "in", "CN-31", "CN-11"), {"region": "cn-31"}, True),
        (one("language", "matches", "zh"), {"language": "zh-Hant-TW"}, True),
        (one("language", "matches", "zh"), {"language": "zhx"}, False),
        (one("language", "matches", "*"), {}, False),
        (one("network", "not_in", "wifi"), {}, False),
        (one("tag", "in", "vip"), {}, True),
        (one("tag", "has_all", "vip", "staff"), {}, True),
        (one("tag", "not_in", "gone"), {}, False),
        (one("tag", "in", "gone", "vip"), {}, True),
        (one("customer", "not_in", "cus_" + "0" * 32), {}, True),
        (one("first_seen", "at_least", "2024-11-01T00:00:00+08:00"), {}, True),
        (one("first_seen", "at_least", "2024-11-04T00:00:00Z"), {}, False),
        (one("first_seen", "below", "2024-11-04T00:00:00Z"), {}, True),
        (one("time", "between", 50, 51), {}, True),
        (one("time", "between", 49, 50), {}, False),
        (one("percentage", "below", 10_000), {}, True),
        (one("percentage", "below", 0), {}, False),
    ],
)
def test_a_condition_holds_for_this_device(condition: object, known: dict[str, Any], holds: bool) -> None:
    assert compile_rule(condition).matches(device(**known)) is holds


@pytest.mark.parametrize("attribute", [each for each in ATTRIBUTES.values() if each.source is Source.CLAIMED])
@pytest.mark.parametrize("turned", [False, True])
def test_what_a_device_does_not_say_reaches_it_by_no_rule(attribute: Any, turned: bool) -> None:
    for op in attribute.ops:
        values = ["1.2"] if attribute.name.endswith("_version") else ["zh"]
        condition = one(attribute.name, op, *values)
        rule = compile_rule({"not": condition} if turned else condition)
        assert not rule.matches(device())
        assert not rule.excludes(device())


def test_a_client_cannot_claim_what_the_server_knows() -> None:
    claimed = {name for name, each in ATTRIBUTES.items() if each.source is Source.CLAIMED}
    assert set(Claims.__struct_fields__) - {"host_version"} == claimed  # which releases ask for, and rules do not
    known = Facts(Tier.VISITOR, 7, device="dev_1", customer=None, client_app="retail", channel="store", now_ms=1)
    lies: dict[str, Any] = dict.fromkeys(claimed, "full")
    lying = known.with_claims(Claims(**lies))
    for name in set(Facts.__struct_fields__) - claimed:
        assert getattr(lying, name) == getattr(known, name)


@pytest.mark.parametrize(
    ("rule", "at", "code"),
    [
        ([], "rule", "bad_rule"),
        ({}, "rule", "bad_rule"),
        ({"all": [], "any": []}, "rule", "bad_rule"),
        ({"all": {}}, "rule.all", "bad_rule"),
        ({"not": None}, "rule.not", "bad_rule"),
        ({"all": [{"none": 1}]}, "rule.all[0]", "bad_rule"),
        ({"attr": "shoe_size", "op": "in", "values": [1]}, "rule.attr", "rule_attribute_unknown"),
        ({"attr": ["tier"], "op": "in", "values": ["full"]}, "rule.attr", "rule_attribute_unknown"),
        (one("tier", "like", "full"), "rule.op", "rule_operator_unknown"),
        (one("platform", "starts_with", "a"), "rule.op", "rule_operator_unknown"),
        ({"attr": "tier", "op": ["in"], "values": ["full"]}, "rule.op", "rule_operator_unknown"),
        (one("tier", "in"), "rule.values", "rule_value_invalid"),
        (one("tier", "at_least", "full", "visitor"), "rule.values", "rule_value_invalid"),
        ({"attr": "tier", "op": "in", "values": "full"}, "rule.values", "rule_value_invalid"),
        (one("tier", "in", "full", "golden"), "rule.values[1]", "rule_value_invalid"),
        (one("tier", "in", 3), "rule.values[0]", "rule_value_invalid"),
        (one("tier", "in", ["full"]), "rule.values[0]", "rule_value_invalid"),
        (one("tag", "in", "No Such Name"), "rule.values[0]", "rule_value_invalid"),
        (one("customer", "in", "somebody"), "rule.values[0]", "rule_value_invalid"),
        (one("percentage", "below", 12.5), "rule.values[0]", "rule_value_invalid"),
        (one("percentage", "below", True), "rule.values[0]", "rule_value_invalid"),
        (one("percentage", "below", 10_001), "rule.values[0]", "rule_value_invalid"),
        (one("percentage", "between", 5, 5), "rule.values", "rule_value_invalid"),
        (one("time", "below", "2026-11-22T09:00:00"), "rule.values[0]", "rule_value_invalid"),
        (one("time", "below", -1), "rule.values[0]", "rule_value_invalid"),
        (one("app_version", "matches", ">=2 <1"), "rule.values[0]", "rule_value_invalid"),
        (one("app_version", "in", "1.x"), "rule.values[0]", "rule_value_invalid"),
        (one("model", "in", ""), "rule.values[0]", "rule_value_invalid"),
        (one("language", "matches", "中文"), "rule.values[0]", "rule_value_invalid"),
        ({**FULL, "extra": 1}, "rule", "bad_rule"),
        ({"any": [{"not": one("tier", "in", "full", "x")}]}, "rule.any[0].not.values[1]", "rule_value_invalid"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_place(rule: object, at: str, code: str) -> None:
    with pytest.raises(BadRule) as refused:
        compile_rule(rule)
    assert (refused.value.facts["at"], refused.value.code) == (at, code)
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize(
    "rule",
    [
        {"any": [FULL] * MAX_NODES},
        {"any": [one("device", "in", *DEVICES * 25)] * 6},
    ],
)
def test_a_rule_is_bounded(rule: object) -> None:
    with pytest.raises(BadRule) as refused:
        compile_rule(rule)
    assert refused.value.code == "rule_too_large"


@pytest.mark.parametrize(("depth", "is_too_deep"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True), (100_000, True)])
def test_a_rule_is_not_nested_too_deep(depth: int, is_too_deep: bool) -> None:
    deep: object = FULL
    for _ in range(depth - 1):
        deep = {"not": deep}
    if not is_too_deep:
        assert compile_rule(deep).attributes == {"tier"}
        return
    with pytest.raises(BadRule) as refused:
        compile_rule(deep)
    assert refused.value.code == "rule_too_large"


@given(rules, st.lists(conditions.filter(is_not_about_audiences), max_size=2), facts)
def test_a_compiled_rule_is_what_a_slow_reading_of_it_is(rule: Any, saved: list[Any], known: Facts) -> None:
    """Explained and indexed too."""
    audiences = dict(zip(SAVED[:2], map(compile_rule, saved), strict=False))
    known = Facts(**{**{name: getattr(known, name) for name in known.__struct_fields__}, "audiences": audiences})
    compiled = compile_rule(rule, Bucketing("salt"))
    wanted = judge(rule, known, "salt")
    assert (compiled.matches(known), compiled.excludes(known)) == (wanted is True, wanted is False)
    assert explain(compiled, known).outcome is wanted
    sieve = Sieve(RuleIndex([("item", compiled)]).candidates(known))
    for _first_and_remembered in range(2):
        assert sieve.passing(known) == (["item"] if wanted else [])


scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 10_005), st.floats(), st.text(max_size=4))
junk = st.recursive(
    st.one_of(scalars, st.sampled_from(["in", "tier", "full", "below", "matches", ">=1", "vip"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["all", "any", "not", "attr", "op", "values", "x"]), inner, max_size=4),
        st.fixed_dictionaries(
            {
                "attr": st.sampled_from([*ATTRIBUTES]),
                "op": st.sampled_from(["in", "below", "between", "matches"]),
                "values": inner,
            }
        ),
    ),
    max_leaves=10,
)


@given(junk, facts)
def test_whatever_is_sent_is_a_rule_or_refused_with_its_place(rule: Any, known: Facts) -> None:
    refused = None
    try:
        compiled = compile_rule(rule)
    except BadRule as problem:
        refused = problem
    if refused is not None:
        assert str(refused.facts["at"]).startswith("rule")
        assert refused.detail
        return
    assert compiled.matches(known) in (True, False)
    assert not (compiled.matches(known) and compiled.excludes(known))

"""Rules: what they mean, and that nothing unknown is ever saved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.audience.rules import MAX_DEPTH, BadRule, Facts, compile_rule, for_tiers
from sampan.platform.identity.tiers import Tier

FULL = for_tiers(Tier.FULL)
ALL = frozenset(Tier)


@pytest.mark.parametrize(
    ("rule", "tiers"),
    [
        ({"all": []}, ALL),
        ({"any": []}, frozenset()),
        (FULL, {Tier.FULL}),
        (for_tiers(Tier.REGISTERED, Tier.FULL), {Tier.REGISTERED, Tier.FULL}),
        ({"not": FULL}, ALL - {Tier.FULL}),
        ({"attr": "tier", "op": "not_in", "values": ["full"]}, ALL - {Tier.FULL}),
        ({"any": [FULL, for_tiers(Tier.VISITOR)]}, {Tier.FULL, Tier.VISITOR}),
        ({"all": [FULL, for_tiers(Tier.VISITOR)]}, frozenset()),
    ],
)
def test_a_rule_holds_for_exactly_these_tiers(rule: object, tiers: frozenset[Tier]) -> None:
    assert compile_rule(rule).tiers() == tiers


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        ([], "rule"),
        ({}, "rule"),
        ({"all": [], "any": []}, "rule"),
        ({"all": {}}, "rule.all"),
        ({"all": [{"none": 1}]}, "rule.all[0]"),
        ({"attr": "shoe_size", "op": "in", "values": [1]}, "rule.attr"),
        ({"attr": ["tier"], "op": "in", "values": ["full"]}, "rule.attr"),
        ({"attr": "tier", "op": "like", "values": ["full"]}, "rule.op"),
        ({"attr": "tier", "op": ["in"], "values": ["full"]}, "rule.op"),
        ({"attr": "tier", "op": "in", "values": []}, "rule.values"),
        ({"attr": "tier", "op": "in", "values": "full"}, "rule.values"),
        ({"attr": "tier", "op": "in", "values": ["full", "golden"]}, "rule.values[1]"),
        ({"attr": "tier", "op": "in", "values": [3]}, "rule.values[0]"),
        ({"attr": "tier", "op": "in", "values": ["full"], "extra": 1}, "rule"),
    ],
)
def test_a_wrong_rule_is_refused_at_its_place(rule: object, at: str) -> None:
    with pytest.raises(BadRule) as refused:
        compile_rule(rule)
    assert refused.value.facts["at"].startswith(at)


def test_a_rule_is_bounded() -> None:
    deep: object = FULL
    for _ in range(MAX_DEPTH):
        deep = {"not": deep}
    with pytest.raises(BadRule):
        compile_rule(deep)
    with pytest.raises(BadRule):
        compile_rule({"any": [FULL] * 300})


conditions = st.lists(st.sampled_from([tier.label for tier in Tier]), min_size=1, max_size=4).map(
    lambda values: {"attr": "tier", "op": "in", "values": values}
)
rules = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=3,
)


@given(rules, st.sampled_from(list(Tier)))
def test_not_turns_every_rule_round(rule: object, tier: Tier) -> None:
    assert compile_rule(rule).matches(Facts(tier)) is not compile_rule({"not": rule}).matches(Facts(tier))

"""What rules and splits of a switch mean: drawn definitions, drawn subjects."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.problems import BadRule
from sampan.platform.identity.tiers import Tier
from sampan.platform.switches import compiled
from sampan.platform.switches.compiled import SwitchesPart, compile_switch
from sampan.platform.switches.definition import Definition, from_text, parse, to_plain, to_text, widens
from sampan.platform.switches.differences import differences
from sampan.platform.switches.problems import BadSwitch

VARIANTS = {"off": 0, "a": 1, "b": 2, "c": 3}
SALT = "swt_1"

audiences = st.recursive(
    st.one_of(
        st.just({"all": []}),
        st.builds(
            lambda tier: {"attr": "tier", "op": "at_least", "values": [tier]}, st.sampled_from(["full", "visitor"])
        ),
        st.builds(lambda name: {"attr": "platform", "op": "in", "values": [name]}, st.sampled_from(["ios", "android"])),
        st.builds(lambda low: {"attr": "percentage", "op": "below", "values": [low]}, st.integers(0, 10_000)),
        st.builds(
            lambda name: {"attr": "model", "op": "starts_with", "values": [name]}, st.sampled_from(["pixel", "mate"])
        ),
    ),
    lambda parts: st.one_of(
        st.builds(lambda part: {"not": part}, parts),
        st.builds(lambda found: {"any": found}, st.lists(parts, max_size=3)),
        st.builds(lambda found: {"all": found}, st.lists(parts, max_size=3)),
    ),
    max_leaves=4,
)
names = st.sampled_from(sorted(VARIANTS))
shares = st.builds(lambda variant, share: {"variant": variant, "share": share}, names, st.integers(0, 3000))
rules = st.one_of(
    st.builds(lambda audience, variant: {"audience": audience, "variant": variant}, audiences, names),
    st.builds(
        lambda audience, split: {"audience": audience, "split": split},
        audiences,
        st.lists(shares, min_size=1, max_size=3),
    ),
)
definitions = st.builds(
    lambda found, by: parse(
        {"key": "k", "type": "integer", "variants": VARIANTS, "default": "off", "by": by, "rules": found}
    ),
    st.lists(rules, max_size=4),
    st.sampled_from(["device", "customer"]),
)
subjects = st.builds(
    Facts,
    tier=st.sampled_from(list(Tier)),
    device=st.sampled_from(["", *(f"dev_{n}" for n in range(40))]),
    customer=st.sampled_from([None, "cus_1", "cus_2"]),
    platform=st.sampled_from(["", "ios", "android", "web"]),
    model=st.sampled_from(["", "pixel 8", "mate 60"]),
)


def value(definition: Definition, facts: Facts) -> Any:
    return orjson.loads(compile_switch(definition, SALT).answer(facts).body)["variant"]


@given(definitions, st.data(), st.lists(subjects, min_size=20, max_size=40))
def test_what_does_not_widen_gives_nobody_anything_new(
    old: Definition, data: st.DataObject, people: list[Facts]
) -> None:
    new = data.draw(st.one_of(definitions, narrower(old)))
    if widens(old, new):
        return
    for facts in people:
        assert value(new, facts) in (value(old, facts), "off")


def narrower(old: Definition) -> st.SearchStrategy[Definition]:
    """Return definitions that were made of an old one by taking away, or nearly so."""

    def made(kept: int, lower: int) -> Definition:
        plain = to_plain(old)
        plain["rules"] = plain["rules"][:kept]
        for rule in plain["rules"]:
            if "split" in rule:
                rule["split"][-1]["share"] = min(lower, rule["split"][-1]["share"])
        return parse(plain)

    return st.builds(made, st.integers(0, len(old.rules)), st.integers(0, 3000))


@given(definitions, st.data())
def test_taking_away_is_seen_as_such(old: Definition, data: st.DataObject) -> None:
    assert not widens(old, old)
    assert not widens(old, data.draw(narrower(old)))


@given(st.lists(definitions, min_size=1, max_size=4), st.lists(subjects, min_size=1, max_size=30))
def test_the_list_of_all_agrees_with_each_alone(found: list[Definition], people: list[Facts]) -> None:
    named = [parse({**to_plain(each), "key": f"k{n}"}) for n, each in enumerate(found)]
    part = SwitchesPart([(to_text(each), SALT) for each in named])
    for _ in range(3):  # the plan of a kind, the plan of a class, the remembered one
        for facts in people:
            pieces, _seal = part.plan(facts).answer(facts)
            alone = [part.by_key[each.key].answer(facts).body for each in named]
            assert b"".join(pieces) == b",".join(alone)


def test_a_larger_first_share_only_adds_people() -> None:
    people = [Facts(tier=Tier.FULL, device=f"dev_{n}") for n in range(10_000)]
    before: set[str] = set()
    for share in (0, 100, 1000, 5000, 10_000):
        split = [{"variant": "a", "share": share}]
        rule = {"audience": {"all": []}, "split": split}
        made = parse({"key": "k", "type": "integer", "variants": VARIANTS, "default": "off", "rules": [rule]})
        switch = compile_switch(made, SALT)
        has = {each.device for each in people if b'"variant":"a"' in switch.answer(each).body}
        assert before <= has
        assert abs(len(has) - share) < 200
        before = has


def test_places_of_splits_are_independent_of_percentages_in_audiences() -> None:
    half = {"attr": "percentage", "op": "below", "values": [5000]}
    rule = {"audience": half, "split": [{"variant": "a", "share": 5000}, {"variant": "b", "share": 5000}]}
    made = parse({"key": "k", "type": "integer", "variants": VARIANTS, "default": "off", "rules": [rule]})
    found = [value(made, Facts(tier=Tier.FULL, device=f"dev_{n}")) for n in range(2000)]
    counts = {name: found.count(name) for name in ("a", "b", "off")}
    assert abs(counts["a"] - 500) < 120
    assert abs(counts["b"] - 500) < 120


@given(definitions)
def test_the_stored_form_is_read_back(made: Definition) -> None:
    assert from_text(to_text(made)) == made


@pytest.mark.parametrize(
    ("kind", "given_value", "stored"),
    [
        ("float", 1, "1.0"),
        ("float", 0.1, "0.1"),
        ("integer", 2.0, "2"),
        ("boolean", True, "true"),
        ("object", {"n": 1.0, "m": 1}, '{"m":1,"n":1.0}'),
        ("string", "纸", '"纸"'),
    ],
)
def test_a_value_keeps_the_type_of_its_switch(kind: str, given_value: Any, stored: str) -> None:
    made = parse({"key": "k", "type": kind, "variants": {"x": given_value}, "default": "x"})
    assert f'"variants":{{"x":{stored}}}' in to_text(made)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("boolean", 1),
        ("integer", True),
        ("integer", 1.5),
        ("integer", 2**53),
        ("float", "1"),
        ("float", float("nan")),
        ("float", float("inf")),
        ("string", None),
        ("string", "\ud800"),
        ("object", []),
        ("object", {"x": {"y": float("nan")}}),
        ("string", "x" * 20_000),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, wrong: Any) -> None:
    with pytest.raises(BadSwitch):
        parse({"key": "k", "type": kind, "variants": {"x": wrong}, "default": "x"})


def test_one_and_one_point_nought_are_different_answers() -> None:
    old, new = (parse({"key": "k", "type": "object", "variants": {"x": {"n": n}}, "default": "x"}) for n in (1, 1.0))
    assert widens(old, new)
    assert [line.en for line in differences(old, new)] == ["Variant x"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e)
    )
)
def test_whatever_is_no_switch_is_refused_by_name(value: Any) -> None:
    with pytest.raises((BadSwitch, BadRule)):
        parse(value)


def test_clients_who_claim_something_new_each_time_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "PLANS_BYTES", 20_000)
    models = [{"attr": "model", "op": "in", "values": [f"m{n}"]} for n in range(100)]
    made = [
        parse(
            {
                "key": f"k{n}",
                "type": "integer",
                "variants": VARIANTS,
                "default": "off",
                "rules": [{"audience": model, "variant": "a"}],
            }
        )
        for n, model in enumerate(models)
    ]
    part = SwitchesPart([(to_text(each), SALT) for each in made])
    for n in range(100):
        facts = Facts(tier=Tier.FULL, device="dev_1", model=f"m{n}")
        assert b'"key":"k%d","reason":"TARGETING_MATCH"' % n in b"".join(part.plan(facts).answer(facts)[0])
        assert part.remembered_bytes <= 20_000 + 10_000  # the last plan may stand over the bound
    for n in range(100, 3000):
        facts = Facts(tier=Tier.FULL, device="dev_1", model=f"m{n}")
        part.plan(facts)
    assert 0 < part.remembered_bytes <= 30_000

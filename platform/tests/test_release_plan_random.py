"""Any list of stages that somebody may send: it is taken and then behaves, or refused with the place that is wrong."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.rules import EVERYONE, Bucketing, compile_rule
from sampan.platform.errors import SampanError
from sampan.platform.identity.tiers import Tier
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.progress import MINUTE_MS, Situation, Step, Why, next_step
from sampan.platform.release.schedule import ALWAYS, BadSchedule, is_open, next_open_ms, read_schedule
from sampan.platform.release.stages import MAX_STAGES, Advance, BadStages, Stage, read_stages, rule_in, written

Read = TypeVar("Read")
PLACE = re.compile(r"(stages|schedule)(\[\d+\]|\[\.\.\.\]|\.[a-z_]+)*")
odd = st.one_of(st.none(), st.booleans(), st.integers(-1, 10_001), st.text(max_size=3), st.just([]), st.just({}))
gates = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "signals": st.lists(st.sampled_from(["delivery_failed", "white_screen", "nonsense"]), max_size=2),
            "ratio_percent": st.sampled_from([100, 110, 200, 1000, "200"]),
            "most_basis_points": st.sampled_from([None, 9, 10, 5000]),
        },
    ),
)
audiences = st.sampled_from(
    [
        None,
        EVERYONE,
        {"attr": "tier", "op": "in", "values": ["full"]},
        {"attr": "tier", "op": "in", "values": ["rich"]},
        {"attr": "percentage", "op": "below", "values": [0]},
        {"any": []},
        {"nonsense": 1},
    ]
)
good = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=5), "basis_points": st.integers(1, 10_000)},
    optional={
        "audience": audiences,
        "advance": st.sampled_from(["auto", "person"]),
        "min_minutes": st.integers(0, 5),
        "gate": gates,
    },
)
broken = st.tuples(
    good, st.sampled_from(["name", "basis_points", "audience", "advance", "min_minutes", "gate", "more"]), odd
).map(lambda found: {**found[0], found[1]: found[2]})
plans = st.lists(st.one_of(good, good, broken), max_size=MAX_STAGES + 1)


def read_or_refuse(read: Callable[[object], Read], value: object) -> Read | None:
    """Return what was read, or None after a refusal that names a place and says what to do."""
    try:
        return read(value)
    except (BadStages, BadSchedule, BadRule) as problem:
        refused: SampanError = problem
    assert refused.code
    assert refused.detail.endswith(".")
    assert PLACE.fullmatch(str(refused.facts["field"])), refused.facts
    return None


@given(plans)
@settings(max_examples=2000, deadline=None)
def test_any_stages_are_taken_and_behave_or_are_refused_at_a_place(value: list[dict[str, Any]]) -> None:
    stages = read_or_refuse(read_stages, value)
    if stages is None:
        return
    assert read_stages(written(stages)) == stages
    for stage in stages:
        compile_rule(rule_in(EVERYONE, stage), Bucketing("rel_1"))
    if "audience" not in str(value):
        _shares_hold(stages)
    _comes_to_an_end(stages)


def _shares_hold(stages: tuple[Stage, ...]) -> None:
    """Of any two stages the one with the higher share means all devices of the other."""
    means = [compile_rule(rule_in(EVERYONE, each), Bucketing("rel_1")).matches for each in stages]
    for number in range(30):
        facts = Facts(Tier.VISITOR, device=f"dev_{number}")
        shares = [stage.basis_points for stage, matches in zip(stages, means, strict=True) if matches(facts)]
        least = min(shares, default=10_001)
        assert all(matches(facts) for stage, matches in zip(stages, means, strict=True) if stage.basis_points >= least)


def _comes_to_an_end(stages: tuple[Stage, ...]) -> None:
    """A healthy release goes on, in the order of its stages, until a person is asked or the last one is reached."""
    now_ms, since_ms, stage = 0, 0, 0
    healthy, before = Evidence(10**6, 100), Evidence(10**6, 100)
    for _ in range(2 * len(stages) + 1):
        situation = Situation(stages, stage, since_ms, ALWAYS, (), before, healthy)
        step, why = next_step(situation, now_ms)
        if step is Step.MOVE_ON:
            assert stage + 1 < len(stages)
            assert now_ms >= since_ms + stages[stage].min_minutes * MINUTE_MS
            stage, since_ms = stage + 1, now_ms
        elif why is Why.TOO_EARLY:
            now_ms = since_ms + stages[stage].min_minutes * MINUTE_MS
        else:
            break
    assert step is Step.WAIT
    is_last = stage + 1 == len(stages)
    assert why is (Why.LAST_STAGE if is_last else Why.FOR_A_PERSON)
    assert is_last or stages[stage].advance is Advance.PERSON


@pytest.mark.parametrize("value", [None, 7, "all", {}, {"name": "all", "basis_points": 10_000}])
def test_what_is_no_list_is_refused(value: object) -> None:
    with pytest.raises(BadStages) as refused:
        read_stages(value)
    assert refused.value.facts["field"] == "stages"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "not_before_ms": st.one_of(odd, st.integers(0, 10**13)),
            "not_after_ms": st.one_of(odd, st.integers(0, 10**13)),
            "hours": st.one_of(
                odd,
                st.fixed_dictionaries(
                    {
                        "zone": st.sampled_from(["Asia/Shanghai", "UTC", "Nowhere/Land", ""]),
                        "days": st.lists(st.integers(-1, 7), max_size=8),
                        "from_minute": st.integers(-1, 1440),
                        "until_minute": st.integers(-1, 1441),
                    }
                ),
            ),
            "more": odd,
        },
    ),
    st.integers(0, 10**13),
)
@settings(max_examples=1000, deadline=None)
def test_any_schedule_is_taken_and_opens_or_is_refused_at_a_place(value: dict[str, Any], now_ms: int) -> None:
    schedule = read_or_refuse(read_schedule, value)
    if schedule is None:
        return
    opens = next_open_ms(schedule, (), now_ms)
    assert opens is None or (opens >= now_ms and is_open(schedule, (), opens))

"""Stages, schedules and what comes next, as pure rules."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.platform.audience.facts import Facts
from sampan.platform.audience.rules import EVERYONE, BadRule, Bucketing, compile_rule, for_tiers
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.change_rows import Words
from sampan.platform.release import schedule, stages
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.plan_words import stage_words, version_words
from sampan.platform.release.progress import Situation, Step, Why, next_step
from sampan.platform.release.schedule import ALWAYS, BadSchedule, Freeze, Hours, Schedule, next_open_ms, read_schedule
from sampan.platform.release.stages import Advance, BadStages, Gate, Stage, read_stages, rule_in

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = 60_000
PLAN: list[dict[str, Any]] = [
    {"name": "testers", "basis_points": 10_000, "audience": {"attr": "tag", "op": "in", "values": ["testers"]}},
    {"name": "1 %", "basis_points": 100, "advance": "auto", "min_minutes": 60, "gate": {}},
    {"name": "all", "basis_points": 10_000},
]


def at(text: str) -> int:
    """Return a time in Shanghai in milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def test_a_plan_is_read_and_written_alike() -> None:
    read = read_stages(PLAN)
    assert [stage.basis_points for stage in read] == [10_000, 100, 10_000]
    assert read[1].gate == Gate()
    assert read_stages(stages.written(read)) == read


BAD_PLANS: dict[str, tuple[Any, str]] = {
    "none": ([], "stages"),
    "no list": ({"name": "x"}, "stages"),
    "too many": ([PLAN[2]] * 13, "stages"),
    "no share": ([{"name": "x"}], "stages[0]"),
    "a fraction": ([{"name": "x", "basis_points": 0.5}], "stages[0].basis_points"),
    "above all": ([{"name": "x", "basis_points": 10_001}], "stages[0].basis_points"),
    "nobody": ([{"name": "x", "basis_points": 0}], "stages[0].basis_points"),
    "a misspelt member": ([{**PLAN[2], "gates": {}}], "stages[0]"),
    "no threshold": ([{**PLAN[2], "gate": {"ratio_percent": "2x"}}], "stages[0].gate.ratio_percent"),
    "a threshold that anything passes": ([{**PLAN[2], "gate": {"ratio_percent": 100}}], "stages[0].gate.ratio_percent"),
    "an unknown signal": ([{**PLAN[2], "gate": {"signals": ["sad"]}}], "stages[0].gate.signals[0]"),
    "over at once": ([{**PLAN[2], "advance": "auto"}], "stages[0].min_minutes"),
}


@pytest.mark.parametrize(("plan", "field"), BAD_PLANS.values(), ids=BAD_PLANS.keys())
def test_a_bad_plan_is_refused_at_its_place(plan: Any, field: str) -> None:
    with pytest.raises(BadStages) as refused:
        read_stages(plan)
    assert refused.value.facts["field"] == field


def test_a_stage_s_audience_is_checked_as_any_rule() -> None:
    with pytest.raises(BadRule) as refused:
        read_stages([PLAN[2], {**PLAN[2], "audience": {"attr": "mood", "op": "in", "values": ["good"]}}])
    assert refused.value.facts == {"at": "rule.attr", "field": "stages[1].audience"}


@given(low=st.integers(1, 10_000), high=st.integers(1, 10_000), numbers=st.sets(st.integers(0, 2**31), min_size=50))
def test_a_wider_stage_only_adds_devices(low: int, high: int, numbers: set[int]) -> None:
    low, high = sorted((low, high))
    small, large = (
        compile_rule(rule_in(for_tiers(Tier.FULL), Stage(name="x", basis_points=share)), Bucketing("rel_1"))
        for share in (low, high)
    )
    for number in numbers:
        facts = Facts(Tier.FULL, device=f"dev_{number:032x}")
        assert large.matches(facts) or not small.matches(facts)
        assert not large.matches(replace(facts, tier=Tier.VISITOR))


def test_everybody_s_stage_is_the_audience_itself() -> None:
    assert rule_in(EVERYONE, stages.EVERYBODY[0]) == EVERYONE


OFFICE = Hours("Asia/Shanghai", (0, 1, 2, 3, 4), 9 * 60, 17 * 60)
OPEN_AT = {
    "2026-11-20T16:59:59": "2026-11-20T16:59:59",  # a Friday
    "2026-11-20T17:00:00": "2026-11-23T09:00:00",
    "2026-11-22T12:00:00": "2026-11-23T09:00:00",
    "2026-11-23T08:59:59": "2026-11-23T09:00:00",
}


@pytest.mark.parametrize(("now", "opens"), OPEN_AT.items(), ids=OPEN_AT.keys())
def test_working_hours(now: str, opens: str) -> None:
    assert next_open_ms(Schedule(hours=OFFICE), [], at(now)) == at(opens)


def test_a_freeze_closes_and_then_hours_count_again() -> None:
    freeze = Freeze("frz_1", at("2026-11-23T00:00"), at("2026-11-24T20:00"), "double eleven")
    assert next_open_ms(Schedule(hours=OFFICE), [freeze], at("2026-11-22T12:00")) == at("2026-11-25T09:00")
    assert next_open_ms(ALWAYS, [freeze], freeze.from_ms) == freeze.until_ms
    assert schedule.is_open(ALWAYS, [freeze], freeze.from_ms - 1)


def test_what_is_over_never_opens() -> None:
    ends = Schedule(not_before_ms=at("2026-11-22T08:00"), not_after_ms=at("2026-11-22T09:00"), hours=OFFICE)
    assert next_open_ms(ends, [], at("2026-11-21T00:00")) is None


@given(now=st.integers(at("2026-01-01T00:00"), at("2026-12-31T00:00")), days=st.sets(st.integers(0, 6), min_size=1))
def test_the_next_open_moment_is_open_and_the_first(now: int, days: set[int]) -> None:
    hours = Schedule(hours=Hours("Europe/Berlin", tuple(days), 60, 180))  # the hour that summer time takes and gives
    opens = next_open_ms(hours, [], now)
    assert opens is not None
    assert schedule.is_open(hours, [], opens)
    assert opens == now or not schedule.is_open(hours, [], opens - MINUTE)


OPEN = {"zone": "UTC", "days": [0], "from_minute": 0, "until_minute": 60}
BAD_SCHEDULES: dict[str, tuple[Any, str]] = {
    "no object": ([], "schedule"),
    "backwards": ({"not_before_ms": 2, "not_after_ms": 1}, "schedule.not_after_ms"),
    "an unknown zone": ({"hours": {**OPEN, "zone": "Mars/Base"}}, "schedule.hours.zone"),
    "a path for a zone": ({"hours": {**OPEN, "zone": "../etc/passwd"}}, "schedule.hours.zone"),
    "no day": ({"hours": {**OPEN, "days": []}}, "schedule.hours.days"),
    "over midnight": ({"hours": {**OPEN, "from_minute": 120}}, "schedule.hours.until_minute"),
}


@pytest.mark.parametrize(("value", "field"), BAD_SCHEDULES.values(), ids=BAD_SCHEDULES.keys())
def test_a_bad_schedule_is_refused_at_its_place(value: Any, field: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        read_schedule(value)
    assert refused.value.facts["field"] == field


BEFORE = Evidence(200_000, 2_000)
GATED = Stage(name="10 %", basis_points=1000, advance=Advance.AUTO, min_minutes=60, gate=Gate())
NOW = at("2026-11-24T10:00")
RUNNING = Situation(
    stages=(GATED, stages.EVERYBODY[0]),
    stage=0,
    since_ms=NOW - 61 * MINUTE,
    schedule=ALWAYS,
    freezes=(),
    before=BEFORE,
    seen=Evidence(10_000, 100),
)
FROZEN = (Freeze("frz_1", NOW - 1, NOW + 1, "month end"),)
SITUATIONS = {
    "passed": (RUNNING, Step.MOVE_ON, Why.PASSED),
    "too early": (replace(RUNNING, since_ms=NOW - 59 * MINUTE), Step.WAIT, Why.TOO_EARLY),
    "nobody reported": (replace(RUNNING, seen=Evidence(0, 0)), Step.WAIT, Why.TOO_FEW_DEVICES),
    "too few reported": (replace(RUNNING, seen=Evidence(500, 5)), Step.WAIT, Why.TOO_FEW_DEVICES),
    "twice as many failures": (replace(RUNNING, seen=Evidence(10_000, 200)), Step.STOP, Why.TOO_MANY_FAILURES),
    "stopped even in a freeze": (
        replace(RUNNING, seen=Evidence(10_000, 200), freezes=FROZEN, since_ms=NOW),
        Step.STOP,
        Why.TOO_MANY_FAILURES,
    ),
    "frozen": (replace(RUNNING, freezes=FROZEN), Step.WAIT, Why.CLOSED),
    "out of hours": (replace(RUNNING, schedule=Schedule(not_before_ms=NOW + 1)), Step.WAIT, Why.CLOSED),
    "a person moves it on": (
        replace(RUNNING, stages=(replace(GATED, advance=Advance.PERSON), *RUNNING.stages[1:])),
        Step.WAIT,
        Why.FOR_A_PERSON,
    ),
    "the last stage": (replace(RUNNING, stage=1), Step.WAIT, Why.LAST_STAGE),
    "nothing to compare with": (replace(RUNNING, before=Evidence(0, 0)), Step.WAIT, Why.TOO_FEW_DEVICES),
}


@pytest.mark.parametrize(("situation", "step", "why"), SITUATIONS.values(), ids=SITUATIONS.keys())
def test_the_next_step(situation: Situation, step: Step, why: Why) -> None:
    assert next_step(situation, NOW) == (step, why)


def test_a_first_version_is_judged_by_the_share_that_was_given() -> None:
    gate = Gate(most_basis_points=100)
    first = replace(RUNNING, before=Evidence(0, 0), stages=(replace(GATED, gate=gate), *RUNNING.stages[1:]))
    assert next_step(first, NOW) == (Step.MOVE_ON, Why.PASSED)
    assert next_step(replace(first, seen=Evidence(10_000, 200)), NOW)[0] is Step.STOP


@pytest.mark.parametrize(
    ("kind", "version", "sequence", "of", "zh", "en"),
    [
        ("miniapp", "1.0.1", 2, "a.b", "1.0.1 (2)", "1.0.1 (sequence 2)"),
        ("hotfix", "1.0.1+1", 1, "a.b@2", "1.0.1（序号 2）的热修复 1", "hotfix 1 of 1.0.1 (sequence 2)"),
        ("hotfix", "1.0.1", 0, "a.b@2", "1.0.1（序号 2），不含热修复", "1.0.1 (sequence 2) without hotfixes"),
    ],
)
def test_the_number_of_a_hotfix_is_no_sequence(
    kind: str, version: str, sequence: int, of: str, zh: str, en: str
) -> None:
    assert version_words(kind, version, sequence, of) == Words(zh, en)


@pytest.mark.parametrize(
    ("most", "zh", "en"),
    [
        (
            500,
            "没有上一版本可比时，失败设备不超过 5 % 视为正常",
            "5 % of failing devices count as healthy",
        ),
        (10, "不超过 0.1 %", "0.1 % of failing devices"),
        (None, "", ""),
    ],
)
def test_who_approves_reads_what_a_gate_takes_for_healthy(most: int | None, zh: str, en: str) -> None:
    stage = msgspec.to_builtins(Stage("10 %", 1000, gate=Gate(most_basis_points=most)))
    words = stage_words(stage, is_last=False)
    assert zh in words.zh
    assert en in words.en
    assert ("before" in words.en, "可比" in words.zh) == (most is not None, most is not None)


@pytest.mark.parametrize(
    ("minutes", "is_last", "told"),
    [
        (1, False, "at least 1 minute;"),
        (120, False, "at least 120 minutes;"),
        (120, True, "minute"),
        (0, False, "minute"),
    ],
)
def test_how_long_a_stage_lasts_is_said_where_it_holds(minutes: int, is_last: bool, told: str) -> None:
    stage = msgspec.to_builtins(Stage("10 %", 1000, min_minutes=minutes))
    words = stage_words(stage, is_last=is_last)
    assert (told in words.en) == (minutes > 0 and not is_last)
    assert (f"至少 {minutes} 分钟" in words.zh) == (minutes > 0 and not is_last)

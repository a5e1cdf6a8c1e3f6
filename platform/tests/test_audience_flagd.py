"""Rules as flagd's JsonLogic, read by flagd's own evaluator in Python."""

import logging
from typing import Any

import pytest
from audience_drawn import TAGS, facts, rules
from hypothesis import given
from json_logic import jsonLogic
from openfeature.contrib.tools.flagd.core.targeting.targeting import OPERATORS

from sampan.platform.audience.facts import Facts, first_seen_ms
from sampan.platform.audience.flagd import to_flagd
from sampan.platform.audience.rules import Bucketing, compile_rule
from sampan.platform.identity.tiers import Tier

logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL)  # it logs every text that is no version
TEXTS = ("client_app", "channel", "platform", "model", "network", "region", "language", "os_version", "app_version")


def context(known: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(known, name) for name in TEXTS if getattr(known, name)}
    seen = first_seen_ms(known)
    found |= {"device": known.device, "targetingKey": known.device} if known.device else {}
    found |= {"customer": known.customer} if known.customer else {}
    found |= {"first_seen": seen} if seen is not None else {}
    tags = [name for name in known.tags if known.subject in known.tags[name]]
    return {**found, "tier": known.tier.label, "tags": tags, "$flagd": {"timestamp": known.now_ms // 1000}}


def says(rule: Any, known: Facts) -> bool:
    return jsonLogic(to_flagd(compile_rule(rule, Bucketing("salt"))).logic, context(known), OPERATORS) is True


def conditions(rule: Any) -> list[dict[str, Any]]:
    if "attr" in rule:
        return [rule]
    parts = [rule["not"]] if "not" in rule else [part for word in ("all", "any") for part in rule.get(word, [])]
    return [each for part in parts for each in conditions(part)]


def is_sayable(rule: Any) -> bool:
    """Whether flagd can say it exactly: without drawing people, and without what only this workspace knows."""
    return not any(
        each["attr"] in ("percentage", "audience", "time") or "gone" in each["values"] for each in conditions(rule)
    )


@given(rules.filter(is_sayable), facts)
def test_flagd_reads_what_we_mean(rule: Any, known: Facts) -> None:
    assert not to_flagd(compile_rule(rule)).inexact
    assert says(rule, known) is compile_rule(rule).matches(known)


@pytest.mark.parametrize(("now_ms", "inside"), [(4_999, False), (5_000, True), (9_000, True), (10_000, False)])
def test_time_is_flagds_own_clock(now_ms: int, inside: bool) -> None:
    rule = {"attr": "time", "op": "between", "values": [5_000, 10_000]}
    assert says(rule, Facts(Tier.FULL, now_ms=now_ms)) is inside
    assert says({"not": rule}, Facts(Tier.FULL, now_ms=now_ms)) is not inside


def test_a_percentage_is_the_same_share_of_other_people_and_says_so() -> None:
    rule = {"attr": "percentage", "op": "between", "values": [1000, 4000]}
    exported = to_flagd(compile_rule(rule, Bucketing("salt")))
    assert exported.inexact == ("rule: flagd draws other people",)
    people = [Facts(Tier.FULL, device=f"dev_{n:032x}") for n in range(2000)]
    assert 500 < sum(says(rule, each) for each in people) < 700
    assert not says(rule, Facts(Tier.FULL))


def test_saved_audiences_are_written_out_where_they_are_given() -> None:
    saved = "aud_" + "0" * 32
    inner = compile_rule({"attr": "tag", "op": "in", "values": ["vip"]})
    rule = compile_rule({"attr": "audience", "op": "not_in", "values": [saved]})
    exported = to_flagd(rule, {saved: inner})
    assert exported.inexact == ()
    for subject in (1, 4):
        known = Facts(Tier.FULL, subject, tags=TAGS, audiences={saved: inner})
        assert (jsonLogic(exported.logic, context(known), OPERATORS) is True) is rule.matches(known)
    missing = to_flagd(rule)
    assert len(missing.inexact) == 1
    assert jsonLogic(missing.logic, context(known), OPERATORS) is False

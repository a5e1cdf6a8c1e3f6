"""Rules are told as sentences, and whatever nobody checked is quoted instead of guessed at."""

from typing import Any

import pytest

from sampan.platform.audience.attributes import ATTRIBUTES
from sampan.platform.audience.rules import EVERYONE, for_tiers
from sampan.platform.audience.words import OPS, TIERS, rule_words
from sampan.platform.identity.tiers import LABELS, Tier


def one(attr: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attr": attr, "op": op, "values": list(values)}


SOON = '{"attr": "time", "op": "below", "values": ["soon"]}'
VISITORS = {"attr": "tier", "op": "in", "values": ["visitor"]}
FULL = {"attr": "tier", "op": "in", "values": ["full"]}
NOT_FULL = {"attr": "tier", "op": "not_in", "values": ["full", "visitor"]}


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        (EVERYONE, "所有人", "everyone"),
        (for_tiers(*Tier), "所有人", "everyone"),
        ({"not": EVERYONE}, "无人", "nobody"),
        ({"any": []}, "无人", "nobody"),
        (for_tiers(Tier.VISITOR, Tier.FULL), "访客、全功能客户", "visitors or full customers"),
        (NOT_FULL, "非全功能客户、访客", "everyone but full customers and visitors"),
        ({"all": [FULL]}, "全功能客户", "full customers"),
        ({"any": [VISITORS, FULL]}, "（访客）或（全功能客户）", "(visitors) or (full customers)"),
        ({"not": FULL}, "非（全功能客户）", "not (full customers)"),
        (one("tier", "at_least", "e_account"), "电子账户客户及以上", "e-account customers and above"),
        (one("region", "not_in", "CN", 7), "地区不为CN、7", "region is not CN or 7"),
        (one("tag", "has_all", "vip", "staff"), "同时有标签vip、staff", "tagged with all of vip and staff"),
        (one("percentage", "below", 1250), "12.5%", "12.5% of them"),
        (one("percentage", "between", 1000, 2000), "10%（10%–20%）", "10% of them (10%–20%)"),
        (one("os_version", "matches", ">=17"), "系统版本符合>=17", "OS version matches >=17"),
        (
            one("time", "between", 0, 86_400_000),
            "时间自1970-01-01 00:00 UTC起、早于1970-01-02 00:00 UTC",
            "time is from 1970-01-01 00:00 UTC to before 1970-01-02 00:00 UTC",
        ),
        (
            one("model", "in", *map(str, range(12))),
            "机型为0、1、2、3、4、5、6、7、8、9等12个",
            "device model is 0 or 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 and so on, 12 in all",
        ),
        (one("time", "below", "soon"), SOON, SOON),
        ({"attr": "tier", "op": "like"}, '{"attr": "tier", "op": "like"}', '{"attr": "tier", "op": "like"}'),
        ("anything", '"anything"', '"anything"'),
    ],
)
def test_a_rule_is_a_sentence(rule: Any, zh: str, en: str) -> None:
    words = rule_words(rule)
    assert (words.zh, words.en) == (zh, en)


def test_every_tier_has_words() -> None:
    assert set(TIERS) == set(LABELS.values())


def test_every_operator_has_words() -> None:
    assert {op for attribute in ATTRIBUTES.values() for op in attribute.ops} == set(OPS)

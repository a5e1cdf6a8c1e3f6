"""Rules are told as sentences, and whatever nobody checked is quoted instead of guessed at."""

from typing import Any

import pytest

from sampan.platform.audience.rules import EVERYONE, for_tiers
from sampan.platform.audience.words import TIERS, rule_words
from sampan.platform.identity.tiers import LABELS, Tier

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
        ({"attr": "region", "op": "not_in", "values": ["CN", 7]}, "region不为CN、7", "region is not CN or 7"),
        ({"attr": "tier", "op": "like"}, '{"attr": "tier", "op": "like"}', '{"attr": "tier", "op": "like"}'),
        ("anything", '"anything"', '"anything"'),
    ],
)
def test_a_rule_is_a_sentence(rule: Any, zh: str, en: str) -> None:
    words = rule_words(rule)
    assert (words.zh, words.en) == (zh, en)


def test_every_tier_has_words() -> None:
    assert set(TIERS) == set(LABELS.values())

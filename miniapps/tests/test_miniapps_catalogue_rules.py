"""The catalogue by tier and the policy, as pure rules."""

import dataclasses
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sampan.miniapps.catalogue import (
    BadEntry,
    CatalogueRows,
    Category,
    Entry,
    Published,
    compile_catalogue,
    is_no_wider,
    items_of,
    read_entry,
)
from sampan.miniapps.changes import describe, entry_lowers_risk, policy_lowers_risk
from sampan.miniapps.policy import AppPolicy, BadPolicy, read_policy
from sampan.miniapps.policy import is_no_wider as policy_is_no_wider
from sampan.platform.identity.problems import TierUnknown
from sampan.platform.identity.tiers import LABELS, Tier

ENTRY = Entry("bank.a", True, "registered", "full", "pay", 1, "甲", "A", "说明", "Text")
PUBLISHED = {"bank.a": Published("sha256:" + "a" * 64, "Manifest A"), "bank.b": Published("", "Manifest B")}
CATEGORIES = [Category("pay", "缴费", "Pay", 2), Category("wealth", "理财", "Wealth", 1)]


def _rows(*entries: Entry) -> CatalogueRows:
    return CatalogueRows(entries, CATEGORIES, PUBLISHED)


def test_each_tier_sees_its_apps_and_may_open_fewer() -> None:
    seen = {tier: items_of(_rows(ENTRY), tier) for tier in Tier}
    assert seen[Tier.VISITOR] == []
    assert [seen[tier][0]["may_open"] for tier in (Tier.REGISTERED, Tier.E_ACCOUNT, Tier.FULL)] == [False, False, True]
    assert seen[Tier.FULL][0] == {
        "id": "bank.a",
        "name": {"zh": "甲", "en": "A"},
        "text": {"zh": "说明", "en": "Text"},
        "category": "pay",
        "icon": "sha256:" + "a" * 64,
        "may_open": True,
        "open_tier": "full",
    }


def test_unlisted_and_unpublished_apps_are_nowhere() -> None:
    hidden = replace(ENTRY, is_listed=False)
    unpublished = replace(ENTRY, app_id="bank.none")
    assert items_of(_rows(hidden, unpublished), Tier.FULL) == []


def test_apps_stand_by_category_then_position_then_id() -> None:
    second = replace(ENTRY, app_id="bank.b", category="wealth", position=9)
    assert [item["id"] for item in items_of(_rows(ENTRY, second), Tier.FULL)] == ["bank.b", "bank.a"]
    beside = replace(ENTRY, app_id="bank.b", position=0)
    assert [item["id"] for item in items_of(_rows(ENTRY, beside), Tier.FULL)] == ["bank.b", "bank.a"]
    same = replace(ENTRY, app_id="bank.b")
    assert [item["id"] for item in items_of(_rows(same, ENTRY), Tier.FULL)] == ["bank.a", "bank.b"]


def test_names_left_empty_come_from_the_manifest() -> None:
    bare = replace(ENTRY, name_zh="", name_en="")
    assert items_of(_rows(bare), Tier.FULL)[0]["name"] == {"zh": "Manifest A", "en": "Manifest A"}


def test_compiled_bytes_are_json_with_an_etag_that_follows_the_content() -> None:
    compiled = compile_catalogue(_rows(ENTRY))
    assert [orjson.loads(each.whole)["etag"] for each in compiled] == [each.etag for each in compiled]
    assert orjson.loads(compiled[Tier.FULL].whole)["items"] == items_of(_rows(ENTRY), Tier.FULL)
    assert [each["id"] for each in orjson.loads(compiled[Tier.FULL].whole)["categories"]] == ["pay"]
    assert orjson.loads(compiled[Tier.VISITOR].whole)["categories"] == []
    assert orjson.loads(compiled[Tier.FULL].unchanged) == {"etag": compiled[Tier.FULL].etag}
    assert compiled[Tier.REGISTERED].etag == compiled[Tier.E_ACCOUNT].etag != compiled[Tier.FULL].etag
    renamed = compile_catalogue(_rows(replace(ENTRY, name_en="B")))
    assert renamed[Tier.FULL].etag != compiled[Tier.FULL].etag


def test_who_may_open_must_see() -> None:
    with pytest.raises(BadEntry):
        replace(ENTRY, see_tier="full", open_tier="registered")
    with pytest.raises(TierUnknown):
        replace(ENTRY, see_tier="golden")


tiers = st.sampled_from(list(LABELS.values()))
entries = st.builds(
    lambda listed, pair: replace(ENTRY, is_listed=listed, see_tier=pair[0], open_tier=pair[1]),
    st.booleans(),
    st.tuples(tiers, tiers).filter(lambda pair: Tier.parse(pair[0]) <= Tier.parse(pair[1])),
)


@given(entries, entries)
def test_a_change_is_no_wider_exactly_when_nobody_gains(before: Entry, after: Entry) -> None:
    gains = False
    for tier in Tier:
        old = {item["id"]: item["may_open"] for item in items_of(_rows(before), tier)}
        new = {item["id"]: item["may_open"] for item in items_of(_rows(after), tier)}
        gains = gains or any(app not in old or (may and not old[app]) for app, may in new.items())
    assert is_no_wider(before, after) == (not gains)
    payload = {"before": before.as_json(), "after": after.as_json()}
    assert entry_lowers_risk(payload) == (not gains)


ENTRY_JUNK: dict[str, Any] = {
    "none": None,
    "a list": [],
    "a member more": {**ENTRY.as_json(), "owner": "me"},
    "a member less": {name: value for name, value in ENTRY.as_json().items() if name != "text_en"},
    "listed by a word": {**ENTRY.as_json(), "is_listed": "yes"},
    "a position before all": {**ENTRY.as_json(), "position": -1},
    "a position that is true": {**ENTRY.as_json(), "position": True},
    "a name without end": {**ENTRY.as_json(), "name_zh": "字" * 101},
    "a text that is a number": {**ENTRY.as_json(), "text_en": 5},
}


@pytest.mark.parametrize("value", ENTRY_JUNK.values(), ids=ENTRY_JUNK.keys())
def test_an_entry_of_another_form_is_refused(value: Any) -> None:
    with pytest.raises(BadEntry):
        read_entry(value)
    assert read_entry(ENTRY.as_json()) == ENTRY


def test_a_first_entry_widens_only_when_it_is_listed() -> None:
    assert is_no_wider(None, replace(ENTRY, is_listed=False))
    assert not is_no_wider(None, ENTRY)


def test_a_change_is_described_member_by_member() -> None:
    lines = describe({"before": ENTRY.as_json(), "after": replace(ENTRY, open_tier="registered").as_json()})
    assert [(line.en, line.before, line.after) for line in lines] == [
        ("Lowest tier that may open it", "full", "registered")
    ]
    assert len(describe({"before": None, "after": ENTRY.as_json()})) == 9


POLICY = AppPolicy(allowed_domains=("*.bank.example", "pay.example"), locales=("en", "zh"))
WIDER: dict[str, dict[str, Any]] = {
    "a domain more": {"allowed_domains": ("*.bank.example", "new.example", "pay.example")},
    "a language less": {"locales": ("zh",)},
    "larger packages": {"max_package_bytes": POLICY.max_package_bytes + 1},
    "larger files": {"max_file_bytes": POLICY.max_file_bytes + 1},
    "more files": {"max_files": POLICY.max_files + 1},
}
NARROWER: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a domain less": {"allowed_domains": ("pay.example",)},
    "a language more": {"locales": ("en", "th", "zh")},
    "smaller packages": {"max_package_bytes": POLICY.max_file_bytes},
    "fewer files": {"max_files": 1},
}


@pytest.mark.parametrize("change", WIDER.values(), ids=WIDER.keys())
def test_what_lets_more_through_is_wider(change: dict[str, Any]) -> None:
    after = dataclasses.replace(POLICY, **change)
    assert not policy_is_no_wider(POLICY, after)
    assert not policy_lowers_risk({"before": POLICY.as_json(), "after": after.as_json()})


@pytest.mark.parametrize("change", NARROWER.values(), ids=NARROWER.keys())
def test_what_lets_nothing_more_through_is_not(change: dict[str, Any]) -> None:
    after = dataclasses.replace(POLICY, **change)
    assert policy_is_no_wider(POLICY, after)
    assert policy_lowers_risk({"before": POLICY.as_json(), "after": after.as_json()})


BAD: dict[str, dict[str, Any]] = {
    "scheme": {"allowed_domains": ["https://bank.example"]},
    "port": {"allowed_domains": ["bank.example:443"]},
    "upper case": {"allowed_domains": ["Bank.example"]},
    "everything": {"allowed_domains": ["*"]},
    "no size": {"max_package_bytes": 0},
    "file above package": {"max_file_bytes": POLICY.max_package_bytes + 1},
    "beyond the format": {"max_package_bytes": 2**40},
    "no files": {"max_files": 0},
    "not a number": {"max_files": "many"},
    "half a file": {"max_files": 1.5},
    "true files": {"max_files": True},
    "a domain that is no text": {"allowed_domains": [5]},
    "domains of two kinds": {"allowed_domains": [5, "bank.example"]},
    "a language that is none": {"locales": ["english"]},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_a_policy_out_of_range_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy):
        read_policy({**POLICY.as_json(), **change})


def test_a_policy_reads_back_as_it_was_written() -> None:
    assert read_policy(POLICY.as_json()) == POLICY
    for missing in POLICY.as_json():
        with pytest.raises(BadPolicy):
            read_policy({name: value for name, value in POLICY.as_json().items() if name != missing})


def test_without_a_list_no_domain_is_allowed() -> None:
    assert AppPolicy().checks().allowed_domains == ()
    limits = AppPolicy().limits()
    assert (limits.max_package_bytes, limits.max_files) == (AppPolicy().max_package_bytes, AppPolicy().max_files)

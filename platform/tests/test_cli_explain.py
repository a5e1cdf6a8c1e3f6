"""`sampan explain`: the answer first, in both languages, then the tree; against a real server."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.platform.cli.explain_text import WHYS, Speaker, deciding
from sampan.platform.identity.tiers import Tier
from sampan.platform.release.explaining import Why, carried_words
from sampan.platform.testing_cli import DemoServer, Person

REL = "rel_0192f0c8a7b47c0e9d3f5a6b7c8d9e0f"


def leaf(attr: str, outcome: bool | None, seen: Any, op: str, *values: Any, source: str = "server") -> dict[str, Any]:
    made = {"word": "condition", "at": "rule", "outcome": outcome, "attr": attr, "op": op, "values": list(values)}
    return {**made, "source": source} | ({"seen": seen} if seen is not None else {})


PLACE = leaf("percentage", False, 4312, "below", 1000)
TIER = leaf("tier", True, "full", "in", "full")
REGION = leaf("region", None, None, "in", "hk", source="claimed")


def both(*parts: dict[str, Any], outcome: bool | None = False) -> dict[str, Any]:
    return {"word": "all", "at": "rule", "outcome": outcome, "parts": list(parts)}


def release(sequence: int, reason: str, outcome: bool | None, rule: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = {"release": f"{REL[:-1]}{sequence}", "version": f"1.{sequence}.0", "sequence": sequence, "state": "running"}
    stage = {"number": 1, "of": 3, "name": "few", "basis_points": 1000}
    return {**made, "stage": stage, "outcome": outcome, "reason": reason, "rule": rule, "cap": None, **changes}


def item(*releases: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = {"kind": "miniapp", "id": "bank.demo.bills", "offered": None, "installed": None, "action": "none"}
    return {**made, "reason": "no_release", "releases": list(releases), "more": 0, **changes}


def offered(sequence: int) -> dict[str, Any]:
    return {"release": f"{REL[:-1]}{sequence}", "version": f"1.{sequence}.0", "sequence": sequence}


STANDING = release(1, "matched", True, TIER)
FEW = item(release(2, "not_in_audience", False, both(TIER, PLACE)), STANDING, offered=offered(1), action="keep")
HELD = {"sequence": 1, "version": "1.1.0", "seen_ms": 1}


def test_the_answer_comes_first_and_then_what_decides_it() -> None:
    has = {**FEW, "installed": HELD}
    assert list(Speaker("en").deliverable(has))[:3] == [
        "bank.demo.bills  miniapp",
        f"  Has 1.1.0, by {REL[:-1]}1",
        "  Not 1.2.0: not in the audience, bucket 4,312 is not below 1,000",
    ]
    assert list(Speaker("zh").deliverable(has))[1:3] == [
        f"  已有 1.1.0，依据 {REL[:-1]}1",
        "  未得到 1.2.0：不在受众内，分桶 4,312 不小于 1,000",
    ]
    tree = list(Speaker("en").deliverable(has))[3:]
    assert tree == [
        f"  ✗ 1.2.0 #2  {REL[:-1]}2  running  stage 1 of 3, 10%: not in the audience",
        "    ✗ all of these",
        "      ✓ full customers  (tier: full customers, said by the server)",
        "      ✗ 10% of them  (bucket 4,312 is not below 1,000)",
        f"  ✓ 1.1.0 #1  {REL[:-1]}1  running  stage 1 of 3, 10%: a release means it",
        "    ✓ full customers  (tier: full customers, said by the server)",
    ]


@pytest.mark.parametrize(
    ("changes", "en", "zh"),
    [
        (
            {"offered": offered(2), "action": "install"},
            f"Gets 1.2.0 at its next check, by {REL[:-1]}2",
            "下次检查时得到",
        ),
        (
            {"offered": offered(2), "action": "rollback", "installed": {**HELD, "sequence": 3, "version": None}},
            f"Goes back from #3 to 1.2.0, by {REL[:-1]}2",
            "将从 #3 回滚到",
        ),
        ({"action": "remove", "installed": HELD}, "Loses 1.1.0: the version was killed", "将被移除"),
        ({"action": "keep", "installed": HELD}, "Stays on 1.1.0", "停留在 1.1.0"),
        ({"offered": offered(2), "action": "keep"}, "Has 1.2.0 or a newer one", "已有 1.2.0 或更高版本"),
        ({"offered": offered(2), "action": None}, f"Gets 1.2.0, by {REL[:-1]}2", "得到 1.2.0"),
        (
            {"kind": "hotfix", "offered": offered(2), "action": None},
            "Gets 1.2.0 where it has that version",
            "装有该版本时得到 1.2.0",
        ),
        (
            {"kind": "hotfix", "action": "remove", "installed": HELD},
            "Leaves 1.1.0: it was withdrawn or rolled back",
            "将离开 1.1.0",
        ),
        ({"reason": "device_revoked", "action": None}, "Gets nothing: the device is revoked", "得不到：设备已停用"),
    ],
)
def test_each_answer_is_a_sentence(changes: dict[str, Any], en: str, zh: str) -> None:
    assert Speaker("en").answer(item(**changes)).startswith(en)
    assert Speaker("zh").answer(item(**changes)).startswith(zh) or zh in Speaker("zh").answer(item(**changes))


@pytest.mark.parametrize(
    ("found", "en", "zh"),
    [
        (REGION, "region not known", "地区未知"),
        (leaf("region", False, "cn-31", "in", "hk", source="claimed"), "region: cn-31, said by the device", "设备自报"),
        (leaf("tag", False, [], "in", "vip"), "tag: none, said by the server", "标签：无，服务器"),
        (leaf("percentage", True, 5, "between", 5, 9), "bucket 5 is between 5 and 9", "分桶 5 在 5 与 9 之间"),
        (leaf("customer", True, "***", "in", "***"), "customer: ***, said by the server", "客户：***"),
    ],
)
def test_what_was_seen_says_who_said_it(found: dict[str, Any], en: str, zh: str) -> None:
    assert Speaker("en").seen(found) == en
    assert zh in Speaker("zh").seen(found)


def test_what_decides_under_a_not_is_what_holds() -> None:
    inner = {"word": "any", "at": "rule", "outcome": True, "parts": [PLACE, TIER]}
    assert list(deciding({"word": "not", "at": "rule", "outcome": False, "parts": [inner]})) == [TIER]
    assert list(deciding(both(TIER, REGION, outcome=None))) == [REGION]


def test_who_came_too_late_is_told_how_many_places_there_are() -> None:
    late = release(2, "no_place", True, TIER, cap={"customers": 2000, "taken": 2000})
    assert "(2,000 of 2,000)" in Speaker("en").reason(late)
    assert "（2,000/2,000）" in Speaker("zh").reason(late)


def test_a_tier_that_the_device_may_not_carry_is_told_with_the_subject() -> None:
    words = carried_words(Tier.FULL, Tier.REGISTERED)
    subject: dict[str, Any] = {
        "device": "dev_1",
        "customer": None,
        "tier": "registered",
        "client_app": "retail",
        "revoked": False,
    }
    subject |= {"claims": {}, "claims_at_ms": None, "tier_reason": {"zh": words.zh, "en": words.en}}
    found = {"subject": subject, "items": []}
    assert Speaker("en").lines(found)[:2] == ["dev_1  registered customers  retail", f"  {words.en}"]
    assert Speaker("zh").lines(found)[1] == f"  {words.zh}"
    assert words.en not in "".join(Speaker("en").lines({**found, "subject": {**subject, "tier_reason": None}}))


def test_every_reason_has_its_words() -> None:
    assert set(Why) <= set(WHYS)


def test_the_command_line_explains_a_device(demo_server: DemoServer, tmp_path: Path) -> None:
    manager = demo_server.person("release@demo.example", tmp_path / "manager")
    asked = {"tier": "full", "client_app": "retail"}
    minted = httpx2.post(f"{demo_server.address}/client/v1/demo/token", json=asked, trust_env=False).json()
    found = manager.ok("explain", "--device", minted["device"], "--app", "bank.demo.coupons")
    (one,) = found["items"]
    assert (one["offered"] is not None, one["reason"], found["subject"]["tier"]) == (True, "matched", "full")
    text = manager.run("explain", "--device", minted["device"], as_json=False).out
    assert "bank.demo.coupons  miniapp" in text
    assert "The device has said nothing of itself yet" in text
    of_customer = manager.run("explain", "--customer", minted["customer"], as_json=False).out
    assert f"sampan explain --device {minted['device']}" in of_customer
    refused = manager.run("explain", "--device", "dev_none")
    assert (refused.status, refused.value["code"]) == (1, "subject_unknown")


def test_whom_to_ask_about_is_said_once(demo_server: DemoServer, tmp_path: Path) -> None:
    person: Person = demo_server.person("release@demo.example", tmp_path / "somebody")
    assert person.run("explain").value["code"] == "explain_subject"

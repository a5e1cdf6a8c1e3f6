"""Switches as people make them: drafts, approvals, what one person may do, history, files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from switch_scene import EVERYONE, Scene, scene, switch, tier_from

from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import WORKSPACE

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


def to_all(variant: str = "on") -> list[dict[str, Any]]:
    return [{"audience": EVERYONE, "variant": variant}]


async def test_a_draft_is_nobodys_until_a_second_person_approves(desk: Scene) -> None:
    device = await desk.server.device()
    made = await desk.done("POST", "/switches", {"definition": switch(rules=to_all())})
    assert made["state"] == "draft"
    assert made["edition"] == 1
    assert (await desk.ask(device, key="new-look")).status_code == 404
    asked = await desk.done("POST", "/switches/new-look/activate", {"cause": "go"})
    assert asked["state"] == "draft"
    own = await desk.call("POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]})
    assert own.json()["code"] == "same_person"
    await desk.approve(asked)
    assert await desk.value(device) is True


async def test_what_widens_waits_and_what_narrows_does_not(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.activate(switch(rules=to_all()))
    body = {
        "definition": switch(rules=[{"audience": EVERYONE, "split": [{"variant": "on", "share": 0}]}]),
        "edition": 2,
    }
    narrowed = await desk.done("PUT", "/switches/new-look", body)
    assert narrowed["change"] is None
    assert await desk.value(device) is False
    stale = await desk.call("PUT", "/switches/new-look", body)
    assert (stale.status_code, stale.json()["code"]) == (409, "switch_moved")
    body = {"definition": switch(rules=to_all()), "edition": 3, "note": "again"}
    widened = await desk.done("PUT", "/switches/new-look", body)
    assert await desk.value(device) is False
    lines = (await desk.done("GET", f"/changes/{widened['change']}"))["diff"]
    assert [(line["en"], line["after_words"]["en"]) for line in lines] == [("Rule 1", "everyone: on")]
    await desk.approve(widened)
    assert await desk.value(device) is True


async def test_a_change_request_on_a_switch_that_moved_is_stale(desk: Scene) -> None:
    await desk.activate(switch(rules=to_all()))
    body = {"definition": switch(variants={"on": True, "off": False, "new": True}), "edition": 2}
    waiting = await desk.done("PUT", "/switches/new-look", body)
    await desk.done("POST", "/switches/new-look/off", {"cause": "trouble"})
    answer = await desk.call(
        "POST", f"/changes/{waiting['change']}/approve", {"digest": waiting["digest"]}, as_=desk.checker
    )
    assert answer.json()["code"] == "change_stale"


async def test_one_person_turns_off_and_archives_and_two_bring_back(desk: Scene) -> None:
    device = await desk.server.device()
    helper = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "service_desk"))
    await desk.activate(switch(rules=to_all()))
    off = await desk.call("POST", "/switches/new-look/off", {"cause": "trouble"}, as_=helper)
    assert off.status_code == 200
    await desk.core.replica.poll()
    assert await desk.value(device) is False
    gone = await desk.call("POST", "/switches/new-look/archive", {"cause": "old"}, as_=helper)
    assert gone.json()["state"] == "archived"
    await desk.core.replica.poll()
    assert (await desk.ask(device)).json()["flags"] == []
    refused = await desk.call("POST", "/switches/new-look/activate", {"cause": ""}, as_=helper)
    assert refused.status_code == 403
    await desk.approve(await desk.done("POST", "/switches/new-look/activate", {"cause": "back"}))
    assert await desk.value(device) is False


async def test_the_history_says_what_each_edition_changed(desk: Scene) -> None:
    await desk.activate(switch(rules=to_all()))
    await desk.done("POST", "/switches/new-look/off", {"cause": "trouble"})
    first = await desk.done("GET", "/switches/new-look/history", {"limit": 1})
    (latest,) = first["items"]
    assert (latest["edition"], latest["state"], latest["cause"]) == (3, "active", "trouble")
    (line,) = latest["diff"]
    assert (line["en"], line["before_words"]["en"], line["after"]) == ("Rule 1", "everyone: on", None)
    rest = await desk.done("GET", "/switches/new-look/history", {"cursor": first["next_cursor"]})
    assert [(each["edition"], each["state"]) for each in rest["items"]] == [(2, "active"), (1, "draft")]
    audit = (await desk.done("GET", "/audit", {"target": "new-look"}))["items"]
    assert [row["action"] for row in audit] == ["switch.changed", "switch.activated", "switch.created"]


async def test_a_file_is_taken_over_whole_or_not_at_all(desk: Scene) -> None:
    await desk.activate(switch("kept", rules=to_all()))
    exported = await desk.done("GET", "/switch-file")
    assert exported["switches"] == [{**switch("kept", rules=to_all()), "state": "active"}]
    new = switch("price", type="float", variants={"one": 1, "half": 0.5}, default="one")
    done = await desk.done("POST", "/switch-file", {"switches": [*exported["switches"], new]})
    assert done == {"done": {"kept": "unchanged", "price": "created"}, "change": None, "digest": None}
    bad = await desk.call("POST", "/switch-file", {"switches": [switch("third"), switch("x", default="none")]})
    assert (bad.status_code, bad.json()["code"], bad.json()["at"]) == (422, "bad_switch", "switches[1].default")
    twice = await desk.call("POST", "/switch-file", {"switches": [switch("third"), switch("third")]})
    assert twice.json()["at"] == "switches[1].key"
    keys = [each["key"] for each in (await desk.done("GET", "/switches"))["items"]]
    assert keys == ["kept", "price"]
    wider = {**switch("kept", rules=[*to_all(), *to_all("off")]), "title": "Kept"}
    narrower = switch("kept")
    waits = await desk.done("POST", "/switch-file", {"switches": [wider, new], "activate": True})
    assert waits["done"] == {"kept": "waits", "price": "waits"}
    await desk.approve(waits)
    states = {each["key"]: each["state"] for each in (await desk.done("GET", "/switches"))["items"]}
    assert states == {"kept": "active", "price": "active"}
    at_once = await desk.done("POST", "/switch-file", {"switches": [narrower]})
    assert at_once["done"] == {"kept": "changed"}


async def test_lists_have_pages_and_filters(desk: Scene) -> None:
    for key in ("a.one", "a.two", "b.one"):
        await desk.done("POST", "/switches", {"definition": switch(key)})
    first = await desk.done("GET", "/switches", {"limit": 2})
    assert [each["key"] for each in first["items"]] == ["a.one", "a.two"]
    rest = await desk.done("GET", "/switches", {"limit": 2, "cursor": first["next_cursor"]})
    assert [each["key"] for each in rest["items"]] == ["b.one"]
    found = await desk.done("GET", "/switches", {"search": "one", "sort": "-changed"})
    assert {each["key"] for each in found["items"]} == {"a.one", "b.one"}
    assert (await desk.done("GET", "/switches", {"state": "active"}))["items"] == []


@pytest.mark.parametrize(
    ("changes", "code", "at"),
    [
        ({"key": "no spaces"}, "bad_switch", "key"),
        ({"type": "date"}, "bad_switch", "type"),
        ({"variants": {}}, "bad_switch", "variants"),
        ({"variants": {"on": 1, "off": False}}, "bad_switch", "variants.on"),
        ({"default": "maybe"}, "bad_switch", "default"),
        ({"by": "subject"}, "bad_switch", "by"),
        ({"colour": 1}, "bad_switch", "colour"),
        ({"rules": [{"audience": EVERYONE}]}, "bad_switch", "rules[0]"),
        ({"rules": [{"audience": EVERYONE, "variant": "x"}]}, "bad_switch", "rules[0].variant"),
        ({"rules": [{"audience": {"attr": "mood"}, "variant": "on"}]}, "bad_rule", "rules[0].audience"),
        (
            {"rules": [{"audience": {"all": [{"attr": "mood", "op": "in", "values": ["x"]}]}, "variant": "on"}]},
            "rule_attribute_unknown",
            "rules[0].audience.all[0].attr",
        ),
        (
            {"rules": [{"audience": {"attr": "tag", "op": "in", "values": ["gone"]}, "variant": "on"}]},
            "rule_tag_unknown",
            "rules[0].audience.values[0]",
        ),
        (
            {
                "rules": [
                    {
                        "audience": EVERYONE,
                        "split": [{"variant": "on", "share": 9000}, {"variant": "off", "share": 1001}],
                    }
                ]
            },
            "bad_switch",
            "rules[0].split",
        ),
    ],
)
async def test_what_is_wrong_is_refused_with_its_place(desk: Scene, changes: Any, code: str, at: str) -> None:
    answer = await desk.call("POST", "/switches", {"definition": switch(**changes)})
    assert (answer.status_code, answer.json()["code"], answer.json()["at"]) == (422, code, at)


async def test_who_may_do_what(desk: Scene) -> None:
    await desk.done(
        "POST", "/switches", {"definition": switch(rules=[{"audience": tier_from("full"), "variant": "on"}])}
    )
    twice = await desk.call("POST", "/switches", {"definition": switch()})
    assert (twice.status_code, twice.json()["code"]) == (409, "switch_exists")
    auditor = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "auditor"))
    assert (await desk.call("GET", "/switches/new-look", as_=auditor)).status_code == 200
    for path in ("/switches/new-look/off", "/switches/new-look/archive", "/switches/new-look/activate"):
        assert (await desk.call("POST", path, {"cause": ""}, as_=auditor)).status_code == 403
    for path in ("/switches", "/switches/new-look", "/switches/new-look/history", "/switch-file"):
        assert (await desk.call("GET", path, as_={})).status_code == 401
    assert (await desk.call("GET", "/switches/none")).json()["code"] == "unknown_switch"


async def test_a_value_is_explained_rule_by_rule_and_audited(desk: Scene) -> None:
    device = await desk.server.device()
    rules = [
        {"audience": tier_from("full"), "variant": "on"},
        {"audience": {"attr": "platform", "op": "in", "values": ["ios"]}, "split": [{"variant": "on", "share": 9999}]},
    ]
    await desk.activate(switch(rules=rules))
    asked = {"device": device.tokens["device"], "claims": {"platform": "ios"}, "reason": "a complaint"}
    found = await desk.done("POST", "/switches/new-look/explain", asked)
    assert (found["variant"], found["reason"], found["state"]) == ("on", "SPLIT", "active")
    assert [each["outcome"] for each in found["rules"]] == [False, True]
    assert found["rules"][0]["seen"] == "visitor"
    assert 0 <= found["place"] < 10_000
    assert found["value"] is await desk.value(device, {"platform": "ios"})
    unknown = await desk.call("POST", "/switches/new-look/explain", {"device": "dev_none", "reason": "x"})
    assert unknown.status_code == 404
    audit = (await desk.done("GET", "/audit", {"target": "new-look"}))["items"]
    assert audit[0]["action"] == "switch.explain"
    helper = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "publisher"))
    assert (await desk.call("POST", "/switches/new-look/explain", asked, as_=helper)).status_code == 403


async def test_a_tag_that_a_switch_names_cannot_vanish(desk: Scene) -> None:
    await desk.done("POST", "/tags", {"name": "vip", "title": "VIP"})
    rule = {"attr": "tag", "op": "in", "values": ["vip"]}
    await desk.done("POST", "/switches", {"definition": switch(rules=[{"audience": rule, "variant": "on"}])})
    refused = await desk.call("DELETE", "/tags/vip")
    assert (refused.status_code, refused.json()["used_by"]) == (409, ["switch new-look"])


async def test_a_file_too_large_for_one_change_request_says_so_and_leaves_nothing(desk: Scene) -> None:
    text = "x" * 3000
    many = [switch(f"k{n}", type="string", variants={"x": text}, default="x") for n in range(100)]
    answer = await desk.call("POST", "/switch-file", {"switches": many, "activate": True})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_switches")
    assert (await desk.done("GET", "/switches"))["items"] == []
    drafts = await desk.call("POST", "/switch-file", {"switches": many})
    assert drafts.status_code == 200

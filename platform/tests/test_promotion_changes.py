"""Switches and saved audiences of another workspace: one change request here, approved here, or a clear refusal."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from switch_scene import EVERYONE, Scene, scene, switch, tier_from

from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.promotion import planning
from sampan.platform.promotion.console_api import MAX_THINGS
from sampan.platform.promotion.names import in_order, with_audiences
from sampan.platform.testing import WORKSPACE

pytestmark = pytest.mark.anyio
MOST_NAMED = 10
THERE = {"server": "https://sit.example", "workspace": "sit"}
CLAIM = {"edition": 4, "approved_by": "rex@sit.example", "approved_ms": 1_790_000_000_000}
VIP, OTHERS = f"aud_{'a' * 32}", f"aud_{'b' * 32}"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


def body(*, switches: Any = (), audiences: Any = (), **more: Any) -> dict[str, Any]:
    return {"source": THERE, "switches": list(switches), "audiences": list(audiences), "names": {}, **more}


def a_switch(*, edition: int = 0, **changes: Any) -> dict[str, Any]:
    definition = switch(**{"rules": [{"audience": EVERYONE, "variant": "on"}], **changes})
    return {"definition": definition, "edition": edition, "claim": CLAIM}


def an_audience(rule: dict[str, Any], *, name: str = "Salaried", id_: str = VIP, edition: int = 0) -> dict[str, Any]:
    return {"id": id_, "name": name, "note": "", "audience": rule, "edition": edition, "claim": CLAIM}


def inside(audience_id: str) -> dict[str, Any]:
    return {"attr": "audience", "op": "in", "values": [audience_id]}


async def test_a_switch_comes_with_the_audience_that_its_rule_names(desk: Scene) -> None:
    device = await desk.server.device()
    rules = [{"audience": inside(VIP), "variant": "on"}]
    asked = await desk.done(
        "POST", "/promotions", body(switches=[a_switch(rules=rules)], audiences=[an_audience(EVERYONE)])
    )
    assert asked["done"] == {"audience:Salaried": "waits", "switch:new-look": "waits"}
    assert (await desk.ask(device, key="new-look")).status_code == 404, "nothing is served before the approval"
    change = await desk.done("GET", f"/changes/{asked['change']}")
    assert change["diff"][0]["after"] == "sit (https://sit.example)"
    assert "as the proposer says" in change["diff"][0]["en"]
    said = [(line["en"], line["after"]) for line in change["diff"] if "as said" in line["en"]]
    assert said[1] == ("new-look In force there (as said)", "rex@sit.example, 2026-09-21 14:13 UTC")
    await desk.approve(asked)
    assert await desk.value(device) is True
    (saved,) = (await desk.done("GET", "/audiences"))["items"]
    assert (saved["name"], saved["id"] != VIP) == ("Salaried", True)
    history = (await desk.done("GET", "/switches/new-look/history"))["items"]
    assert history[0]["cause"].startswith("promoted from sit on https://sit.example (as claimed)")
    rows = (await desk.done("GET", "/audit", {"target": saved["id"]}))["items"]
    assert rows[0]["detail"]["promoted_from_as_claimed"] == {**THERE, **CLAIM}


async def test_asking_again_finds_the_same_request_and_then_nothing_to_do(desk: Scene) -> None:
    asked = await desk.done("POST", "/promotions", body(switches=[a_switch()]))
    again = await desk.done("POST", "/promotions", body(switches=[a_switch()]))
    assert (again["change"], again["already"]) == (asked["change"], True)
    await desk.approve(asked)
    done = await desk.done("POST", "/promotions", body(switches=[a_switch(edition=2)]))
    assert (done["done"], done["change"]) == ({"switch:new-look": "unchanged"}, None)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (body(), "nothing_to_promote"),
        (body(switches=[a_switch(edition=3)]), "promotion_target_moved"),
        (body(switches=[a_switch(), a_switch()]), "bad_switch"),
        (body(switches=[a_switch(rules=[{"audience": inside(VIP), "variant": "on"}])]), "promotion_audiences_missing"),
        (body(audiences=[an_audience({"attr": "tag", "op": "in", "values": ["vip"]})]), "promotion_tags_missing"),
        (
            body(audiences=[an_audience({"attr": "customer", "op": "in", "values": [f"cus_{'0' * 32}"]})]),
            "promotion_ids_in_rule",
        ),
        (
            body(audiences=[an_audience({"attr": "client_app", "op": "in", "values": ["kiosk"]})]),
            "promotion_client_apps_missing",
        ),
        (body(audiences=[an_audience({"attr": "shoe_size", "op": "in", "values": [1]})]), "rule_attribute_unknown"),
    ],
)
async def test_what_cannot_stand_here_is_refused_before_anything_is_proposed(
    desk: Scene, sent: dict[str, Any], code: str
) -> None:
    answer = await desk.call("POST", "/promotions", sent)
    assert answer.json()["code"] == code, answer.text
    assert (await desk.done("GET", "/changes"))["items"] == []


async def test_two_audiences_of_one_name_cannot_be_told_apart(desk: Scene) -> None:
    for _ in range(2):
        await desk.done("POST", "/audiences", {"name": "Salaried", "audience": EVERYONE})
    answer = await desk.call("POST", "/promotions", body(audiences=[an_audience(tier_from("full"), edition=1)]))
    assert answer.json()["code"] == "promotion_ambiguous_name"


async def test_what_was_changed_meanwhile_is_not_overwritten(desk: Scene) -> None:
    await desk.activate(switch(rules=[{"audience": EVERYONE, "variant": "on"}]))
    asked = await desk.done("POST", "/promotions", body(switches=[a_switch(edition=2, title="New look")]))
    await desk.done("POST", "/switches/new-look/off", {"cause": "trouble"})
    answer = await desk.call(
        "POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, as_=desk.checker
    )
    assert answer.json()["code"] == "change_stale"
    both = body(
        switches=[a_switch(edition=3, title="New look")], audiences=[an_audience(EVERYONE)], note="both at once"
    )
    asked = await desk.done("POST", "/promotions", both)
    await desk.done("POST", "/switches/new-look/archive", {"cause": "old"})
    answer = await desk.call(
        "POST", f"/changes/{asked['change']}/approve", {"digest": asked["digest"]}, as_=desk.checker
    )
    assert answer.json()["code"] == "switch_moved"
    assert (await desk.done("GET", "/audiences"))["items"] == [], "all of it or nothing"


async def test_who_may_not_change_them_here_may_not_promote_them(desk: Scene) -> None:
    helper = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "auditor"))
    answer = await desk.call("POST", "/promotions", body(switches=[a_switch()]), as_=helper)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_permission")
    own = await desk.done("POST", "/promotions", body(switches=[a_switch()]))
    answer = await desk.call("POST", f"/changes/{own['change']}/approve", {"digest": own["digest"]})
    assert answer.json()["code"] == "same_person"


def test_audiences_are_made_before_those_that_name_them() -> None:
    assert list(in_order({"c": frozenset({"b"}), "b": frozenset({"a", "x"}), "a": frozenset()})) == ["a", "b", "c"]


class Counted(dict[str, frozenset[str]]):
    """Needs that count how often they are looked up."""

    looked_up = 0

    def __getitem__(self, key: str) -> frozenset[str]:
        self.looked_up += 1
        assert self.looked_up <= 2 * MAX_THINGS, "as many ways as there are through the audiences"
        return super().__getitem__(key)


def test_each_of_a_hundred_audiences_that_name_all_before_them_is_looked_at_once() -> None:
    names = [f"aud_{number:032x}" for number in range(MAX_THINGS)]
    needs = Counted({name: frozenset(names[:number]) for number, name in enumerate(names)})
    assert list(in_order(Counted(reversed(needs.items())))) == names
    assert list(in_order(needs)) == names


@pytest.mark.parametrize("count", [1, 2, 9, MAX_THINGS])
async def test_audiences_that_contain_each_other_are_refused_before_anything_is_looked_up(
    desk: Scene, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "list_audiences", None)
    ids = [f"aud_{number:032x}" for number in range(count)]
    rules = [
        {"attr": "audience", "op": "in", "values": [each for each in ids if each != id_ or count == 1][:MOST_NAMED]}
        for id_ in ids
    ]
    circle = [an_audience(rule, name=f"a{n}", id_=id_) for n, (id_, rule) in enumerate(zip(ids, rules, strict=True))]
    answer = await desk.call("POST", "/promotions", body(audiences=circle))
    assert (answer.status_code, answer.json()["code"]) == (422, "promotion_circle")
    assert {"a0"} <= set(answer.json()["names"]) <= {f"a{number}" for number in range(count)}


def test_ids_are_replaced_wherever_they_stand() -> None:
    rule = {"any": [{"not": inside("one")}, {"all": [inside("two"), tier_from("full")]}]}
    changed = with_audiences(rule, {"one": "1", "two": "2"})
    assert changed == {"any": [{"not": inside("1")}, {"all": [inside("2"), tier_from("full")]}]}

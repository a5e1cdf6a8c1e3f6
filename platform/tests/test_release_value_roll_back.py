"""One person rolls values back to what two persons once agreed to, and to nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from switch_scene import EVERYONE, Scene, scene, switch, tier_from
from test_upgrades_release import UPGRADES, change_of, upgrade
from value_releases import act, draft, release, stages, synced

pytestmark = pytest.mark.anyio
UPGRADE = "app_upgrade"
FORGED = upgrade(510, version="99.0.0", mode="forced", url="https://example.org/forged")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


async def back(desk: Scene, release_id: str, **members: Any) -> tuple[int, str]:
    """Try to roll back; return the status and the code."""
    answer = await desk.call("POST", f"/releases/{release_id}/rollback", {"cause": "x", **members})
    return answer.status_code, answer.json().get("code", "")


async def proposed(desk: Scene, tier: str) -> int:
    """Propose that a tier gets the switch on; return the edition."""
    served = (await desk.done("GET", "/switches/new-look"))["edition"]
    rules = [{"audience": tier_from(tier), "variant": "on"}]
    body = {"definition": switch(rules=rules), "edition": served, "note": ""}
    return int((await desk.done("POST", "/switches/new-look/proposals", body))["edition"])


async def targets(desk: Scene, release_id: str) -> list[int]:
    found = await desk.done("GET", f"/releases/{release_id}/rollback-targets")
    return [each["sequence"] for each in found["targets"]]


async def test_an_upgrade_that_was_only_entered_is_nothing_to_go_back_to(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade())
    made = await release(desk, UPGRADE, "retail", 520)
    await desk.done("POST", UPGRADES, FORGED)
    assert await targets(desk, made) == []
    assert await back(desk, made, to=510) == (409, "no_rollback_target")
    assert (await synced(device, "5.1.0"))["upgrade"]["build"] == 520


async def test_the_approved_way_back_is_exactly_what_the_approver_read(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade(510, version="5.1.0"))
    await desk.done("POST", UPGRADES, upgrade(520))
    made = await draft(desk, UPGRADE, "retail", 520, rollback_to=510)
    submitted = await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    diff = (await desk.done("GET", f"/changes/{submitted['change']}"))["diff"]
    lines = {line["en"]: line["after"] for line in diff}
    assert lines["May be rolled back to"] == "5.1.0 (510)"
    assert lines["After a roll-back: Link"] == "https://example.com/app"
    await desk.approve(submitted)
    for method, body in (("PUT", await change_of(desk, **FORGED)), ("DELETE", None)):
        answer = await desk.call(method, f"{UPGRADES}/510", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "upgrade_in_use")
    await act(desk, made["id"], "stop")  # from now on nothing leads to 510, but the stopped release can still go back
    await desk.done("PUT", f"{UPGRADES}/510", await change_of(desk, **FORGED))
    assert await targets(desk, made["id"]) == []
    assert await back(desk, made["id"]) == (409, "no_rollback_target")
    assert "upgrade" not in await synced(await desk.server.device(), "5.0.0")


async def test_a_way_back_that_changed_after_the_draft_is_refused_when_it_is_handed_in(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade(510, version="5.1.0"))
    await desk.done("POST", UPGRADES, upgrade(520))
    made = await draft(desk, UPGRADE, "retail", 520, rollback_to=510)
    await desk.done("PUT", f"{UPGRADES}/510", await change_of(desk, **FORGED))
    answer = await desk.call("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    assert [each["code"] for each in answer.json()["conflicts"]] == ["rollback_not_offerable"]


async def test_an_earlier_released_upgrade_comes_back_as_it_was(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade(510, version="5.1.0"))
    await act(desk, await release(desk, UPGRADE, "retail", 510), "stop")
    await desk.done("POST", UPGRADES, upgrade(520))
    made = await release(desk, UPGRADE, "retail", 520)
    assert await targets(desk, made) == [510]
    await desk.done("PUT", f"{UPGRADES}/510", await change_of(desk, **FORGED))
    assert await back(desk, made, to=510) == (409, "no_rollback_target")
    original = await change_of(desk, 510, version="5.1.0")
    await desk.done("PUT", f"{UPGRADES}/510", original)
    assert (await back(desk, made, to=510))[0] == 200
    assert (await synced(device, "5.0.0"))["upgrade"]["url"] == original["url"]


async def test_one_person_brings_no_killed_upgrade_back(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade(510, version="5.1.0"))
    await act(desk, await release(desk, UPGRADE, "retail", 510), "stop")
    kill = {"kind": UPGRADE, "id": "retail", "sequence": 510, "reason": "unsafe", "cause": "it crashes"}
    assert (await desk.call("POST", "/kills", kill)).status_code < 300
    for method, body in (("PUT", await change_of(desk, **FORGED)), ("DELETE", None)):
        answer = await desk.call(method, f"{UPGRADES}/510", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "upgrade_withdrawn")
    assert (await desk.done("GET", f"{UPGRADES}/510"))["withdrawn"] == "it crashes"


async def test_a_proposed_edition_is_nothing_to_go_back_to(desk: Scene) -> None:
    await desk.activate(switch())
    device, served = await desk.server.device(), (await desk.done("GET", "/switches/new-look"))["edition"]
    unseen, good = await proposed(desk, "visitor"), await proposed(desk, "full")
    made = await release(desk, "switch", "new-look", good, stages=stages(1, 10_000))
    assert await targets(desk, made) == [served]
    assert await back(desk, made, to=unseen) == (409, "no_rollback_target")
    assert (await desk.done("GET", "/switches/new-look"))["edition"] == served
    assert await desk.value(device) is False


async def test_what_a_release_gave_to_some_is_not_served_to_everybody_by_a_roll_back(desk: Scene) -> None:
    await desk.activate(switch())
    served = (await desk.done("GET", "/switches/new-look"))["edition"]
    some, newer = await proposed(desk, "visitor"), await proposed(desk, "full")
    await release(desk, "switch", "new-look", some, audience=tier_from("full"))
    made = await release(desk, "switch", "new-look", newer, audience=EVERYONE)
    assert await back(desk, made, to=some) == (409, "no_rollback_target")
    assert (await back(desk, made, to=served))[0] == 200


async def test_the_approver_reads_what_everybody_would_be_served_after_a_roll_back(desk: Scene) -> None:
    await desk.activate(switch())
    other, good = await proposed(desk, "visitor"), await proposed(desk, "full")
    made = await draft(desk, "switch", "new-look", good, rollback_to=other)
    submitted = await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    diff = (await desk.done("GET", f"/changes/{submitted['change']}"))["diff"]
    assert "After a roll-back: Rule 1" in [line["en"] for line in diff]

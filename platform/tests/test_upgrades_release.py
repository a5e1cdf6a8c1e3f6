"""Upgrades of the super-app: entered, released in stages, told to clients that are older, withdrawn."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from switch_scene import Scene, scene, tier_from
from value_releases import act, draft, release, stages, synced

pytestmark = pytest.mark.anyio
UPGRADES = "/client-apps/retail/upgrades"
KIND = "app_upgrade"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


def upgrade(build: int = 520, **members: Any) -> dict[str, Any]:
    return {
        "build": build,
        "version": "5.2.0",
        "mode": "reminder",
        "url": "https://example.com/app",
        "text": {"zh": "更安全", "en": "Safer"},
        **members,
    }


async def change_of(desk: Scene, build: int = 520, **members: Any) -> dict[str, Any]:
    """Return a change of an upgrade by somebody who sees it now."""
    now = await desk.done("GET", f"{UPGRADES}/{build}")
    wanted = upgrade(**members, changed_ms=now["changed_ms"])
    del wanted["build"]
    return wanted


async def refused(desk: Scene, method: str, path: str, body: Any) -> tuple[int, str, str]:
    answer = await desk.call(method, path, body)
    told = answer.json()
    return answer.status_code, told["code"], told.get("field", "")


async def test_older_clients_are_told_and_newer_ones_are_not(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade(mode="forced"))
    assert "upgrade" not in await synced(device, "5.1.0")
    made = await release(desk, KIND, "retail", 520)
    told = await synced(device, "5.1.0")
    assert told["upgrade"] == upgrade(mode="forced") | {"release": made}
    assert told["offers"] == []
    for same_or_newer in ("5.2.0", "5.2", "5.10.0", "6"):
        assert "upgrade" not in await synced(device, same_or_newer)


async def test_a_client_that_does_not_say_its_version_is_reminded_at_most(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade(mode="forced"))
    await release(desk, KIND, "retail", 520)
    for unknown in ("", "latest", "5.2.0.1.9"):
        assert (await synced(device, unknown))["upgrade"]["mode"] == "reminder"


async def test_stopping_withdraws_it_at_once(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade())
    made = await release(desk, KIND, "retail", 520)
    assert "upgrade" in await synced(device, "5.1.0")
    await act(desk, made, "stop")
    assert "upgrade" not in await synced(device, "5.1.0")


async def test_stages_reach_their_share_and_the_same_devices_stay_in(desk: Scene) -> None:
    devices = [await desk.server.device() for _ in range(40)]
    await desk.done("POST", UPGRADES, upgrade())
    made = await release(desk, KIND, "retail", 520, stages=stages(3000, 6000, 10_000))
    reached: list[set[int]] = []
    for _stage in range(3):
        reached.append({n for n, device in enumerate(devices) if "upgrade" in await synced(device, "5.1.0")})
        if len(reached) < 3:
            await act(desk, made, "move-on")
    assert 0 < len(reached[0]) < len(reached[1]) < len(reached[2]) == 40
    assert reached[0] < reached[1]


async def test_the_newest_build_wins_and_rolling_back_leads_to_the_one_before(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade(510, version="5.1.0"))
    await desk.done("POST", UPGRADES, upgrade(520))
    made = await release(desk, KIND, "retail", 520, rollback_to=510)
    assert (await synced(device, "5.0.0"))["upgrade"]["build"] == 520
    await act(desk, made, "rollback")
    assert (await synced(device, "5.0.0"))["upgrade"]["build"] == 510
    assert "upgrade" not in await synced(device, "5.1.0")


async def test_an_audience_and_another_client_app_are_kept(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade())
    made = await release(desk, KIND, "retail", 520, audience=tier_from("full"))
    assert "upgrade" not in await synced(device, "5.1.0")
    await act(desk, made, "stop")
    await desk.done("POST", "/client-apps", {"id": "other", "name": "Other"})
    await desk.done("POST", "/client-apps/other/upgrades", upgrade())
    await release(desk, KIND, "other", 520)
    assert "upgrade" not in await synced(device, "5.1.0")


async def test_an_upgrade_for_another_client_app_than_its_own_is_refused(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    await desk.done("POST", "/client-apps", {"id": "other", "name": "Other"})
    body = {"kind": KIND, "id": "retail", "sequence": 520, "audience": {"all": []}, "client_app": "other"}
    assert await refused(desk, "POST", "/releases", body) == (422, "bad_upgrade", "client_app")
    await draft(desk, KIND, "retail", 520, client_app="retail")


async def test_the_approver_reads_what_customers_will_be_told(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade(mode="forced"))
    made = await draft(desk, KIND, "retail", 520)
    submitted = await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    change = await desk.done("GET", f"/changes/{submitted['change']}")
    lines = {line["en"]: line["after"] for line in change["diff"]}
    assert "Update mode" not in lines
    assert "Package digest" not in lines
    assert (lines["How"], lines["Link"]) == ("forced", "https://example.com/app")
    assert (lines["Text in Chinese"], lines["Text in English"]) == ("更安全", "Safer")


async def test_what_was_changed_after_the_draft_does_not_start(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    made = await draft(desk, KIND, "retail", 520)
    await desk.done("PUT", f"{UPGRADES}/520", await change_of(desk, url="https://example.com/other"))
    submitted = await desk.done("POST", f"/releases/{made['id']}/submit", {"cause": ""})
    body = {"digest": submitted["digest"]}
    answer = await desk.call("POST", f"/changes/{submitted['change']}/approve", body, as_=desk.checker)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_releasable")


async def test_what_somebody_changed_meanwhile_is_not_overwritten(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    mine, theirs = await change_of(desk, version="5.2.1"), await change_of(desk, mode="forced")
    first = await desk.done("PUT", f"{UPGRADES}/520", theirs)
    answer = await desk.call("PUT", f"{UPGRADES}/520", mine)
    told = answer.json()
    assert (answer.status_code, told["code"], told["changed_ms"]) == (409, "upgrade_moved", first["changed_ms"])
    assert await desk.done("GET", f"{UPGRADES}/520") == first
    mine["changed_ms"] = first["changed_ms"]
    assert (await desk.done("PUT", f"{UPGRADES}/520", mine))["version"] == "5.2.1"


async def test_a_draft_that_somebody_changed_meanwhile_is_not_overwritten(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    made = await draft(desk, KIND, "retail", 520)
    path, edit = f"/releases/{made['id']}", {"changed_ms": made["changed_ms"]}
    first = await desk.done("PATCH", path, {**edit, "audience": tier_from("full")})
    answer = await desk.call("PATCH", path, {**edit, "audience": tier_from("visitor")})
    told = answer.json()
    assert (answer.status_code, told["code"], told["changed_ms"]) == (409, "release_moved", first["changed_ms"])
    assert (await desk.done("GET", path))["audience"] == tier_from("full")
    assert (await desk.call("PATCH", path, {"audience": tier_from("visitor")})).status_code == 422


async def test_what_a_release_leads_to_is_not_changed_or_deleted(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    made = await release(desk, KIND, "retail", 520)
    change = await change_of(desk, mode="forced")
    assert await refused(desk, "PUT", f"{UPGRADES}/520", change) == (409, "upgrade_in_use", "")
    assert (await refused(desk, "DELETE", f"{UPGRADES}/520", None))[1] == "upgrade_in_use"
    await act(desk, made, "stop")
    assert (await desk.done("PUT", f"{UPGRADES}/520", change))["mode"] == "forced"
    assert (await desk.call("DELETE", f"{UPGRADES}/520")).status_code == 204
    assert await refused(desk, "GET", f"{UPGRADES}/520", None) == (404, "unknown_upgrade", "")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "http://example.com/app"}, "url"),
        ({"url": 'https://example.com/a"b'}, "url"),
        ({"url": "data:text/html,x"}, "url"),
        ({"version": "new"}, "version"),
        ({"text": {"zh": "  ", "en": "x"}}, "text.zh"),
    ],
)
async def test_what_a_shell_could_not_show_is_refused(desk: Scene, members: dict[str, Any], field: str) -> None:
    assert await refused(desk, "POST", UPGRADES, upgrade(**members)) == (422, "bad_upgrade", field)


@pytest.mark.parametrize("url", ["itms-apps://apps.apple.com/app/id1", "market://details?id=com.bank", "store://x/y"])
async def test_links_of_markets_are_taken(desk: Scene, url: str) -> None:
    assert (await desk.done("POST", UPGRADES, upgrade(url=url)))["url"] == url


async def test_one_build_is_entered_once_and_only_for_a_client_app(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    assert (await refused(desk, "POST", UPGRADES, upgrade()))[1] == "upgrade_taken"
    assert (await refused(desk, "POST", "/client-apps/nobody/upgrades", upgrade()))[0] == 404


async def test_the_number_of_a_killed_build_is_never_entered_again(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    await desk.done("POST", UPGRADES, upgrade(530))
    kill = {"kind": KIND, "id": "retail", "sequence": 520, "reason": "unsafe", "cause": "it crashes"}
    assert (await desk.call("POST", "/kills", kill)).status_code < 300
    answer = await desk.call("POST", UPGRADES, upgrade())
    told = answer.json()
    assert (answer.status_code, told["code"], told["errors"][0]["field"]) == (409, "upgrade_withdrawn", "body.build")
    assert "Build the app anew with the number 531 or a higher one" in told["detail"]
    await desk.done("POST", UPGRADES, upgrade(531))


async def test_a_gate_is_refused_where_no_device_reports(desk: Scene) -> None:
    await desk.done("POST", UPGRADES, upgrade())
    plan = [{"name": "all", "basis_points": 10_000, "gate": {"ratio_percent": 200}}]
    body = {"kind": KIND, "id": "retail", "sequence": 520, "audience": {"all": []}, "stages": plan}
    assert await refused(desk, "POST", "/releases", body) == (422, "gate_impossible", "stages[0].gate")


async def test_a_killed_build_is_told_and_released_no_more(desk: Scene) -> None:
    device = await desk.server.device()
    await desk.done("POST", UPGRADES, upgrade())
    await release(desk, KIND, "retail", 520)
    kill = {"kind": KIND, "id": "retail", "sequence": 520, "reason": "unsafe", "cause": "it crashes"}
    assert (await desk.call("POST", "/kills", kill)).status_code < 300
    await desk.core.replica.poll()
    assert "upgrade" not in await synced(device, "5.1.0")
    assert (await desk.done("GET", f"{UPGRADES}/520"))["withdrawn"] == "it crashes"
    body = {"kind": KIND, "id": "retail", "sequence": 520, "audience": {"all": []}}
    assert (await refused(desk, "POST", "/releases", body))[1] == "not_releasable"

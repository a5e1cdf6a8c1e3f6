"""The simulated device against a whole server: what it installs, opens, refuses, reports, and survives."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from device_scene import Scene, opened_scene, shown
from sqlalchemy import select

from sampan.loadtests.device.commands import with_jitter
from sampan.loadtests.device.rounds import Round
from sampan.loadtests.device.session import TOKEN_IS_OLD
from sampan.loadtests.device.simulated import Profile
from sampan.offline_packages import package_digest
from sampan.offline_packages.fetching import FetchFailed, HttpFetch
from sampan.platform.insight.delivery_rows import reached_by_release
from sampan.platform.insight.repository import events
from sampan.platform.insight.schemas import Stage
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_trust import APP, Clock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with opened_scene(tmp_path) as opened:
        yield opened


async def furthest(scene: Scene, release_id: str) -> dict[Stage, int]:
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return {each.stage: each.devices for each in await reached_by_release(tx, release_id)}


async def test_a_new_device_installs_opens_and_reports(scene: Scene) -> None:
    device = scene.device()
    done = await scene.round(device)
    assert done.codes() == {}
    assert [each.what for each in done.happenings] == ["offered", "downloaded", "verified", "installed", "opened"]
    assert device.session.kept.tier == "visitor"
    assert shown(device) == 1
    assert device.memory.facts.events == []
    release = device.memory.facts.tickets[APP].release
    assert await furthest(scene, release) == {Stage.BOOTED: 1}


async def test_what_apps_share_is_opened_by_nobody(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    for kind, opened in (("shared", []), ("miniapp", ["app.opened"])):
        device.memory.facts.kinds[APP] = kind
        await asyncio.to_thread(device.open_all)
        assert [each["type"] for each in device.memory.facts.events if each["type"] == "app.opened"] == opened


async def test_the_third_round_is_answered_with_304_and_nothing_is_fetched_twice(scene: Scene) -> None:
    device = scene.device()
    for _ in range(3):
        await scene.round(device)
    done = await scene.round(device)
    assert [each.what for each in done.happenings] == ["unchanged", "opened"]
    assert (await scene.round(scene.device())).happenings[0].what == "unchanged"


async def test_which_way_a_package_came_is_reported_and_what_was_tried_in_vain(scene: Scene) -> None:
    def damaged(url: str, max_length: int, offset: int = 0) -> Iterator[bytes]:
        if "/deltas/" in url:
            return iter([b"no delta"])
        return HttpFetch()(url, max_length, offset)

    device = scene.device(fetch=damaged)
    assert _came(await scene.round(device)) == ["whole"]
    await scene.publish_and_release(2)
    done = await scene.round(device)
    assert done.apps("installed") == {APP: 2}
    assert _came(done) == ["whole, after delta failed"]
    first, second = [json.loads(each) for each in await told(scene, "delivery.downloaded")]
    assert first == {"way": "whole"}
    assert second == {"way": "whole", "fell_back": "delta"}  # the file that changed is nearly all of it


def _came(done: Round) -> list[str]:
    return [each.detail for each in done.happenings if each.what == "downloaded"]


async def test_an_update_replaces_the_old_version_and_a_roll_back_returns_to_it(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    made = await scene.publish_and_release(2, rollback_to=1)
    assert (await scene.round(device)).apps("installed") == {APP: 2}
    assert shown(device) == 2
    await scene.roll_back(made)
    done = await scene.round(device)
    assert done.apps("installed") == {APP: 1}
    assert shown(device) == 1
    assert device.store.state(APP).highest == 2


async def test_a_killed_version_is_removed_and_does_not_open(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    await scene.kill(1)
    done = await scene.round(device)
    assert done.apps("removed") == {APP: 1}
    assert not device.open(APP)
    assert device.status()["apps"][0]["sequence"] is None
    offline = scene.device("killed-later")
    assert (await scene.round(offline)).apps("offered") == {}


async def test_an_app_that_is_lost_with_the_tier_stays_closed_and_installed(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    await scene.list_app(tier="full")
    assert (await scene.round(device)).codes() == {APP: "open_not_for_you"}
    await scene.list_app()
    assert (await scene.round(device)).apps("opened") == {APP: 1}


async def test_without_a_server_what_is_installed_opens(scene: Scene, unused_url: str) -> None:
    device = scene.device()
    await scene.round(device)
    device.calls.server = unused_url
    done = await scene.round(device)
    assert [(each.what, each.code) for each in done.happenings] == [
        ("away", "server_away"),
        ("opened", ""),
        ("away", "server_away"),
    ]
    waiting = [event["type"] for event in device.memory.facts.events]
    device.calls.server = scene.url
    await scene.round(device)
    assert waiting == ["app.opened"]
    assert device.memory.facts.events == []


@pytest.fixture
def unused_url() -> str:
    return "http://127.0.0.1:9"


async def test_a_session_is_refreshed_in_time_and_begun_anew_after_a_reuse(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    first, device_id = device.session.kept.refresh_token, device.session.kept.device
    clock = scene.core.now_ms
    assert isinstance(clock, Clock)
    clock.now_ms += 9 * 60_000 + 30_000
    await scene.core.replica.poll()
    await scene.round(device)
    assert "session/refresh" in scene.wire.calls
    second = device.session.kept.refresh_token
    assert second != first
    device.session.kept.refresh_token = first
    clock.now_ms += 10 * 60_000
    await scene.core.replica.poll()
    scene.wire.calls.clear()
    done = await scene.round(device)
    assert scene.wire.calls[:2] == ["session/refresh", "session"]
    assert device.session.kept.device == device_id
    assert done.apps("opened") == {APP: 1}


async def test_an_old_token_is_renewed_in_the_middle_of_a_round(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    device.session.kept.access_token = "not a token"
    scene.wire.calls.clear()
    done = await scene.round(device)
    assert scene.wire.calls[:3] == ["sync", "session/refresh", "sync"]
    assert done.codes() == {}
    assert "token_invalid" in TOKEN_IS_OLD


async def test_a_wrong_clock_is_set_by_the_server(scene: Scene) -> None:
    device = scene.device()
    right = scene.core.now_ms
    device.session._now_ms = lambda: right() - 3_600_000
    done = await scene.round(device)
    assert done.apps("installed") == {APP: 1}
    assert device.session.kept.offset_ms == 3_600_000


async def test_a_customer_signs_in_by_phone_and_leaves(scene: Scene) -> None:
    device, phone = scene.device(), "+8613800138000"
    await scene.round(device)
    await asyncio.to_thread(device.session.ask_code, phone)
    async with httpx2.AsyncClient() as http:
        codes = (await http.get(f"{scene.url}/w/{WORKSPACE}/client/v1/demo/codes")).json()["codes"]
    await asyncio.to_thread(device.session.sign_in, phone, codes[0]["code"])
    assert (device.session.kept.tier, device.session.kept.customer is None) == ("registered", False)
    assert (await scene.round(device)).codes() == {}
    await asyncio.to_thread(device.session.sign_out)
    assert (device.session.kept.tier, device.session.kept.customer) == ("visitor", None)


async def test_a_demo_token_makes_the_device_that_customers(scene: Scene) -> None:
    device = scene.device()
    await asyncio.to_thread(device.session.take_demo_token, "full")
    assert (await scene.round(device)).apps("opened") == {APP: 1}
    again = scene.device()
    assert again.session.kept.tier == "full"
    await asyncio.to_thread(again.session.refresh)
    assert again.session.kept.customer == device.session.kept.customer


class CutOff:
    """Fetches as usual, but the first download of an archive breaks off after one piece."""

    def __init__(self) -> None:
        self.cuts = 1
        self._fetch = HttpFetch()

    def __call__(self, url: str, max_length: int, offset: int = 0) -> Iterator[bytes]:
        for chunk in self._fetch(url, max_length, offset):
            yield chunk
            if self.cuts and url.endswith(".ma"):
                self.cuts -= 1
                raise FetchFailed(f"{url} broke off")


async def test_a_download_that_broke_off_is_resumed_at_the_next_round(scene: Scene) -> None:
    device = scene.device(fetch=CutOff())
    done = await scene.round(device)
    assert done.codes("away") == {APP: "trust_unreachable"}
    assert scene.wire.ranges == []
    again = scene.device()
    assert (await scene.round(again)).apps("installed") == {APP: 1}
    assert scene.wire.ranges == ["bytes=65536-"]
    assert shown(again) == 1


async def test_damaged_files_are_noticed_and_installed_anew(scene: Scene) -> None:
    device = scene.device()
    await scene.round(device)
    archive = next(scene.publishing.folder.glob("devices/device/store/apps/*/versions/*/package.ma"))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.chmod(0o600)
    archive.write_bytes(data)
    assert (await scene.round(device)).codes() == {APP: "store_damaged"}
    assert (await scene.round(device)).apps("installed") == {APP: 1}
    assert shown(device) == 1


def lie(*offers: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"revision": "1.1", "next_check_seconds": 60, "offers": list(offers), "control": [], **members}


def offer(scene: Scene, **changes: Any) -> dict[str, Any]:
    made = {
        "action": "install",
        "kind": "miniapp",
        "id": APP,
        "sequence": 2,
        "digest": "sha256:" + "0" * 64,
        "version": "1.2.0",
        "release": "rel_x",
        "ticket": "0" * 32,
        "url": f"/trust/{WORKSPACE}/intl/targets/apps/{APP}/2/{'0' * 64}.package.ma",
    }
    return {**made, **changes}


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown version": ({"sequence": 9, "url": "/9/"}, "install_not_listed"),
    "an unknown app": ({"id": "bank.demo.nobody", "url": "/nobody/"}, "trust_not_listed"),
    "a lower version": ({"sequence": 1, "digest": "1", "url": "/1/"}, "install_downgrade"),
    "a lower version as roll-back": (
        {"action": "rollback", "sequence": 1, "digest": "1", "url": "/1/"},
        "install_downgrade",
    ),
    "a killed version": ({"sequence": 3, "digest": "3", "url": "/3/"}, "install_killed"),
    "a version that is not released": ({"sequence": 4, "digest": "4", "url": "/4/"}, "install_not_offerable"),
    "another bank's address": ({"url": "/trust/bank-b/intl/targets/apps/x/2/0.package.ma"}, "offer_not_ours"),
    "another server": ({"url": "https://evil.example/2/0.package.ma"}, "offer_not_ours"),
    "an unknown kind": ({"kind": "firmware"}, "offer_not_ours"),
    "an unknown action": ({"action": "wipe"}, "offer_not_ours"),
    "a path for an id": ({"id": "../../etc"}, "trust_malformed"),
}


async def test_a_hostile_sync_changes_nothing_and_is_reported(scene: Scene) -> None:
    device = scene.device()
    await scene.publish_and_release(2)
    await scene.round(device)
    digests = {"1": device_digest(scene, 1)}
    for sequence in (3, 4):
        digests[str(sequence)] = await scene.publish(sequence)
    await scene.kill(3)
    for name, (changes, code) in HOSTILE.items():
        made = offer(scene, **changes)
        made["digest"] = digests.get(made["digest"], made["digest"])
        if made["url"].count("/") == 2:
            folder = f"apps/{made['id']}/{made['sequence']}"
            made["url"] = f"/trust/{WORKSPACE}/intl/targets/{folder}/{'0' * 64}.package.ma"
        scene.wire.lie = lie(made)
        done = await scene.round(device)
        assert done.codes() == {made["id"]: code}, name
        assert done.apps("opened") == {APP: 2}, name
    scene.wire.lie = lie({"action": "remove", "kind": "miniapp", "id": APP, "sequence": 2})
    assert (await scene.round(device)).apps("kept") == {APP: 2}
    assert shown(device) == 2
    assert len(await refusals(scene)) == len(HOSTILE)
    scene.wire.lie = None
    assert (await scene.round(device)).codes() == {}


@pytest.mark.parametrize("answer", [{"offers": 7}, {"revision": "x" * 9999}, {"offers": [{"action": 1}]}])
async def test_a_sync_answer_that_is_none_changes_nothing(scene: Scene, answer: dict[str, Any]) -> None:
    device = scene.device()
    await scene.round(device)
    scene.wire.lie = {**lie(), **answer}
    done = await scene.round(device)
    assert ("away", "answer_unreadable") in {(each.what, each.code) for each in done.happenings}
    assert done.apps("opened") == {APP: 1}


def device_digest(scene: Scene, sequence: int) -> str:
    path = next(scene.publishing.folder.glob(f"{APP}-{sequence}/*.index.json"))
    return package_digest(path.read_bytes())


async def refusals(scene: Scene) -> list[str]:
    """Return the attributes of the refusals that the server was told of."""
    return await told(scene, "trust.refused")


async def told(scene: Scene, kind: str) -> list[str]:
    """Return the attributes of the events of a type that the server has, in their order."""
    statement = select(events.c.attrs).where(events.c.workspace_id == WORKSPACE, events.c.type == kind)
    async with scene.core.store.workspace(WORKSPACE).read() as tx:
        return [row.attrs for row in await tx.execute(statement)]


async def test_a_version_below_the_minimum_updates_before_it_opens(scene: Scene) -> None:
    device = scene.device(profile=Profile(network="5g"))
    await scene.round(device)
    await scene.publish(2)
    await scene.release(2, client_rules={"wifi_only": True, "minimum_sequence": 2})
    first = await scene.round(device)
    assert [each.what for each in first.happenings] == ["offered", "deferred", "refused"]
    assert first.codes() == {APP: "open_update_required"}
    second = await scene.round(device)  # somebody waits for it now, so the network does not matter
    assert second.apps("opened") == {APP: 2}
    assert second.codes() == {}


async def test_a_minimum_that_is_gone_holds_nothing_back(scene: Scene) -> None:
    device = scene.device(profile=Profile(network="5g"))
    await scene.round(device)
    await scene.publish(2)
    made = await scene.release(2, rollback_to=1, client_rules={"wifi_only": True, "minimum_sequence": 2})
    await scene.round(device)
    await scene.roll_back(made)
    done = await scene.round(device)
    assert (done.codes(), done.apps("opened")) == ({}, {APP: 1})


async def test_what_is_for_wifi_alone_comes_over_wifi(scene: Scene) -> None:
    await scene.publish(2)
    await scene.release(2, client_rules={"wifi_only": True})
    metered = await scene.round(scene.device("metered", profile=Profile(network="5g")))
    assert (metered.apps("deferred"), metered.apps("installed")) == ({APP: 2}, {})
    assert (await scene.round(scene.device("free"))).apps("installed") == {APP: 2}


def test_devices_ask_again_a_little_later_than_told() -> None:
    pauses = [with_jitter(1800) for _ in range(200)]
    assert min(pauses) >= 1800
    assert max(pauses) <= 1980
    assert len(set(pauses)) > 100

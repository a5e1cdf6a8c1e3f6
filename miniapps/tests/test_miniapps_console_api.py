"""The catalogue over HTTP: who may, what takes two, what acts at once, and what customers then get in sync."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.miniapps import service
from sampan.miniapps.catalogue import Entry
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.repository import EntryFilter
from sampan.platform.app import built_in_components
from sampan.platform.engines.paging import Paging
from sampan.platform.errors import SampanError
from sampan.platform.operators.changes import propose
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import SYSTEM, Publishing, packed_app, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
BASE = "/console/api/v1"
EVERYTHING = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
LISTED = {"listed": True, "see_tier": "visitor", "open_tier": "registered", "category": "pay", "name_en": "Coupons"}


@dataclass
class Console:
    """The console API with people who are signed in, and a visitor's device."""

    publishing: Publishing
    http: httpx2.AsyncClient
    people: dict[str, dict[str, str]]
    device: TestDevice

    async def call(
        self, who: str, method: str, path: str, body: Any = None, *, workspace: str = WORKSPACE
    ) -> httpx2.Response:
        return await self.http.request(method, f"/w/{workspace}{BASE}{path}", json=body, headers=self.people[who])

    async def edit(self, who: str, **members: Any) -> httpx2.Response:
        return await self.call(who, "PATCH", f"/catalogue/apps/{APP}", members)

    async def approve(self, who: str, proposed: httpx2.Response) -> httpx2.Response:
        body = {"digest": proposed.json()["digest"]}
        return await self.call(who, "POST", f"/changes/{proposed.json()['change']}/approve", body)

    async def list_app(self) -> None:
        category = {"name_zh": "缴费", "name_en": "Pay", "position": 1}
        assert (await self.call("manager", "PUT", "/catalogue/categories/pay", category)).status_code == 200
        approved = await self.approve("reviewer", await self.edit("manager", **LISTED))
        assert approved.status_code == 200, approved.text

    async def sync(self, etag: str = "") -> dict[str, Any]:
        await self.publishing.core.replica.poll()
        answer = await self.http.post(
            "/client/v1/sync",
            json={"client_app": "retail", "apps_etag": etag},
            headers={"authorization": self.device.bearer.decode()},
        )
        assert answer.status_code == 200, answer.text
        apps: dict[str, Any] = answer.json()["apps"]
        return apps


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    async with publishing_in(tmp_path, components=EVERYTHING) as publishing:
        core = publishing.core
        people = {
            "manager": await person_with(core, WORKSPACE, "release_manager"),
            "reviewer": await person_with(core, WORKSPACE, "reviewer"),
            "developer": await person_with(
                core, WORKSPACE, grants=[{"role": "publisher", "publisher": publishing.publisher_id}]
            ),
            "auditor": await person_with(core, WORKSPACE, "auditor"),
        }
        headers = {name: await bearer_for(core, WORKSPACE, found) for name, found in people.items()}
        foreign = await person_with(core, OTHER_WORKSPACE, "release_manager")
        headers |= {"anonymous": {}, "foreigner": await bearer_for(core, OTHER_WORKSPACE, foreign)}
        await add_retail_app(core)
        await core.replica.poll()
        clock: Any = core.now_ms
        async with client(core) as http:
            device = TestDevice(http, clock)
            await device.begin()
            yield Console(publishing, http, headers, device)


async def test_showing_an_app_takes_two_people_and_reaches_sync(console: Console) -> None:
    await console.publishing.publish(1)
    category = {"name_zh": "缴费", "name_en": "Pay"}
    await console.call("manager", "PUT", "/catalogue/categories/pay", category)
    proposed = await console.edit("manager", **LISTED)
    assert (proposed.status_code, proposed.json()["applied"]) == (200, False), proposed.text
    assert (await console.sync())["items"] == []
    own = await console.approve("manager", proposed)
    assert own.json()["code"] == "same_person"
    assert (await console.approve("reviewer", proposed)).status_code == 200
    apps = await console.sync()
    assert [(item["id"], item["name"]["en"], item["may_open"]) for item in apps["items"]] == [(APP, "Coupons", False)]
    assert await console.sync(apps["etag"]) == {"etag": apps["etag"]}
    preview = await console.call("auditor", "GET", "/catalogue/preview/registered")
    assert preview.json()["items"][0]["may_open"] is True


async def test_narrowing_acts_at_once_and_widening_waits(console: Console) -> None:
    await console.publishing.publish(1)
    await console.list_app()
    assert (await console.edit("manager", open_tier="full")).json()["applied"] is True
    assert (await console.edit("manager", text_en="Save money.", position=3)).json()["applied"] is True
    assert (await console.edit("manager", open_tier="e_account")).json()["applied"] is False
    assert (await console.edit("manager", listed=False)).json()["applied"] is True
    assert (await console.sync())["items"] == []
    assert (await console.edit("manager", listed=True)).json()["applied"] is False
    [entry] = (await console.call("auditor", "GET", "/catalogue")).json()["items"]
    assert (entry["listed"], entry["open_tier"], entry["text_en"]) == (False, "full", "Save money.")


async def test_a_proposal_goes_stale_when_the_entry_moves(console: Console) -> None:
    await console.publishing.publish(1)
    await console.list_app()
    proposed = await console.edit("manager", open_tier="visitor")
    await console.edit("manager", open_tier="full")
    refused = await console.approve("reviewer", proposed)
    assert refused.json()["code"] == "change_stale"
    [entry] = (await console.call("auditor", "GET", "/catalogue")).json()["items"]
    assert entry["open_tier"] == "full"


async def test_the_icon_is_that_of_the_newest_published_version(console: Console) -> None:
    await console.publishing.publish(1)
    await console.list_app()
    assert (await console.sync())["items"][0]["icon"] == ""
    packed = packed_app(console.publishing.folder, 2, files={"icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>"})
    await console.publishing.submit(packed)
    await console.publishing.approve(2)
    await console.publishing.expose()
    entry = packed.index.file("icon.svg")
    assert entry is not None
    assert (await console.sync())["items"][0]["icon"] == f"sha256:{entry.sha256}"
    served = await console.http.get(f"/trust/{WORKSPACE}/intl/files/{entry.sha256}")
    assert served.content == b"<svg xmlns='http://www.w3.org/2000/svg'/>"


CALLS: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", "/catalogue", None),
    "preview": ("GET", "/catalogue/preview/full", None),
    "edit": ("PATCH", f"/catalogue/apps/{APP}", {"listed": False}),
    "categories": ("GET", "/catalogue/categories", None),
    "put category": ("PUT", "/catalogue/categories/pay", {"name_zh": "付", "name_en": "Pay"}),
    "remove category": ("DELETE", "/catalogue/categories/pay", None),
    "policy": ("GET", "/miniapps/policy", None),
    "put policy": (
        "PUT",
        "/miniapps/policy",
        {"allowed_domains": [], "locales": [], "max_package_bytes": 9, "max_file_bytes": 9, "max_files": 9},
    ),
}


async def test_each_call_asks_for_its_right(console: Console) -> None:
    for name, (method, path, body) in CALLS.items():
        assert (await console.call("anonymous", method, path, body)).status_code == 401, name
        auditor = await console.call("auditor", method, path, body)
        assert auditor.status_code == (200 if method == "GET" else 403), (name, auditor.text)
        assert (await console.call("foreigner", method, path, body)).status_code == 401, name
        developer = await console.call("developer", method, path, body)
        assert developer.status_code == (200 if name == "policy" else 403), (name, developer.text)


async def test_another_workspaces_catalogue_is_another(console: Console) -> None:
    await console.publishing.publish(1)
    await console.list_app()
    edit = await console.call(
        "foreigner", "PATCH", f"/catalogue/apps/{APP}", {"listed": False}, workspace=OTHER_WORKSPACE
    )
    assert edit.json()["code"] == "app_unknown"
    assert (await console.call("foreigner", "GET", "/catalogue", workspace=OTHER_WORKSPACE)).json()["items"] == []
    removed = await console.call("foreigner", "DELETE", "/catalogue/categories/pay", workspace=OTHER_WORKSPACE)
    assert removed.json()["code"] == "category_not_found"
    assert len((await console.sync())["items"]) == 1


async def test_mistakes_are_named(console: Console) -> None:
    missing = await console.edit("manager", **LISTED)
    assert missing.json()["code"] == "category_unknown"
    await console.list_app()
    wrong = await console.edit("manager", see_tier="full", open_tier="visitor")
    assert wrong.json()["code"] == "bad_catalogue_entry"
    unknown = await console.call("manager", "PATCH", "/catalogue/apps/bank.none", {"listed": False})
    assert unknown.json()["code"] == "app_unknown"
    in_use = await console.call("manager", "DELETE", "/catalogue/categories/pay")
    assert in_use.json()["code"] == "category_in_use"
    none = await console.call("manager", "DELETE", "/catalogue/categories/none")
    assert none.json()["code"] == "category_not_found"


async def entries(console: Console) -> list[Entry]:
    return (await service.page_entries(console.publishing.core, WORKSPACE, SYSTEM, EntryFilter(), Paging())).items


async def test_a_proposal_cannot_lie_about_what_was_before(console: Console) -> None:
    """A payload that claims the widest past would pass as narrowing and apply at once, by one person."""
    await console.publishing.publish(1)
    await console.list_app()
    [honest] = await entries(console)
    before, after = honest.as_json(), {**honest.as_json(), "open_tier": "visitor"}
    lies: dict[str, tuple[dict[str, Any], str]] = {
        "another past": ({"before": after, "after": after}, "changed_meanwhile"),
        "no past": ({"before": None, "after": after}, "changed_meanwhile"),
        "another app": ({"before": before, "after": {**after, "app_id": "bank.other"}}, "bad_catalogue_entry"),
        "no past member": ({"after": after}, "bad_catalogue_entry"),
        "no entry": ({"before": before, "after": 5}, "bad_catalogue_entry"),
        "another type": ({"before": before, "after": {**after, "position": "first"}}, "bad_catalogue_entry"),
        "no category": ({"before": before, "after": {**after, "category": "none"}}, "category_unknown"),
    }
    for name, (payload, code) in lies.items():
        with pytest.raises(SampanError) as refusal:
            await propose(
                console.publishing.core, WORKSPACE, SYSTEM, kind="catalogue.entry", target=APP, payload=payload
            )
        assert refusal.value.code == code, name
    assert await entries(console) == [honest]


async def test_a_publisher_limited_to_its_own_apps_may_know_the_rules_that_bind_it(console: Console) -> None:
    answer = await console.call("developer", "GET", "/miniapps/policy")
    assert (answer.status_code, "allowed_domains" in answer.json()) == (200, True)
    assert (await console.call("developer", "GET", "/catalogue")).status_code == 403


async def test_the_apps_of_a_category_are_put_in_order_in_one_step(console: Console) -> None:
    await console.list_app()
    await console.publishing.create_app("bank.demo.second")
    second = await console.call("manager", "PATCH", "/catalogue/apps/bank.demo.second", {"category": "pay"})
    assert second.status_code == 200, second.text
    path = "/catalogue/categories/pay/order"
    for apps in (["bank.demo.second", APP], [APP, "bank.demo.second"]):
        ordered = await console.call("manager", "PUT", path, {"apps": apps})
        assert ordered.status_code == 200, ordered.text
        assert [(each["app"], each["position"]) for each in ordered.json()["items"]] == [(apps[0], 10), (apps[1], 20)]
    for apps in ([APP], [APP, APP], [APP, "bank.demo.second", "bank.no.such"]):
        refused = await console.call("manager", "PUT", path, {"apps": apps})
        assert (refused.status_code, refused.json()["code"]) == (409, "changed_meanwhile")
    entries = (await console.call("manager", "GET", "/catalogue")).json()["items"]
    assert {each["app"]: each["position"] for each in entries} == {APP: 10, "bank.demo.second": 20}
    nowhere = await console.call("manager", "PUT", "/catalogue/categories/none/order", {"apps": []})
    assert nowhere.json()["code"] == "category_not_found"
    assert (await console.call("auditor", "PUT", path, {"apps": [APP]})).status_code == 403

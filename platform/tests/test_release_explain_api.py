"""GET /explain as operators meet it: it agrees with the device's own sync, masks, audits, refuses and has pages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from released_apps import body, held, offer

from sampan.platform.console_app import PREFIX
from sampan.platform.core import Core
from sampan.platform.identity.repository_customers import set_reference
from sampan.platform.identity.service_devices import revoke_device
from sampan.platform.insight.intake import intake_of
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release.caps import Cap
from sampan.platform.release.repository import change_release, get_release
from sampan.platform.release.snapshot import PART
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_device import Clock, TestDevice, add_retail_app
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio
BILLS, CARDS = "bank.demo.bills", "bank.demo.cards"


@dataclass
class Desk:
    """A server that offers one app to everyone and one to Android alone, with a customer and two devices."""

    core: Core
    http: httpx2.AsyncClient
    headers: dict[str, str]
    device: TestDevice
    customer: str

    @property
    def device_id(self) -> str:
        return str(self.device.tokens["device"])

    async def ask(self, headers: dict[str, str] | None = None, prefix: str = "", **query: Any) -> httpx2.Response:
        return await self.http.get(f"{prefix}{PREFIX}/explain", params=query, headers=headers or self.headers)

    async def of_device(self, **query: Any) -> dict[str, dict[str, Any]]:
        answer = await self.ask(device=self.device_id, **query)
        assert answer.status_code == 200, answer.text
        return {each["id"]: each for each in answer.json()["items"]}

    async def sync(self, **members: Any) -> dict[str, str]:
        sent = {"authorization": self.device.bearer.decode()}
        answer = await self.http.post("/client/v1/sync", json=body(**members), headers=sent)
        assert answer.status_code == 200, answer.text
        return {each["id"]: each["release"] for each in answer.json()["offers"]}

    async def move(self, release_id: str, state: ReleaseState) -> None:
        async with self.core.store.workspace(WORKSPACE).write() as tx:
            release = await get_release(tx, release_id)
            await change_release(tx, release, state=state, cause="a doubt", made_by="test", now_ms=self.core.now_ms())
            await raise_revision(tx, PART)
        await self.core.replica.poll()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with running_core(tmp_path, now_ms=clock) as core, client(core) as http:
        for workspace in (WORKSPACE, OTHER_WORKSPACE):
            await add_retail_app(core, workspace)
        headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin", "service_desk"))
        phone = "+8613800000001"
        made = await http.post(
            f"{PREFIX}/customers", json={"tier": "full", "personal": {"phone": phone}}, headers=headers
        )
        device = TestDevice(http, clock)
        await core.replica.poll()
        assert (await device.begin()).status_code == 201
        await core.replica.poll()
        assert (await device.sign_in(phone)).status_code == 200
        await core.replica.poll()
        yield Desk(core, http, headers, device, made.json()["id"])


def offered(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {app: each["offered"]["release"] for app, each in found.items() if each["offered"]}


async def test_it_says_what_sync_answers_at_each_step(desk: Desk) -> None:
    android = {"attr": "platform", "op": "in", "values": ["android"]}
    bills = await offer(desk.core, BILLS)
    cards = await offer(desk.core, CARDS, audience=android)
    before = await desk.of_device()
    assert offered(before) == {BILLS: bills}
    (judged,) = before[CARDS]["releases"]
    assert (judged["outcome"], judged["reason"], judged["rule"]["source"]) == (None, "not_in_audience", "claimed")
    assert "seen" not in judged["rule"]

    assert offered(await desk.of_device()) != await desk.sync()  # the device says that it is an Android
    found = await desk.of_device()
    assert offered(found) == await desk.sync() == {BILLS: bills, CARDS: cards}
    assert found[CARDS]["releases"][0]["rule"]["seen"] == "android"
    assert (found[CARDS]["reason"], found[CARDS]["action"]) == ("matched", "install")

    await desk.sync(installed=[held(CARDS)])
    await intake_of(desk.core).flush()
    has = (await desk.of_device(id=CARDS))[CARDS]
    assert (has["installed"]["sequence"], has["installed"]["version"], has["action"]) == (3, "1.3.0", "keep")

    for state, reason in ((ReleaseState.PAUSED, "release_paused"), (ReleaseState.STOPPED, "release_stopped")):
        await desk.move(bills, state)
        found = await desk.of_device()
        assert offered(found) == await desk.sync() == {CARDS: cards}
        (judged,) = found[BILLS]["releases"]
        assert (found[BILLS]["reason"], judged["reason"], judged["outcome"], judged["cause"]) == (
            reason,
            reason,
            True,
            "a doubt",
        )


async def test_a_device_that_may_not_carry_the_customers_tier_is_told_of(desk: Desk) -> None:
    found = (await desk.ask(device=desk.device_id)).json()["subject"]
    assert (found["tier"], found["tier_reason"]) == (
        "registered",
        {
            "zh": "客户等级为“全功能客户”，但这台设备最多只能作为“注册用户”使用，规则按后者判断。",
            "en": "The customer's tier is full, but this device may carry registered at most, and that is what counts.",
        },
    )
    assert (await desk.ask(customer=desk.customer)).json()["subject"]["tier_reason"] is None
    path = f"{PREFIX}/customers/{desk.customer}/devices/{desk.device_id}/assurance"
    assert (await desk.http.put(path, json={"tier": "full"}, headers=desk.headers)).status_code == 200
    await desk.core.replica.poll()
    now = (await desk.ask(device=desk.device_id)).json()["subject"]
    assert (now["tier"], now["tier_reason"]) == ("full", None)


async def test_the_subject_says_how_old_its_words_are(desk: Desk) -> None:
    fresh = (await desk.ask(device=desk.device_id)).json()["subject"]
    assert (fresh["claims"], fresh["claims_at_ms"], fresh["host_version"]) == ({}, None, None)
    assert (fresh["tier"], fresh["customer"], fresh["client_app"]) == ("registered", desk.customer, "retail")
    await desk.sync()
    said = (await desk.ask(device=desk.device_id)).json()["subject"]
    assert (said["claims"], said["host_version"]) == ({"platform": "android"}, 3)
    assert said["claims_at_ms"] == desk.core.now_ms()
    of_customer = (await desk.ask(customer=desk.customer)).json()["subject"]
    assert (of_customer["device"], of_customer["tier"]) == (None, "full")
    assert [(each["id"], each["signed_in"]) for each in of_customer["devices"]] == [(desk.device_id, True)]


async def test_a_bank_reference_names_the_customer_to_whoever_may_explain(desk: Desk) -> None:
    """Without `customer:read`; masked, and audited by the id, as with the id itself."""
    await offer(desk.core, BILLS, audience={"attr": "customer", "op": "in", "values": [desk.customer]})
    async with desk.core.store.workspace(WORKSPACE).write() as tx:
        await set_reference(tx, desk.customer, "CIF-1003")
    manager = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "release_manager"))
    assert (await desk.http.get(f"{PREFIX}/customers", headers=manager)).status_code == 403
    answer = await desk.ask(manager, customer="CIF-1003")
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await desk.ask(manager, customer=desk.customer)).json()
    assert answer.json()["items"][0]["releases"][0]["rule"]["seen"] == "***"
    assert (await desk.ask(manager, customer="CIF-1003", reason="curious")).status_code == 403
    assert (await desk.ask(customer="CIF-1003", reason="asked")).status_code == 200
    audit = (await desk.http.get(f"{PREFIX}/audit?action=explain.personal", headers=desk.headers)).json()["items"]
    assert [row["target"] for row in audit] == [desk.customer]


async def test_a_device_that_was_shut_out_gets_nothing(desk: Desk) -> None:
    await offer(desk.core, BILLS)
    async with desk.core.store.workspace(WORKSPACE).write() as tx:
        await revoke_device(tx, desk.device_id, by="test", now_ms=desk.core.now_ms())
    found = (await desk.of_device())[BILLS]
    assert (found["offered"], found["reason"]) == (None, "device_revoked")


async def test_personal_values_are_opened_with_a_reason_and_audited(desk: Desk) -> None:
    await offer(desk.core, BILLS, audience={"attr": "customer", "op": "in", "values": [desk.customer]})

    async def tree(**query: Any) -> dict[str, Any]:
        return dict((await desk.of_device(**query))[BILLS]["releases"][0]["rule"])

    masked = await tree()
    assert (masked["outcome"], masked["seen"], masked["values"]) == (True, "***", ["***"])
    assert (await tree(reason="A customer asked"))["seen"] == desk.customer
    audit = (await desk.http.get(f"{PREFIX}/audit?action=explain.personal", headers=desk.headers)).json()["items"]
    assert [(row["target"], row["detail"]) for row in audit] == [(desk.device_id, {"reason": "A customer asked"})]
    other = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "campaign_operator"))
    refused = await desk.ask(other, device=desk.device_id, reason="curious")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_permission")
    assert (await desk.ask(other, device=desk.device_id)).status_code == 200


async def test_a_free_place_is_foretold_and_a_taken_one_told(desk: Desk) -> None:
    release = await offer(desk.core, BILLS, cap=Cap(customers=1))
    other = TestDevice(desk.http, desk.device.clock)
    assert (await other.begin()).status_code == 201
    await desk.core.replica.poll()

    async def asked(device: TestDevice) -> tuple[str | None, str, dict[str, Any]]:
        (found,) = (await desk.ask(device=device.tokens["device"])).json()["items"]
        (judged,) = found["releases"]
        return found["offered"] and found["offered"]["release"], judged["reason"], judged["cap"]

    free = {"customers": 1, "taken": 0, "until_ms": None, "has_place": False, "would_get": True}
    assert await asked(desk.device) == await asked(other) == (release, "matched", free)
    assert await desk.sync() == {BILLS: release}
    assert await asked(desk.device) == (release, "matched", {**free, "taken": 1, "has_place": True, "would_get": False})
    assert await asked(other) == (None, "no_place", {**free, "taken": 1, "would_get": False})


async def test_who_is_asked_about_is_one_that_exists_here(desk: Desk) -> None:
    elsewhere = TestDevice(desk.http, desk.device.clock, f"/w/{OTHER_WORKSPACE}")
    assert (await elsewhere.begin()).status_code == 201
    strangers = [("device", elsewhere.tokens["device"]), ("device", "dev_none"), ("customer", "cus_none")]
    for word, stranger in strangers:
        answer = await desk.ask(**{word: stranger})
        assert (answer.status_code, answer.json()["code"]) == (404, "subject_unknown")
    for query in ({}, {"device": desk.device_id, "customer": desk.customer}):
        answer = await desk.ask(None, "", **query)
        assert (answer.status_code, answer.json()["code"]) == (422, "explain_subject")
    reviewer = await bearer_for(desk.core, WORKSPACE, await person_with(desk.core, WORKSPACE, "reviewer"))
    assert (await desk.ask(reviewer, device=desk.device_id)).status_code == 403


async def test_deliverables_come_in_pages_and_alone(desk: Desk) -> None:
    apps = [f"bank.demo.a{number}" for number in range(5)]
    for app in apps:
        await offer(desk.core, app)
    first = (await desk.ask(device=desk.device_id, limit=3)).json()
    rest = (await desk.ask(device=desk.device_id, limit=3, cursor=first["next_cursor"])).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == apps
    assert (first["total"], rest["next_cursor"]) == (5, None)
    assert list(await desk.of_device(kind="miniapp", id=apps[2])) == [apps[2]]
    assert await desk.of_device(kind="shared") == {}

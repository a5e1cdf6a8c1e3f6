"""What customers see of themselves: who they are here, their devices, signing one of them out; the demo's tiers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.platform.app import built_in_components
from sampan.platform.audience.claims import put_claims
from sampan.platform.audience.facts import Claims
from sampan.platform.component import discover
from sampan.platform.identity.masking import masked_name, masked_phone
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
PHONE, OTHER_PHONE = "+8613800000001", "+8613800000002"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def ask(device: TestDevice, method: str, path: str, body: Any = None) -> httpx2.Response:
    headers = {"authorization": device.bearer.decode()}
    return await device.http.request(method, f"{device.prefix}{path}", headers=headers, json=body)


@pytest.mark.parametrize(
    ("name", "phone", "shown"),
    [
        ("张三丰", "+8613800000001", ("张**", "+86138****0001")),
        ("Alexandra", "+4915112345678", ("A***", "+49151****5678")),
        ("", "", ("", "")),
        ("A", "+123456", ("A", "****56")),
    ],
)
async def test_a_bystander_reads_nothing_off_the_screen(name: str, phone: str, shown: tuple[str, str]) -> None:
    assert (masked_name(name), masked_phone(phone)) == shown


async def test_a_visitor_and_a_customer_see_who_they_are(server: TestServer) -> None:
    device = await server.device()
    visitor = (await ask(device, "GET", "/client/v1/me")).json()
    assert (visitor["device"], visitor["tier"], visitor["customer"]) == (device.tokens["device"], "visitor", None)
    await device.sign_in(PHONE)
    customer = await ask(device, "GET", "/client/v1/me")
    assert customer.json()["tier"] == "registered"
    assert customer.json()["customer"] == {"name_masked": "", "phone_masked": "+86138****0001"}
    assert customer.headers["cache-control"] == "no-store"
    assert customer.json()["subject"] != visitor["subject"]


async def test_nobody_is_told_without_a_session(server: TestServer) -> None:
    for method, path in (("GET", "/client/v1/me"), ("GET", "/client/v1/devices"), ("DELETE", "/client/v1/devices/x")):
        answer = await server.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


async def test_a_customer_signs_another_device_out(server: TestServer) -> None:
    ours, lost, stranger = await server.device(), await server.device(), await server.device()
    for device, phone in ((ours, PHONE), (lost, PHONE), (stranger, OTHER_PHONE)):
        await device.sign_in(phone)
    listed = (await ask(ours, "GET", "/client/v1/devices")).json()["devices"]
    assert [(row["id"], row["is_this"], row["platform"]) for row in listed] == [
        (ours.tokens["device"], True, "app"),
        (lost.tokens["device"], False, "app"),
    ]
    assert all(row["last_seen_ms"] == row["created_ms"] == server.clock.now_ms for row in listed)
    others = await ask(ours, "DELETE", f"/client/v1/devices/{stranger.tokens['device']}")
    assert (others.status_code, others.json()["code"]) == (404, "device_unknown")
    assert (await ask(ours, "DELETE", f"/client/v1/devices/{lost.tokens['device']}")).status_code == 204
    await server.core.replica.poll()
    assert (await ask(lost, "GET", "/client/v1/me")).json()["code"] == "session_revoked"
    assert (await ask(ours, "GET", "/client/v1/me")).status_code == 200
    assert len((await ask(ours, "GET", "/client/v1/devices")).json()["devices"]) == 1
    assert (await lost.refresh()).status_code == 401


async def test_a_device_has_the_words_that_it_said_of_itself(tmp_path: Path) -> None:
    components = discover(built_in_components(demo=True))
    async with identity_server(tmp_path, components=components) as server:
        ours, silent = await server.device(), await server.device()
        for device in (ours, silent):
            await device.sign_in(PHONE)
        said = "Chrome, Android, phone\x00\n\u202e" + "x" * 300
        rows = {ours.tokens["device"]: (Claims(model=said), 1)}
        for workspace, told in ((OTHER_WORKSPACE, ""), (WORKSPACE, ("Chrome, Android, phone" + "x" * 300)[:64])):
            async with server.core.store.workspace(workspace).write() as tx:
                await put_claims(tx, rows)
            listed = (await ask(ours, "GET", "/client/v1/devices")).json()["devices"]
            assert {row["id"]: row["model"] for row in listed} == {
                ours.tokens["device"]: told,
                silent.tokens["device"]: "",
            }
        admin = await bearer_for(server.core, WORKSPACE, await person_with(server.core, WORKSPACE, "admin"))
        answer = await server.http.get("/console/api/v1/devices", headers=admin)
        assert {row["id"]: row["model"] for row in answer.json()["items"]}[ours.tokens["device"]] == told
        one = await server.http.get(f"/console/api/v1/devices/{ours.tokens['device']}", headers=admin)
        assert one.json()["model"] == told


async def test_a_visitor_sees_the_own_device_alone(server: TestServer) -> None:
    device, _other = await server.device(), await server.device()
    listed = (await ask(device, "GET", "/client/v1/devices")).json()["devices"]
    assert [row["id"] for row in listed] == [device.tokens["device"]]


async def test_the_demo_raises_a_customers_tier(server: TestServer) -> None:
    device, other = await server.device(), await server.device(OTHER_WORKSPACE)
    refused = await ask(device, "POST", "/client/v1/demo/tier", {"tier": "full"})
    assert (refused.status_code, refused.json()["code"]) == (404, "customer_unknown")
    await device.sign_in(PHONE)
    await other.sign_in(PHONE)
    raised = await ask(device, "POST", "/client/v1/demo/tier", {"tier": "full"})
    assert raised.json() == {"tier": "full"}, raised.text
    assert (await ask(device, "GET", "/client/v1/me")).json()["tier"] == "full"
    assert (await ask(other, "GET", "/client/v1/me")).json()["tier"] == "registered"
    assert (await ask(device, "POST", "/client/v1/demo/tier", {"tier": "visitor"})).status_code == 422


async def test_outside_the_demo_there_is_no_shortcut(tmp_path: Path) -> None:
    async with identity_server(tmp_path, is_demo=False) as server:
        assert (await server.http.post("/client/v1/demo/tier", json={"tier": "full"})).status_code == 404

"""Signing in by phone and one-time code: guesses, limits, and what a code alone may carry."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sampan.platform.app import PortMissing
from sampan.platform.identity import component as identity
from sampan.platform.identity import demo
from sampan.platform.identity.codes import phone_number
from sampan.platform.identity.personal import Personal
from sampan.platform.identity.problems import DemoOnly, PhoneInvalid
from sampan.platform.identity.repository_customers import Customer
from sampan.platform.identity.service_client_apps import change_client_app
from sampan.platform.identity.service_customers import create_customer, prepare_customer
from sampan.platform.identity.service_devices import set_assurance
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_device import SESSION, Clock, TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
PHONE = "+8613800000001"
OTHER_PHONE = "+8613800000002"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def try_code(device: TestDevice, code: str, phone: str = PHONE) -> tuple[int, str]:
    answer = await device.call("POST", f"{SESSION}/customer", {"phone": phone, "code": code})
    return answer.status_code, answer.json().get("code", "")


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def enter(server: TestServer, tier: Tier, phone: str = PHONE) -> Customer:
    new = prepare_customer(
        server.core, WORKSPACE, bank_reference=None, tier=tier, personal=Personal(name="Li", phone=phone)
    )
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        return await create_customer(tx, new, by="test", now_ms=server.clock.now_ms)


def test_phone_numbers_have_one_spelling() -> None:
    assert phone_number("+86 138-0000 (0001)") == PHONE
    for bad in (
        "",
        "13800000001",
        "+0138000000",
        "+86138",
        "+86 138 0000 0001 2345 6",
        "+861380000000x",
        "＋8613800000001",
    ):
        with pytest.raises(PhoneInvalid):
            phone_number(bad)


async def test_five_wrong_guesses_end_a_code(server: TestServer) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    for _ in range(5):
        assert await try_code(device, another(code)) == (401, "code_wrong")
    assert await try_code(device, code) == (401, "code_wrong")


async def test_guesses_at_the_same_time_are_all_counted(server: TestServer) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    await asyncio.gather(*(try_code(device, another(code)) for _ in range(5)))
    assert await try_code(device, code) == (401, "code_wrong")


async def test_a_code_works_once(server: TestServer) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    outcomes = await asyncio.gather(*(try_code(device, code) for _ in range(4)))
    assert sorted(status for status, _ in outcomes) == [200, 401, 401, 401]


async def test_a_code_ends_after_five_minutes(server: TestServer) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    server.clock.now_ms += 300_000
    assert await try_code(device, code) == (401, "code_wrong")


async def test_a_new_code_replaces_the_one_before(server: TestServer) -> None:
    device = await server.device()
    old, new = await device.ask_code(PHONE), await device.ask_code(PHONE)
    assert old == new or await try_code(device, old) == (401, "code_wrong")
    assert (await try_code(device, new))[0] == 200


async def test_a_code_holds_for_its_phone_and_device_alone(server: TestServer) -> None:
    device, other = await server.device(), await server.device()
    code = await device.ask_code(PHONE)
    assert await try_code(other, code) == (401, "code_wrong")
    assert await try_code(device, code, OTHER_PHONE) == (401, "code_wrong")
    assert (await try_code(device, code))[0] == 200


async def test_codes_are_limited_by_phone_whichever_device_asks(server: TestServer) -> None:
    devices = [await server.device() for _ in range(6)]
    answers = [await device.call("POST", f"{SESSION}/code", {"phone": PHONE}) for device in devices]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert answers[-1].json()["code"] == "code_limit"
    assert int(answers[-1].headers["retry-after"]) > 0
    server.clock.now_ms += 3_600_000
    await devices[0].refresh()
    assert (await devices[0].call("POST", f"{SESSION}/code", {"phone": PHONE})).status_code == 202


async def test_tries_are_limited_by_phone_whichever_device_tries(server: TestServer) -> None:
    first, second = await server.device(), await server.device()
    outcomes = [await try_code(device, "000000") for device in (first, second) for _ in range(10)]
    assert set(outcomes) == {(401, "code_wrong")}
    assert await try_code(first, "000000") == (429, "code_limit")


async def test_whether_a_number_is_a_customers_cannot_be_told(server: TestServer) -> None:
    await enter(server, Tier.FULL)
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await change_client_app(tx, "retail", {"registers_customers": False})
    await server.core.replica.poll()
    device, stranger = await server.device(), await server.device()
    known = await device.call("POST", f"{SESSION}/code", {"phone": PHONE})
    unknown = await stranger.call("POST", f"{SESSION}/code", {"phone": OTHER_PHONE})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert await try_code(stranger, "000000", OTHER_PHONE) == (401, "code_wrong")
    assert await try_code(stranger, await stranger.ask_code(OTHER_PHONE), OTHER_PHONE) == (403, "not_a_customer")
    assert (await try_code(device, await device.ask_code(PHONE)))[0] == 200


async def test_a_code_alone_never_carries_more_than_registered(server: TestServer) -> None:
    customer = await enter(server, Tier.FULL)
    device = await server.device()
    answer = await device.sign_in(PHONE)
    assert (answer.json()["customer"], answer.json()["tier"]) == (customer.id, "registered")
    assert server.caller(device).tier == Tier.REGISTERED
    await assure(server, customer, device, Tier.FULL)
    assert server.caller(device).tier == Tier.FULL
    await device.sign_out()
    assert (await device.sign_in(PHONE)).json()["tier"] == "full"
    new = await server.device()
    assert (await new.sign_in(PHONE)).json()["tier"] == "registered"


async def test_assurance_belongs_to_one_customer_on_one_device(server: TestServer) -> None:
    customer = await enter(server, Tier.FULL)
    await enter(server, Tier.FULL, OTHER_PHONE)
    device = await server.device()
    await device.sign_in(PHONE)
    await assure(server, customer, device, Tier.FULL)
    assert (await device.sign_in(OTHER_PHONE)).json()["tier"] == "registered"


async def test_lowered_assurance_is_in_force_after_the_next_poll(server: TestServer) -> None:
    customer = await enter(server, Tier.FULL)
    device = await server.device()
    await device.sign_in(PHONE)
    await assure(server, customer, device, Tier.FULL)
    await device.refresh()
    await assure(server, customer, device, Tier.E_ACCOUNT)
    assert server.caller(device).tier == Tier.E_ACCOUNT
    assert (await device.refresh()).json()["tier"] == "e_account"


async def assure(server: TestServer, customer: Customer, device: TestDevice, tier: Tier) -> None:
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await set_assurance(tx, customer.id, device.tokens["device"], tier, by="test", now_ms=server.clock.now_ms)
    await server.core.replica.poll()


async def test_the_same_phone_is_the_same_customer_on_every_device(server: TestServer) -> None:
    devices = [await server.device() for _ in range(3)]
    codes = [await device.ask_code(PHONE) for device in devices]
    outcomes = await asyncio.gather(
        *(
            device.call("POST", f"{SESSION}/customer", {"phone": PHONE, "code": code})
            for device, code in zip(devices, codes, strict=True)
        )
    )
    assert len({answer.json()["customer"] for answer in outcomes}) == 1


async def test_codes_never_reach_a_log(server: TestServer, capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    await try_code(device, another(code))
    await try_code(device, code)
    output = capsys.readouterr()
    for text in (output.out, output.err, caplog.text):
        assert code not in text
        assert PHONE not in text


async def test_a_server_without_text_messages_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(PortMissing):
        async with running_core(tmp_path, components=(identity.component,), now_ms=Clock()):
            pass


async def test_nothing_of_the_demo_works_elsewhere(tmp_path: Path) -> None:
    async with identity_server(tmp_path, is_demo=False) as server:
        for method, path in (("POST", "/client/v1/demo/token"), ("GET", "/client/v1/demo/codes")):
            assert (await server.http.request(method, path, json={})).status_code == 404
        with pytest.raises(DemoOnly):
            await demo.mint_demo_token(server.core, WORKSPACE, Tier.FULL)
        with pytest.raises(DemoOnly):
            demo.DemoSms(server.core)


@pytest.mark.parametrize("tier", list(Tier))
async def test_a_demo_token_carries_its_tier_in_full(server: TestServer, tier: Tier) -> None:
    answer = await server.http.post("/client/v1/demo/token", json={"tier": tier.label})
    assert answer.status_code == 201
    device = TestDevice(server.http, server.clock, key=demo_key(answer.json()["device_key_pem"]), tokens=answer.json())
    assert server.caller(device).tier == tier
    assert (await device.refresh()).json()["tier"] == tier.label


def demo_key(pem: str) -> Any:
    return load_pem_private_key(pem.encode(), None)

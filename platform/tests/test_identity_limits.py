"""Limits on new sessions, the addresses that a proof may name, and the page that tells clients of both."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from sampan.platform.errors import SampanError
from sampan.platform.hosts import Place, Surface
from sampan.platform.identity import client_api, limits, problems, service_sign_in
from sampan.platform.identity.client_calls import addresses
from sampan.platform.identity.limits import network_of
from sampan.platform.identity.problems import ProofInvalid
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import SESSION, TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "protocols" / "session.md"
FOR_THE_BANK = {
    "client_app_taken",
    "client_app_in_use",
    "customer_unknown",
    "device_unknown",
    "reference_taken",
    "phone_taken",
    "tier_unknown",
    "tier_not_for_customers",
    "subjects_exhausted",
    "import_format_unknown",
    "import_line_invalid",
    "demo_only",
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


@pytest.mark.parametrize("name", ["SESSIONS_PER_ADDRESS", "SESSIONS_PER_APP"])
async def test_new_sessions_are_limited(server: TestServer, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(client_api, name, msgspec.structs.replace(getattr(limits, name), most=2))
    answers = [await TestDevice(server.http, server.clock).begin() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].json()["code"] == "session_limit"
    other = TestDevice(server.http, server.clock, f"/w/{OTHER_WORKSPACE}")
    assert (await other.begin()).status_code == 201
    server.clock.now_ms += limits.SESSIONS_PER_ADDRESS.window_ms
    assert (await TestDevice(server.http, server.clock).begin()).status_code == 201


@pytest.mark.parametrize("name", ["TRIES_PER_ADDRESS", "TRIES_PER_DEVICE"])
async def test_trying_ever_new_numbers_does_not_use_up_the_counters(
    server: TestServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(service_sign_in, name, msgspec.structs.replace(getattr(limits, name), most=2))
    device = await server.device()
    tries = [{"phone": f"+861380000{number:04}", "code": "000000"} for number in range(30)]
    answers = [await device.call("POST", f"{SESSION}/customer", body) for body in tries]
    assert [answer.json()["code"] for answer in answers] == ["code_wrong"] * 2 + ["code_limit"] * 28
    counters: dict[str, Any] = vars(server.core.counters)["_counts"]
    assert len([key for key in counters if "try-phone" in key]) == 2


def test_an_ipv6_household_is_one_network() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.1") != network_of("::ffff:192.0.2.2")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("a pipe") == "a pipe"


def scope(host: bytes, workspace_id: str = WORKSPACE) -> dict[str, Any]:
    place = Place(Surface.PLAIN, workspace_id)
    return {"sampan_workspace": workspace_id, "sampan_place": place, "scheme": "http", "headers": [(b"host", host)]}


async def test_the_public_address_is_the_one_that_counts(server: TestServer) -> None:
    settings = dataclasses.replace(server.core.settings, public_url="https://bank.example/", demo=False)
    core = structs.replace(server.core, settings=settings)
    urls = addresses(core, scope(b"evil.example"), SESSION)
    assert urls == [f"https://bank.example{SESSION}", f"https://bank.example/w/{WORKSPACE}{SESSION}"]
    urls = addresses(core, scope(b"evil.example", OTHER_WORKSPACE), SESSION)
    assert urls == [f"https://bank.example/w/{OTHER_WORKSPACE}{SESSION}"]


async def test_without_a_public_address_only_this_machine_is_served(server: TestServer) -> None:
    core = structs.replace(server.core, settings=dataclasses.replace(server.core.settings, demo=False))
    for host in (b"127.0.0.1:8080", b"localhost", b"LOCALHOST:1", b"[::1]:8080"):
        assert addresses(core, scope(host), SESSION)[0] == f"http://{host.decode().lower()}{SESSION}"
    for host in (b"bank.example", b"127.0.0.1.evil.example", b"localhost.evil.example:80", b""):
        with pytest.raises(ProofInvalid):
            addresses(core, scope(host), SESSION)


def test_the_page_names_every_code_that_a_device_can_meet() -> None:
    found = [value for value in vars(problems).values() if isinstance(value, type) and issubclass(value, SampanError)]
    own = {value.code for value in found if value.__module__ == problems.__name__}
    assert own > FOR_THE_BANK
    page = PAGE.read_text()
    assert [code for code in sorted(own - FOR_THE_BANK) if f"`{code}`" not in page] == []


def test_the_page_tells_the_limits_in_force() -> None:
    page = PAGE.read_text()
    per_address, per_app = limits.SESSIONS_PER_ADDRESS, limits.SESSIONS_PER_APP
    assert f"{per_address.most:,} in {per_address.window_ms // 60_000} minutes per address" in page
    assert f"{per_app.most:,} a minute per client app" in page
    assert f"{limits.CODES_PER_PHONE.most} an hour per phone, {limits.CODES_PER_DEVICE.most} an hour per device" in page
    tries = f"{limits.TRIES_PER_PHONE.most} an hour per phone, {limits.TRIES_PER_DEVICE.most} an hour per device"
    assert f"5 per code, {tries}, {limits.TRIES_PER_ADDRESS.most} in 10 minutes per address" in page

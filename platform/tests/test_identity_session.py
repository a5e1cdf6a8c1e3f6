"""Sessions as a device sees them: begin, refresh, sign in, sign out."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sampan.platform.core import Core
from sampan.platform.identity import component as identity
from sampan.platform.identity import demo
from sampan.platform.identity.caller import authenticate
from sampan.platform.identity.problems import SessionRevoked, TokenExpired, TokenInvalid, TokenMissing
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_device import SESSION, Clock, TestDevice, add_retail_app

pytestmark = pytest.mark.anyio
COMPONENTS = (identity.component, demo.component)
PHONE = "+8613800000001"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    async with running_core(tmp_path / "data", components=COMPONENTS, now_ms=clock) as core:
        await add_retail_app(core)
        await add_retail_app(core, OTHER_WORKSPACE)
        yield core


@pytest.fixture
async def http(core: Core) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(core) as http:
        yield http


@pytest.fixture
async def device(http: httpx2.AsyncClient, clock: Clock) -> TestDevice:
    device = TestDevice(http, clock)
    answer = await device.begin()
    assert answer.status_code == 201, answer.text
    return device


async def test_a_new_device_is_a_visitor(core: Core, device: TestDevice) -> None:
    caller = authenticate(core, WORKSPACE, device.bearer)
    assert caller.device_id == device.tokens["device"]
    assert (caller.tier, caller.customer_id, caller.client_app) == (Tier.VISITOR, None, "retail")
    assert device.tokens["expires_in"] == 600


async def test_a_customer_signs_in_and_out_on_one_device(core: Core, device: TestDevice) -> None:
    visitor, old = authenticate(core, WORKSPACE, device.bearer), device.bearer
    answer = await device.sign_in(PHONE)
    assert answer.status_code == 200, answer.text
    customer = authenticate(core, WORKSPACE, device.bearer)
    assert (customer.tier, customer.device_id) == (Tier.REGISTERED, visitor.device_id)
    assert customer.subject != visitor.subject
    await core.replica.poll()
    with pytest.raises(SessionRevoked):
        authenticate(core, WORKSPACE, old)
    assert authenticate(core, WORKSPACE, device.bearer).customer_id == customer.customer_id
    old = device.bearer
    assert (await device.sign_out()).status_code == 200
    again = authenticate(core, WORKSPACE, device.bearer)
    assert (again.subject, again.tier, again.customer_id) == (visitor.subject, Tier.VISITOR, None)
    await core.replica.poll()
    with pytest.raises(SessionRevoked):
        authenticate(core, WORKSPACE, old)


async def test_the_same_key_gets_the_same_device(device: TestDevice) -> None:
    first = device.tokens["device"]
    assert (await device.begin()).json()["device"] == first


async def test_a_refresh_gives_new_tokens(core: Core, device: TestDevice, clock: Clock) -> None:
    before = dict(device.tokens)
    clock.now_ms += 601_000
    with pytest.raises(TokenExpired):
        authenticate(core, WORKSPACE, device.bearer)
    answer = await device.refresh()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert device.tokens["refresh_token"] != before["refresh_token"]
    assert authenticate(core, WORKSPACE, device.bearer).device_id == before["device"]


async def test_a_call_needs_a_good_token_of_this_workspace(core: Core, device: TestDevice) -> None:
    with pytest.raises(TokenMissing):
        authenticate(core, WORKSPACE, None)
    for bad in (b"Basic YTpi", b"Bearer x", device.bearer[:-6] + b"AAAAAA", b"Bearer " + b"a" * 5000):
        with pytest.raises(TokenInvalid):
            authenticate(core, WORKSPACE, bad)
    with pytest.raises(TokenInvalid):
        authenticate(core, OTHER_WORKSPACE, device.bearer)


async def test_the_keys_are_published_for_each_workspace(http: httpx2.AsyncClient) -> None:
    own, other = [
        (await http.get(f"/w/{name}/.well-known/jwks.json")).json()["keys"] for name in (WORKSPACE, OTHER_WORKSPACE)
    ]
    assert own[0]["alg"] == "EdDSA"
    assert own[0]["kid"] != other[0]["kid"]
    assert (await http.get("/w/no-such-bank/.well-known/jwks.json")).json()["code"] == "unknown_workspace"


async def test_anonymous_calls_are_refused(http: httpx2.AsyncClient) -> None:
    for method, path in (("POST", "/code"), ("POST", "/customer"), ("DELETE", ""), ("POST", "/refresh"), ("POST", "")):
        answer = await http.request(method, SESSION + path, json={} if method == "POST" else None)
        assert answer.status_code == 401, path
        assert answer.json()["code"] in ("token_missing", "proof_invalid")

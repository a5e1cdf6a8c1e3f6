"""Sessions as a device sees them: begin, refresh, sign in, sign out."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.identity.caller import authenticate
from sampan.platform.identity.problems import SessionRevoked, TokenExpired, TokenInvalid, TokenMissing
from sampan.platform.identity.service_client_apps import change_client_app
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import SESSION, TestDevice, TestServer, add_retail_app, identity_server

pytestmark = pytest.mark.anyio
PHONE = "+8613800000001"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def test_a_new_device_is_a_visitor(server: TestServer) -> None:
    device = await server.device()
    caller = server.caller(device)
    assert caller.device_id == device.tokens["device"]
    assert (caller.tier, caller.customer_id, caller.client_app) == (Tier.VISITOR, None, "retail")
    assert (device.tokens["expires_in"], device.tokens["tier"]) == (600, "visitor")


async def test_a_customer_signs_in_and_out_on_one_device(server: TestServer) -> None:
    device = await server.device()
    visitor, old = server.caller(device), device.bearer
    answer = await device.sign_in(PHONE)
    assert answer.status_code == 200, answer.text
    customer = server.caller(device)
    assert (customer.tier, customer.device_id) == (Tier.REGISTERED, visitor.device_id)
    assert customer.subject != visitor.subject
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        authenticate(server.core, WORKSPACE, old)
    assert server.caller(device).customer_id == customer.customer_id
    old = device.bearer
    assert (await device.sign_out()).status_code == 200
    again = server.caller(device)
    assert (again.subject, again.tier, again.customer_id) == (visitor.subject, Tier.VISITOR, None)
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        authenticate(server.core, WORKSPACE, old)


async def test_a_new_session_by_a_known_key_signs_the_customer_out(server: TestServer) -> None:
    device = await server.device()
    first = device.tokens["device"]
    await device.sign_in(PHONE)
    signed_in = device.bearer
    assert (await device.begin()).json()["device"] == first
    assert server.caller(device).customer_id is None
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        authenticate(server.core, WORKSPACE, signed_in)


async def test_a_key_of_another_client_app_is_refused(server: TestServer) -> None:
    device = await server.device()
    await add_retail_app(server.core, id="staff")
    device.client_app = "staff"
    assert (await device.begin()).json()["code"] == "device_key_taken"


async def test_only_an_open_client_app_takes_sessions(server: TestServer) -> None:
    await add_retail_app(server.core, id="old", closed=True)
    for app_id, status, code in (("old", 403, "client_app_closed"), ("none", 404, "client_app_unknown")):
        answer = await TestDevice(server.http, server.clock, client_app=app_id).begin()
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def close_app(server: TestServer, *, is_closed: bool = True) -> None:
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await change_client_app(tx, "retail", {"closed": is_closed})
    await server.core.replica.poll()


async def test_leaving_a_closed_app_signs_out_and_begins_nothing(server: TestServer) -> None:
    device = await server.device()
    await device.sign_in(PHONE)
    await close_app(server)
    answer = await device.sign_out()
    assert (answer.status_code, answer.json()["code"]) == (403, "client_app_closed")
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        server.caller(device)
    await close_app(server, is_closed=False)
    assert (await device.refresh()).json()["code"] == "refresh_refused"
    assert (await device.begin()).status_code == 201
    assert server.caller(device).customer_id is None


async def test_a_closed_app_sends_no_codes_and_signs_nobody_in(server: TestServer) -> None:
    device = await server.device()
    code = await device.ask_code(PHONE)
    await close_app(server)
    for path, body in (("code", {"phone": PHONE}), ("customer", {"phone": PHONE, "code": code})):
        for _ in range(31):  # more than the limits allow: nothing is used up
            answer = await device.call("POST", f"{SESSION}/{path}", body)
            assert (answer.status_code, answer.json()["code"]) == (403, "client_app_closed")
    await close_app(server, is_closed=False)
    answer = await device.call("POST", f"{SESSION}/customer", {"phone": PHONE, "code": code})
    assert answer.status_code == 200


async def test_a_token_ends_after_ten_minutes(server: TestServer) -> None:
    device = await server.device()
    server.clock.now_ms += 599_000
    assert server.caller(device).tier == Tier.VISITOR
    server.clock.now_ms += 1_000
    with pytest.raises(TokenExpired):
        server.caller(device)


async def test_a_call_needs_a_good_token_of_this_workspace(server: TestServer) -> None:
    device = await server.device()
    with pytest.raises(TokenMissing):
        authenticate(server.core, WORKSPACE, None)
    signature = device.bearer.rpartition(b".")[2]
    changed = device.bearer.removesuffix(signature) + signature[::-1]
    for bad in (b"Basic YTpi", b"Bearer ", b"Bearer x", b"Bearer a.b.c", changed, b"Bearer " + b"a" * 5000):
        with pytest.raises(TokenInvalid):
            authenticate(server.core, WORKSPACE, bad)
    with pytest.raises(TokenInvalid):
        authenticate(server.core, OTHER_WORKSPACE, device.bearer)
    other = await server.device(OTHER_WORKSPACE)
    assert server.caller(other, OTHER_WORKSPACE).workspace_id == OTHER_WORKSPACE
    with pytest.raises(TokenInvalid):
        server.caller(other)


async def test_a_session_call_with_another_workspaces_token_is_refused(server: TestServer) -> None:
    device = await server.device(OTHER_WORKSPACE)
    device.prefix = ""
    for method, path in (("POST", "/code"), ("POST", "/customer"), ("DELETE", "")):
        answer = await device.call(method, SESSION + path, {"phone": PHONE, "code": "000000"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert (await device.refresh()).json()["code"] == "refresh_refused"


async def test_the_keys_are_published_for_each_workspace(server: TestServer) -> None:
    own, other = [
        (await server.http.get(f"/w/{name}/.well-known/jwks.json")).json()["keys"]
        for name in (WORKSPACE, OTHER_WORKSPACE)
    ]
    assert own[0]["alg"] == "EdDSA"
    assert own[0]["kid"] != other[0]["kid"]
    assert (await server.http.get("/w/no-such-bank/.well-known/jwks.json")).json()["code"] == "unknown_workspace"


async def test_anonymous_calls_are_refused(server: TestServer) -> None:
    for method, path in (("POST", "/code"), ("POST", "/customer"), ("DELETE", ""), ("POST", "/refresh"), ("POST", "")):
        answer = await server.http.request(method, SESSION + path, json={} if method == "POST" else None)
        assert answer.status_code == 401, path
        assert answer.json()["code"] in ("token_missing", "proof_invalid")


BAD_BODIES = (b"", b"{", b"[]", b'{"client_app": 5}', b"\xff", b'{"client_app":"retail","device_keys":{}}')


@pytest.mark.parametrize("body", BAD_BODIES)
async def test_a_malformed_body_is_named(server: TestServer, body: bytes) -> None:
    device = TestDevice(server.http, server.clock)
    headers = {"dpop": device.proof("POST", SESSION), "content-type": "application/json"}
    answer = await server.http.post(SESSION, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


async def test_a_body_over_the_limit_is_refused(server: TestServer) -> None:
    device = TestDevice(server.http, server.clock)
    headers = {"dpop": device.proof("POST", SESSION)}
    answer = await server.http.post(SESSION, content=b" " * 20_000, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

"""Refresh tokens: single use, repeatable for 60 seconds by the same device, and every other reuse ends the session."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.identity.jwk import base64url
from sampan.platform.identity.problems import RefreshRefused, SessionRevoked
from sampan.platform.identity.refresh_tokens import (
    IDLE_MS,
    RefreshToken,
    Use,
    judge,
    new_refresh_token,
    read_refresh_token,
    remember,
)
from sampan.platform.identity.service_client_apps import change_client_app
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import SESSION, TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
KEY = b"k" * 32
PHONE = "+8613800000001"


def test_a_token_reads_back() -> None:
    token = new_refresh_token()
    assert read_refresh_token(token.text) == token
    assert token.secret.hex() not in repr(token)


@pytest.mark.parametrize("text", ["", "x", "é", base64url(b"a" * 47), base64url(b"a" * 49), base64url(b"a" * 48) + "="])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(RefreshRefused):
        read_refresh_token(text)


def test_the_successor_needs_the_workspaces_key() -> None:
    token = new_refresh_token()
    assert token.successor(KEY) == token.successor(KEY)
    assert token.successor(KEY) != token.successor(b"l" * 32)
    assert token.successor(KEY).family == token.family


@given(st.lists(st.integers(min_value=0, max_value=90_000), min_size=1, max_size=12), st.data())
def test_only_the_last_minutes_tokens_can_be_repeated(gaps_ms: list[int], data: st.DataObject) -> None:
    """Model: the n-th token is present, used at most 60 s ago, or reused."""
    now_ms, used, tokens, used_ms = 0, b"", [new_refresh_token()], list[int]()
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        assert judge(tokens[-1], present=tokens[-1].hash, used=used, now_ms=now_ms) is Use.ROTATE
        used = remember(used, tokens[-1], now_ms=now_ms)
        used_ms.append(now_ms)
        tokens.append(tokens[-1].successor(KEY))
    place = data.draw(st.integers(min_value=0, max_value=len(tokens) - 2))
    expected = Use.REPEAT if now_ms - used_ms[place] <= 60_000 else Use.REUSE
    assert judge(tokens[place], present=tokens[-1].hash, used=used, now_ms=now_ms) is expected
    stranger = RefreshToken(tokens[0].family, b"s" * 32)
    assert judge(stranger, present=tokens[-1].hash, used=used, now_ms=now_ms) is Use.REUSE


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def refused(device: TestDevice, token: str) -> bool:
    answer = await device.refresh(token)
    return (answer.status_code, answer.json().get("code")) == (401, "refresh_refused")


async def test_a_refresh_gives_new_tokens(server: TestServer) -> None:
    device = await server.device()
    before = dict(device.tokens)
    server.clock.now_ms += 601_000
    answer = await device.refresh()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert device.tokens["refresh_token"] != before["refresh_token"]
    assert server.caller(device).device_id == before["device"]


async def test_a_lost_answer_can_be_asked_for_again(server: TestServer) -> None:
    device = await server.device()
    first = device.tokens["refresh_token"]
    second = (await device.refresh(first)).json()["refresh_token"]
    server.clock.now_ms += 60_000
    assert (await device.refresh(first)).json()["refresh_token"] == second
    third = (await device.refresh(second)).json()["refresh_token"]
    assert (await device.refresh(second)).json()["refresh_token"] == third
    assert (await device.refresh(third)).status_code == 200


async def test_a_late_reuse_ends_the_session_and_its_access_tokens(server: TestServer) -> None:
    device = await server.device()
    await device.sign_in(PHONE)
    first = device.tokens["refresh_token"]
    await device.refresh(first)
    server.clock.now_ms += 60_001
    assert await refused(device, first)
    assert await refused(device, device.tokens["refresh_token"])
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        server.caller(device)
    assert (await device.begin()).status_code == 201
    assert server.caller(device).customer_id is None


async def test_a_token_in_another_devices_hands_ends_the_session(server: TestServer) -> None:
    device, thief = await server.device(), await server.device()
    token = device.tokens["refresh_token"]
    assert await refused(thief, token)
    assert await refused(device, token)
    assert (await thief.refresh()).status_code == 200


async def test_a_guessed_secret_of_a_known_family_ends_the_session(server: TestServer) -> None:
    device = await server.device()
    token = read_refresh_token(device.tokens["refresh_token"])
    assert await refused(device, RefreshToken(token.family, b"g" * 32).text)
    assert await refused(device, token.text)


async def test_an_unknown_token_ends_nothing(server: TestServer) -> None:
    device = await server.device()
    for token in (new_refresh_token().text, "no token"):
        assert await refused(device, token)
    assert (await device.refresh()).status_code == 200


async def test_refreshes_at_the_same_time_get_the_same_successor(server: TestServer) -> None:
    device = await server.device()
    token = device.tokens["refresh_token"]
    answers = await asyncio.gather(*(device.refresh(token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert (await device.refresh()).status_code == 200


async def test_signing_in_or_out_ends_the_family_before(server: TestServer) -> None:
    device = await server.device()
    visitors = device.tokens["refresh_token"]
    await device.sign_in(PHONE)
    customers = device.tokens["refresh_token"]
    assert await refused(device, visitors)
    assert (await device.refresh()).json()["customer"] is not None
    await device.sign_out()
    assert await refused(device, customers)


async def test_a_session_that_nobody_continued_for_ninety_days_is_over(server: TestServer) -> None:
    device = await server.device()
    server.clock.now_ms += IDLE_MS
    assert (await device.refresh()).status_code == 200
    server.clock.now_ms += IDLE_MS + 1
    assert await refused(device, device.tokens["refresh_token"])


async def test_a_closed_apps_sessions_wait_until_it_is_opened_again(server: TestServer) -> None:
    device = await server.device()
    await _close(server, is_closed=True)
    before = device.tokens["refresh_token"]
    for _ in range(2):
        answer = await device.refresh()
        assert (answer.status_code, answer.json()["code"]) == (403, "client_app_closed")
    await _close(server, is_closed=False)
    assert (await device.refresh(before)).status_code == 200


async def test_a_stolen_token_of_a_closed_app_still_ends_the_session(server: TestServer) -> None:
    device, thief = await server.device(), await server.device()
    await _close(server, is_closed=True)
    assert await refused(thief, device.tokens["refresh_token"])
    await _close(server, is_closed=False)
    assert await refused(device, device.tokens["refresh_token"])


async def _close(server: TestServer, *, is_closed: bool) -> None:
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await change_client_app(tx, "retail", {"closed": is_closed})
    await server.core.replica.poll()


async def test_the_refresh_proof_is_checked(server: TestServer) -> None:
    device = await server.device()
    body = {"refresh_token": device.tokens["refresh_token"]}
    proof = device.proof("POST", f"{SESSION}/refresh")
    assert (await device.http.post(f"{SESSION}/refresh", json=body)).json()["code"] == "proof_invalid"
    answer = await device.http.post(f"{SESSION}/refresh", json=body, headers={"dpop": device.proof("POST", SESSION)})
    assert answer.json()["code"] == "proof_invalid"
    assert (await device.http.post(f"{SESSION}/refresh", json=body, headers={"dpop": proof})).status_code == 200
    replayed = await device.http.post(f"{SESSION}/refresh", json=body, headers={"dpop": proof})
    assert replayed.json()["code"] == "proof_replayed"

"""POST /client/v1/sync as devices meet it: who may ask, what changes the answer, and that no SQL is behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
from released_apps import SEQUENCE, body, digest_of, held, offer, offering_server
from sqlalchemy import event

from sampan.platform.audience.claims import claims_kept
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.service_customers import set_tier
from sampan.platform.identity.service_devices import revoke_device
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.intake import InventoryNote, intake_of
from sampan.platform.insight.repository import held_versions
from sampan.platform.insight.tickets import Offered, Tickets, ticket_purpose
from sampan.platform.release import client_api
from sampan.platform.release.sync import SyncRequest
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer
from sampan.platform.workspaces.replica import Replica

pytestmark = pytest.mark.anyio
SYNC = "/client/v1/sync"
OPEN, RICH = "bank.demo.open", "bank.demo.rich"
EXPIRED_MS = 600_001


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with offering_server(tmp_path) as server:
        yield server


@pytest.fixture
async def device(server: TestServer) -> TestDevice:
    made = await server.device()
    await server.core.replica.poll()
    return made


async def sync(
    device: TestDevice, content: Any = None, *, prefix: str | None = None, **headers: str
) -> httpx2.Response:
    sent = {"authorization": device.bearer.decode(), **headers}
    path = (device.prefix if prefix is None else prefix) + SYNC
    if isinstance(content, bytes):
        return await device.http.post(path, content=content, headers=sent)
    return await device.http.post(path, json=content or body(), headers=sent)


def offered(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {each["id"]: each["action"] for each in answer.json()["offers"]}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_new_device_is_told_everything_it_should_have(server: TestServer, device: TestDevice) -> None:
    answer = await sync(device)
    (found,) = answer.json()["offers"]
    release, ticket = found.pop("release"), found.pop("ticket")
    assert found == {
        "action": "install",
        "kind": "miniapp",
        "id": OPEN,
        "version": "1.3.0",
        "sequence": SEQUENCE,
        "digest": digest_of(OPEN),
        "size": 1000,
        "url": f"/trust/{WORKSPACE}/intl/targets/apps/{OPEN}/3/0.package.ma",
        "update": "async",
        "reason": "matched",
    }
    tickets = Tickets(server.core.secret(ticket_purpose(WORKSPACE)))
    device_id = device.tokens["device"]
    assert tickets.is_good(ticket, device_id, Offered(release, OPEN, SEQUENCE, digest_of(OPEN)))
    assert answer.json()["control"] == [{"app": OPEN, "serial": "1.2"}]
    assert answer.json()["revision"] == str(server.core.replica.view(WORKSPACE).revision)
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_nothing_is_said_without_a_good_token(server: TestServer, device: TestDevice) -> None:
    assert code(await server.http.post(SYNC, json=body())) == (401, "token_missing")
    assert code(await sync(device, prefix=f"/w/{OTHER_WORKSPACE}")) == (401, "token_invalid")
    assert code(await sync(device, prefix="/w/nowhere")) == (404, "unknown_workspace")
    assert code(await sync(device, authorization="Bearer nonsense")) == (401, "token_invalid")
    assert code(await sync(device, authorization="Basic eDp5")) == (401, "token_invalid")


async def test_an_expired_token_is_refused_and_a_refreshed_one_taken(server: TestServer, device: TestDevice) -> None:
    server.clock.now_ms += EXPIRED_MS
    await server.core.replica.poll()
    assert code(await sync(device)) == (401, "token_expired")
    await device.refresh()
    assert offered(await sync(device)) == {OPEN: "install"}


async def test_a_revoked_device_hears_nothing_more(server: TestServer, device: TestDevice) -> None:
    other = await server.device()
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await revoke_device(tx, device.tokens["device"], by="test", now_ms=server.clock.now_ms)
    await server.core.replica.poll()
    assert code(await sync(device)) == (401, "session_revoked")
    assert offered(await sync(other)) == {OPEN: "install"}


async def test_a_change_of_tier_changes_the_answer_within_a_second(server: TestServer) -> None:
    minted = (await server.http.post("/client/v1/demo/token", json={"tier": "full"})).json()
    device = TestDevice(server.http, server.clock, tokens=minted)
    await server.core.replica.poll()
    assert offered(await sync(device)) == {OPEN: "install", RICH: "install"}
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await set_tier(tx, minted["customer"], Tier.REGISTERED, by="test", now_ms=server.clock.now_ms)

    async def is_lowered() -> bool:
        return offered(await sync(device)) == {OPEN: "install"}

    await becomes_true(is_lowered, within_seconds=1)  # nobody polls by hand: the worker hears of it by itself


async def test_an_unchanged_answer_is_304_until_something_it_depends_on_changes(
    server: TestServer, device: TestDevice
) -> None:
    etag = (await sync(device)).headers["etag"]
    same = await sync(device, **{"if-none-match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    other_body = await sync(device, body(revision_seen="1.1"), **{"if-none-match": etag})
    assert other_body.status_code == 200
    other_device = await sync(await server.device(), **{"if-none-match": etag})
    assert other_device.status_code == 200
    await offer(server.core, "bank.demo.new")
    newer = await sync(device, **{"if-none-match": etag})
    assert offered(newer) == {OPEN: "install", "bank.demo.new": "install"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"client_app": "\xff"}',
        b'{"client_app": 7}',
        b"[" * 100_000,
        b'{"client_app": "retail", "installed": [{"kind": "miniapp"}]}',
        b'{"client_app": "retail", "installed": [{"kind":"m","id":"a","version":"1","sequence":-1,"digest":""}]}',
        b'{"client_app": "retail", "device": {"host_version": 1e99}}',
        b'{"client_app": "retail", "revision_seen": "' + b"1" * 201 + b'"}',
    ],
)
async def test_a_body_that_is_none_is_refused(device: TestDevice, content: bytes) -> None:
    assert code(await sync(device, content)) == (422, "bad_sync_request")


async def test_the_limits_of_a_body(device: TestDevice) -> None:
    many = [held(f"bank.demo.a{number}") for number in range(2001)]
    assert code(await sync(device, body(installed=many))) == (422, "bad_sync_request")
    assert offered(await sync(device, body(installed=many[:2000]))) == {OPEN: "install"}
    assert code(await sync(device, b" " * 524_289)) == (413, "body_too_large")
    assert code(await sync(device, body(client_app="other"))) == (422, "other_client_app")


async def test_what_is_installed_is_not_offered_and_what_was_killed_is_taken_away(
    server: TestServer, device: TestDevice
) -> None:
    assert offered(await sync(device, body(installed=[held(OPEN)]))) == {}
    assert offered(await sync(device, body(installed=[held(OPEN, 2)]))) == {OPEN: "install"}
    await offer(server.core, "bank.demo.bad", tiers=("full",), killed=[2])
    assert offered(await sync(device, body(installed=[held(OPEN), held("bank.demo.bad", 2)]))) == {
        "bank.demo.bad": "remove"
    }


async def test_a_worker_that_is_behind_the_client_looks_before_it_answers(
    server: TestServer, device: TestDevice
) -> None:
    replica = server.core.replica
    before = replica.view(WORKSPACE)
    await offer(server.core, "bank.demo.new")
    seen = str(replica.view(WORKSPACE).revision)
    replica._views[WORKSPACE] = before
    answer = await sync(device, body(revision_seen=seen))
    assert offered(answer) == {OPEN: "install", "bank.demo.new": "install"}
    assert answer.json()["revision"] == seen


async def test_a_worker_that_cannot_catch_up_says_so(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Replica, "_poll_once", _fails)
    answer = await sync(device, body(revision_seen="9.9"))
    assert code(answer) == (503, "stale_worker")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("seen", ["9.9", "99999999999999999999.1", "x", "1", "-1.2", "1.٣", "1." + "9" * 60])
async def test_a_revision_that_was_never_given_out_is_ignored(
    server: TestServer, device: TestDevice, seen: str
) -> None:
    answer = await sync(device, body(revision_seen=seen))
    assert offered(answer) == {OPEN: "install"}
    assert answer.json()["revision"] == str(server.core.replica.view(WORKSPACE).revision)


async def test_a_worker_that_lost_the_database_offers_nothing_and_takes_nothing_away(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Replica, "_poll_once", _fails)
    server.clock.now_ms += 5_001
    answer = (await sync(device, body(apps_etag="mine", installed=[held(OPEN, 1)]))).json()
    assert (answer["unsure"], answer["offers"], answer["control"]) == (True, [], [])
    assert (answer["apps"], answer["next_check_seconds"]) == ({"etag": "mine"}, 30)
    monkeypatch.undo()
    await server.core.replica.poll()
    assert offered(await sync(device)) == {OPEN: "install"}


async def test_sync_answers_while_every_sql_statement_fails(server: TestServer, device: TestDevice) -> None:
    warm = await sync(device)
    tried: list[str] = []

    def refuse(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> NoReturn:
        tried.append(statement)
        raise RuntimeError("no SQL now")

    engines = server.core.store.database.engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", refuse)
    try:
        answers = [await sync(device, body(installed=installed)) for installed in ([], [held(OPEN)], [held(OPEN, 1)])]
        unchanged = await sync(device, **{"if-none-match": warm.headers["etag"]})
        with pytest.raises(RuntimeError):
            await server.core.replica.poll()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", refuse)
    assert [offered(each) for each in answers] == [{OPEN: "install"}, {}, {OPEN: "install"}]
    assert answers[0].json()["offers"] == warm.json()["offers"]
    assert unchanged.status_code == 304
    assert tried, "the listener must have been able to fail"


async def test_what_devices_hold_is_written_down_once(server: TestServer, device: TestDevice) -> None:
    other = await server.device()
    await server.core.replica.poll()
    holds = body(installed=[held(OPEN), held("bank.unknown.app")])
    for asked in (device, device, other):
        await sync(asked, holds)

    async def are_counted() -> bool:
        async with server.core.store.workspace(WORKSPACE).read() as tx:
            return [(each.sequence, each.devices) for each in await held_versions(tx, OPEN)] == [(SEQUENCE, 2)]

    await becomes_true(are_counted, within_seconds=5)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        assert await held_versions(tx, "bank.unknown.app") == []


async def test_a_device_that_holds_nothing_any_more_is_not_counted(server: TestServer, device: TestDevice) -> None:
    async def holders() -> int:
        async with server.core.store.workspace(WORKSPACE).read() as tx:
            return sum(each.devices for each in await held_versions(tx, OPEN))

    async def is_counted() -> bool:
        return await holders() == 1

    async def is_gone() -> bool:
        return await holders() == 0

    await sync(device, body(installed=[held(OPEN, SEQUENCE)]))
    await becomes_true(is_counted, within_seconds=5)
    await sync(device, body(installed=[]))
    await becomes_true(is_gone, within_seconds=5)


async def test_a_customers_tier_counts_and_not_the_devices_word(server: TestServer, device: TestDevice) -> None:
    lies = body(tier="full", device={"platform": "android", "host_version": 3, "tier": "full"})
    assert offered(await sync(device, lies)) == {OPEN: "install"}


async def becomes_true(condition: Callable[[], Awaitable[bool]], *, within_seconds: float) -> None:
    async with asyncio.timeout(within_seconds):
        while not await condition():  # noqa: ASYNC110 - what is awaited goes on in other tasks, without an event
            await asyncio.sleep(0)


async def _fails(_replica: Replica) -> NoReturn:
    raise OSError("the database is away")


async def test_a_request_that_was_noted_is_answered_unread_until_what_it_said_is_lost(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = body(installed=[held(OPEN)])
    etag = (await sync(device, asked)).headers["etag"]
    reads: list[bytes] = []
    parse = client_api._parse

    def counted(content: bytes, caller: Caller) -> SyncRequest:
        reads.append(content)
        return parse(content, caller)

    monkeypatch.setattr(client_api, "_parse", counted)
    assert (await sync(device, asked, **{"if-none-match": etag})).status_code == 304
    assert not reads

    claims_kept(server.core)._said.clear()  # as after a write that failed
    assert (await sync(device, asked, **{"if-none-match": etag})).status_code == 304
    assert len(reads) == 1
    assert (await sync(device, asked, **{"if-none-match": etag})).status_code == 304
    assert len(reads) == 1


async def test_an_inventory_that_could_not_be_written_is_noted_again(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[InventoryNote] = []
    monkeypatch.setattr(type(intake_of(server.core)), "note", lambda _intake, note: notes.append(note))
    asked = body(installed=[held(OPEN)])
    etag = (await sync(device, asked)).headers["etag"]
    await sync(device, asked, **{"if-none-match": etag})
    assert len(notes) == 1
    notes[0].on_lost()
    assert (await sync(device, asked, **{"if-none-match": etag})).status_code == 304
    assert len(notes) == 2

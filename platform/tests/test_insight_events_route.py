"""POST /client/v1/events as devices meet it: each event once, gaps told, nothing counted without its ticket."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
from released_apps import body, digest_of, offering_server
from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.insight import intake, pace
from sampan.platform.insight.delivery_rows import device_stages, reached_by_release, reached_by_version
from sampan.platform.insight.repository import events as events_table
from sampan.platform.insight.schemas import Stage
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer

pytestmark = pytest.mark.anyio
EVENTS = "/client/v1/events"
OPEN = "bank.demo.open"
FIVE = [1, 2, 3, 4, 5]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with offering_server(tmp_path) as server:
        yield server


@pytest.fixture
async def device(server: TestServer) -> TestDevice:
    made = await server.device()
    await server.core.replica.poll()
    return made


def opened(seq: int, **changes: Any) -> dict[str, Any]:
    return {"seq": seq, "type": "app.opened", "at": 1, "app": OPEN, "attrs": {"milliseconds": seq}, **changes}


def stage(seq: int, name: str, offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    names = {"app": offer["id"], "sequence": offer["sequence"], "release": offer["release"]}
    proof = {"digest": offer["digest"], "ticket": offer["ticket"]}
    return {"seq": seq, "type": f"delivery.{name}", "at": 1, **names, **proof, **changes}


async def send(device: TestDevice, *batch: dict[str, Any], prefix: str = "", **headers: str) -> httpx2.Response:
    sent = {"authorization": device.bearer.decode(), **headers}
    return await device.http.post(prefix + EVENTS, json={"batch": list(batch)}, headers=sent)


async def taken(device: TestDevice, *batch: dict[str, Any]) -> dict[str, Any]:
    answer = await send(device, *batch)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def offer_of(device: TestDevice) -> dict[str, Any]:
    headers = {"authorization": device.bearer.decode()}
    answer = await device.http.post("/client/v1/sync", json=body(), headers=headers)
    offer: dict[str, Any] = answer.json()["offers"][0]
    return offer


async def stored(server: TestServer, device: TestDevice) -> list[int]:
    statement = select(events_table.c.seq).where(
        events_table.c.workspace_id == WORKSPACE, events_table.c.device_id == device.tokens["device"]
    )
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        return sorted(row.seq for row in await tx.execute(statement))


async def furthest(server: TestServer, release_id: str) -> dict[Stage, int]:
    """Return the devices by their furthest stage, and under `failed` those that failed on the way there."""
    found: Counter[Stage] = Counter()
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        for each in await reached_by_release(tx, release_id):
            found[Stage.FAILED if each.failed else each.stage] += each.devices
    return dict(found)


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_nothing_is_taken_without_a_good_token(server: TestServer, device: TestDevice) -> None:
    assert code(await server.http.post(EVENTS, json={"batch": []})) == (401, "token_missing")
    assert code(await send(device, prefix=f"/w/{OTHER_WORKSPACE}")) == (401, "token_invalid")
    server.clock.now_ms += 600_001
    await server.core.replica.poll()
    assert code(await send(device, opened(1))) == (401, "token_expired")
    assert await stored(server, device) == []


async def test_a_batch_that_comes_twice_counts_once(server: TestServer, device: TestDevice) -> None:
    batch = [opened(seq) for seq in FIVE]
    first = await taken(device, *batch)
    assert first == {"accepted_through": 5, "gaps": [], "refused": []}
    assert await taken(device, *batch) == first
    assert await stored(server, device) == FIVE


async def test_the_same_batch_at_the_same_moment_counts_once(server: TestServer, device: TestDevice) -> None:
    batch = [opened(seq) for seq in FIVE]
    answers = await asyncio.gather(*(taken(device, *batch) for _ in range(8)))
    assert {each["accepted_through"] for each in answers} == {5}
    assert await stored(server, device) == FIVE


async def test_gaps_are_told_until_they_are_filled(server: TestServer, device: TestDevice) -> None:
    assert await taken(device, opened(1), opened(5)) == {"accepted_through": 1, "gaps": [[2, 4]], "refused": []}
    assert await taken(device, opened(3)) == {"accepted_through": 1, "gaps": [[2, 2], [4, 4]], "refused": []}
    assert await taken(device, opened(4), opened(2)) == {"accepted_through": 5, "gaps": [], "refused": []}
    assert await stored(server, device) == FIVE


async def test_two_devices_number_for_themselves(server: TestServer, device: TestDevice) -> None:
    other = await server.device()
    await server.core.replica.poll()
    await asyncio.gather(taken(device, opened(1)), taken(other, opened(1), opened(2)))
    assert (await stored(server, device), await stored(server, other)) == ([1], [1, 2])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "made.up"}, "unknown_event_type"),
        ({"schema_version": 9}, "unknown_event_type"),
        ({"attrs": {"colour": "red"}}, "unknown_event_attribute"),
        ({"attrs": {"milliseconds": "7"}}, "bad_event_attribute"),
        ({"attrs": {"milliseconds": True}}, "bad_event_attribute"),
        ({"attrs": {"milliseconds": 10**30}}, "bad_event_attribute"),
        ({"type": "trust.refused", "attrs": {"code": "x" * 2001}}, "bad_event_attribute"),
        ({"type": "delivery.booted", "attrs": {}}, "release_missing"),
    ],
)
async def test_a_refused_event_is_named_and_its_number_is_spent(
    server: TestServer, device: TestDevice, changes: dict[str, Any], reason: str
) -> None:
    found = await taken(device, opened(1), opened(2, **changes), opened(3))
    assert found == {"accepted_through": 3, "gaps": [], "refused": [{"seq": 2, "code": reason}]}
    assert await stored(server, device) == [1, 3]
    assert (await taken(device, opened(2)))["accepted_through"] == 3
    assert await stored(server, device) == [1, 3]


@pytest.mark.parametrize("changes", [{"app": "bank.other.payments"}, {"sequence": 77}, {"app": "bank.demo.rich"}])
async def test_a_ticket_counts_for_the_app_and_version_of_its_offer_alone(
    server: TestServer, device: TestDevice, changes: dict[str, Any]
) -> None:
    offer = await offer_of(device)
    found = await taken(device, stage(1, "failed", offer, **changes), stage(2, "failed", offer), opened(3))
    assert found == {"accepted_through": 3, "gaps": [], "refused": [{"seq": 1, "code": "bad_ticket"}]}
    assert await stored(server, device) == [2, 3]
    rows = select(device_stages.c.app, device_stages.c.sequence).where(device_stages.c.workspace_id == WORKSPACE)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        assert [tuple(row) for row in await tx.execute(rows)] == [(offer["id"], offer["sequence"])]
        for_others = await reached_by_version(tx, str(changes.get("app", OPEN)), from_ms=0)
    assert {each.sequence for each in for_others} <= {offer["sequence"]}


async def test_a_stage_counts_only_with_the_devices_own_ticket(server: TestServer, device: TestDevice) -> None:
    offer = await offer_of(device)
    other = await server.device()
    await server.core.replica.poll()
    forged = [
        stage(1, "booted", offer, ticket="0" * 32),
        stage(2, "booted", offer, digest=digest_of("another")),
        stage(3, "booted", offer, release="rel_another"),
        stage(4, "booted", offer, ticket=""),
    ]
    assert {each["code"] for each in (await taken(device, *forged))["refused"]} == {"bad_ticket"}
    stolen = await taken(other, stage(1, "booted", offer))
    assert stolen["refused"] == [{"seq": 1, "code": "bad_ticket"}]
    assert await furthest(server, offer["release"]) == {}
    assert (await taken(device, stage(5, "booted", offer)))["refused"] == []
    assert await furthest(server, offer["release"]) == {Stage.BOOTED: 1}


async def test_every_device_counts_once_at_its_furthest_stage(server: TestServer) -> None:
    paths = (["offered"], ["offered", "downloaded"], ["installed", "offered"], ["offered", "failed"], ["booted"] * 3)
    release = ""
    for path in paths:
        device = await server.device()
        await server.core.replica.poll()
        offer = await offer_of(device)
        release = offer["release"]
        for number, name in enumerate(path, 1):
            await taken(device, stage(number, name, offer))
    counts = await furthest(server, release)
    assert counts == {
        Stage.OFFERED: 1,
        Stage.DOWNLOADED: 1,
        Stage.INSTALLED: 1,
        Stage.FAILED: 1,
        Stage.BOOTED: 1,
    }
    assert sum(counts.values()) == len(paths)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"batch": [{"seq": 0, "type": "app.opened", "at": 1}]}',
        b'{"batch": [{"seq": 9007199254740992, "type": "app.opened", "at": 1}]}',
        b'{"batch": [{"seq": 1, "type": "app.opened", "at": -1}]}',
        b'{"batch": [{"seq": 1, "type": "app.opened", "at": 1.5}]}',
        b'{"batch": [{"seq": 1, "type": "app.opened"}]}',
        b'{"batch": [{"seq": 1, "type": "' + b"x" * 65 + b'", "at": 1}]}',
        b'{"batch": [{"seq": 1, "type": "app.opened", "at": 1, "attrs": '
        + b'{"a":' * 5000
        + b"1"
        + b"}" * 5001
        + b"]}",
    ],
)
async def test_a_body_that_is_none_is_refused_whole(server: TestServer, device: TestDevice, content: bytes) -> None:
    answer = await server.http.post(EVENTS, content=content, headers={"authorization": device.bearer.decode()})
    assert code(answer) == (422, "bad_events")
    assert await stored(server, device) == []


async def test_the_limits_of_a_batch(server: TestServer, device: TestDevice) -> None:
    many = [opened(seq) for seq in range(1, 1002)]
    assert code(await send(device, *many)) == (422, "bad_events")
    large = await server.http.post(EVENTS, content=b" " * 524_289, headers={"authorization": device.bearer.decode()})
    assert code(large) == (413, "body_too_large")
    assert (await taken(device, *many[:1000]))["accepted_through"] == 1000


async def test_a_full_queue_sends_devices_away_and_loses_nothing(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_QUEUED_EVENTS", 2)
    answer = await send(device, opened(1), opened(2), opened(3))
    assert code(answer) == (503, "events_busy")
    assert answer.headers["retry-after"] == "30"
    monkeypatch.undo()
    assert (await taken(device, opened(1), opened(2), opened(3)))["accepted_through"] == 3


async def test_a_device_that_sends_too_much_is_told_when_to_come_back_and_loses_nothing(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MOST_EVENTS", 3)
    other = await server.device()
    await server.core.replica.poll()
    server.clock.now_ms += 60_000 - server.clock.now_ms % 60_000 + 15_000
    waiting = [opened(seq) for seq in FIVE]
    while waiting:
        answer = await send(device, *waiting[:2])
        if answer.status_code == 429:
            assert code(answer) == (429, "events_too_fast")
            assert await stored(server, device) == [seq for seq in FIVE if seq < waiting[0]["seq"]]
            assert (await taken(other, opened(1)))["accepted_through"] == 1
            server.clock.now_ms += int(answer.headers["retry-after"]) * 1000
            continue
        waiting = [each for each in waiting if each["seq"] > answer.json()["accepted_through"]]
    assert await stored(server, device) == FIVE
    assert (server.clock.now_ms // 1000) % 60 == 0


async def test_what_could_not_be_written_is_not_acknowledged(
    server: TestServer, device: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_tx: Transaction, _rows: Any) -> NoReturn:
        raise OSError("the disk is away")

    monkeypatch.setattr(intake, "add_events", fails)
    assert code(await send(device, opened(1))) == (503, "events_busy")
    monkeypatch.undo()
    assert await stored(server, device) == []
    assert (await taken(device, opened(1)))["accepted_through"] == 1
    assert await stored(server, device) == [1]

"""Events share one COMMIT, so no device's events may spoil it for the others; and what waits has bounds."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.insight import intake as intake_module
from sampan.platform.insight.component import component as insight
from sampan.platform.insight.intake import Batch, EventsBusy, Intake, InventoryNote
from sampan.platform.insight.repository import events, held_versions
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
EVENTS = "/client/v1/events"
GOOD = {"seq": 1, "type": "app.opened", "at": 1}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    parts = (identity.component, demo.component, insight)
    async with identity_server(tmp_path, components=parts) as running:
        yield running


async def send(device: TestDevice, body: Any) -> httpx2.Response:
    content = body if isinstance(body, bytes) else None
    headers = {"authorization": device.bearer.decode(), "content-type": "application/json"}
    return await device.http.post(EVENTS, content=content, json=None if content else body, headers=headers)


async def stored(server: TestServer) -> list[tuple[str, int]]:
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        statement = select(events.c.device_id, events.c.seq).where(events.c.workspace_id == WORKSPACE)
        return [(row.device_id, row.seq) for row in await tx.execute(statement)]


@pytest.mark.parametrize(
    "change",
    [
        {"at": 2**70},
        {"at": -1},
        {"sequence": 2**63},
        {"seq": 2**63},
        {"seq": 0},
        {"session": "s" * 65},
        {"release": "r" * 41},
        {"type": "t" * 65},
    ],
)
async def test_a_value_that_no_column_holds_hurts_nobody_else(server: TestServer, change: dict[str, Any]) -> None:
    honest, hostile = await server.device(), await server.device()
    bad, good = await asyncio.gather(send(hostile, {"batch": [{**GOOD, **change}]}), send(honest, {"batch": [GOOD]}))
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_events")
    assert (good.status_code, good.json()["accepted_through"]) == (200, 1)
    assert await stored(server) == [(honest.tokens["device"], 1)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[{"seq":1,"type":"app.opened","at":1,"attrs":{"x":%s}}]}' % (b"[" * 100_000),
        b'{"batch":[{"seq":1,"type":"app.opened\xff","at":1}]}',
        b'{"unknown":%s}' % (b"[" * 100_000),
        b"",
    ],
)
async def test_a_body_that_cannot_be_read_is_the_senders_fault(server: TestServer, body: bytes) -> None:
    answer = await send(await server.device(), body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_events")


async def test_a_number_beyond_all_readers_is_refused_by_itself(server: TestServer) -> None:
    huge = {**GOOD, "attrs": {"milliseconds": 2**70}}
    answer = await send(await server.device(), {"batch": [huge, {**GOOD, "seq": 2}]})
    assert answer.json() == {
        "accepted_through": 2,
        "gaps": [],
        "refused": [{"seq": 1, "code": "bad_event_attribute"}],
    }


async def test_the_queue_is_bounded_by_events_and_frees_what_it_wrote(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MAX_QUEUED_EVENTS", 3)
    intake = Intake(server.core.store)
    waiting = [asyncio.ensure_future(intake.take(_batch(n, 1))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(EventsBusy):
        await intake.take(_batch(9, 1))
    await intake.flush()
    assert [mark.high for mark in await asyncio.gather(*waiting)] == [1, 1, 1]
    more = asyncio.ensure_future(intake.take(_batch(9, 3)))
    await asyncio.sleep(0)
    await intake.flush()
    assert (await more).high == 3


async def test_one_transaction_takes_a_bounded_number_of_events(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MAX_EVENTS_PER_COMMIT", 4)
    intake = Intake(server.core.store)
    waiting = [asyncio.ensure_future(intake.take(_batch(n, 3))) for n in range(3)]
    await asyncio.sleep(0)
    assert [len(intake._next_batches()) for _ in range(3)] == [1, 1, 1]
    for future in waiting:
        future.cancel()


async def test_a_note_that_could_not_be_stored_is_said_to_be_lost(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    intake = Intake(server.core.store)
    unfit = [{"device_id": "dev_1"}]  # lacks columns: stands for a database that refuses
    intake.note(InventoryNote(WORKSPACE, "dev_1", unfit, on_lost=lambda: lost.append("unwritten")))
    await intake.flush()
    monkeypatch.setattr(intake_module, "MAX_QUEUED_NOTES", 0)
    intake.note(InventoryNote(WORKSPACE, "dev_2", [], on_lost=lambda: lost.append("full")))
    assert lost == ["unwritten", "full"]


@pytest.mark.parametrize("odd", [{"session": None}, {"at_ms": 2**70}], ids=["refused", "too large"])
async def test_a_row_that_the_database_refuses_costs_its_own_device_alone(
    server: TestServer, odd: dict[str, Any]
) -> None:
    intake, lost = Intake(server.core.store), list[str]()
    row = {"day": 20260101, "type": "app.opened", "schema_version": 1, "at_ms": 1, "received_ms": 1, "session": ""}
    row |= {"client_app": "retail", "app": None, "sequence": None, "release_id": None, "attrs": "{}"}
    row |= {"message_id": None, "campaign_id": None}
    told = [row, row, row | odd, row, row]
    batches = [
        Batch(WORKSPACE, f"dev_{n}", {1: {**each, "device_id": f"dev_{n}", "seq": 1}}, {})
        for n, each in enumerate(told)
    ]
    waiting = [asyncio.ensure_future(intake.take(each)) for each in batches]
    for number in range(3):
        note = _note(f"dev_{number}", ("bank.a", 2**70 if number == 1 else 1))
        intake.note(replace(note, on_lost=partial(lost.append, note.device_id)))
    await asyncio.sleep(0)
    await intake.flush()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(each, EventsBusy) for each in outcomes] == [False, False, True, False, False]
    assert sorted(await stored(server)) == [(f"dev_{n}", 1) for n in (0, 1, 3, 4)]
    assert lost == ["dev_1"]
    assert await held(server, "bank.a") == {"bank.a": [(1, 2)]}


async def test_one_transaction_takes_a_bounded_number_of_holdings(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MAX_EVENTS_PER_COMMIT", 4)
    intake = Intake(server.core.store)
    for number in range(3):
        intake.note(_note(f"dev_{number}", *((f"bank.{n}", 1) for n in range(3))))
    assert [len(intake._next_notes()) for _ in range(4)] == [1, 1, 1, 0]


async def test_what_a_device_no_longer_reports_is_held_no_more(server: TestServer) -> None:
    intake = Intake(server.core.store)
    for device_id in ("dev_1", "dev_2"):
        intake.note(_note(device_id, ("bank.a", 1), ("bank.b", 1)))
    await intake.flush()
    assert await held(server, "bank.a", "bank.b") == {"bank.a": [(1, 2)], "bank.b": [(1, 2)]}
    intake.note(_note("dev_1", ("bank.a", 2), ("bank.a", 2)))
    await intake.flush()
    assert await held(server, "bank.a", "bank.b") == {"bank.a": [(2, 1), (1, 1)], "bank.b": [(1, 1)]}
    intake.note(_note("dev_1"))
    await intake.flush()
    assert await held(server, "bank.a", "bank.b") == {"bank.a": [(1, 1)], "bank.b": [(1, 1)]}


async def held(server: TestServer, *artefact_ids: str) -> dict[str, list[tuple[int, int]]]:
    """Return how many devices hold which sequence of these artefacts."""
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        found = {each: await held_versions(tx, each) for each in artefact_ids}
    return {each: [(row.sequence, row.devices) for row in rows] for each, rows in found.items()}


def _note(device_id: str, *holds: tuple[str, int]) -> InventoryNote:
    rows = [
        {
            "device_id": device_id,
            "kind": "mini_app",
            "artefact_id": artefact_id,
            "sequence": sequence,
            "digest": "sha256:0",
            "seen_ms": 1,
        }
        for artefact_id, sequence in holds
    ]
    return InventoryNote(WORKSPACE, device_id, rows, on_lost=lambda: pytest.fail("the note was lost"))


def _batch(number: int, count: int) -> Batch:
    return Batch(WORKSPACE, f"dev_{number}", {seq: {} for seq in range(1, count + 1)}, {})

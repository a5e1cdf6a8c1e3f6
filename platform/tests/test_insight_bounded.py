"""What reads all devices or all events: how many rows it takes into memory, and whether it holds writers up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from sampan.platform.app import built_in_components
from sampan.platform.component import discover
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.jobs import enqueue
from sampan.platform.engines.tables import metadata
from sampan.platform.insight import funnels_service, keeping
from sampan.platform.insight.activity_rows import DAY_MS
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.event_funnel import Reach
from sampan.platform.insight.evidence import Fared, note_signals, of_release
from sampan.platform.insight.health import HealthReport
from sampan.platform.insight.keeping_rows import forget_signals, forgotten_versions
from sampan.platform.insight.repository import events_of_day
from sampan.platform.operators.actor import system_actor
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import Clock, add_retail_app
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
EVERYTHING = tuple(without_background(each) for each in discover(built_in_components(demo=True)))
APP = "bank.demo.a"


class Counting:
    """A transaction that counts the rows which its statements return."""

    def __init__(self, tx: Transaction) -> None:
        self._tx, self.rows, self.statements = tx, list[int](), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        result = await self._tx.execute(statement, parameters)
        self.statements += 1
        if not result.returns_rows:
            return result
        frozen = result.freeze()
        self.rows.append(len(frozen.data))
        return frozen()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=EVERYTHING, now_ms=Clock()) as made:
        await add_retail_app(made)
        yield made


async def put(core: Core, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; what they leave out is empty."""
    columns = metadata.tables[table].c
    empty = {each.name: 0 if each.type.python_type in (int, bool) else "" for each in columns if not each.nullable}
    async with core.store.workspace(WORKSPACE).write() as tx:
        await tx.execute(insert(metadata.tables[table]), [empty | {"workspace_id": WORKSPACE} | row for row in rows])


async def devices(core: Core, count: int, networks: int) -> None:
    await put(core, "subjects", [{"number": n + 1} for n in range(count)])
    of = {"client_app": "retail", "created_ms": 1}
    rows = [
        {**of, "id": f"dev_{n}", "subject": n + 1, "thumbprint": f"t{n}", "network": f"net_{n % networks}"}
        for n in range(count)
    ]
    await put(core, "devices", rows)


async def test_a_look_at_many_devices_reads_some_rows(core: Core) -> None:
    count, networks = 400, 40
    await devices(core, count, networks)
    told = {"release_id": "rel_1", "app": APP, "sequence": 2, "stage": 4, "first_ms": 5, "booted_ms": 5, "at_ms": 5}
    await put(core, "device_stages", [{**told, "device_id": f"dev_{n}"} for n in range(count)])
    signal = {"app": APP, "sequence": 2, "signal": "white_screen", "at_ms": 6}
    await put(core, "device_signals", [{**signal, "device_id": f"dev_{n}"} for n in range(networks)])
    async with core.store.workspace(WORKSPACE).read() as tx:
        counting = Counting(tx)
        found = await of_release(counting, "rel_1", APP, 2, ["white_screen"], registered_before_ms=2, told_from_ms=3)
    assert found == Fared(count, networks)
    assert counting.rows == [1]  # all networks are alike


async def test_a_funnel_reads_in_pieces_and_holds_neither_a_reader_nor_another_bank_up(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = core.now_ms() // DAY_MS
    await put(
        core,
        "events",
        [
            {"day": yyyymmdd(today - n % 2), "device_id": f"dev_{n % 7}", "seq": n, "type": kind, "at_ms": n}
            for n, kind in enumerate(["app.opened", "app.white_screen"] * 20)
        ],
    )
    pieces, reading = list[int](), asyncio.Event()

    async def piece(tx: Transaction, *given: Any, **named: Any) -> Any:
        counting = Counting(tx)
        found = await events_of_day(counting, *given, **named)
        pieces.extend(counting.rows)
        reading.set()
        return found

    monkeypatch.setattr(funnels_service, "events_of_day", piece)
    monkeypatch.setattr(funnels_service, "PIECE", 3)
    steps = [funnels_service.FunnelStep(kind) for kind in ("app.opened", "app.white_screen")]

    async def count(workspace_id: str) -> list[Reach]:
        actor = system_actor("a test")
        return await funnels_service.count_funnel(core, workspace_id, actor, steps, days=3, window_ms=DAY_MS)

    first = asyncio.ensure_future(count(WORKSPACE))
    await reading.wait()
    with pytest.raises(funnels_service.FunnelBusy):
        await count(WORKSPACE)
    assert [each.devices for each in await count(OTHER_WORKSPACE)] == [0, 0]
    assert [each.devices for each in await first] == [7, 7]
    assert (sum(pieces), max(pieces)) == (40, 3)
    assert [each.devices for each in await count(WORKSPACE)] == [7, 7]


async def test_forgetting_signals_looks_for_versions_once_and_removes_by_key(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = {"signal": "white_screen", "at_ms": 1}
    places = [(app, n) for app in (APP, "bank.demo.b") for n in range(5)]
    await put(
        core, "device_signals", [{**signal, "app": app, "sequence": 1, "device_id": f"dev_{n}"} for app, n in places]
    )
    door = core.store.workspace(WORKSPACE)
    async with door.read() as tx:
        counting = Counting(tx)
        found = await forgotten_versions(counting, 5)
    assert (found, counting.rows[0]) == ([(APP, 1), ("bank.demo.b", 1)], 2)
    async with door.write() as tx:
        await note_signals(tx, [HealthReport(APP, 1, 9, "white_screen", device_id="dev_0")])  # told meanwhile
        counting = Counting(tx)
        assert await forget_signals(counting, APP, 1, 5, limit=3) == 3
        assert await forget_signals(counting, APP, 1, 5, limit=3) == 1
        assert await forget_signals(counting, APP, 1, 5, limit=3) == 0
    assert max(counting.rows) == 3
    searched = list[int]()

    async def search(tx: Transaction, before_ms: int) -> list[tuple[str, int]]:
        searched.append(before_ms)
        return await forgotten_versions(tx, before_ms)

    monkeypatch.setattr(keeping, "forgotten_versions", search)
    monkeypatch.setattr(keeping, "ROWS", 2)
    async with door.write() as tx:
        await enqueue(tx, keeping.JOB, {}, run_at_ms=core.now_ms())
    runner = build_job_runner(core.store, [keeping.keep_job(core)], now_ms=core.now_ms)
    await runner.poll()
    await runner.idle()
    assert len(searched) == 1
    async with door.read() as tx:
        table = metadata.tables["device_signals"]
        left = await tx.execute(select(table.c.app).where(table.c.workspace_id == WORKSPACE))
        assert left.all() == []

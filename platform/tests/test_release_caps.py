"""Releases for so many customers and no more: exact under any number of workers, kept by those who have a place."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
from cap_claim_child import opened
from released_apps import body, held, offer, offering_server
from sqlalchemy import event

from sampan.platform.core import Core
from sampan.platform.engines.tables import metadata
from sampan.platform.release.cap_rows import (
    Places,
    all_places,
    claim_places,
    open_places,
    places_of,
    release_caps,
    release_places,
)
from sampan.platform.release.caps import BadCap, Cap, read_cap
from sampan.platform.release.repository import change_release, get_release
from sampan.platform.release.snapshot import PART
from sampan.platform.release.stages import Stage
from sampan.platform.release.states import ReleaseState
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_device import TestDevice, TestServer
from sampan.platform.workspaces.revisions import raise_revision
from sampan.platform.workspaces.store import Store

pytestmark = pytest.mark.anyio
CHILD = Path(__file__).with_name("cap_claim_child.py")
CAPPED, PHONE = "bank.demo.capped", "+8613800000001"
OTHERS = ("+8613800000002", "+8613800000003")
MINUTE_MS = 60_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with offering_server(tmp_path) as server:
        yield server


async def sync(device: TestDevice, http: httpx2.AsyncClient | None = None, *, seen: str = "") -> httpx2.Response:
    sent = {"authorization": device.bearer.decode(), "if-none-match": seen}
    return await (http or device.http).post("/client/v1/sync", json=body(), headers=sent)


async def version_of(device: TestDevice, http: httpx2.AsyncClient | None = None) -> int | None:
    """Return the sequence of the capped app that the device is offered."""
    answer = await sync(device, http)
    assert answer.status_code == 200, answer.text
    return next((each["sequence"] for each in answer.json()["offers"] if each["id"] == CAPPED), None)


async def devices_of(server: TestServer, count: int) -> list[TestDevice]:
    made = [await server.device() for _ in range(count)]
    await server.core.replica.poll()
    return made


async def counted(core: Core, release_id: str) -> Places | None:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return await places_of(tx, release_id)


async def test_the_first_devices_get_the_places_and_the_others_the_version_below(server: TestServer) -> None:
    await offer(server.core, CAPPED, sequence=2)
    release = await offer(server.core, CAPPED, cap=Cap(customers=2))
    first, second, third = await devices_of(server, 3)
    assert [await version_of(each) for each in (first, second, third, first)] == [3, 3, 2, 3]
    assert await counted(server.core, release) == Places(2, 2, is_closed=True)


async def test_a_place_changes_the_answers_tag_and_then_it_stays_the_same(server: TestServer) -> None:
    await offer(server.core, CAPPED, cap=Cap(customers=1))
    has, has_not = await devices_of(server, 2)
    for device in (has, has_not):
        etag = (await sync(device)).headers["etag"]
        assert (await sync(device, seen=etag)).status_code == 304


async def test_once_all_places_are_taken_no_device_reaches_the_database(server: TestServer) -> None:
    await offer(server.core, CAPPED, cap=Cap(customers=1))
    has, has_not = await devices_of(server, 2)
    assert [await version_of(has), await version_of(has_not)] == [3, None]
    newcomer = (await devices_of(server, 1))[0]

    def refuse(*_rest: Any) -> NoReturn:
        raise RuntimeError("no SQL now")

    for engine in server.core.store.database.engines:
        event.listen(engine, "before_cursor_execute", refuse)
    try:
        assert [await version_of(each) for each in (has, has_not, newcomer)] == [3, None, None]
    finally:
        for engine in server.core.store.database.engines:
            event.remove(engine, "before_cursor_execute", refuse)


async def test_without_the_database_a_newcomer_has_no_place_for_now(server: TestServer) -> None:
    await offer(server.core, CAPPED, cap=Cap(customers=5))
    (device,) = await devices_of(server, 1)

    def refuse(*_rest: Any) -> NoReturn:
        raise RuntimeError("no SQL now")

    for engine in server.core.store.database.engines:
        event.listen(engine, "before_cursor_execute", refuse)
    try:
        assert await version_of(device) is None
    finally:
        for engine in server.core.store.database.engines:
            event.remove(engine, "before_cursor_execute", refuse)
    assert await version_of(device) == 3


async def test_a_place_is_kept_by_a_worker_that_starts_anew(server: TestServer) -> None:
    await offer(server.core, CAPPED, cap=Cap(customers=2))
    first, second, third = await devices_of(server, 3)
    assert await version_of(first) == 3
    async with client(server.core) as another:  # knows nothing of what the first one remembers
        assert [await version_of(each, another) for each in (first, second, third)] == [3, 3, None]
    assert await version_of(third) is None


async def test_two_devices_of_one_customer_use_one_place(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=2))
    mine, also_mine, stranger, late = await devices_of(server, 4)
    await mine.sign_in(PHONE)
    await also_mine.sign_in(PHONE)
    await server.core.replica.poll()
    assert [await version_of(each) for each in (mine, also_mine)] == [3, 3]
    assert await counted(server.core, release) == Places(2, 1, is_closed=False)
    assert [await version_of(each) for each in (stranger, late)] == [3, None]


async def signed_in(server: TestServer, device: TestDevice, phone: str) -> None:
    """Sign in on the device, after whoever is there signed out."""
    if device.tokens["tier"] != "visitor":
        await signed_out(server, device)
    assert (await device.sign_in(phone)).status_code == 200
    await server.core.replica.poll()


async def signed_out(server: TestServer, device: TestDevice) -> None:
    assert (await device.sign_out()).status_code == 200
    await server.core.replica.poll()


async def test_a_devices_place_goes_to_the_first_customer_who_signs_in_there(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=1))
    shared, other = await devices_of(server, 2)
    assert await version_of(shared) == 3
    await signed_in(server, shared, PHONE)
    assert [await version_of(shared), await version_of(shared)] == [3, 3]
    await signed_out(server, shared)
    assert await version_of(shared) is None, "the device alone has none any more"
    for phone in OTHERS:
        await signed_in(server, shared, phone)
        assert await version_of(shared) is None, "one place, one customer"
    await signed_in(server, other, PHONE)
    assert await version_of(other) == 3, "it is the customer's, on all devices"
    assert await counted(server.core, release) == Places(1, 1, is_closed=True)


async def test_every_worker_learns_that_a_place_was_handed_on(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=2))
    shared, full, own = await devices_of(server, 3)
    async with client(server.core) as another:
        assert [await version_of(each, another) for each in (shared, full)] == [3, 3]
        await signed_in(server, shared, PHONE)
        assert await version_of(shared) == 3
        await signed_in(server, shared, OTHERS[0])
        assert await version_of(shared, another) is None, "also for who remembers the device"
        await signed_out(server, shared)
        await signed_in(server, own, PHONE)
        assert [await version_of(each, another) for each in (shared, own, full)] == [None, 3, 3]
    assert await counted(server.core, release) == Places(2, 2, is_closed=True)


async def test_who_has_a_place_leaves_the_devices_to_the_next(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=2))
    mine, shared = await devices_of(server, 2)
    await signed_in(server, mine, PHONE)
    assert [await version_of(mine), await version_of(shared)] == [3, 3]
    for phone, version in ((PHONE, 3), (OTHERS[0], 3), (OTHERS[1], None)):
        await signed_in(server, shared, phone)
        assert await version_of(shared) == version
    assert await counted(server.core, release) == Places(2, 2, is_closed=True)


async def test_a_device_that_asks_just_before_its_customer_signs_in_uses_one_place(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=2))
    asked = [("dev_1",), ("cus_1", "dev_1"), ("cus_2", "dev_1"), ("cus_3", "dev_1")]
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        found = await claim_places(tx, release, asked, now_ms=1, is_over=False)
        assert (found, await all_places(tx, release)) == (({"cus_1", "cus_2"}, True), {"cus_1", "cus_2"})


async def test_after_its_time_nobody_new_gets_a_place(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=5, until_ms=server.clock.now_ms + MINUTE_MS))
    early, late = await devices_of(server, 2)
    assert await version_of(early) == 3
    server.clock.now_ms += MINUTE_MS
    await server.core.replica.poll()
    assert [await version_of(each) for each in (early, late)] == [3, None]
    assert await counted(server.core, release) == Places(5, 1, is_closed=True)
    server.clock.now_ms -= 1  # another worker's clock may be behind
    async with client(server.core) as another:
        assert [await version_of(each, another) for each in (early, late)] == [3, None]


async def test_a_place_is_kept_through_the_stages(server: TestServer) -> None:
    stages = (Stage(name="first", basis_points=10_000), Stage(name="all", basis_points=10_000))
    release = await offer(server.core, CAPPED, cap=Cap(customers=1), stages=stages)
    has, has_not = await devices_of(server, 2)
    assert [await version_of(has), await version_of(has_not)] == [3, None]
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        row = await get_release(tx, release)
        await change_release(tx, row, state=ReleaseState.RUNNING, cause="", made_by="test", now_ms=1, stage=1)
        await raise_revision(tx, PART)
    await server.core.replica.poll()
    assert [await version_of(has), await version_of(has_not)] == [3, None]


async def test_who_is_not_meant_uses_no_place(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=1), tiers=("full",))
    (device,) = await devices_of(server, 1)
    assert await version_of(device) is None
    assert await counted(server.core, release) == Places(1, 0, is_closed=False)


async def test_many_devices_at_once_get_exactly_the_places(server: TestServer) -> None:
    release = await offer(server.core, CAPPED, cap=Cap(customers=7))
    devices = await devices_of(server, 30)
    async with client(server.core) as another:
        halves = [(each, another if number % 2 else None) for number, each in enumerate(devices)]
        offered = await asyncio.gather(*(version_of(each, http) for each, http in halves))
    assert offered.count(3) == 7
    assert await counted(server.core, release) == Places(7, 7, is_closed=True)


async def worker(address: str, name: str, *, dies_after: int = 0) -> list[str] | int:
    """Return for which of 100 devices another process found a place, or how it died."""
    command = (str(CHILD), address, "rel_cap", name, "100", str(dies_after))
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(180):
        said, _nothing = await child.communicate()
    return list(json.loads(said)) if child.returncode == 0 else child.returncode or 0


async def rows(address: str) -> tuple[Places | None, set[str]]:
    database = opened(address)
    async with Store(database).workspace(WORKSPACE).read() as tx:
        found = await places_of(tx, "rel_cap"), await all_places(tx, "rel_cap")
    await database.close()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a database in which the release `rel_cap` has 50 places; a file, or a PostgreSQL of its own."""
    found = str(tmp_path / "sampan.sqlite")
    if request.param == "postgresql":
        found = request.getfixturevalue("postgres_url")
    database = opened(found)
    tables = [release_caps, release_places]
    await asyncio.to_thread(metadata.create_all, database.engines[-1], tables)
    async with Store(database).workspace(WORKSPACE).write() as tx:
        await open_places(tx, "rel_cap", Cap(customers=50))
    await database.close()
    return found


async def test_two_processes_give_200_devices_exactly_50_places(address: str) -> None:
    first, second = await asyncio.gather(worker(address, "a"), worker(address, "b"))
    assert isinstance(first, list)
    assert isinstance(second, list)
    places, holders = await rows(address)
    assert places == Places(50, 50, is_closed=True)
    assert len(first) + len(second) == 50
    assert {*first, *second} == holders


async def test_a_worker_that_is_killed_in_the_middle_costs_no_place_and_gives_none_twice(address: str) -> None:
    assert await worker(address, "a", dies_after=4) == -signal.SIGKILL
    places, holders = await rows(address)
    assert places == Places(50, len(holders), is_closed=False)
    assert 0 < len(holders) < 20
    others = await worker(address, "b")
    assert isinstance(others, list)
    assert len(others) == 50 - len(holders)
    again = await worker(address, "a")
    assert isinstance(again, list)
    assert set(again) == holders


async def test_a_release_without_a_count_gives_no_places(server: TestServer) -> None:
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        assert await claim_places(tx, "rel_none", [("dev_1",)], now_ms=1, is_over=False) == (set(), False)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "cap"),
        ({"customers": 0}, "cap.customers"),
        ({"customers": 100_001}, "cap.customers"),
        ({"customers": "50"}, "cap.customers"),
        ({"customers": 5, "until_ms": -1}, "cap.until_ms"),
        ({"customers": 5, "until": 1}, "cap"),
        ([], "cap"),
    ],
)
async def test_an_unreadable_cap_is_refused_at_its_member(value: object, field: str) -> None:
    with pytest.raises(BadCap) as refused:
        read_cap(value)
    assert refused.value.facts["field"] == field


async def test_what_is_installed_needs_no_place_to_stay(server: TestServer) -> None:
    await offer(server.core, CAPPED, sequence=2)
    await offer(server.core, CAPPED, cap=Cap(customers=1))
    has, has_not = await devices_of(server, 2)
    assert [await version_of(has), await version_of(has_not)] == [3, 2]
    sent = {"authorization": has_not.bearer.decode()}
    answer = await has_not.http.post("/client/v1/sync", json=body(installed=[held(CAPPED, 3)]), headers=sent)
    assert [each for each in answer.json()["offers"] if each["id"] == CAPPED] == []

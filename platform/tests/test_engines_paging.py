"""Pages by the place of the last row: whole, in order, counted; a cursor is from this list or refused."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from sampan.platform.engines.paging import (
    MAX_LIMIT,
    MAX_STEPS,
    BadCursor,
    Found,
    Order,
    Paging,
    decode_cursor,
    encode_cursor,
    page_of,
    read_page,
    read_seen,
)
from sampan.platform.identity.repository_client_apps import client_apps
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.workspaces.store import Door, Store

pytestmark = pytest.mark.anyio
BY_TIME = Order("created", (client_apps.c.created_ms, client_apps.c.id))
BY_TIME_DOWN = Order("-created", (client_apps.c.created_ms, client_apps.c.id), descending=True)


def row(workspace_id: str, n: int) -> dict[str, object]:
    return {
        "workspace_id": workspace_id,
        "id": f"app-{n:05}",
        "name": "name",
        "channel": "app",
        "bundle_ids": {},
        "minimum_versions": {},
        "registers_customers": True,
        "closed": False,
        "created_ms": n // 3,  # three share a time: the id decides
    }


async def fill(store: Store, workspace_id: str, numbers: Iterable[int]) -> None:
    async with store.workspace(workspace_id).write() as tx:
        await tx.execute(insert(client_apps), [row(workspace_id, n) for n in numbers])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with running_core(tmp_path) as core:
        await fill(core.store, WORKSPACE, range(7))
        await fill(core.store, OTHER_WORKSPACE, range(100, 120))
        yield core.store


async def page(door: Door, order: Order, paging: Paging) -> Found[str]:
    async with door.read() as tx:
        statement = select(client_apps.c.id).where(client_apps.c.workspace_id == door.workspace_id)
        return await read_page(tx, statement, order, paging, lambda found: str(found.id))


async def all_pages(door: Door, order: Order, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        found = await page(door, order, Paging(cursor, limit))
        pages.append(found.items)
        cursor = found.next_cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_every_row_comes_once_in_order_and_the_last_page_says_so(store: Store, limit: int) -> None:
    ids = [f"app-{n:05}" for n in range(7)]
    for order, wanted in ((BY_TIME, ids), (BY_TIME_DOWN, ids[::-1])):
        pages = await all_pages(store.workspace(WORKSPACE), order, limit)
        assert [each for one in pages for each in one] == wanted
        assert all(pages)
        assert {len(one) for one in pages[:-1]} <= {limit}


async def test_the_total_counts_all_pages_of_this_workspace(store: Store) -> None:
    first = await page(store.workspace(WORKSPACE), BY_TIME, Paging(limit=2))
    assert (len(first.items), first.total) == (2, 7)
    assert (await page(store.workspace(WORKSPACE), BY_TIME, Paging(first.next_cursor, 2))).total == 7


async def test_a_row_that_goes_away_between_two_pages_moves_nothing(store: Store) -> None:
    first = await page(store.workspace(WORKSPACE), BY_TIME, Paging(limit=3))
    async with store.workspace(WORKSPACE).write() as tx:
        gone = client_apps.c.id.in_(["app-00001", "app-00002"])
        await tx.execute(client_apps.delete().where(client_apps.c.workspace_id == WORKSPACE, gone))
    second = await page(store.workspace(WORKSPACE), BY_TIME, Paging(first.next_cursor, 3))
    assert second.items == ["app-00003", "app-00004", "app-00005"]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        encode_cursor("-created", [1, "app-00001"]),
        encode_cursor("created", [1]),
        encode_cursor("created", ["1", "app-00001"]),
        encode_cursor("created", [True, "app-00001"]),
        encode_cursor("created", [1.5, "app-00001"]),
        encode_cursor("created", [2**63 + 1, "app-00001"]),
        encode_cursor("created", [1, 2]),
        encode_cursor("created", [1, None]),
    ],
)
async def test_a_cursor_of_another_list_or_sorting_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await page(store.workspace(WORKSPACE), BY_TIME, Paging(cursor))


async def test_a_cursor_of_another_workspace_shows_only_the_own_rows(store: Store) -> None:
    theirs = await page(store.workspace(OTHER_WORKSPACE), BY_TIME_DOWN, Paging(limit=5))
    assert theirs.next_cursor is not None
    assert decode_cursor(theirs.next_cursor, BY_TIME_DOWN) == [38, "app-00115"]
    found = await page(store.workspace(WORKSPACE), BY_TIME_DOWN, Paging(theirs.next_cursor))
    assert found.items == [f"app-{n:05}" for n in range(6, -1, -1)]


async def test_what_a_caller_may_not_see_is_skipped_uncounted(store: Store) -> None:
    async with store.workspace(WORKSPACE).read() as tx:
        statement = select(client_apps.c.id).where(client_apps.c.workspace_id == WORKSPACE)

        async def seen(paging: Paging) -> Found[str]:
            return await read_seen(
                tx, statement, BY_TIME, paging, lambda found: str(found.id), lambda one: int(one[-1]) % 2 == 0
            )

        first = await seen(Paging(limit=2))
        assert (first.items, first.total) == (["app-00000", "app-00002"], None)
        rest = await seen(Paging(first.next_cursor, 2))
        assert (rest.items, rest.next_cursor) == (["app-00004", "app-00006"], None)


async def test_a_search_for_what_may_be_seen_ends_and_can_be_gone_on_with(store: Store) -> None:
    looked_at = MAX_STEPS * MAX_LIMIT
    await fill(store, WORKSPACE, range(200, 200 + looked_at))
    async with store.workspace(WORKSPACE).read() as tx:
        statement = select(client_apps.c.id).where(client_apps.c.workspace_id == WORKSPACE)
        last = f"app-{199 + looked_at:05}"
        first = await read_seen(tx, statement, BY_TIME, Paging(), lambda row: str(row.id), lambda one: one == last)
        assert first.items == []
        cursor = Paging(first.next_cursor)
        rest = await read_seen(tx, statement, BY_TIME, cursor, lambda row: str(row.id), lambda one: one == last)
        assert (rest.items, rest.next_cursor) == ([last], None)


async def test_a_list_in_memory_comes_in_pages_too() -> None:
    first = page_of(["c", "a", "b"], Paging(limit=2), key=str)
    assert (first.items, first.total) == (["a", "b"], 3)
    assert page_of(["c", "a", "aa"], Paging(first.next_cursor, 2), key=str) == Found(["c"], None, 3)
    with pytest.raises(BadCursor):
        page_of(["a"], Paging(encode_cursor("key", [1])), key=str)

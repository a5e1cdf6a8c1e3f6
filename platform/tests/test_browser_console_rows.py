"""Lists with ten thousand rows: paged through, filtered and still quick."""

from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, Desk, settled
from browser_rows import fill
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

APP = "bank.demo.wealth"
PAGE_SECONDS = 8.0
"""Generous, for a busy machine; alone it takes a tenth of this."""


@pytest.fixture(scope="module")
def customer(desk: Desk) -> str:
    """A customer with many devices, in a bank where there is much of everything."""
    desk.server.stop()
    filled = fill(desk.server.folder.server / "sampan.sqlite", app=APP)
    desk.server.start()
    return filled


@pytest.fixture(scope="module")
def page(desk: Desk, customer: str) -> "Iterator[Page]":
    assert customer
    with desk.at(ADMIN) as page:
        yield page


@pytest.mark.parametrize("path", ["customers", "audit", f"apps/{APP}", "devices"])
def test_a_long_list_is_paged_through(desk: Desk, page: "Page", customer: str, path: str) -> None:
    page.goto(f"{desk.console}/{f'customers/{customer}' if path == 'devices' else path}")
    settled(page)
    table = page.locator(".panel", has=page.locator(".pager")).first
    seen: set[str] = set()
    for turn in range(4):
        rows = _rows(table)
        assert not seen & set(rows), "a row came twice"
        seen |= set(rows)
        assert len(seen) >= 20 * (turn + 1)
        _timed(partial(_next, table, rows))
    table.get_by_role("button", name="Previous").click()
    expect(table.locator("tbody tr").first).to_contain_text(rows[0].split("\n")[0])


@pytest.mark.parametrize(
    ("path", "label", "text", "found"),
    [("customers", "Bank reference", "ROW-07777", 1), ("audit", "Target", "row-7777", 1)],
)
def test_a_long_list_is_filtered(desk: Desk, page: "Page", path: str, label: str, text: str, found: int) -> None:
    page.goto(f"{desk.console}/{path}")
    settled(page)

    def look() -> None:
        page.get_by_label(label).first.fill(text)
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(found)

    _timed(look)
    assert text in page.locator("tbody").inner_text()


def _rows(table: "Locator") -> list[str]:
    return table.locator("tbody tr").all_inner_texts()


def _next(table: "Locator", before: list[str]) -> None:
    table.get_by_role("button", name="Next").click()
    expect(table.locator("tbody tr").first).not_to_have_text(before[0], use_inner_text=True)


def _timed(act: Callable[[], None]) -> None:
    began = monotonic()

    act()
    assert monotonic() - began < PAGE_SECONDS

"""The console's first page stays small: all that it loads, as gzip packs it."""

from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, Desk, packed_bytes, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIRST_PAGE_BYTES = 500_000


@pytest.mark.parametrize("email", [None, ADMIN], ids=["sign-in", "overview"])
def test_the_first_page_is_small(desk: Desk, email: str | None) -> None:
    def opens(page: "Page") -> None:
        page.goto(f"{desk.console}/")
        settled(page)

    with desk.at(email) as page:
        total, parts = packed_bytes(page, lambda: opens(page))
    assert 50_000 < total < FIRST_PAGE_BYTES, parts

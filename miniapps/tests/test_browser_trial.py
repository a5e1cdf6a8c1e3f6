"""The code of a trial, in a real Chromium: it leads to the shell, which opens the version for a named tester alone."""

import re
from typing import TYPE_CHECKING

import pytest
from browser_desk import PHONE, REVIEWER, SOON_MS, Desk, shots_folder

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("console")


def scanned(desk: Desk, page: "Page") -> tuple[str, int]:
    """Open what the code of a waiting version says."""
    app, sequence = desk.in_review
    page.goto(f"{desk.server.address}/w/demo/open/trial/{app}/{sequence}")
    page.get_by_role("button", name="Open it here").wait_for()
    page.get_by_text(f"sequence {sequence}. It is not published to customers").wait_for(timeout=SOON_MS)
    return app, sequence


def test_a_named_tester_opens_a_version_before_its_review(desk: Desk) -> None:
    api = desk.server.api(REVIEWER)
    with desk.at(None, size=PHONE) as page:
        app, sequence = scanned(desk, page)
        assert page.url == f"http://demo.sampan.localhost:{desk.server.port}/#/trial/{app}/{sequence}"
        link = page.get_by_role("link", name="Open it in the bank's app")
        assert link.get_attribute("href") == f"sampan://trial/demo/{app}/{sequence}"
        page.get_by_role("button", name="Open it here").click()
        page.get_by_text("You are no tester of this app").wait_for()
        device = page.get_by_text(re.compile(r"^dev_[0-9a-f]{32}$")).inner_text()
        shots = shots_folder()
        if shots is not None:
            page.screenshot(path=shots / "trial-refused.png")
        api.put(f"/apps/{app}/testers", {"devices": [device], "customers": []})
        opened = page.locator(".app-place:not([hidden]) iframe")
        refused = page.locator("[role=alert]:not([data-old])")
        for _ in range(20):  # a worker of the server hears of the testers within a second
            refused.evaluate_all("(alerts) => alerts.forEach((alert) => alert.setAttribute('data-old', ''))")
            page.get_by_role("button", name="Open it here").click()
            opened.or_(refused).first.wait_for(timeout=SOON_MS)
            if opened.count():
                break
        frame = page.locator(".app-place:not([hidden]) iframe").element_handle().content_frame()
        assert frame is not None
        frame.locator("h1, h2, main").first.wait_for(timeout=SOON_MS)
        if shots is not None:
            page.screenshot(path=shots / "trial.png")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Open it here").wait_for()
        assert page.locator(".app-place iframe").count() == 0

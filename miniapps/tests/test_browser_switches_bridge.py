"""A mini-app reads switches over the bridge in a browser: its own and public ones, fresh, released, and offline."""

from typing import TYPE_CHECKING, Any

import pytest
from browser_desk import PHONE, RELEASER, REVIEWER, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

APP = "bank.demo.coupons"
MINE, PUBLIC, THEIRS = "bridge.mine", "bridge.public", "bridge.theirs"
EVERYONE: dict[str, Any] = {"all": []}
READ = """
async (key) => {
  try { return await window.sampan.switches.get(key); } catch (problem) { return {code: problem.code}; }
}
"""


def made(key: str, *apps: str) -> dict[str, Any]:
    return {
        "key": key,
        "type": "float",
        "variants": {"high": 2.5, "low": 1},
        "default": "low",
        "rules": [],
        "apps": list(apps),
    }


@pytest.fixture(scope="module")
def switches(desk: Desk) -> None:
    """Have three switches served."""
    file = {"switches": [made(MINE, APP), made(PUBLIC, "*"), made(THEIRS, "bank.demo.bills")], "activate": True}
    asked = desk.server.api(RELEASER).post("/switch-file", file)
    desk.server.sessions.approve(REVIEWER, asked["change"])


def opened(page: "Page", desk: Desk) -> "Frame":
    page.goto(f"http://demo.sampan.localhost:{desk.server.port}/#/app/{APP}")
    shown = page.locator(".app-place:not([hidden]) iframe")
    shown.wait_for(state="attached")
    page.locator(".cover").wait_for(state="detached")
    frame = shown.element_handle().content_frame()
    assert frame is not None
    return frame


@pytest.mark.usefixtures("switches")
def test_an_app_reads_what_is_its_own_and_sees_a_release_and_keeps_it_offline(desk: Desk) -> None:
    api = desk.server.api(RELEASER)
    with desk.at(None, size=PHONE) as page:
        app = opened(page, desk)
        assert app.evaluate(READ, MINE)["value"] == 1
        assert app.evaluate(READ, PUBLIC)["variant"] == "low"
        assert app.evaluate(READ, THEIRS) == {"code": "not_available"}
        assert app.evaluate(READ, "no.such") == {"code": "not_available"}
        assert app.evaluate(READ, "") == {"code": "bad_argument"}
        edition = api.get(f"/switches/{MINE}")["edition"]
        wanted = {**made(MINE, APP), "default": "high"}
        edition = api.post(f"/switches/{MINE}/proposals", {"definition": wanted, "edition": edition})["edition"]
        draft = {"kind": "switch", "id": MINE, "sequence": edition, "audience": EVERYONE}
        release = api.post("/releases", draft)["id"]
        change = api.post(f"/releases/{release}/submit", {"cause": "test"})["change"]
        desk.server.sessions.approve(REVIEWER, change)
        desk.server.wait_for(lambda: app.evaluate(READ, MINE)["value"] == 2.5)
        page.context.set_offline(True)
        kept = app.evaluate(READ, MINE)
        assert (kept["value"], kept["variant"]) == (2.5, "high")
        assert kept["age_seconds"] >= 0

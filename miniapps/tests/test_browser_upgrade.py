"""An upgrade of the shell in a browser: reminded of, put off, forced, withdrawn at once; it locks nobody out offline.

`SAMPAN_SHOTS=folder` keeps a picture of each page.
"""

import re
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from browser_desk import ADMIN, DESKTOP, PHONE, RELEASER, REVIEWER, Desk, Language, Look, Mode, shots_folder
from playwright.sync_api import expect

from sampan.platform.testing_cli import DemoServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

UPGRADES = "/client-apps/web/upgrades"
STORE = "https://store.example/app/sampan"
BUILDS = count(901)  # of one server each build is entered once
APP = re.compile("Coupon centre|优惠券中心")
LOOKS = [
    ("zh", "light", PHONE, "phone"),
    ("zh", "dark", DESKTOP, "desktop"),
    ("en", "light", DESKTOP, "desktop"),
    ("en", "dark", PHONE, "phone"),
]


class Upgrading:
    """Releases upgrades of the demo's web app to everyone, and stops them."""

    def __init__(self, server: DemoServer) -> None:
        self.server, self.build, self.running = server, 0, ""

    def release(self, mode: str) -> None:
        """Enter a build and release it."""
        self.build = next(BUILDS)
        text = {"zh": "登录更安全，转账更快。", "en": "Safer sign-in, and transfers in half the time."}
        body = {"build": self.build, "version": f"9.{self.build}.0", "mode": mode, "url": STORE, "text": text}
        api = self.server.api(RELEASER)
        api.post(UPGRADES, body)
        draft = {"kind": "app_upgrade", "id": "web", "sequence": self.build, "audience": {"all": []}}
        self.running = api.post("/releases", draft)["id"]
        change = api.post(f"/releases/{self.running}/submit", {"cause": "test"})["change"]
        self.server.sessions.approve(REVIEWER, change)

    def stop(self) -> None:
        """Withdraw what runs."""
        if self.running:
            self.server.api(ADMIN).post(f"/releases/{self.running}/stop", {"cause": "test"})
            self.running = ""


@pytest.fixture
def upgrading(desk: Desk) -> Iterator[Upgrading]:
    made = Upgrading(desk.server)
    yield made
    made.stop()


def shell(desk: Desk) -> str:
    return f"http://demo.sampan.localhost:{desk.server.port}/"


def begin(page: "Page", desk: Desk) -> None:
    page.goto(shell(desk))
    page.get_by_text(APP).first.wait_for()


def test_a_reminder_comes_by_itself_and_stays_away_once_it_is_put_off(desk: Desk, upgrading: Upgrading) -> None:
    with desk.at(None, size=PHONE) as page:
        begin(page, desk)
        upgrading.release("reminder")
        bar = page.get_by_role("complementary", name=f"New version 9.{upgrading.build}.0")
        expect(bar.get_by_role("link", name="Upgrade now")).to_have_attribute("href", STORE)
        bar.get_by_role("button", name="Later").click()
        expect(bar).to_have_count(0)
        with page.expect_response(lambda answer: answer.url.endswith("/client/v1/sync")):
            page.reload()
        page.get_by_text(APP).first.wait_for()
        expect(bar).to_have_count(0)


def test_a_forced_upgrade_holds_the_pages_until_it_is_stopped_or_the_network_is_lost(
    desk: Desk, upgrading: Upgrading
) -> None:
    with desk.at(None, size=PHONE) as page:
        begin(page, desk)
        upgrading.release("forced")
        page.get_by_role("heading", name="Please upgrade to go on").wait_for()
        expect(page.get_by_role("img", name="Or scan this code with a phone")).to_be_visible()
        expect(page.get_by_role("navigation")).to_have_count(0)
        page.context.set_offline(True)
        expect(page.get_by_role("navigation")).to_be_visible()
        page.context.set_offline(False)
        page.get_by_role("heading", name="Please upgrade to go on").wait_for()
        upgrading.stop()
        expect(page.get_by_role("navigation")).to_be_visible()


@pytest.mark.parametrize(("language", "mode", "size", "named"), LOOKS)
def test_both_look_well(
    desk: Desk, upgrading: Upgrading, language: Language, mode: Mode, size: dict[str, int], named: str
) -> None:
    found: list[Any] = []
    with desk.at(None, language=language, mode=mode, size=size) as page:
        look = Look(page, shots_folder())
        for kind, place in (("reminder", ".upgrade-bar"), ("forced", ".qr-code")):
            upgrading.stop()
            begin(page, desk)
            upgrading.release(kind)
            page.locator(place).wait_for()
            page.evaluate("window.looks = {shift: 0, moved: []}")
            found += look.at(f"upgrade-{kind}-{language}-{mode}-{named}", areas=["upgrade"], with_axe=True)
    assert not found, "\n".join(map(str, found))

"""How the shell looks on a phone and on a desktop: what a person would call broken, and what axe calls grave.

A customer is followed through each language, mode and size so that each pair of the three meets: as a visitor, with
an app open, signed in, in easy mode, without a network. `SAMPAN_SHOTS=folder` keeps a picture of each page.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, DESKTOP, PHONE, Desk, Language, Look, Mode, packed_bytes, shots_folder

if TYPE_CHECKING:
    from playwright.sync_api import Page

APP = "bank.demo.coupons"
NAME = re.compile("Coupon centre|优惠券中心")
SIZES = {"phone": PHONE, "desktop": DESKTOP}
# Each with a customer of its own: nobody is sent two codes within a minute.
PAIRWISE = [
    ("zh", "light", "phone", "13800000001"),
    ("zh", "dark", "desktop", "13800000002"),
    ("en", "light", "desktop", "13800000003"),
    ("en", "dark", "phone", "13800000009"),
]
TABS = ("home", "apps", "inbox", "me")
EASY = 'localStorage.setItem("sampan.shell.settings", JSON.stringify({isElder: true}))'
ORIGIN = Path(__file__).parents[1] / "src" / "sampan" / "miniapps" / "web" / "origin"
SHELL_BYTES, ORIGIN_FILE_BYTES = 150_000, 25_000


class Walk:
    """A customer's way through the shell; what was found wrong gathers in `found`."""

    def __init__(self, page: "Page", shell: str, variant: str) -> None:
        self.page, self.shell, self.variant = page, shell, variant
        self.look_at = Look(page, shots_folder())
        self.found: list[str] = []

    def begin(self) -> None:
        """Load the shell, as after a tap on its icon."""
        self.page.goto("about:blank")
        self.page.goto(self.shell)
        self.page.get_by_text(NAME).first.wait_for()

    def go(self, path: str) -> None:
        """Go to a page; what shifts from now on is that page's."""
        self.page.evaluate("(path) => { window.looks = {shift: 0, moved: []}; location.hash = `/${path}`; }", path)

    def look(self, name: str) -> None:
        """Keep what is wrong with the page that is open."""
        self.found += self.look_at.at(f"shell-{name}-{self.variant}", areas=["permission", "fact"], with_axe=True)

    def visit(self, *paths: str, prefix: str = "") -> None:
        """Go to pages and look at each."""
        for path in paths:
            self.go(path)
            self.look(prefix + path.replace("/", "-"))

    def open_app(self) -> None:
        """Open an app and wait until it shows itself."""
        self.go(f"app/{APP}")
        self.page.locator(".app-place:not([hidden]) iframe").wait_for(state="attached")
        self.page.locator(".cover").wait_for(state="detached")

    def sign_in(self, phone: str) -> None:
        """Sign in with the code that the demo shows."""
        self.go("sign-in")
        self.page.locator("input[type=tel]").fill(phone)
        self.page.locator("form button[type=submit]").click()
        told = self.page.locator(".note").inner_text()
        self.look("sign-in-code")
        self.page.locator("input[inputmode=numeric]").fill(re.findall(r"\d{6}", told)[0])
        self.page.locator("form button[type=submit]").click()
        self.page.locator(".tiers").wait_for()


@pytest.fixture(scope="module")
def shell(desk: Desk) -> str:
    """Where the demo's shell is; the last of the four customers is entered."""
    personal = {"phone": "+8613800000009", "name": "Kim Lee", "lang": "en"}
    desk.server.api(ADMIN).post("/customers", {"bank_reference": "CIF-1009", "tier": "full", "personal": personal})
    return shell_of(desk)


def shell_of(desk: Desk) -> str:
    return f"http://demo.sampan.localhost:{desk.server.port}/"


@pytest.mark.parametrize(("language", "mode", "size", "phone"), PAIRWISE)
def test_the_shell_looks_well(desk: Desk, shell: str, language: Language, mode: Mode, size: str, phone: str) -> None:
    with desk.at(None, language=language, mode=mode, size=SIZES[size]) as page:
        walk = Walk(page, shell, f"{language}-{mode}-{size}")
        walk.begin()
        walk.visit(*TABS, "app-settings", "developer", "sign-in")
        walk.go("apps")
        page.locator("input[type=search]").fill("nothing is called so")
        walk.look("search-none")
        walk.open_app()
        walk.look("app")
        page.locator(".capsule button").first.click()
        walk.look("app-menu")
        page.keyboard.press("Escape")
        walk.visit(f"developer/{APP}")
        walk.sign_in(phone)
        walk.visit(*TABS, "devices", "app-settings", f"app-settings/{APP}", prefix="customer-")
        page.evaluate(EASY)
        walk.begin()
        walk.visit(*TABS, "app-settings", prefix="easy-")
        page.context.set_offline(True)
        page.locator(".offline").wait_for()
        walk.visit("home", "devices", prefix="offline-")
    assert not walk.found, "\n".join(walk.found)


def test_the_first_page_is_small(desk: Desk) -> None:
    def opens(page: "Page") -> None:
        page.goto(shell_of(desk))
        page.get_by_text(NAME).first.wait_for()

    with desk.at(None, size=PHONE) as page:
        _, parts = packed_bytes(page, lambda: opens(page))
    # Mini-apps that install themselves in the background are no part of the page.
    first = {address: size for address, size in parts.items() if "/targets/apps/" not in address}
    assert 10_000 < sum(first.values()) < SHELL_BYTES, first


@pytest.mark.parametrize("name", ["worker.js", "boot.js", "runtime.js"])
def test_the_files_of_an_origin_are_small(name: str) -> None:
    size = (ORIGIN / f"{name}.gz").stat().st_size
    assert 500 < size < ORIGIN_FILE_BYTES

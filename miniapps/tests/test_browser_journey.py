"""What people see, in a real Chromium: a reviewer approves in the console, an open shell shows it, which stays offline.

The steps share one bank and one customer's browser and stand in the order in which they happen.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from sampan.miniapps.samples import folder as samples
from sampan.platform.testing_cli import DemoServer, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright, ViewportSize

COUPONS, BILLS = "bank.demo.coupons", "bank.demo.bills"
REVIEWER, RELEASER = "reviewer@demo.example", "release@demo.example"
CUSTOMER_PHONE = "13800000001"
PHONE: "ViewportSize" = {"width": 390, "height": 844}
SOON_MS = 20_000


@dataclass
class Bank:
    """A bank of its own, which this file may stop; its publisher's machine; and a customer's browser profile."""

    server: DemoServer
    publisher: Person
    profile: Path
    chromium: str
    playwright: "Playwright"

    @property
    def shell(self) -> str:
        return f"http://demo.sampan.localhost:{self.server.port}/"

    def customer(self, *, is_offline: bool = False) -> "BrowserContext":
        """Start the customer's browser, as after a restart of the phone."""
        context = self.playwright.chromium.launch_persistent_context(
            self.profile, executable_path=self.chromium, args=["--no-sandbox"], viewport=PHONE, locale="en"
        )
        context.set_offline(is_offline)
        return context

    def publish(self, sample: str, sequence: int, **changed: str) -> None:
        """Publish a sample anew with files changed, up to the review."""
        work = self.publisher.folder / f"{sample}-{sequence}"
        shutil.copytree(samples() / sample, work)
        for name, text in changed.items():
            path = work / name.replace("__", ".")
            path.write_text(path.read_text() + text)
        packed = self.publisher.ok("pack", work, "--sequence", str(sequence), "--version", f"1.0.{sequence}")
        own = self.server.folder.publisher
        arguments = ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")
        self.publisher.ok("publish", packed["package"], *arguments)

    def state(self, app: str, sequence: int) -> str:
        return str(self.server.api(REVIEWER).get(f"/apps/{app}/versions/{sequence}")["state"])

    def release(self, app: str, sequence: int) -> None:
        """Release a published version to every tier; the second person is the reviewer."""
        api = self.server.api(RELEASER)
        audience = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}
        draft = api.post("/releases", {"kind": "miniapp", "id": app, "sequence": sequence, "audience": audience})
        change = api.post(f"/releases/{draft['id']}/submit", {"cause": "test"})["change"]
        self.server.sessions.approve(REVIEWER, change)


@pytest.fixture(scope="module")
def bank(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("journey")
    server = DemoServer(folder / "demo")
    try:
        server.start()
        server.wait_until_told()
        publisher = server.person("publisher@demo.example", folder / "publisher")
        publisher.ok("trust", "root", "--pin")
        kind = browser.browser_type
        yield Bank(server, publisher, folder / "profile", "/usr/bin/chromium", _playwright_of(kind))
    finally:
        server.stop()


def _playwright_of(kind: Any) -> "Playwright":
    """Return what starts further browsers beside the shared one."""

    class Kinds:
        chromium = kind

    return Kinds()  # type: ignore[return-value]  # of Playwright, only this is used


def app_frame(page: "Page") -> "Frame":
    """Return the frame of the app in front, once it shows something."""
    shown = page.locator(".app-place:not([hidden]) iframe")
    shown.wait_for(state="attached", timeout=SOON_MS)
    page.locator(".cover").wait_for(state="detached", timeout=SOON_MS)
    frame = shown.element_handle().content_frame()
    assert frame is not None
    return frame


def open_app(page: "Page", address: str, app: str) -> "Frame":
    page.goto(f"{address}#/app/{app}")
    return app_frame(page)


def sign_in_to_console(page: "Page", bank: Bank, email: str) -> None:
    person = next(each for each in bank.server.folder.cast() if each.email == email)
    page.goto(f"{bank.server.address}/console/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_label("One-time code").fill(bank.server.sessions.next_code(email))
    page.keyboard.press("Enter")


def test_a_visitor_opens_an_app_and_it_remembers(bank: Bank) -> None:
    with bank.customer() as context:
        page = context.new_page()
        frame = open_app(page, bank.shell, COUPONS)
        frame.get_by_text("Foothill Tea").click()
        app_frame(page).get_by_role("button", name="Take it").click()
        app_frame(page).get_by_text("Show this code in the shop").wait_for()


def test_what_a_reviewer_approves_in_the_console_shows_in_an_open_shell(bank: Bank, browser: "Browser") -> None:
    bank.publish("coupons", 2, app__css="\n:root { --sequence: two; }\n")
    with bank.customer() as customer, browser.new_context(locale="en") as desk:
        shell = customer.new_page()
        open_app(shell, bank.shell, COUPONS)
        console = desk.new_page()
        bank.server.wait_for(lambda: bank.state(COUPONS, 2) == "in_review")
        sign_in_to_console(console, bank, REVIEWER)
        console.get_by_role("heading", name="Hello").wait_for()
        console.goto(f"{bank.server.address}/console/apps/{COUPONS}/versions/2")
        console.get_by_role("button", name="Approve exactly this").click()
        console.get_by_role("dialog").get_by_role("button", name="Approve exactly this").click()
        bank.server.wait_for(lambda: bank.state(COUPONS, 2) == "published")
        bank.release(COUPONS, 2)
        began = monotonic()
        shell.get_by_role("button", name="Update now").click(timeout=SOON_MS)
        seconds = monotonic() - began
        frame = app_frame(shell)
        frame.get_by_text("You have saved").wait_for()
        assert (
            frame.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--sequence').trim()") == "two"
        )
        assert seconds < 10, f"the open shell learnt of the release after {seconds:.1f} s"


def test_a_customer_rises_through_the_tiers_and_the_catalogue_follows(bank: Bank) -> None:
    with bank.customer() as context:
        page = context.new_page()
        page.goto(f"{bank.shell}#/sign-in")
        page.get_by_label("Mobile number").fill(CUSTOMER_PHONE)
        page.get_by_role("button", name="Get a code").click()
        told = page.locator(".note").inner_text()
        page.get_by_label("Code").fill(re.findall(r"\d{6}", told)[0])
        page.get_by_role("button", name="Sign in").click()
        for tier, app in (("E-account", "Transfer"), ("Full account", "Wealth shop")):
            page.get_by_role("button", name=f"Become: {tier}").click()
            page.get_by_text(f"You are now: {tier}").wait_for()
            page.get_by_role("button", name="Apps", exact=True).click()
            page.get_by_role("button", name=re.compile(f"^{app}")).wait_for()
            assert page.get_by_role("button", name=re.compile(f"^{app}")).locator(".tag.quiet").count() == 0
            page.get_by_role("button", name="Me", exact=True).click()


def test_a_payment_is_confirmed_in_the_shells_own_words(bank: Bank) -> None:
    with bank.customer() as context:
        page = context.new_page()
        frame = open_app(page, bank.shell, BILLS)
        frame.get_by_text("Electricity").click()
        frame = app_frame(page)
        frame.get_by_role("button", name="Pay now").click()
        frame.locator("dialog").get_by_role("button", name="Pay now").click()
        sheet = page.get_by_role("dialog", name="“Bills” asks for a payment")
        said = sheet.inner_text()
        assert "186.40" in said
        assert "East Power · 3301 0042 7719" in said
        assert "bill-power-" in said
        sheet.get_by_role("button", name="Pay", exact=True).click()
        app_frame(page).get_by_text("Reference").wait_for()


def test_a_killed_version_ends_while_it_runs_and_is_refused_with_its_code(bank: Bank) -> None:
    with bank.customer() as context:
        page = context.new_page()
        open_app(page, bank.shell, BILLS)
        api = bank.server.api(RELEASER)
        api.post("/kills", {"id": BILLS, "sequence": 1, "reason": "withdrawn", "cause": "a test"})
        page.get_by_text("open_killed").wait_for(timeout=SOON_MS)


def test_shell_and_app_open_with_server_and_network_gone_and_the_browser_restarted(bank: Bank) -> None:
    with bank.customer() as context:
        open_app(context.new_page(), bank.shell, COUPONS)
    bank.server.stop()
    with bank.customer(is_offline=True) as context:
        page = context.new_page()
        page.goto(bank.shell)
        page.get_by_role("button", name="Coupon centre").first.click()
        frame = app_frame(page)
        frame.get_by_text("You have saved").wait_for()
        page.goto(f"{bank.shell}#/developer/{COUPONS}")
        facts = page.locator(".facts").inner_text()
        assert "1.0.2 (2)" in facts, json.dumps(facts)


def test_an_app_that_is_not_here_says_so_at_once_without_a_network(bank: Bank) -> None:
    with bank.customer(is_offline=True) as context:
        page = context.new_page()
        page.goto(f"{bank.shell}#/app/bank.demo.wealth")
        page.get_by_text("This app is not installed yet. Go online to open it").wait_for(timeout=5_000)
        page.get_by_text("Open it once while you are online").wait_for()

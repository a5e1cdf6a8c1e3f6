"""What a release's client rules mean to a customer, in a real Chromium.

A version below the minimum updates before it opens and is refused offline; and without the live stream a release shows
at the next check. The steps share one bank and stand in the order in which they happen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sampan.miniapps.samples import folder as samples
from sampan.platform.testing_cli import DemoServer, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page

COUPONS = "bank.demo.coupons"
ADMIN, REVIEWER, RELEASER = "admin-1@demo.example", "reviewer@demo.example", "release@demo.example"
SOON_MS = 20_000
CHECK_SECONDS = 300
EVERYONE = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}
# A browser that tells its network says that this one is metered; Chromium on a desktop tells nothing.
METERED = "Object.defineProperty(navigator, 'connection', {value: {type: 'cellular'}})"
# The timer of the next check, which tests let pass: no other of the shell's is as long. A client adds up to a tenth.
HELD = f"""
  const setTimer = window.setTimeout;
  window.setTimeout = (act, after, ...more) => {{
    if (!(after >= {CHECK_SECONDS}_000 && after <= {CHECK_SECONDS}_000 * 1.1)) return setTimer(act, after, ...more);
    window.nextCheck = act;
    return 0;
  }};
"""


@dataclass
class Bank:
    """A bank of its own, with its publisher's machine."""

    server: DemoServer
    publisher: Person

    @property
    def shell(self) -> str:
        return f"http://demo.sampan.localhost:{self.server.port}/"

    def publish(self, sequence: int) -> None:
        """Publish the coupons anew, with the sequence in their style."""
        work = self.publisher.folder / f"coupons-{sequence}"
        copied = {path.relative_to(samples() / "coupons"): path.read_bytes() for path in _files(samples() / "coupons")}
        for name, content in copied.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
        with (work / "app.css").open("a") as style:
            style.write(f"\n:root {{ --sequence: s{sequence}; }}\n")
        packed = self.publisher.ok("pack", work, "--sequence", str(sequence), "--version", f"1.0.{sequence}")
        own = self.server.folder.publisher
        keys = ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")
        self.publisher.ok("publish", packed["package"], *keys)
        self.server.wait_for(lambda: self._version(sequence)["state"] == "in_review")
        digest = self._version(sequence)["review_digest"]
        self.server.api(REVIEWER).post(f"/apps/{COUPONS}/versions/{sequence}/approve", {"digest": digest})
        self.server.wait_for(lambda: self._version(sequence)["state"] == "published")

    def release(self, sequence: int, **rules: object) -> None:
        """Release a published version to everybody; the second person is the reviewer."""
        api = self.server.api(RELEASER)
        draft = {"kind": "miniapp", "id": COUPONS, "sequence": sequence, "audience": EVERYONE, "client_rules": rules}
        made = api.post("/releases", draft)
        self.server.sessions.approve(REVIEWER, api.post(f"/releases/{made['id']}/submit", {"cause": "test"})["change"])

    def _version(self, sequence: int) -> dict[str, Any]:
        return dict(self.server.api(REVIEWER).get(f"/apps/{COUPONS}/versions/{sequence}"))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("rules")
    server = DemoServer(folder / "demo")
    try:
        server.start()
        server.wait_until_told()
        publisher = server.person("publisher@demo.example", folder / "publisher")
        publisher.ok("trust", "root", "--pin")
        yield Bank(server, publisher)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def customer(browser: "Browser") -> "Iterator[BrowserContext]":
    """A customer's browser whose network is metered, and that hears nothing of the live stream."""
    with browser.new_context(viewport={"width": 390, "height": 844}, locale="en") as context:
        context.add_init_script(METERED)
        context.add_init_script(HELD)
        context.route("**/client/v1/live", lambda route: route.abort())
        yield context


def offered_at_next_check(page: "Page") -> dict[str, Any]:
    """Let the time to the next check pass once the last one is over; return what it offered of the coupons, if so."""
    page.wait_for_function("() => window.nextCheck", timeout=SOON_MS)
    with page.expect_response("**/client/v1/sync", timeout=SOON_MS) as answered:
        page.evaluate("() => { const check = window.nextCheck; window.nextCheck = null; check(); }")
    offers = answered.value.json()["offers"] if answered.value.ok else []  # 304 says that nothing is new
    return next((dict(each) for each in offers if each["id"] == COUPONS), {})


def sequence_of(page: "Page") -> str:
    """Return the version that runs in front, once it shows something."""
    shown = page.locator(".app-place:not([hidden]) iframe")
    shown.wait_for(state="attached", timeout=SOON_MS)
    page.locator(".cover").wait_for(state="detached", timeout=SOON_MS)
    frame: Frame | None = shown.element_handle().content_frame()
    assert frame is not None
    frame.get_by_text("Foothill Tea").wait_for(timeout=SOON_MS)
    read = "getComputedStyle(document.documentElement).getPropertyValue('--sequence').trim()"
    return str(frame.evaluate(read))


def test_without_the_live_stream_a_release_shows_at_the_next_check(bank: Bank, customer: "BrowserContext") -> None:
    bank.server.api(ADMIN).put("/sync/policy", {"sync_check_seconds": CHECK_SECONDS})
    page = customer.new_page()
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/client/v1/live")):
        page.goto(f"{bank.shell}#/app/{COUPONS}")
    assert sequence_of(page) == ""
    bank.publish(2)
    bank.release(2)
    assert page.get_by_role("button", name="Update now").count() == 0
    bank.server.wait_for(lambda: offered_at_next_check(page) != {})  # it is signed a moment after the approval
    page.get_by_role("button", name="Update now").click(timeout=SOON_MS)
    assert sequence_of(page) == "s2"
    page.close()


def test_below_the_minimum_an_app_updates_before_it_opens_and_offline_it_does_not_open(
    bank: Bank, customer: "BrowserContext"
) -> None:
    bank.publish(3)
    bank.release(3, wifi_only=True, minimum_sequence=3)
    page = customer.new_page()
    page.goto(bank.shell)
    told = {"sequence": 3, "wifi_only": True, "minimum": 3}
    bank.server.wait_for(lambda: told.items() <= offered_at_next_check(page).items())
    page.wait_for_function("() => window.nextCheck", timeout=SOON_MS)  # the round is over, and nothing was fetched

    customer.set_offline(True)
    page.goto(f"{bank.shell}#/app/{COUPONS}")
    page.get_by_text("open_update_required").wait_for(timeout=SOON_MS)
    page.get_by_text("This version is too old. Go online to update it.").wait_for()

    customer.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    assert sequence_of(page) == "s3"

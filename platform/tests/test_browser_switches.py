"""The stock OpenFeature web provider, unmodified, in Chromium on a page of another origin: values, ETags, news."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from switch_scene import EVERYONE, Scene, scene, serving, switch, tier_from

from sampan.platform.testing_device import TestDevice

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLIENTS = Path(__file__).parent / "ofrep"
INSTALL = "npm ci --prefix platform/tests/ofrep"
PHONE = "+8613800000009"
SOON_MS = 20_000
Answer = TypeVar("Answer")


class Aside:
    """A server on a loop of its own, beside playwright's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._over = asyncio.Event()
        self.desk: Scene
        self.address = ""

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @contextmanager
    def serving(self) -> Iterator["Aside"]:
        self._thread.start()
        ready: asyncio.Future[None] = self._loop.create_future()
        whole = asyncio.run_coroutine_threadsafe(self._serve(ready), self._loop)
        try:
            self.run(asyncio.wait_for(ready, 50))
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            whole.result(60)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _serve(self, ready: "asyncio.Future[None]") -> None:
        async with scene(self._folder) as self.desk, serving(self.desk.core) as self.address:
            ready.set_result(None)
            await self._over.wait()


@pytest.fixture
def aside(tmp_path: Path) -> Iterator[Aside]:
    with Aside(tmp_path).serving() as made:
        yield made


@pytest.fixture
def pages() -> Iterator[str]:
    """Serve the test page and the clients from an origin of their own."""
    if not (CLIENTS / "node_modules" / "@openfeature" / "ofrep-web-provider").is_dir():
        pytest.fail(f"the OpenFeature clients are missing: run `{INSTALL}`")

    class Files(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

        def translate_path(self, path: str) -> str:
            return str(CLIENTS / ("page.html" if path.startswith("/page") else f"node_modules{path}"))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def begin(page: "Page", pages: str, aside: Aside, device: TestDevice, **options: Any) -> None:
    page.goto(f"{pages}/page.html")
    page.wait_for_function("window.ready === true")
    headers = [["Authorization", device.bearer.decode()]]
    context = {"targetingKey": "me", "platform": "web"}
    page.evaluate(
        "([options, context]) => window.begin(options, context)",
        [{"baseUrl": aside.address, "headers": headers, **options}, context],
    )


def value(page: "Page", key: str, default: Any) -> Any:
    kind = {bool: "Boolean", str: "String", int: "Number", float: "Number", dict: "Object"}[type(default)]
    return page.evaluate(f"([key, fallback]) => window.client.get{kind}Value(key, fallback)", [key, default])


def becomes(page: "Page", key: str, wanted: bool) -> None:
    page.wait_for_function(
        "([key, wanted]) => window.client.getBooleanValue(key, !wanted) === wanted", arg=[key, wanted], timeout=SOON_MS
    )


def on(key: str = "new-look") -> dict[str, Any]:
    return switch(key, rules=[{"audience": EVERYONE, "variant": "on"}])


def test_a_page_gets_every_type_and_hears_of_changes(browser: "Browser", aside: Aside, pages: str) -> None:
    desk = aside.desk
    device = aside.run(desk.server.device())
    integer = switch("count", type="integer", variants={"x": 3}, default="x")
    ratio = switch("ratio", type="float", variants={"x": 0.5}, default="x")
    colours = switch("colours", type="object", variants={"x": {"top": "red"}}, default="x")
    aside.run(desk.activate(on(), integer, ratio, colours))
    context = browser.new_context()
    page = context.new_page()
    begin(page, pages, aside, device)
    assert (value(page, "new-look", False), value(page, "count", 0), value(page, "ratio", 0.1)) == (True, 3, 0.5)
    assert value(page, "colours", {}) == {"top": "red"}
    with page.expect_event("request", predicate=lambda each: "flagConfigEtag=" in each.url, timeout=SOON_MS):
        aside.run(desk.done("POST", "/switches/new-look/off", {"cause": "test"}))
    becomes(page, "new-look", False)
    events = page.evaluate("window.events")
    assert {"name": "PROVIDER_CONFIGURATION_CHANGED", "flags": ["new-look"]} in events
    assert not [each for each in events if each["name"] == "PROVIDER_ERROR"]
    context.close()


def test_who_signs_in_gets_other_switches_under_the_same_key(browser: "Browser", aside: Aside, pages: str) -> None:
    desk = aside.desk
    device = aside.run(desk.server.device())
    body = {"bank_reference": "one", "tier": "registered", "personal": {"name": "N", "phone": PHONE}}
    aside.run(desk.done("POST", "/customers", body))
    aside.run(desk.activate(switch(rules=[{"audience": tier_from("registered"), "variant": "on"}])))
    context = browser.new_context()
    page = context.new_page()
    begin(page, pages, aside, device)
    assert value(page, "new-look", True) is False
    aside.run(device.sign_in(PHONE))
    aside.run(desk.core.replica.poll())
    bearer = device.bearer.decode()
    page.route(f"{aside.address}/**", lambda route: route.continue_(headers=with_bearer(route, bearer)))
    page.evaluate("window.setContext({targetingKey: 'me', platform: 'web', signedIn: true})")
    becomes(page, "new-look", True)
    with page.expect_response(lambda each: each.status == 304, timeout=SOON_MS):
        page.evaluate("window.setContext({targetingKey: 'me', platform: 'web', signedIn: 'still'})")
    assert value(page, "new-look", False) is True
    context.close()


def with_bearer(route: Any, bearer: str) -> dict[str, str]:
    headers = dict(route.request.headers)
    return {**headers, "authorization": bearer} if "authorization" in headers else headers

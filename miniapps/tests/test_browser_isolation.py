"""A hostile mini-app, published like any other, in the real shell: each wall holds, and what is seen is told.

`hostile_app` tries and writes down what came of each attempt. What must not have arrived is looked for on the wire of
the server and at a listener of the attacker's. The tests share one customer's browser, in the order of an attack.
"""

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hostile_watch import Listener, Sent, Wire

from sampan.offline_packages.source_scan import scan_source
from sampan.platform.testing_cli import DemoServer, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Frame, Page, Request

APP, OTHER, THIRD = "bank.demo.hostile", "bank.demo.coupons", "io.swagger.ui"
FILES = Path(__file__).with_name("hostile_app")
SOON_MS, ALL_MS = 20_000, 120_000
CONSOLE_ROUTE, API_ROUTE = "/console/api/v1/audit", "/client/v1/demo/codes"

# Each attempt under what refuses it: the name of the browser's error, the policy's directive, or the bridge's code.
WALLS = {
    "SecurityError": (
        "parent_document parent_address parent_storage parent_global sibling_document sibling_storage "
        "sibling_navigation top_navigation top_replace top_history document_domain pointer_lock payment_request "
        "service_worker_of_platform service_worker_with_query service_worker_with_scope service_worker_file "
        "service_worker_runtime service_worker_away"
    ),
    "null": "top_open popup others_local_storage prompt",
    "frame-src": "frame_of_shell frame_of_boot frame_of_itself shell_frame console_frame away_frame",
    "not found": "others_databases others_caches others_shell_cache others_cookies boot_nonce_seen",
    "NotFoundError": "others_files",
    "silent": "others_broadcasts",
    "none": "others_locks",
    "false": "confirm",
    "nothing shown": "alert_storm print",
    "TypeError": (
        "full_screen data_import blob_import service_worker_blob service_worker_data away_background_fetch "
        "bent_api bent_global"
    ),
    "nothing came": "download",
    "denied": "notifications",
    "NotAllowedError": "clipboard passkeys",
    "GeolocationPositionError": "location",
    "EvalError": "eval eval_of_clean_window new_function async_function",
    "script-src": "timer_text paint_worklet",
    "script-src-elem": (
        "inline_script javascript_link javascript_frame data_script blob_script away_import away_import_shared "
        "away_module_preload away_script away_speculation shell_script console_script"
    ),
    "script-src-attr": "inline_handler",
    "loaded without it": "srcdoc_script",
    "CompileError": "web_assembly",
    "worker-src": "worker_blob worker_data worker_file shared_worker_file",
    "InvalidStateError": "service_worker_of_clean_window",
    "no answer": "service_worker_orders",
    "connect-src": (
        "away_fetch away_fetch_no_cors away_fetch_keepalive away_fetch_later away_xhr away_web_socket "
        "away_event_source away_beacon away_ping shell_fetch shell_fetch_no_cors shell_xhr shell_web_socket "
        "shell_event_source shell_beacon console_fetch console_fetch_no_cors console_xhr console_web_socket "
        "console_event_source console_beacon"
    ),
    "form-action": "away_form_get away_form_post shell_form_post console_form_post",
    "object-src": "away_object away_embed",
    "img-src": (
        "away_svg_image away_css_background away_image away_preload away_poster away_image_button shell_image "
        "console_image"
    ),
    "style-src-elem": "away_css_import away_stylesheet",
    "font-src": "away_css_font",
    "default-src": "away_prefetch",
    "media-src": "away_video away_audio",
    "WebTransportError": "away_web_transport",
    "AbortError": "away_push",
    "nothing said": "away_preconnect away_svg_use away_web_manifest",
    "404": "own_api_path",
    "permission_denied": (
        "bridge_user_tier bridge_user_profile bridge_login bridge_undeclared_domain bridge_loopback "
        "bridge_loopback_https bridge_look_alike_domain bridge_domain_in_credentials bridge_other_port "
        "bridge_navigation bridge_share bridge_clipboard_write bridge_clipboard_read bridge_scan bridge_camera "
        "bridge_location bridge_pay bridge_sign raw_profile raw_rubbish bent_objects bent_promises replayed_nonce"
    ),
    "too_large": "bridge_too_long bridge_too_deep bridge_too_many_values",
    "bad_argument": "bridge_no_plain_data bridge_a_function raw_arguments_prototype",
    "not_available": "raw_constructor raw_prototype raw_to_string raw_long_method",
    "nothing": "raw_key_prototype",
    "no port": ("forged_hello_of_child forged_boot_hello forged_hello_version forged_hello_nonce forged_hello_types"),
    "nobody took it": "forged_grant_to_others",
    "too_many_calls": "call_flood",
    "found": "stolen_port",
}
# Refused in one way or another: a machine without a camera says something else than one with.
SOMEHOW = {"camera"}


@dataclass
class Arena:
    """A bank with the hostile app released to everybody, seen through a wire, and a listener of the attacker's."""

    server: DemoServer
    wire: Wire
    listener: Listener

    @property
    def shell(self) -> str:
        return f"http://demo.sampan.localhost:{self.wire.port}"

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}"

    def release(self, folder: Path) -> None:
        """Have the app packed, signed, checked, reviewed and released as the demo's own are."""
        targets = {
            "listener": f"http://127.0.0.1:{self.listener.port}",
            "shell": self.shell,
            "console": self.console,
            "parents": ["sampan.localhost", "apps.sampan.localhost"],
        }
        shutil.copytree(FILES, folder / "hostile")
        (folder / "hostile" / "targets.js").write_text(f"globalThis.TARGETS = {json.dumps(targets)};\n")
        entry = {"id": APP, "folder": "hostile", "tier": "visitor", "category": "tools", "position": 900}
        names = {"name_zh": "恶意", "name_en": "Hostile", "text_zh": "恶意", "text_en": "Hostile"}
        (folder / "samples.json").write_text(json.dumps({"categories": [], "apps": [{**entry, **names}]}))
        data = ("--data", self.server.root, "--server", self.server.address, "--samples", folder)
        Person(folder / "seeder", self.server.address).ok("demo", "seed", *data)

    def requests(self) -> Iterator[Sent]:
        """Return what browsers asked the server for."""
        return self.wire.sent()

    def log(self) -> list[dict[str, Any]]:
        """Return the server's access log."""
        lines = (self.server.root / "server" / "log.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines if line.endswith("}")]
        return [each for each in records if each.get("event") == "request"]


@dataclass
class Customer:
    """A browser with the shell in which another app runs and keeps secrets, and what the shell reports."""

    arena: Arena
    context: "BrowserContext"
    page: "Page" = field(init=False)
    reported: list[dict[str, Any]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("request", self._keep_reports)
        self.page.on("dialog", self._dismiss)
        self.page.on("download", lambda _: self.shown.append("download"))
        self.context.on("page", lambda page: self.shown.append(page.url))

    def open(self, app: str) -> "Frame":
        """Open an app in the shell and return its frame."""
        if not self.page.url.startswith(self.arena.shell):
            self.page.goto(f"{self.arena.shell}/#/home")
        self.page.evaluate("(app) => { location.hash = `#/app/${app}`; }", app)
        shown = self.page.locator(".app-place:not([hidden]) iframe")
        shown.wait_for(state="attached", timeout=SOON_MS)
        self.page.locator(".cover").wait_for(state="detached", timeout=SOON_MS)
        frame = shown.element_handle().content_frame()
        assert frame is not None
        return frame

    def open_anew(self) -> "Frame":
        """Open the hostile app in a fresh shell, before it has tried anything."""
        self.page.goto("about:blank")
        frame = self.open(APP)
        frame.locator("body[data-now]").wait_for()
        return frame

    def lines(self, app: str = APP) -> str:
        """What the developer panel tells of an app."""
        self.page.evaluate("(app) => { location.hash = `#/developer/${app}`; }", app)
        lists = self.page.locator(".lines")
        lists.first.wait_for()
        return "\n".join(lists.all_inner_texts())

    def wait_for_report(self, is_it: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the shell has sent an event of the hostile app; coming back online makes it send."""
        if any(map(is_it, self.reported)):
            return
        with self.page.expect_request(lambda request: any(map(is_it, _events(request))), timeout=SOON_MS):
            self.context.set_offline(True)
            self.context.set_offline(False)

    def _dismiss(self, dialog: "Dialog") -> None:
        self.shown.append(dialog.type)
        dialog.dismiss()

    def _keep_reports(self, request: "Request") -> None:
        self.reported += _events(request)


def _events(request: "Request") -> list[dict[str, Any]]:
    if not request.url.endswith("/client/v1/events"):
        return []
    events: list[dict[str, Any]] = json.loads(request.post_data or "{}").get("batch", [])
    return [each for each in events if each.get("app") == APP]


def refusal(code: str, detail: str | None = None) -> Callable[[dict[str, Any]], bool]:
    """Whether an event tells of a refusal with this code (and method)."""

    def is_it(event: dict[str, Any]) -> bool:
        attrs = event.get("attrs", {})
        return event["type"] == "trust.refused" and attrs["code"] == code and detail in (None, attrs["detail"])

    return is_it


@pytest.fixture(scope="module")
def arena(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena")
    server = DemoServer(folder / "demo")
    made = Arena(server, Wire(server.port), Listener())
    try:
        server.start()
        server.wait_until_told()
        made.wire.start()
        made.listener.start()
        made.release(folder / "apps")
        yield made
    finally:
        made.wire.stop()
        made.listener.stop()
        server.stop()


@pytest.fixture(scope="module")
def customer(arena: Arena, browser: "Browser") -> Iterator[Customer]:
    with browser.new_context(locale="en") as context:
        yield Customer(arena, context)


@pytest.fixture(scope="module")
def outcome(customer: Customer) -> dict[str, str]:
    """What came of every attempt, made beside another app that runs and keeps secrets."""
    other = customer.open(OTHER)
    other.evaluate("""async () => {
      localStorage.setItem("secret", "1");
      document.cookie = "secret=1; path=/";
      indexedDB.open("secret");
      (await caches.open("secret")).put("/secret", new Response("secret"));
      await (await navigator.storage.getDirectory()).getFileHandle("secret", { create: true });
      const channel = new BroadcastChannel("secret");
      setInterval(() => channel.postMessage("secret"), 50);
      navigator.locks.request("secret", () => new Promise(() => undefined));
    }""")
    frame = customer.open(APP)
    frame.locator("body[data-done]").wait_for(timeout=ALL_MS)
    found: dict[str, str] = json.loads(frame.locator("#outcome").text_content() or "")
    return found


def test_every_attempt_is_refused_by_its_own_wall(outcome: dict[str, str]) -> None:
    wanted = {name: f"refused: {wall}" for wall, names in WALLS.items() for name in names.split()}
    assert {name: each for name, each in outcome.items() if name not in SOMEHOW} == wanted
    assert all(outcome[name].startswith("refused: ") for name in SOMEHOW)


def test_shell_and_the_other_app_are_where_they_were(customer: Customer, outcome: dict[str, str]) -> None:
    assert outcome
    assert customer.page.url == f"{customer.arena.shell}/#/app/{APP}"
    assert customer.shown == []
    assert customer.page.locator("iframe").count() == 2
    other = customer.open(OTHER)
    other.get_by_text("Foothill Tea").wait_for()
    assert other.evaluate("localStorage.getItem('secret')") == "1"
    assert "secret=1" in other.evaluate("document.cookie").split("; ")


def test_nothing_arrived_outside_and_nothing_at_our_api(customer: Customer, outcome: dict[str, str]) -> None:
    assert outcome
    arena = customer.arena
    assert [each for each in arena.listener.received if each] == []
    assert [each.target for each in arena.requests() if "?hostile" in each.target] == []
    assert {each["route"] for each in arena.log()}.isdisjoint({API_ROUTE, CONSOLE_ROUTE})


def test_the_watchers_see_what_does_arrive(arena: Arena, browser: "Browser") -> None:
    """Without this the test before could not fail."""
    with browser.new_context() as context:
        context.new_page().goto(f"{arena.console}{CONSOLE_ROUTE}?hostile-control")
    httpx2.get(f"{arena.console}{API_ROUTE}?hostile-control", trust_env=False)
    with socket.create_connection(("127.0.0.1", arena.listener.port)) as connection:
        connection.sendall(b"GET /x")
    arena.server.wait_for(lambda: b"GET /x" in arena.listener.received)
    assert sum("hostile-control" in each.target for each in arena.requests()) == 2
    arena.server.wait_for(lambda: {API_ROUTE, CONSOLE_ROUTE} <= {each["route"] for each in arena.log()})


def test_what_the_platform_sees_it_reports(customer: Customer, outcome: dict[str, str]) -> None:
    assert outcome
    methods = (
        "user.tier user.profile login network.fetch navigation.open share clipboard.write clipboard.read scan camera "
        "location pay sign"
    )
    for method in methods.split():
        customer.wait_for_report(refusal("permission_denied", method))
    customer.wait_for_report(refusal("too_large", "storage.set"))
    customer.wait_for_report(refusal("too_many_calls", "ui.title"))
    refused = {each["attrs"]["directive"] for each in customer.reported if each["type"] == "app.csp_refused"}
    assert {"frame-src", "script-src-elem", "worker-src"} <= refused
    lines = customer.lines()
    assert "user.profile permission_denied" in lines


def test_tossed_cookies_reach_neither_the_api_nor_the_console(customer: Customer, outcome: dict[str, str]) -> None:
    assert outcome
    arena = customer.arena
    tossed = {each["name"] for each in customer.context.cookies() if "tossed" in (each["name"], each["value"])}
    assert "tossed" in tossed, "the browser took none, so this shows nothing"
    assert not any(name.startswith("__Host-") for name in tossed)
    customer.page.reload()
    customer.open(OTHER).get_by_text("Foothill Tea").wait_for()
    with_cookies = [each for each in arena.requests() if "tossed" in each.header("cookie")]
    called = [each.target for each in with_cookies if each.target.startswith(("/client/", "/trust/", "/console"))]
    assert called == []
    assert [each.head for each in with_cookies if each.header("host").startswith("127.0.0.1")] == []


@pytest.mark.parametrize(
    ("button", "code"),
    [("leave", "left_origin"), ("refresh", "left_origin"), ("form", "left_origin"), ("hello-flood", "hello_flood")],
)
def test_an_app_that_leaves_or_floods_loses_its_frame(customer: Customer, button: str, code: str) -> None:
    heard = len(customer.arena.listener.received)
    frame = customer.open_anew()
    customer.reported.clear()
    frame.locator(f"#{button}").click(no_wait_after=True)
    customer.page.get_by_text(code, exact=True).wait_for(timeout=SOON_MS)
    assert customer.page.locator("iframe").count() == 0
    customer.wait_for_report(refusal(code))
    assert f"refused {code}" in customer.lines()
    assert [each for each in customer.arena.listener.received[heard:] if each] == []


def test_a_click_opens_no_window(customer: Customer) -> None:
    frame = customer.open_anew()
    frame.locator("#popup").click()
    frame.locator("body[data-clicked=popup]").wait_for()
    assert customer.shown == []


def test_a_hello_of_another_version_brings_the_signed_one_back(customer: Customer) -> None:
    frame = customer.open_anew()
    customer.reported.clear()
    frame.locator("#other-version").click(no_wait_after=True)
    customer.wait_for_report(refusal("served_other_version"))
    assert "healed served_other_version" in customer.lines()


def test_a_worker_that_was_removed_and_altered_caches_are_healed(customer: Customer) -> None:
    frame = customer.open_anew()
    frame.locator("#damage").click()
    frame.locator("body[data-damaged]").wait_for()
    frame = customer.open_anew()
    assert frame.get_by_role("heading").inner_text() == "Hostile"
    assert "healed" in customer.lines()


def test_a_flood_of_cookies_shuts_no_other_app(customer: Customer) -> None:
    """They ride along to all hosts of the bank; the first answer to what became too large ends them."""
    customer.open_anew().locator("#cookie-flood").click()
    assert any(each["name"].startswith("flood") for each in customer.context.cookies())
    customer.page.reload()
    frame = customer.open(THIRD)
    frame.locator("#swagger-ui").wait_for(timeout=SOON_MS)
    assert not any(each["name"].startswith("flood") for each in customer.context.cookies())


def test_what_the_browser_cannot_stop_is_refused_at_intake(arena: Arena, tmp_path: Path) -> None:
    assert arena
    shutil.copytree(FILES, tmp_path / "app")
    (tmp_path / "app" / "call.js").write_text("const call = new RTCPeerConnection();\n")
    checked = arena.server.person("publisher@demo.example", tmp_path / "publisher").run("check", tmp_path / "app")
    assert checked.status != 0
    assert "webrtc_used" in checked.out
    (found,) = scan_source("call.js", "new RTCPeerConnection()", ())
    assert (found.code, found.severity) == ("webrtc_used", "error")

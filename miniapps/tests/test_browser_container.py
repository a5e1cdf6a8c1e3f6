"""The container in a real Chromium: offline after a restart, damage healed, the walls of bridge and origins."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from container_world import World
from playwright.sync_api import Browser, BrowserContext, FrameLocator

CHROMIUM = Path("/usr/bin/chromium")
APP, OTHER = "bank.demo.one", "bank.demo.two"
# Runs one statement list over the test shell's world and says what was refused instead of throwing.
RUN = """async ({code, args}) => {
  const world = await window.world;
  try { return {value: await new Function("world", "args", `return (async () => {${code}})()`)(world, args)}; }
  catch (problem) { return {code: problem.code ?? problem.name, message: problem.message}; }
}"""
OPEN = "await world.container.open(args.app, args.params)"

HOSTILE = """
const attempts = {
  parent: () => parent.document.title,
  sibling: () => parent.frames[0].document.title,
  top: () => { top.location = "about:blank"; },
  eval: () => eval("1"),
  function: () => new Function("return 1")(),
  network: () => fetch("NETWORK"),
  worker: () => navigator.serviceWorker.register("/__sw.js?x=1"),
  blobWorker: () => new Promise((resolve, reject) => {
    const worker = new Worker(URL.createObjectURL(new Blob(["1"])));
    worker.onerror = reject;
    setTimeout(resolve, 1000);
  }),
  popup: () => { if (window.open("about:blank") === null) throw new Error("no popup"); },
  storage: () => { if (localStorage.getItem("secret") === null) throw new Error("not this origin's"); },
};
(async () => {
  const reached = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    reached[name] = await Promise.resolve().then(attempt).then(() => "reached", () => "refused");
  }
  document.body.dataset.done = JSON.stringify(reached);
})();
"""


class Shell:
    """One page of the test shell."""

    def __init__(self, world: World, context: BrowserContext) -> None:
        self.world = world
        self.context = context
        self.page = context.new_page()
        self.page.goto(world.shell)
        self.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")

    def run(self, code: str, **args: Any) -> Any:
        """The value of `code`; fails the test when it throws."""
        answer = self.page.evaluate(RUN, {"code": code, "args": args})
        assert "code" not in answer, answer
        return answer.get("value")

    def refused(self, code: str, **args: Any) -> str:
        """The code with which `code` is refused."""
        answer = self.page.evaluate(RUN, {"code": code, "args": args})
        assert "code" in answer, answer
        return str(answer["code"])

    def install(self, version: Any) -> None:
        """Take in a published version."""
        code = "await world.install(args.app, args.sequence, args.digest)"
        self.run(code, app=version.app, sequence=version.sequence, digest=version.index_digest)

    def open(self, app: str = APP, params: Any = None) -> FrameLocator:
        """Open an app and wait until it has booted; returns its frame."""
        self.run(f"world.told.length = 0; {OPEN}", app=app, params=params)
        self.wait("booted", app)
        return self.frame(app)

    def frame(self, app: str = APP) -> FrameLocator:
        """The frame of an open app."""
        return self.page.frame_locator(f'section[id="{app}"] iframe')

    def close(self, app: str = APP) -> None:
        """Close an app."""
        self.run("world.container.close(args.app)", app=app)

    def wait(self, event: str, app: str = APP, **values: Any) -> dict[str, Any]:
        """Wait for an event of the container and return it."""
        wanted = {"event": event, "app": app, **values}
        found = self.page.wait_for_function(
            """(wanted) => window.told.find(
                 (each) => Object.entries(wanted).every(([name, value]) => each[name] === value))""",
            arg=wanted,
        )
        value: dict[str, Any] = found.json_value()
        return value

    def told(self, event: str) -> list[dict[str, Any]]:
        """All events of one kind so far."""
        found: list[dict[str, Any]] = self.run(
            "return world.told.filter((each) => each.event === args.event)", event=event
        )
        return found

    def in_app(self, code: str, app: str = APP) -> Any:
        """Run `code` inside the app's page, as its own script would."""
        body = f"async () => {{ {code} }}"
        return self.frame(app).locator("body").evaluate(f"() => ({body})()")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world; apps and versions differ by test."""
    made = World(tmp_path_factory.mktemp("world"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def shell(world: World, browser: Browser) -> Iterator[Shell]:
    """A shell in a new context; the server is up, and up again afterwards."""
    with browser.new_context() as context:
        yield Shell(world, context)
    if not world.is_up:
        world.start()


@pytest.fixture
def launched(world: World, browser: Browser, tmp_path: Path) -> Iterator[Callable[[], Shell]]:
    """Start a browser process on one profile; each call ends the one before."""
    contexts: list[BrowserContext] = []

    def launch() -> Shell:
        for context in contexts:
            context.close()
        kind, path = browser.browser_type, Path(tmp_path / "profile")
        context = kind.launch_persistent_context(path, executable_path=CHROMIUM, args=["--no-sandbox"])
        contexts[:] = [context]
        return Shell(world, context)

    yield launch
    for context in contexts:
        context.close()
    if not world.is_up:
        world.start()


def test_opens_with_the_server_stopped_and_the_browser_restarted(world: World, launched: Callable[[], Shell]) -> None:
    script = "sampan.user.tier().then((tier) => { document.getElementById('who').textContent += ` ${tier}`; });"
    shell = launched()
    shell.install(world.publish("bank.demo.offline", 1, {"app.js": script}, permissions=("user.tier",)))
    shell.open("bank.demo.offline")
    world.stop()
    frame = launched().open("bank.demo.offline")
    frame.get_by_text("bank.demo.offline 1 full").wait_for()


def test_a_file_altered_in_the_cache_is_refused_healed_and_reported(world: World, shell: Shell) -> None:
    shell.install(world.publish(APP, 1, {"app.js": "document.title = 'signed';"}))
    shell.open()
    shell.in_app("""
      const cache = await caches.open("sampan-packages");
      for (const request of await cache.keys()) {
        if (!request.url.includes("archive")) continue;
        const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
        const text = new TextDecoder("latin1").decode(bytes);
        const at = text.indexOf("document.title = 'signed';");
        bytes.set(new TextEncoder().encode("document.title = 'forged';"), at);
        await cache.put(request, new Response(bytes));
      }
    """)
    shell.close()
    shell.open()
    assert shell.wait("refused", code="store_damaged")["path"] == "app.js"
    shell.wait("healed", code="store_damaged")
    shell.page.wait_for_function("() => document.querySelector('iframe')")
    assert shell.in_app("return document.title") == "signed"
    assert any(
        each["type"] == "trust.refused" and each["attrs"]["code"] == "store_damaged"
        for each in shell.run("return world.reports")
    )


def test_an_app_that_was_ready_before_opens_without_the_boot_page(world: World, shell: Shell) -> None:
    app = "bank.demo.direct"
    shell.install(world.publish(app, 1))
    shell.open(app)
    shell.close(app)
    shown: list[str] = []
    shell.page.on("framenavigated", lambda frame: shown.append(frame.url))
    shell.open(app).get_by_text(f"{app} 1").wait_for()
    assert not [each for each in shown if "/__boot" in each]
    assert shell.in_app("return location.href", app) == f"{world.origin(app)}/index.html"
    shell.close(app)
    shell.install(world.publish(app, 2))
    shell.open(app).get_by_text(f"{app} 2").wait_for()
    assert [each for each in shown if "/__boot" in each]
    assert shell.told("refused") == shell.told("healed") == []


def test_a_closed_app_leaves_an_empty_page_that_goes_before_it_runs_again(world: World, shell: Shell) -> None:
    app, never = "bank.demo.idle", "bank.demo.never"
    shell.install(world.publish(app, 1))
    shell.install(world.publish(never, 1))
    hidden = shell.page.locator("[data-sampan-hidden] iframe")
    shell.run("await world.container.warm(args.app)", app=never)
    assert hidden.count() == 0
    shell.open(app)
    assert hidden.count() == 0
    shell.close(app)
    empty = hidden.content_frame.locator("html")
    assert empty.evaluate("() => [location.pathname, document.scripts.length]") == ["/__idle", 0]
    shell.open(app)
    assert hidden.count() == 0
    shell.close(app)
    assert shell.run("return world.container.wipe()") == []
    assert hidden.count() == 0
    shell.run("await world.container.warm(args.app)", app=app)
    assert hidden.get_attribute("src") == f"{world.origin(app)}/__idle"


@pytest.mark.parametrize("part", ["chain", "index", "wanted"])
def test_what_was_altered_while_it_was_closed_is_not_opened(world: World, shell: Shell, part: str) -> None:
    app = f"bank.demo.altered-{part}"
    shell.install(world.publish(app, 1))
    shell.open(app)
    shell.in_app(
        """
        const cache = await caches.open("sampan-packages");
        for (const request of await cache.keys()) {
          if (!request.url.includes("/__store/PART")) continue;
          const text = await (await cache.match(request)).text();
          await cache.put(request, new Response(text.replace("a", "b")));
        }
        """.replace("PART", part),
        app,
    )
    shell.close(app)
    shell.open(app).get_by_text(f"{app} 1").wait_for()
    codes = [each["code"] for each in shell.told("healed")]
    # What was wanted last is only a hint: the shell says it anew.
    assert len(codes) == (0 if part == "wanted" else 1), codes


def test_an_origin_whose_worker_and_caches_are_gone_is_healed(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.gone", 1))
    shell.open("bank.demo.gone")
    left = shell.in_app(
        """
        const blank = document.body.appendChild(document.createElement("iframe"));
        const unregister = blank.contentWindow.ServiceWorkerRegistration.prototype.unregister;
        for (const each of await navigator.serviceWorker.getRegistrations()) await unregister.call(each);
        for (const name of await caches.keys()) await caches.delete(name);
        return (await navigator.serviceWorker.getRegistrations()).length;
        """,
        "bank.demo.gone",
    )
    assert left == 0
    shell.close("bank.demo.gone")
    frame = shell.open("bank.demo.gone")
    assert shell.wait("healed", "bank.demo.gone")["code"] == "worker_missing"
    frame.get_by_text("bank.demo.gone 1").wait_for()


def test_packages_deleted_by_the_app_come_back_without_a_network(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.empty", 1))
    shell.open("bank.demo.empty")
    shell.in_app("for (const name of await caches.keys()) await caches.delete(name)", "bank.demo.empty")
    shell.close("bank.demo.empty")
    world.stop()
    frame = shell.open("bank.demo.empty")
    shell.wait("healed", "bank.demo.empty", code="store_missing")
    frame.get_by_text("bank.demo.empty 1").wait_for()


def test_the_bridge_refuses_what_the_signed_manifest_does_not_ask_for(world: World, shell: Shell) -> None:
    domains = {"network": ["api.shop.example"]}
    shell.install(world.publish("bank.demo.bridge", 1, permissions=("user.tier", "location"), extra=domains))
    shell.open("bank.demo.bridge")
    call = "try { return JSON.stringify(await (%s)); } catch (problem) { return problem.code; }"

    def asked(expression: str) -> Any:
        return shell.in_app(call % expression, "bank.demo.bridge")

    assert asked("sampan.user.tier()") == '"full"'
    pay = 'sampan.pay({order: "1", amount: {value_minor: 100, currency: "CNY"}, title: "x"})'
    assert asked(pay) == "permission_denied"
    assert asked('sampan.network.fetch("https://api.shop.example/x").then((found) => found.text())') is not None
    assert asked('sampan.network.fetch("https://evil.example/")') == "permission_denied"
    assert asked('sampan.network.fetch("http://api.shop.example/")') == "permission_denied"
    assert asked('sampan.storage.set("k", "x".repeat(2_000_000))') == "too_large"
    assert asked('sampan.storage.set("k", {a: [1, "二"]}).then(() => sampan.storage.get("k"))') == '{"a":[1,"二"]}'
    assert asked("sampan.location()") == '{"latitude":1,"longitude":2,"accuracy":3}'
    shell.run("world.answers.consent = false")
    assert asked("sampan.location()") == "consent_refused"
    assert asked("sampan.navigation.open('bank.demo.nobody')") == "permission_denied"
    refused = [each["attrs"] for each in shell.run("return world.reports") if each["type"] == "trust.refused"]
    assert {"code": "permission_denied", "detail": "pay"} in refused


def test_an_app_reaches_neither_shell_nor_siblings_nor_the_network(world: World, shell: Shell) -> None:
    shell.install(world.publish(OTHER, 1))
    shell.open(OTHER)
    shell.in_app("localStorage.setItem('secret', '1')", OTHER)
    # The app's own script tries: what a debugger evaluates may use eval whatever the policy says.
    script = HOSTILE.replace("NETWORK", f"{world.shell}/root.json")
    shell.install(world.publish("bank.demo.hostile", 1, {"app.js": script}))
    frame = shell.open("bank.demo.hostile")
    frame.locator("body[data-done]").wait_for()
    reached = shell.in_app("return JSON.parse(document.body.dataset.done)", "bank.demo.hostile")
    assert reached == dict.fromkeys(reached, "refused")
    assert len(reached) == 10
    assert shell.page.evaluate("() => location.href") == f"{world.shell}/"


def test_an_app_cannot_give_orders_to_the_worker(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.orders", 1))
    shell.open("bank.demo.orders")
    answered = shell.in_app(
        """
        history.pushState(null, "", "/__boot");
        const { port1, port2 } = new MessageChannel();
        const answer = new Promise((resolve) => { port1.onmessage = () => resolve("obeyed"); });
        navigator.serviceWorker.controller.postMessage({ sampan: "prepare", wanted: {}, heal: true }, [port2]);
        return Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve("ignored"), 500))]);
        """,
        "bank.demo.orders",
    )
    assert answered == "ignored"


def test_an_app_that_swaps_itself_for_an_older_signed_version_is_refused(world: World, shell: Shell) -> None:
    app = "bank.demo.older"
    first = world.publish(app, 1)
    shell.install(first)
    shell.open(app)
    shell.close(app)
    shell.install(world.publish(app, 2))
    shell.open(app)
    shell.in_app(
        """
        const cache = await caches.open("sampan-packages");
        const wanted = await (await cache.match("/__store/wanted")).json();
        const older = {...wanted, sequence: 1, digest: "DIGEST"};
        await cache.put("/__store/wanted", new Response(JSON.stringify(older)));
        """.replace("DIGEST", first.index_digest),
        app,
    )
    workers = shell.context.new_cdp_session(shell.page)
    workers.send("ServiceWorker.enable")
    workers.send("ServiceWorker.stopAllWorkers")
    shell.in_app("setTimeout(() => location.reload())", app)
    shell.wait("refused", app, code="served_other_version")
    shell.wait("healed", app, code="served_other_version")
    shell.frame(app).get_by_text(f"{app} 2").wait_for()


def test_an_app_that_leaves_its_origin_or_floods_the_shell_loses_its_frame(world: World, shell: Shell) -> None:
    other = "bank.demo.elsewhere"
    shell.install(world.publish(other, 1))
    shell.open(other)
    shell.close(other)
    leaving = {
        "left_origin": f"location.href = '{world.origin(other)}/index.html'",
        "hello_flood": """
          const { digest } = document.querySelector("script[data-digest]").dataset;
          const hello = { sampan: "hello", version: 1, nonce: "x", sequence: 1, digest };
          for (let n = 0; n < 99; n++) parent.postMessage(hello, "*");
        """,
    }
    for code, script in leaving.items():
        app = f"bank.demo.{code.replace('_', '-')}"
        shell.install(world.publish(app, 1, {"app.js": f"sampan.on('launch', () => {{ {script} }});"}))
        shell.run(f"world.told.length = 0; {OPEN}", app=app, params=None)
        shell.wait("crashed", app, code=code)
        assert shell.page.locator("section iframe").count() == 0


def test_a_full_browser_lets_the_oldest_app_go_and_says_so_when_that_is_not_enough(world: World, shell: Shell) -> None:
    app, old = "bank.demo.full", "bank.demo.oldest"
    shell.install(world.publish(old, 1))
    shell.open(old)
    shell.close(old)
    shell.install(world.publish(app, 1, {"picture.bin": b"\x00" * 400_000}))
    quota = shell.context.new_cdp_session(shell.page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": world.origin(app), "quotaSize": 150_000})
    assert shell.refused(OPEN, app=app, params=None) == "store_full"
    assert shell.run("return [...(await world.container.installed()).keys()]") == [app]
    quota.send("Storage.overrideQuotaForOrigin", {"origin": world.origin(app)})
    shell.open(app)


def test_a_new_version_waits_until_the_frame_is_gone(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.update", 1))
    frame = shell.open("bank.demo.update")
    shell.install(world.publish("bank.demo.update", 2))
    assert shell.wait("version-ready", "bank.demo.update")["sequence"] == 2
    frame.get_by_text("bank.demo.update 1").wait_for()
    shell.close("bank.demo.update")
    shell.open("bank.demo.update").get_by_text("bank.demo.update 2").wait_for()


def test_a_version_that_stays_white_gives_way_to_the_one_before(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.white", 1))
    shell.open("bank.demo.white")
    shell.close("bank.demo.white")
    shell.install(world.publish("bank.demo.white", 2, {"index.html": "<!doctype html><title>nothing</title>"}))
    shell.run(f"world.told.length = 0; {OPEN}", app="bank.demo.white", params=None)
    fell = shell.wait("crashed", "bank.demo.white", sequence=2)
    # A machine too busy to say in time that the page is white is told by the watchdog's own clock.
    assert fell["code"] in ("white_screen", "boot_timeout")
    assert fell["revertedTo"] == 1
    shell.wait("booted", "bank.demo.white", sequence=1)
    shell.frame("bank.demo.white").get_by_text("bank.demo.white 1").wait_for()
    reported = any(each["type"] == "app.white_screen" for each in shell.run("return world.reports"))
    assert reported or fell["code"] == "boot_timeout"


def test_health_is_reported_with_the_version(world: World, shell: Shell) -> None:
    page = "<!doctype html><h1>health</h1><img src=missing.png><script src=app.js></script>"
    script = "setTimeout(() => { throw new Error('broken'); }); fetch('https://evil.example/').catch(() => 0);"
    shell.install(world.publish("bank.demo.health", 1, {"index.html": page, "app.js": script}))
    shell.open("bank.demo.health")
    shell.page.wait_for_function("() => window.reports.length >= 4")
    reports = {each["type"]: each for each in shell.run("return world.reports")}
    assert reports["app.script_error"]["attrs"]["message"] == "Error: broken"
    assert reports["app.resource_failed"]["attrs"] == {"kind": "img", "path": "missing.png"}
    assert reports["app.csp_refused"]["attrs"]["directive"] == "connect-src"
    assert {each["sequence"] for each in reports.values()} == {1}


def test_one_app_opens_another_and_gets_its_result(world: World, shell: Shell) -> None:
    child = "sampan.on('launch', ({params}) => sampan.navigation.close({seen: params}));"
    shell.install(world.publish("bank.demo.child", 1, {"app.js": child}))
    shell.install(world.publish("bank.demo.parent", 1, permissions=("navigation.open",)))
    shell.open("bank.demo.parent")
    result = shell.in_app("return sampan.navigation.open('bank.demo.child', {order: 7})", "bank.demo.parent")
    assert result == {"seen": {"order": 7}}
    assert shell.run("return world.container.running()") == ["bank.demo.parent"]


def test_wiping_removes_an_apps_data_and_keeps_its_package(world: World, shell: Shell) -> None:
    shell.install(world.publish("bank.demo.wipe", 1))
    shell.open("bank.demo.wipe")
    store = """
      localStorage.setItem("a", "1"); sessionStorage.setItem("b", "2"); document.cookie = "c=3";
      await caches.open("mine"); await sampan.storage.set("d", 4);
      await new Promise((resolve) => { indexedDB.open("e").onsuccess = resolve; });
    """
    count = """
      return [localStorage.length, sessionStorage.length, document.cookie, await caches.has("mine"),
              await sampan.storage.keys(), (await indexedDB.databases()).length];
    """
    shell.in_app(store, "bank.demo.wipe")
    assert shell.run("return world.container.wipe()") == []
    world.stop()
    shell.open("bank.demo.wipe")
    assert shell.in_app(count, "bank.demo.wipe") == [0, 0, "", False, [], 0]
    assert shell.told("healed") == []


def test_what_ran_is_wiped_although_the_tab_died_while_it_opened(world: World, shell: Shell) -> None:
    app = "bank.demo.torn"
    shell.install(world.publish(app, 1))
    shell.run("world.container.usage.setProvisioned = () => new Promise(() => undefined);")
    shell.run("void world.container.open(args.app)", app=app)
    shell.wait("booted", app)
    shell.in_app("localStorage.setItem('a', '1'); await sampan.storage.set('b', 2);", app)
    shell.page.reload()
    shell.open(app)
    assert shell.in_app("return [localStorage.length, await sampan.storage.keys()]", app) == [1, ["b"]]
    assert shell.run("return world.container.wipe()") == []
    shell.open(app)
    assert shell.in_app("return [localStorage.length, await sampan.storage.keys()]", app) == [0, []]


def test_a_new_version_waits_for_the_frame_in_another_tab_too(world: World, shell: Shell) -> None:
    app = "bank.demo.tabs"
    shell.install(world.publish(app, 1))
    shell.open(app)
    other = Shell(world, shell.context)
    assert other.run("return world.container.makeRoom()") is False
    other.install(world.publish(app, 2))
    assert other.wait("version-ready", app)["sequence"] == 2
    assert other.run("return (await world.container.installed()).get(args.app).sequence", app=app) == 1
    shell.close(app)
    shell.open(app).get_by_text(f"{app} 2").wait_for()


def test_a_wipe_closes_apps_in_other_tabs_and_nothing_comes_back(world: World, shell: Shell) -> None:
    """What an app in another tab wrote after the wipe began is gone when it opens again."""
    app = "bank.demo.twotabs"
    shell.install(world.publish(app, 1))
    shell.open(app)
    shell.in_app("setInterval(() => sampan.storage.set('late', 1), 1);", app)
    other = Shell(world, shell.context)
    other.run("await world.container.wipe()")
    shell.wait("closed", app)
    shell.open(app)
    assert shell.in_app("return sampan.storage.keys()", app) == []


def test_a_shared_package_is_served_and_a_film_in_ranges(world: World, shell: Shell) -> None:
    kit = world.publish("bank.demo.kit", 1, {"kit.js": "document.body.dataset.kit = 'there';"}, kind="shared")
    shell.install(kit)
    page = "<!doctype html><h1>mounts</h1><script src='/_shared/bank.demo.kit/kit.js'></script>"
    needs = {"dependencies": [{"id": "bank.demo.kit", "digest": kit.index_digest}]}
    shell.install(world.publish("bank.demo.mounts", 1, {"index.html": page, "film.mp4": FILM}, extra=needs))
    shell.open("bank.demo.mounts")
    assert shell.in_app("return document.body.dataset.kit", "bank.demo.mounts") == "there"
    ranged = """
      const found = await fetch("/film.mp4", {headers: {Range: "bytes=4-7"}});
      return [found.status, found.headers.get("content-range"), await found.text()];
    """
    assert shell.in_app(ranged, "bank.demo.mounts") == [206, f"bytes 4-7/{len(FILM)}", "ftyp"]
    missing = "const found = await fetch('/nowhere'); return [found.status, found.headers.get('content-type')];"
    assert shell.in_app(missing, "bank.demo.mounts") == [404, "text/plain; charset=utf-8"]


def test_a_newer_worker_takes_over_where_no_app_runs(world: World, shell: Shell) -> None:
    app, script = "bank.demo.renewed", world.folder / "origin" / "worker.js"
    shell.install(world.publish(app, 1))
    shell.open(app)
    told = "return (await fetch('/nowhere')).text()"
    assert shell.in_app(told, app) == "Not found"
    before = script.read_text()
    script.write_text(before.replace("Not found", "Not here"))
    try:
        shell.close(app)
        shell.open(app)
        waits = """
          const found = await navigator.serviceWorker.ready;
          while (!found.waiting) await new Promise((done) => setTimeout(done, 50));
        """
        shell.in_app(waits, app)
        assert shell.in_app(told, app) == "Not found"
        shell.close(app)
        shell.open(app)
        assert shell.in_app(told, app) == "Not here"
    finally:
        script.write_text(before)


def test_an_app_keeps_the_shared_package_that_it_names_when_a_newer_one_comes(world: World, shell: Shell) -> None:
    kit, app, later = "bank.demo.parts", "bank.demo.pinned", "bank.demo.later"
    page = f"<!doctype html><h1>parts</h1><script src='/_shared/{kit}/kit.js'></script>"
    first = world.publish(kit, 1, {"kit.js": "document.body.dataset.kit = 'first';"}, kind="shared")
    needs_first = {"dependencies": [{"id": kit, "digest": first.index_digest}]}
    shell.install(world.publish(app, 1, {"index.html": page}, extra=needs_first))
    second = world.publish(kit, 2, {"kit.js": "document.body.dataset.kit = 'second';"}, kind="shared")
    shell.install(second)
    needs_second = {"dependencies": [{"id": kit, "digest": second.index_digest}]}
    shell.install(world.publish(later, 1, {"index.html": page}, extra=needs_second))
    for each, wanted in {app: "first", later: "second"}.items():
        shell.open(each)
        assert shell.in_app("return document.body.dataset.kit", each) == wanted


FILM = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 64

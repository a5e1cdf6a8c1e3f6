"""A hotfix as a customer meets it, in a real Chromium: it comes while the app is open, and is taken back the same way.

Version 2 of the coupons throws when somebody takes one. The network drops in the middle of a step, and what ran before
goes on. The steps share one bank and one customer's browser, and stand in the order in which they happen.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from test_browser_journey import app_frame

from sampan.miniapps.samples import folder as samples
from sampan.platform.testing_cli import DemoServer, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

COUPONS = "bank.demo.coupons"
REVIEWER, RELEASER = "reviewer@demo.example", "release@demo.example"
EVERYONE = {"attr": "tier", "op": "in", "values": ["visitor", "registered", "e_account", "full"]}
SOON_MS = 20_000
TAKES = "const take = async () => {"
BROKEN = f"{TAKES}\n      throw new Error('nobody can take this');"
SHOWS_NOTHING = "document.documentElement.hidden = true;\n"
UPDATE = "Update now"
# What an app can do to what is stored in its origin: `chain` and `index` as objects, `archive` as bytes.
STORED = """async (app) => {
  const cache = await caches.open("sampan-packages");
  const keys = (await cache.keys()).map((each) => each.url);
  const {digest} = await (await cache.match("/__store/wanted")).json();
  const find = (part) => keys.find((each) => decodeURIComponent(each).endsWith(part));
  const [chainKey, indexKey, archiveKey] = [`chain/${app}`, `index/${digest}`, `archive/${digest}`].map(find);
  const chain = await (await cache.match(chainKey)).json();
  const index = await (await cache.match(indexKey)).json();
  const archive = new Uint8Array(await (await cache.match(archiveKey)).arrayBuffer());
  %s;
  await cache.put(chainKey, new Response(JSON.stringify(chain)));
  await cache.put(indexKey, new Response(JSON.stringify(index)));
  await cache.put(archiveKey, new Response(archive));
}"""
TAMPERED = {
    "chain.stack.documents = []": "trust_not_listed",
    "chain.stack.documents = [btoa('{}')]": "hotfix_malformed",
    "index.files[0].sha256 = '0'.repeat(64)": "trust_bytes_differ",
    "archive[index.files.find((each) => each.path === 'app.js').offset] ^= 1": "store_damaged",
}


@dataclass
class Bank:
    """A bank of its own, with its publisher's machine, and what its customer's browser asked the tree for."""

    server: DemoServer
    publisher: Person
    fetched: list[str] = field(default_factory=list)

    @property
    def shell(self) -> str:
        return f"http://demo.sampan.localhost:{self.server.port}/"

    @property
    def keys(self) -> tuple[str | Path, ...]:
        own = self.server.folder.publisher
        return ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")

    def publish_broken(self) -> None:
        """Publish version 2, with the mistake, and release it to everybody."""
        work = self.publisher.folder / "broken"
        shutil.copytree(samples() / "coupons", work)
        script = work / "app.js"
        good = script.read_text()
        assert good.count(TAKES) == 1
        script.write_text(good.replace(TAKES, BROKEN))
        packed = self.publisher.ok("pack", work, "--sequence", "2", "--version", "1.0.2")
        self.publisher.ok("publish", packed["package"], *self.keys)
        self._approve(f"/apps/{COUPONS}/versions/2")
        self._release("miniapp", COUPONS, 2)

    def fix(self, n: int, script: str) -> str:
        """Make, sign, approve and release hotfix `n` of version 2, whose app.js is `script`; return the release."""
        file = self.publisher.folder / f"app-{n}.js"
        file.write_text(script)
        made = self.publisher.ok("hotfix", "make", COUPONS, "--sequence", "2", "--set", f"app.js={file}")
        assert made["n"] == n
        self.publisher.ok("hotfix", "publish", made["file"], *self.keys)
        self._approve(f"/apps/{COUPONS}/versions/2/hotfixes/{n}")
        return self._release("hotfix", f"{COUPONS}@2", n)

    def withdraw(self, n: int) -> None:
        self.server.api(RELEASER).post(f"/apps/{COUPONS}/versions/2/hotfixes/{n}/withdraw", {"cause": "a test"})

    def came(self, n: int) -> tuple[int, int, int]:
        """Return on how many devices a hotfix was installed, has booted and failed."""
        hotfix = self.server.api(REVIEWER).get(f"/apps/{COUPONS}/versions/2/hotfixes/{n}")
        (release,) = hotfix["releases"]
        told = self.server.api(RELEASER).get(f"/insight/releases/{release['id']}/funnel")
        steps = {each["stage"]: each["devices"] for each in told["steps"]}
        return steps["installed"], steps["booted"], told["failed"]

    def asked(self, name: str) -> int:
        """How often the browser asked for files whose names end so."""
        return len([url for url in self.fetched if url.endswith(name)])

    def in_half(self, route: "Route") -> None:
        """Answer with half of the file, as a line that breaks and looks whole."""
        whole = httpx2.get(self.server.address + urlsplit(route.request.url).path).raise_for_status().content
        route.fulfill(body=whole[: len(whole) // 2])

    def _approve(self, place: str) -> None:
        api = self.server.api(REVIEWER)
        self.server.wait_for(lambda: api.get(place)["state"] == "in_review")
        api.post(f"{place}/approve", {"digest": api.get(place)["review_digest"]})
        self.server.wait_for(lambda: api.get(place)["state"] == "published")

    def _release(self, kind: str, name: str, sequence: int) -> str:
        api = self.server.api(RELEASER)
        made = api.post("/releases", {"kind": kind, "id": name, "sequence": sequence, "audience": EVERYONE})
        self.server.sessions.approve(REVIEWER, api.post(f"/releases/{made['id']}/submit", {"cause": "test"})["change"])
        return str(made["id"])


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("hotfix")
    server = DemoServer(folder / "demo")
    try:
        server.start()
        server.wait_until_told()
        publisher = server.person("publisher@demo.example", folder / "publisher")
        publisher.ok("trust", "root", "--pin")
        made = Bank(server, publisher)
        made.publish_broken()
        yield made
    finally:
        server.stop()


@pytest.fixture(scope="module")
def customer(browser: "Browser", bank: Bank) -> "Iterator[BrowserContext]":
    with browser.new_context(viewport={"width": 390, "height": 844}, locale="en") as context:
        context.on("request", lambda request: bank.fetched.append(request.url))
        yield context


@pytest.fixture(scope="module")
def page(customer: "BrowserContext", bank: Bank) -> "Page":
    """The open shell, with the broken version in front."""
    opened = customer.new_page()
    opened.goto(f"{bank.shell}#/app/{COUPONS}")
    app_frame(opened)
    return opened


def open_again(page: "Page") -> None:
    page.locator(".capsule").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Coupon centre").first.click()
    app_frame(page)


def take(page: "Page", shop: str, *, is_broken: bool) -> None:
    """Take a coupon, and see what comes of it."""
    app_frame(page).get_by_text(shop).click()
    button = app_frame(page).get_by_role("button", name="Take it")
    if is_broken:
        with page.expect_event("pageerror", lambda error: "nobody can take this" in str(error), timeout=SOON_MS):
            button.click()
    else:
        button.click()
        app_frame(page).get_by_text("Show this code in the shop").wait_for(timeout=SOON_MS)


def sync(page: "Page") -> None:
    """Have the shell ask, as when the network comes back."""
    with page.expect_response("**/client/v1/sync", timeout=SOON_MS):
        page.evaluate("dispatchEvent(new Event('online'))")


def good_script() -> str:
    return (samples() / "coupons" / "app.js").read_text()


def test_a_broken_app_is_mended_while_it_is_open_and_nothing_is_installed_anew(
    bank: Bank, page: "Page", customer: "BrowserContext"
) -> None:
    take(page, "Foothill Tea", is_broken=True)
    archives = bank.asked(".package.ma")
    customer.route("**/*.hotfix-1.json", bank.in_half)
    customer.route("**/*.hotfix-1.bin", lambda route: route.abort())
    with page.expect_response("**/*.hotfix-1.json", timeout=SOON_MS):
        bank.fix(1, good_script())
    open_again(page)
    take(page, "Foothill Tea", is_broken=True)
    customer.unroute("**/*.hotfix-1.json")
    with page.expect_event("requestfailed", lambda request: request.url.endswith(".hotfix-1.bin"), timeout=SOON_MS):
        sync(page)
    open_again(page)
    take(page, "Foothill Tea", is_broken=True)
    assert page.get_by_role("button", name=UPDATE).count() == 0
    customer.unroute("**/*.hotfix-1.bin")
    sync(page)
    page.get_by_role("button", name=UPDATE).click(timeout=SOON_MS)
    take(page, "Foothill Tea", is_broken=False)
    assert bank.asked(".package.ma") == archives


def test_it_is_there_after_a_restart_without_a_network(bank: Bank, page: "Page", customer: "BrowserContext") -> None:
    customer.set_offline(True)
    page.reload()
    take(page, "City Metro", is_broken=False)
    page.goto(f"{bank.shell}#/developer/{COUPONS}")
    page.locator(".facts").get_by_text("1.0.2+1 (2)").wait_for(timeout=SOON_MS)
    page.goto(f"{bank.shell}#/app/{COUPONS}")
    app_frame(page)
    customer.set_offline(False)


@pytest.mark.parametrize(("tamper", "code"), TAMPERED.items())
def test_nothing_that_its_origin_stores_of_it_is_believed(bank: Bank, page: "Page", tamper: str, code: str) -> None:
    app_frame(page).evaluate(STORED % tamper, COUPONS)
    open_again(page)
    page.goto(f"{bank.shell}#/developer/{COUPONS}")
    page.get_by_text(f"healed {code}").first.wait_for(timeout=SOON_MS)
    page.goto(f"{bank.shell}#/app/{COUPONS}")
    app_frame(page).get_by_text("City Metro").wait_for(timeout=SOON_MS)


def test_withdrawn_it_goes_and_the_version_runs_as_before(bank: Bank, page: "Page", customer: "BrowserContext") -> None:
    customer.route("**/targets/control/*", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: "/targets/control/" in request.url, timeout=SOON_MS):
        bank.withdraw(1)
    open_again(page)
    take(page, "One Page Books", is_broken=False)  # what it was is not known here yet
    customer.unroute("**/targets/control/*")
    other = customer.new_page()  # another tab hears of it first, and goes back for both
    other.goto(bank.shell)
    other.get_by_role("button", name="Coupon centre").first.wait_for(timeout=SOON_MS)
    sync(other)
    other.close()
    sync(page)
    bar = page.get_by_role("button", name=UPDATE)
    bar.wait_for(timeout=SOON_MS)
    customer.set_offline(True)
    bar.click()
    take(page, "Old Street Noodles", is_broken=True)
    customer.set_offline(False)


def test_one_that_does_not_start_gives_way_and_is_not_tried_again(bank: Bank, page: "Page") -> None:
    bank.fix(2, SHOWS_NOTHING)
    page.get_by_role("button", name=UPDATE).click(timeout=SOON_MS)
    app_frame(page).get_by_text("Foothill Tea").wait_for(timeout=SOON_MS)
    take(page, "Old Street Noodles", is_broken=True)
    tries = bank.asked(".hotfix-2.bin")
    assert tries == 1
    sync(page)
    open_again(page)
    take(page, "Old Street Noodles", is_broken=True)
    page.reload()
    take(page, "Old Street Noodles", is_broken=True)
    assert bank.asked(".hotfix-2.bin") == tries
    bank.withdraw(2)


def test_the_next_one_mends_it(bank: Bank, page: "Page") -> None:
    bank.fix(3, good_script())
    page.get_by_role("button", name=UPDATE).click(timeout=SOON_MS)
    take(page, "Old Street Noodles", is_broken=False)


def test_what_came_of_each_was_reported(bank: Bank) -> None:
    bank.server.wait_for(lambda: [bank.came(n) for n in (1, 2, 3)] == [(1, 1, 0), (1, 0, 1), (1, 1, 0)])

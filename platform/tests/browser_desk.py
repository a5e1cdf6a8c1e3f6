"""The operators' browser: signed-in contexts of the demo's people, and what makes a page good to look at.

Each person signs in once a server; the cookie is kept and given to every further context.
"""

import gzip
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx2
from browser_hotfixes import make_hotfixes, make_withdrawn

from sampan.miniapps.samples import folder as samples
from sampan.platform.cli.demo_folder import PUBLISHER, DemoPerson
from sampan.platform.testing_cli import DemoServer, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

Language = Literal["zh", "en"]
Mode = Literal["light", "dark"]
ADMIN, RELEASER, REVIEWER = "admin-1@demo.example", "release@demo.example", "reviewer@demo.example"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
SOON_MS = 20_000
MAX_SHIFT = 0.1
BUSY = ".bones:not(.shown .bones), .spinner, [aria-busy=true]"  # `.shown` marks a sample on the design page
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

# Counts the layout shifts that no input of the person caused, from the first moment of a page.
WATCH_SHIFTS = """
window.looks = {shift: 0, moved: []};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.looks.shift += entry.value;
    for (const {node} of entry.sources) {
      const found = node?.nodeType === 1 ? node : node?.parentElement;
      window.looks.moved.push(`${found?.tagName}.${found?.className} ${entry.value.toFixed(3)}`);
    }
  }
}).observe({type: "layout-shift", buffered: true});
"""

# Goes to another page as a link of the console does; what shifts from now on is that page's.
GO = """
(address) => {
  window.looks = {shift: 0, moved: []};
  for (const title of document.querySelectorAll("main h1, main h2, main h3")) title.dataset.old = "";
  history.pushState({}, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
}
"""

# What a person would see as broken: the page scrolls sideways, text is cut, something lies outside, a key shows.
FAULTS = r"""
(prefixes) => {
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1)
    found.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} > ${width}`);
  const about = (node) => `${node.tagName.toLowerCase()}.${String(node.className?.baseVal ?? node.className)}`
    + ` “${(node.textContent ?? "").trim().slice(0, 40)}”`;
  const scrolls = (node) => {
    for (let at = node.parentElement; at; at = at.parentElement) {
      const {overflowX} = getComputedStyle(at);
      if (overflowX !== "visible" && at !== document.body && at !== document.documentElement) return true;
    }
    return false;
  };
  for (const node of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    if (style.visibility === "hidden" || style.display === "none" || box.width < 2 || box.height < 2) continue;
    if (node.closest("[aria-hidden=true], [inert], svg, .skip, .veil, [class*=sr-only]")) continue;
    if (style.clip !== "auto" || style.clipPath !== "none") continue;
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim() !== "");
    if ((box.right > width + 1 || box.left < -1) && !scrolls(node) && style.position !== "fixed" && own)
      found.push(`outside the window: ${about(node)}`);
    const cut = style.overflowX !== "visible" && style.overflowX !== "auto" && style.overflowX !== "scroll";
    const tells = "[title], [aria-label], input, textarea";
    if (own && cut && node.scrollWidth > node.clientWidth + 1 && !node.closest(tells))
      found.push(`cut without a title: ${about(node)}`);
  }
  const key = new RegExp(`(^|[\\s“(])(${prefixes.join("|")})\\.[a-z][A-Za-z_]+(?![\\w.:/-])`);
  const hole = /\{\{|\bundefined\b|\[object|\bNaN\b/;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    if (parentElement.closest("code, pre, .mono, .changing, script, style")) continue;
    if (key.test(data)) found.push(`an untranslated key: ${data.trim()}`);
    if (hole.test(data)) found.push(`a hole in a text: ${data.trim()}`);
  }
  return found;
}
"""


@dataclass
class Desk:
    """The demo's people at their browsers."""

    server: DemoServer
    folder: Path
    browser: "Browser" = field(init=False)
    cookies: dict[str, Any] = field(init=False)

    def sit_down(self, browser: "Browser") -> None:
        """Begin at a browser where nobody is signed in yet."""
        self.browser, self.cookies = browser, {}

    @property
    def console(self) -> str:
        """Where the console is."""
        return f"{self.server.address}/console"

    @cached_property
    def in_review(self) -> tuple[str, int]:
        """App and sequence of a version that waits for its reviewer; one that waits holds back later ones."""
        app = "bank.demo.coupons"
        versions = self.server.api(REVIEWER).items(f"/apps/{app}/versions")
        waiting = next((each["sequence"] for each in versions if each["state"] == "in_review"), None)
        return (app, waiting) if waiting is not None else self.publish("coupons")

    @cached_property
    def release(self) -> str:
        """A release that waits for its second person."""
        return self.draft("bank.demo.bills", 1)

    @cached_property
    def unsent(self) -> str:
        """A release that is a draft still, for some customers only."""
        audience = {"attr": "tier", "op": "in", "values": ["registered"]}
        body = {"kind": "miniapp", "id": "bank.demo.bills", "sequence": 1, "audience": audience}
        return str(self.server.api(RELEASER).post("/releases", {**body, "cap": {"customers": 50}})["id"])

    @cached_property
    def client_app(self) -> str:
        """A client app with an upgrade that was entered and another that was withdrawn."""
        api, app = self.server.api(ADMIN), "retail"
        said = {"zh": "转账更快，界面更清楚。", "en": "Transfers are faster, and pages are clearer."}
        for build, mode in ((9001, "forced"), (9002, "reminder")):
            upgrade = {"build": build, "version": f"9.0.{build}", "mode": mode, "url": "https://example.com/app"}
            api.post(f"/client-apps/{app}/upgrades", {**upgrade, "text": said})
        api.delete(f"/client-apps/{app}/upgrades/9002")
        return app

    @cached_property
    def change(self) -> str:
        """The change request of that release."""
        return self.submit(self.release)

    @cached_property
    def tag(self) -> str:
        """A tag that was filled from a file, of which not every line was taken."""
        api, name = self.server.api(ADMIN), "vip-customers"
        api.post("/tags", {"name": name, "title": "贵宾客户"})
        file = self.folder / "members.csv"
        file.write_text("bank_reference\nCIF-1001\nnobody\n")
        api.upload(f"/tags/{name}/imports", file)
        self.server.wait_for(lambda: api.get(f"/tags/{name}")["last_import"]["state"] == "done")
        return name

    @cached_property
    def audience(self) -> str:
        """A saved audience that names the tag."""
        tagged = {"attr": "tag", "op": "in", "values": [self.tag]}
        recent = {"attr": "app_version", "op": "matches", "values": [">=5.1 <6"]}
        body = {"name": "VIP customers with a recent version of the app", "audience": {"all": [tagged, recent]}}
        return str(self.server.api(ADMIN).post("/audiences", body)["id"])

    @cached_property
    def switch(self) -> str:
        """An active switch with a rule that divides an audience, of which a change waits."""
        api, key = self.server.api(ADMIN), "transfer.new-look"
        rule = {"attr": "audience", "op": "in", "values": [self.audience]}
        definition: dict[str, Any] = {
            "key": key,
            "type": "boolean",
            "variants": {"on": True, "off": False},
            "default": "off",
        }
        definition |= {"rules": [{"audience": rule, "split": [{"variant": "on", "share": 1000}]}]}
        body = {"switches": [definition], "activate": True, "note": "First for a tenth"}
        self.server.sessions.approve(REVIEWER, str(api.post("/switch-file", body)["change"]))
        definition["rules"] = [{"audience": rule, "variant": "on"}]
        api.put(f"/switches/{key}", {"definition": definition, "edition": 2, "note": "Now for all of them"})
        return key

    @cached_property
    def customer(self) -> str:
        """One of the demo's customers."""
        return str(self.server.api(ADMIN).get("/customers", limit=1)["items"][0]["id"])

    @cached_property
    def device(self) -> str:
        """A device of nobody yet: a browser that opened the demo's shell."""
        with self.at(None, size=PHONE) as page:
            page.goto(f"http://demo.sampan.localhost:{self.server.port}/")
            page.get_by_text("Coupon centre").first.wait_for()
        return str(self.server.api(ADMIN).get("/devices", limit=1)["items"][0]["id"])

    @cached_property
    def hotfix(self) -> tuple[str, int, int]:
        """App, sequence and number of a hotfix that waits for its reviewer; the one below it is given to devices."""
        return make_hotfixes(self.server, self._publisher)

    @cached_property
    def withdrawn(self) -> tuple[str, int, int]:
        """App, sequence and number of a hotfix that was withdrawn while it waited for its reviewer."""
        return make_withdrawn(self.server, self._publisher)

    @cached_property
    def codepush(self) -> tuple[str, str]:
        """A CodePush app and its deployment with a history."""
        from browser_codepush import make_codepush  # it makes an RSA key, which few need

        return make_codepush(self.server)

    @cached_property
    def _publisher(self) -> Person:
        made = self.server.person(PUBLISHER[0], self.folder / "publisher")
        made.ok("trust", "root", "--pin")
        return made

    def publish(self, sample: str) -> tuple[str, int]:
        """Publish a sample anew, up to the review."""
        app, own, api = f"bank.demo.{sample}", self.server.folder.publisher, self.server.api(REVIEWER)
        sequence = 1 + max(each["sequence"] for each in api.items(f"/apps/{app}/versions"))
        work = self._publisher.folder / f"{sample}-{sequence}"
        shutil.copytree(samples() / sample, work)
        packed = self._publisher.ok("pack", work, "--sequence", str(sequence), "--version", f"1.0.{sequence}")
        arguments = ("--key", own / "publisher.pem", "--passphrase-file", own / "passphrase")
        self._publisher.ok("publish", packed["package"], *arguments)
        self.server.wait_for(lambda: api.get(f"/apps/{app}/versions/{sequence}")["state"] == "in_review")
        return app, sequence

    def draft(self, app: str, sequence: int) -> str:
        """Draft a release for the highest tier."""
        audience = {"attr": "tier", "op": "in", "values": ["full"]}
        body = {"kind": "miniapp", "id": app, "sequence": sequence, "audience": audience}
        return str(self.server.api(RELEASER).post("/releases", body)["id"])

    def submit(self, release: str) -> str:
        """Hand a draft to the second person; return the change request."""
        body = {"cause": "Spring campaign"}
        return str(self.server.api(RELEASER).post(f"/releases/{release}/submit", body)["change"])

    def person(self, email: str) -> DemoPerson:
        """One of the demo's people, with password and one-time secret."""
        return self.server.folder.person(email)

    @contextmanager
    def at(
        self, email: str | None, *, language: Language = "en", mode: Mode = "light", size: dict[str, int] = DESKTOP
    ) -> "Iterator[Page]":
        """A page of somebody who is signed in; None is nobody yet."""
        context = self.browser.new_context(
            locale="zh-CN" if language == "zh" else "en-GB",
            color_scheme=mode,
            viewport=size,  # type: ignore[arg-type]  # a plain dict in our tables
            reduced_motion="reduce",
            storage_state=self._signed_in(email) if email else None,
        )
        context.add_init_script(WATCH_SHIFTS)
        context.set_default_timeout(SOON_MS)
        try:
            yield context.new_page()
        finally:
            context.close()

    def _signed_in(self, email: str) -> Any:
        if email not in self.cookies:
            context = self.browser.new_context()
            self.cookies[email] = self._sign_in(context, email)
            context.close()
        return self.cookies[email]

    def _sign_in(self, context: "BrowserContext", email: str) -> Any:
        page, person = context.new_page(), self.person(email)
        page.goto(f"{self.console}/mark.svg")

        def post(code: str) -> Any:
            return _post(page, {"email": email, "password": person.password, "totp": code, "kind": "cookie"})

        self.server.sessions.with_code(email, post)
        return context.storage_state()


def _post(page: "Page", body: dict[str, str]) -> Any:
    from sampan.platform.cli.api import ServerRefused

    found = page.evaluate(
        """async (body) => {
          const answer = await fetch("/console/api/v1/session", {
            method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body)});
          return {status: answer.status, body: await answer.json()};
        }""",
        body,
    )
    if found["status"] != 201:
        raise ServerRefused(found["status"], found["body"]["code"], found["body"]["detail"])
    return found["body"]


@dataclass
class Look:
    """What a page said and did while it was looked at."""

    page: "Page"
    shots: Path | None = None
    is_one_page: bool = True
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))

    def _hear(self, message: "ConsoleMessage") -> None:
        # Two refusals are answers: who is signed in (nobody yet), and whether there is a newer root (not yet). That
        # there is no network is what the browser says when a test took it away.
        address = str(message.location.get("url", ""))
        is_answer = "401" in message.text or "ERR_INTERNET_DISCONNECTED" in message.text
        is_answer = is_answer or address.endswith(".root.json")
        if message.type in ("error", "warning") and not is_answer:
            self.said.append(f"{message.type}: {message.text} {address}")

    def go(self, address: str, name: str, *, areas: list[str], with_axe: bool) -> list[str]:
        """Open a page, picture it, and return what is wrong with it; within the console without a reload."""
        if self.page.url.startswith("http") and self.is_one_page:
            self.page.evaluate(GO, address)
            self.page.locator("[data-old]").first.wait_for(state="detached")
        else:
            self.page.goto(address)
        return self.at(name, areas=areas, with_axe=with_axe)

    def at(self, name: str, *, areas: list[str], with_axe: bool) -> list[str]:
        """Picture the page that is open, and return what is wrong with it."""
        settled(self.page)
        if self.shots is not None:
            self.page.screenshot(path=self.shots / f"{name}.jpg", full_page=True, type="jpeg", quality=80)
        found = [*self.said, *self.page.evaluate(FAULTS, areas)]
        looks = self.page.evaluate("window.looks")
        if looks["shift"] > MAX_SHIFT:
            found.append(f"the layout shifted by {looks['shift']:.2f}: {sorted(set(looks['moved']))[:6]}")
        if with_axe:
            found += barriers(self.page)
        self.said.clear()
        return [f"{name}: {each}" for each in dict.fromkeys(found)]


def settled(page: "Page") -> None:
    """Return when a page shows what it was opened for: a heading, and nothing that is still being fetched."""
    page.locator("h1, h2, .home, .capsule, .starting button").first.wait_for()
    for _ in range(2):
        page.locator(BUSY).first.wait_for(state="detached")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")


def barriers(page: "Page") -> list[str]:
    """Return what axe calls serious or critical; it is injected as the page's policy runs no foreign script tag."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['impact']} {rule['id']}: {node['target']} {_short(node['failureSummary'])}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]


def packed_bytes(page: "Page", opens: Callable[[], None]) -> tuple[int, dict[str, int]]:
    """Return how much a page loads while `opens()` opens it, every body as gzip packs it, and each part."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    opens()
    settled(page)
    parts = {}
    for answer in answers:
        is_stream = "event-stream" in answer.headers.get("content-type", "")
        if answer.status == 200 and not is_stream:
            parts[answer.url] = len(gzip.compress(_body(answer), 9))
    return sum(parts.values()), parts


def _body(answer: "Response") -> bytes:
    """Return what was loaded; the browser forgets what a service worker stored at once, so that is fetched again.

    By its number: only browsers find `*.localhost` by themselves.
    """
    from playwright.sync_api import Error

    try:
        return answer.body()
    except Error:
        place = urlsplit(answer.url)
        known = {"authorization": token} if (token := answer.request.headers.get("authorization")) else {}
        address = place._replace(netloc=f"127.0.0.1:{place.port}").geturl()
        again = httpx2.get(address, headers={"host": place.netloc, **known}, trust_env=False)
        assert again.is_success, f"{answer.url} {again.status_code}"
        return again.content


@cache
def _axe() -> str:
    return AXE.read_text() + "\n;undefined"


def _short(text: str) -> str:
    return " ".join(text.split())[:220]


def shots_folder() -> Path | None:
    """Where pictures are kept: the folder of SAMPAN_SHOTS; None when nobody wants them."""
    wanted = os.environ.get("SAMPAN_SHOTS")
    if not wanted:
        return None
    Path(wanted).mkdir(parents=True, exist_ok=True)
    return Path(wanted)


def text_areas(index: Path) -> list[str]:
    """Return the first parts of the text keys, from the module that gathers them."""
    return re.findall(r"^  (\w+),$", index.read_text().partition("areas = {")[2], re.MULTILINE)

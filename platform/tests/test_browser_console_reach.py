"""Whatever can be clicked in the console can be reached and pressed by keyboard, and one sees where the focus is.

Every page is walked by Tab from its beginning to its end, every dialog that it opens too.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, settled

from sampan.platform.cli.demo_folder import PUBLISHER

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Finds what reacts to a mouse, what takes the focus, and how each looks without it.
WATCH = r"""
(() => {
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  // What stands around a field and passes the click on to it, or has another way: Escape closes, a link is in the row.
  const AROUND = "label, tr.linked, .ant-select, .ant-picker, [class*=ant-input], .ant-tabs-tab, .ant-modal-wrap,"
    + ".ant-drawer-mask";
  const isShown = (node) => node.checkVisibility({visibilityProperty: true}) && node.getClientRects().length > 0
    && !node.closest("[inert]");
  const name = (node) => `${node.tagName.toLowerCase()}.${String(node.className?.baseVal ?? node.className)}`
    + ` “${(node.getAttribute("aria-label") ?? node.textContent ?? "").trim().slice(0, 40)}”`;
  const around = (node) => [node, node.parentElement, node.nextElementSibling,
    node.closest("label, .ant-select, .ant-picker, .ant-input-number, .ant-input-affix-wrapper, .ant-segmented-item")]
    .filter(Boolean);
  const look = (node) => JSON.stringify(around(node).map((each) => {
    const {outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor} = getComputedStyle(each);
    return [outlineStyle === "none" ? "" : outlineWidth + outlineColor, boxShadow, borderColor];
  }));
  const takes = (node) => !node.disabled && node.tabIndex >= 0 && isShown(node) && node.type !== "hidden";
  // One of a group of radio buttons takes the focus, arrows lead to the others.
  const isOfGroup = (node) => node.type === "radio" && node.name !== "" && !node.checked;
  const listens = (node) => {
    const key = Object.keys(node).find((each) => each.startsWith("__reactProps$"));
    return key !== undefined && ["onClick", "onMouseDown", "onMouseUp"].some((each) => node[key][each]);
  };
  window.hands = {
    mouseOnly: (part) => [...part.querySelectorAll("*")].filter((node) => {
      const pointer = getComputedStyle(node).cursor === "pointer"
        && getComputedStyle(node.parentElement).cursor !== "pointer";
      if (!isShown(node) || !(pointer || listens(node)) || node.closest("[aria-hidden=true]")) return false;
      if (node.closest("button, a[href], input, textarea, summary, [role=tab], [tabindex='0']")) return false;
      return !(node.closest(AROUND)?.querySelector(FOCUSABLE) || node.matches(AROUND));
    }).map(name),
    begin: async (part) => {
      // A look that is still fading away is no look without the focus.
      const still = new CSSStyleSheet();
      still.replaceSync("*, *::before, *::after { transition: none !important; }");
      document.adoptedStyleSheets = [still];
      const at = document.activeElement;
      at.blur();
      for (let frame = 0; frame < 3; frame++) await new Promise((next) => requestAnimationFrame(next));
      window.hands.last = at;
      window.hands.part = part;
      window.hands.before = new Map([...part.querySelectorAll(FOCUSABLE)].map((node) => [node, look(node)]));
      window.hands.seen = new Set();
      window.hands.unseen = [];
      at.focus();
    },
    step: () => {
      const node = document.activeElement;
      // Tab goes through the places of a date one by one, day and month and so on.
      if (node === window.hands.last && ["date", "datetime-local", "time"].includes(node.type)) return "in";
      window.hands.last = node;
      const isIn = node !== document.body && window.hands.part.contains(node);
      if (!isIn) return "out";
      if (window.hands.seen.has(node)) return "again";
      window.hands.seen.add(node);
      const before = window.hands.before.get(node);
      if (before !== undefined && before === look(node)) window.hands.unseen.push(name(node));
      return "in";
    },
    missed: () => [...window.hands.part.querySelectorAll(FOCUSABLE)]
      .filter((node) => takes(node) && !isOfGroup(node) && !window.hands.seen.has(node)).map(name),
    where: () => name(document.activeElement),
  };
})()
"""
MOST = 400
STUDIO = PUBLISHER[0]

PAGES = (
    (ADMIN, "/"),
    (ADMIN, "/apps"),
    (ADMIN, "/apps/bank.demo.wealth"),
    (ADMIN, "/apps/bank.demo.wealth?tab=health"),
    (REVIEWER, "/apps/{review}"),
    (RELEASER, "/apps/bank.demo.bills/versions/1"),
    (REVIEWER, "/reviews"),
    (REVIEWER, "/changes"),
    (REVIEWER, "/changes/{change}"),
    (RELEASER, "/changes/{change}"),
    (RELEASER, "/releases"),
    (RELEASER, "/releases/freezes"),
    (RELEASER, "/releases/new?app=bank.demo.bills&sequence=1&step=review"),
    (RELEASER, "/releases/{release}"),
    (RELEASER, "/apps/{mended}/hotfixes/1"),
    (REVIEWER, "/apps/{mended}/hotfixes/{hotfix}"),
    (STUDIO, "/apps/{mended}"),
    (STUDIO, "/apps/{mended}/hotfixes/new"),
    (RELEASER, "/codepush"),
    (RELEASER, "/codepush/{react}"),
    (RELEASER, "/codepush/{react}/{deployment}"),
    (ADMIN, "/switches"),
    (ADMIN, "/switches/new"),
    (ADMIN, "/switches/{switch}"),
    (ADMIN, "/switches/{switch}/edit"),
    (ADMIN, "/audiences"),
    (ADMIN, "/audiences/new"),
    (ADMIN, "/audiences/{audience}"),
    (ADMIN, "/audiences/{audience}/edit"),
    (ADMIN, "/tags"),
    (ADMIN, "/tags/{tag}"),
    (ADMIN, "/customers"),
    (ADMIN, "/customers/import"),
    (ADMIN, "/customers/{customer}"),
    (ADMIN, "/devices"),
    (ADMIN, "/reports"),
    (ADMIN, "/client-apps"),
    (ADMIN, "/publishers"),
    (ADMIN, "/operators"),
    (ADMIN, "/roles"),
    (ADMIN, "/tokens"),
    (ADMIN, "/catalogue"),
    (ADMIN, "/trust"),
    (ADMIN, "/audit"),
    (ADMIN, "/insight"),
    (ADMIN, "/policy"),
    (ADMIN, "/system"),
    (ADMIN, "/hosts"),
    (ADMIN, "/notices"),
    (ADMIN, "/account"),
    (ADMIN, "/design"),
)


@pytest.fixture(scope="module")
def pages(desk: Desk) -> "Iterator[dict[str, Page]]":
    """One page for each person, for the whole module."""
    with ExitStack() as open_pages:
        found = {email: open_pages.enter_context(desk.at(email)) for email in (ADMIN, REVIEWER, RELEASER, STUDIO)}
        for each in found.values():
            each.add_init_script(WATCH)
        yield found


@pytest.mark.parametrize(("person", "path"), PAGES, ids=lambda value: value)
def test_everything_on_a_page_is_reached_by_keyboard(
    desk: Desk, pages: "dict[str, Page]", person: str, path: str
) -> None:
    page = pages[person]
    app, sequence = desk.in_review
    review = f"{app}/versions/{sequence}"
    names = {"review": review, "change": desk.change, "release": desk.release, "customer": desk.customer}
    names |= {"switch": desk.switch, "audience": desk.audience, "tag": desk.tag}
    if "{mended}" in path:
        mended, of, n = desk.hotfix
        names |= {"mended": f"{mended}/versions/{of}", "hotfix": str(n)}
    if "{react}" in path:
        names["react"], names["deployment"] = desk.codepush
    page.goto(desk.console + path.format(**names))
    settled(page)
    found = [*_walk(page, "body"), *_dialogs(page)]
    assert not found, "\n".join(found)


def _walk(page: "Page", part: str) -> list[str]:
    """Tab from the beginning to the end of a part; return what was missed, unseen, or is for mice alone."""
    page.evaluate("(part) => hands.begin(document.querySelector(part))", part)
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if page.evaluate("hands.step()") != "in":
            break
    found = page.evaluate(
        """(part) => ({
          "not reached": hands.missed(),
          "focus not seen": hands.unseen,
          "mouse only": hands.mouseOnly(document.querySelector(part)),
        })""",
        part,
    )
    return [f"{what}: {each}" for what, all_of_it in found.items() for each in all_of_it]


def _dialogs(page: "Page") -> list[str]:
    """Open each dialog of a page by keyboard and come back; return what went wrong."""
    found = []
    openers = page.locator("main button[aria-haspopup=dialog]:enabled")
    done = set()
    for n in range(openers.count()):
        opener = openers.nth(n)
        name = opener.inner_text()
        if name in done:
            continue
        done.add(name)
        found += [f"{name}: {each}" for each in _dialog(page, n)]
    return found


def _dialog(page: "Page", n: int) -> list[str]:
    opener = page.locator("main button[aria-haspopup=dialog]:enabled").nth(n)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("[role=dialog]:visible")
    dialog.wait_for()
    page.locator("[role=dialog] :focus").wait_for()
    found = []
    form = dialog.locator("form")
    if form.count() and not dialog.evaluate(
        """(dialog) => {
          const field = [...dialog.querySelectorAll("input:not([type=hidden]), textarea")].find((one) => !one.disabled
            && !(one.type === "radio" && !one.checked));
          return field ? field === document.activeElement : document.activeElement.matches("form button");
        }"""
    ):
        found.append(f"the focus begins at {page.evaluate('hands.where()')}")
    found += _walk(page, "[role=dialog]")
    page.keyboard.press("Tab")
    if page.evaluate("hands.step()") == "out":
        found.append(f"the focus left the dialog for {page.evaluate('hands.where()')}")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    if not opener.evaluate("(opener) => opener === document.activeElement"):
        found.append(f"afterwards the focus is at {page.evaluate('hands.where()')}")
    return found

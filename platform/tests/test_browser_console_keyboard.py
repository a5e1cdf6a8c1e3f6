"""What people do in the console, by the keyboard alone; focus can always be seen and is never lost.

The steps share one release and stand in the order in which they happen.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_TABS = 200
AUDITOR = "auditor@demo.example"
APP, DOOMED = "bank.demo.coupons", "io.swagger.ui"
FOCUSED = """
() => {
  const node = document.activeElement;
  if (!node || node === document.body) return {name: "", isSeen: false, role: "lost"};
  const own = node.labels?.length ? node.labels[0].textContent : node.textContent;
  const label = node.getAttribute("aria-label") ?? own;
  const rings = [node, node.parentElement, node.closest(".ant-select, .ant-input-affix-wrapper")].filter(Boolean);
  const isSeen = rings.some((each) => {
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(each);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  });
  return {name: (label ?? "").trim(), isSeen, role: node.tagName.toLowerCase()};
}
"""


@dataclass
class Hands:
    """Two hands on a keyboard, and eyes that look where the focus is."""

    page: "Page"
    desk: Desk
    email: str

    def go(self, address: str) -> None:
        """Open a page; its head and menu are skipped."""
        self.page.goto(address)
        settled(self.page)
        self.page.keyboard.press("Tab")
        assert self.page.evaluate(FOCUSED)["name"] == "Skip to content"
        self.page.keyboard.press("Enter")

    def to(self, name: str) -> None:
        """Tab to what is called so."""
        wanted, seen = re.compile(name), []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(FOCUSED)
            seen.append(focused["name"][:30])
            if wanted.match(focused["name"]) and focused["role"] != "main":
                assert focused["isSeen"], f"nobody sees that {name} has the focus"
                return
        raise AssertionError(f"no way to {name!r} by tabs: {seen}")

    def press(self, name: str) -> None:
        """Tab to a button and press it, once it is there."""
        self.page.get_by_role("button", name=re.compile(rf"(^| )({name})")).first.wait_for()
        self.to(name)
        self.page.keyboard.press("Enter")

    def write(self, name: str, text: str) -> None:
        """Tab to a field and write."""
        self.to(name)
        self.page.keyboard.type(text)

    def choose(self, name: str, option: str) -> None:
        """Tab to a list and choose by arrows."""
        self.to(name)
        self.page.keyboard.press("ArrowDown")
        shown = self.page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)")
        shown.wait_for()
        for _ in range(20):
            active = shown.locator(".ant-select-item-option-active")
            if active.count() and re.match(option, active.inner_text()):
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        if self.page.locator(".ant-select-multiple:focus-within").count():
            self.page.keyboard.press("Escape")  # a list of several stays open
        shown.wait_for(state="hidden")

    def opens(self, name: str) -> None:
        """Press what opens a dialog; the focus is within it."""
        self.press(name)
        self.page.locator("[role=dialog] :focus").wait_for()

    def confirm(self, name: str, *, cause: str = "") -> None:
        """In the dialog that is open, write the cause, press the button, and see where the focus is afterwards."""
        dialog = self.page.locator("[role=dialog]:visible")
        dialog.locator(":focus").wait_for()
        if cause:
            if self.page.evaluate(FOCUSED)["role"] != "textarea":
                self.to("Reason|What happened")
            self.page.keyboard.type(cause)
        self.send(name, until="body:not(:has([role=dialog]))")
        dialog.first.wait_for(state="hidden")
        self.keeps_focus()

    def send(self, name: str, *, until: str) -> None:
        """Send the form, with a one-time code where the act needs one."""
        self.to_submit(name)
        self.page.keyboard.press("Enter")
        code = self.page.locator("[autocomplete=one-time-code]:focus")
        code.or_(self.page.locator(until)).first.wait_for()
        if code.count():
            self.page.keyboard.type(self.desk.server.sessions.next_code(self.email))
            self.page.keyboard.press("Enter")
            self.page.locator(until).first.wait_for()

    def to_submit(self, name: str) -> None:
        """Tab to the button that sends the form; the one that closes the dialog may be called the same."""
        for _ in range(MOST_TABS):
            if self.page.locator("button[type=submit]:focus").count():
                break
            self.page.keyboard.press("Tab")
        focused = self.page.evaluate(FOCUSED)
        assert re.match(name, focused["name"]), focused

    def escape(self, name: str) -> None:
        """Leave the dialog that is open; the focus returns to what opened it."""
        self.page.keyboard.press("Escape")
        self.page.locator("[role=dialog]:visible").wait_for(state="hidden")
        assert re.match(name, self.page.evaluate(FOCUSED)["name"]), self.page.evaluate(FOCUSED)

    def begin_at(self, text: str) -> None:
        """Go on from the row of a table that says so."""
        row = self.page.locator("tbody tr", has_text=text).first
        row.wait_for()
        row.evaluate("(row) => { row.tabIndex = -1; row.focus(); }")

    def menu(self, name: str, item: str) -> None:
        """Open a menu and choose by arrows."""
        self.press(name)
        shown = self.page.locator(".ant-dropdown:visible")
        shown.locator(":focus").wait_for()
        for _ in range(8):
            if item in self.page.evaluate(FOCUSED)["name"]:
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        shown.wait_for(state="hidden")

    def keeps_focus(self) -> None:
        """The focus stands somewhere on the page."""
        self.page.wait_for_function(f"({FOCUSED})().role !== 'lost'")

    def sees(self, text: str) -> None:
        """The page says so."""
        self.page.get_by_text(text).first.wait_for()


def test_one_signs_in(desk: Desk) -> None:
    person = desk.person("campaign@demo.example")
    with desk.at(None) as page:
        hands = Hands(page, desk, person.email)
        page.goto(f"{desk.console}/")
        page.locator("input:focus").wait_for()
        page.keyboard.type(person.email)
        hands.write("Password", person.password)
        hands.write("One-time code", desk.server.sessions.next_code(person.email))
        page.keyboard.press("Enter")
        hands.sees(f"Hello, {person.name}")


def test_a_version_is_approved(desk: Desk) -> None:
    app, sequence = desk.publish("transfer")
    with desk.at(REVIEWER) as page:
        hands = Hands(page, desk, REVIEWER)
        hands.go(f"{desk.console}/apps/{app}/versions/{sequence}")
        hands.opens("Approve exactly this")
        hands.escape("Approve exactly this")
        page.keyboard.press("Enter")
        hands.confirm("Approve exactly this")
        page.get_by_role("button", name="Approve exactly this").wait_for(state="detached")
        hands.keeps_focus()


def test_a_release_is_made_submitted_approved_and_stopped(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        hands = Hands(page, desk, RELEASER)
        hands.go(f"{desk.console}/releases/new?app={APP}")
        hands.choose("Version", "1.0.0")
        for step in ("Audience", "Stages", "Schedule", "Review"):
            hands.press("Next")
            page.locator(".wizard-steps [aria-current=step]", has_text=step).wait_for()
        hands.press("Save and submit")
        hands.sees("Waiting for approval")
        hands.keeps_focus()
        address = page.url
    api = desk.server.api(REVIEWER)
    release = address.rpartition("/")[2]
    change = next(each["id"] for each in api.items("/changes", state="proposed") if each["target"] == release)
    with desk.at(REVIEWER) as page:
        hands = Hands(page, desk, REVIEWER)
        hands.go(f"{desk.console}/changes/{change}")
        hands.press("Approve")
        hands.confirm("Approve")
        hands.sees("In force")
        hands.keeps_focus()
    with desk.at(RELEASER) as page:
        hands = Hands(page, desk, RELEASER)
        hands.go(address)
        hands.press("Stop")
        hands.confirm("Stop", cause="by keyboard")
        hands.sees("Stopped")
        hands.keeps_focus()


def test_a_version_is_killed(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        hands = Hands(page, desk, RELEASER)
        hands.go(f"{desk.console}/apps/{DOOMED}/versions/1")
        hands.opens("Kill this version")
        page.keyboard.press("ArrowDown")
        hands.confirm("Kill this version", cause="by keyboard")
        hands.sees("Killed")
        hands.keeps_focus()


def test_a_customers_tier_is_changed(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/customers/{desk.customer}")
        hands.opens("Change the tier")
        hands.choose("Tier", "E-account")
        hands.confirm("Save")
        page.locator("h1").get_by_text("E-account").wait_for()


def test_shortcuts_lead_to_pages_and_to_the_search(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/")
        page.keyboard.press("?")
        page.locator("[role=dialog] :focus").wait_for()
        page.keyboard.press("Escape")
        page.locator("[role=dialog]").wait_for(state="hidden")
        page.keyboard.press("g")
        page.keyboard.press("u")
        page.wait_for_url("**/customers")
        page.get_by_role("textbox", name="Bank reference").wait_for()
        settled(page)
        page.keyboard.press("/")
        assert page.evaluate(FOCUSED)["name"] == "Bank reference"


def test_a_list_is_filtered_and_the_filters_cleared(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/customers")
        hands.write("Bank reference", "CIF-1001")
        page.keyboard.press("Enter")
        page.wait_for_url("**ref=CIF-1001**")
        hands.choose("State", "Erased")
        page.wait_for_url("**state=erased**")
        page.keyboard.press("Delete")
        page.wait_for_url(re.compile("customers\\?ref=CIF-1001$"))
        hands.press("Clear filters")
        page.wait_for_url("**/customers")
        hands.keeps_focus()


def test_a_list_is_paged_and_a_row_opened(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/audit")
        first = page.locator("tbody tr").first.inner_text()
        hands.press("Next")
        page.get_by_role("button", name="Previous").and_(page.locator(":enabled")).wait_for()
        assert page.locator("tbody tr").first.inner_text() != first
        while page.get_by_role("button", name="Next").is_enabled():
            page.get_by_role("button", name="Next").focus()
            page.keyboard.press("Enter")
            settled(page)
        assert page.evaluate(FOCUSED)["name"] == "Previous"


def test_tabs_are_changed_by_arrows(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/catalogue")
        hands.to("Tab 1 of 3")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.get_by_role("tab", name="Categories", selected=True).wait_for()


def test_a_client_app_is_made_and_closed(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/client-apps")
        hands.opens("New client app")
        page.keyboard.type("by-keyboard")
        hands.write("Name", "By keyboard")
        hands.choose("Channel|Kind", "web")
        hands.confirm("New client app")
        row = page.get_by_role("row", name=re.compile("by-keyboard"))
        row.wait_for()
        hands.begin_at("by-keyboard")
        hands.opens("Close")
        hands.confirm("Close")
        row.get_by_text("Closed").wait_for()
        hands.keeps_focus()


def test_a_token_is_made_shown_once_and_ended(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/tokens")
        hands.opens("New token")
        page.keyboard.type("By keyboard")
        hands.choose("Permissions", ".")
        hands.send("New token", until="[role=dialog] .note.warn")
        page.locator("[role=dialog]:visible :focus").wait_for()
        page.keyboard.press("Escape")
        page.locator("[role=dialog]:visible").wait_for(state="hidden")
        hands.keeps_focus()
        hands.begin_at("By keyboard")
        hands.opens("End")
        hands.confirm("End")
        hands.keeps_focus()


def test_roles_and_accounts_are_proposed(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/roles")
        hands.opens("New role")
        page.keyboard.type("by_keyboard")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        hands.confirm("Save")
        hands.go(f"{desk.console}/operators")
        hands.opens("New account")
        page.keyboard.type("Kay Board")
        hands.write("E-mail", "kay@demo.example")
        hands.choose("Role", "auditor|Auditor")
        hands.confirm("New account")


def test_an_account_is_disabled(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/operators")
        hands.begin_at("desk@demo.example")
        hands.opens("Actions")
        hands.press("Disable")
        page.locator(".ant-modal :focus").wait_for()
        page.keyboard.press("Escape")
        page.locator(".ant-modal").wait_for(state="hidden")
        assert page.evaluate(FOCUSED)["name"] == "Disable"
        hands.escape("Actions")


def test_rules_are_changed_and_notices_acknowledged(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/policy")
        hands.to("Most files")
        page.keyboard.press("ArrowDown")
        hands.press("Save")
        page.locator(".ant-message-notice").first.wait_for()
        hands.keeps_focus()
        hands.go(f"{desk.console}/notices")
        hands.press("Acknowledge all")
        hands.keeps_focus()


def test_a_server_key_is_chosen_in_a_dialog(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        hands = Hands(page, desk, ADMIN)
        hands.go(f"{desk.console}/trust")
        hands.opens("Rotate a server key")
        page.keyboard.press("ArrowDown")
        page.locator(".ant-select-dropdown:visible").wait_for()
        page.keyboard.press("Escape")
        page.locator(".ant-select-dropdown:visible").wait_for(state="hidden")
        assert page.locator("[role=dialog]:visible").count() == 1
        hands.escape("Rotate a server key")


def test_look_and_language_are_changed_and_one_signs_out(desk: Desk) -> None:
    person = desk.person(AUDITOR)
    with desk.at(None) as page:
        hands = Hands(page, desk, person.email)
        page.goto(f"{desk.console}/")
        page.locator("input:focus").wait_for()
        page.keyboard.type(person.email)
        hands.write("Password", person.password)
        hands.write("One-time code", desk.server.sessions.next_code(person.email))
        page.keyboard.press("Enter")
        hands.sees(f"Hello, {person.name}")
        hands.menu("Appearance", "Dark")
        page.locator("html[data-mode=dark]").wait_for(state="attached")
        hands.press("切换到中文")
        page.locator("html[lang=zh-CN]").wait_for(state="attached")
        hands.press("切换到 English")
        page.locator("html[lang=en]").wait_for(state="attached")
        hands.menu("My account", "Sign out")
        page.get_by_role("button", name="Sign in").wait_for()

"""A refusal of the real server stands at the field that it is about, where a screen reader tells it, with the focus.

Which fields each form has for which refusals is tried for all of them in console/tests/forms.test.ts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, Desk, settled
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FIRST = ""
REGISTER = "Register a mini-app"


@dataclass(frozen=True)
class Case:
    """A dialog, what is entered, and the field that is to carry which sentence."""

    path: str
    opens: str
    values: dict[str, str]
    at: str
    says: str


CASES = (
    Case("customers", "Find by phone", {"Phone": "12"}, "Phone", "phone|number"),
    Case("customers", "New customer", {"Bank reference": "C-9", "Phone": "12"}, "Phone", "number|phone"),
    Case("apps", REGISTER, {"Id": "bank.demo.bills", "Publisher": FIRST}, "Id", "in use"),
    Case("apps", REGISTER, {"Id": "Not An Id", "Publisher": FIRST}, "Id", "id"),
    Case("client-apps", "New client app", {"Id": "retail", "Name": "Again"}, "Id", "has this id"),
    Case(
        "publishers", "Register a publisher", {"Name": "Demo Mini-app Studio"}, "Name", "taken|exists|already|another"
    ),
    Case("publishers", "Register a key", {"Public key": "no key"}, "Public key", "key"),
    Case("operators", "New account", {"Name": "A", "E-mail": ADMIN, "Role": FIRST}, "E-mail", "account|already|exists"),
    Case(
        "releases/freezes",
        "Add a freeze",
        {"From": "2099-01-02T08:00", "Until": "2099-01-01T08:00", "Reason": "Closing"},
        "Until",
        "ends after it begins",
    ),
    Case("notices", "Add", {"Address": "ftp://bank.example"}, "Address", "https|address"),
    Case("tags", "New tag", {"Name": "Not a name"}, "Name", "a-z"),
    Case("hosts", "Add a host", {"Host": "no host"}, "Host", "host"),
)


@pytest.fixture(scope="module")
def page(desk: Desk) -> "Iterator[Page]":
    with desk.at(ADMIN) as page:
        yield page


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path}-{case.opens}-{case.values[case.at]}")
def test_a_refusal_stands_at_its_field(desk: Desk, page: "Page", case: Case) -> None:
    page.goto(f"{desk.console}/{case.path}")
    settled(page)
    page.locator("main button", has_text=re.compile(f"^{case.opens}$")).first.click()
    form = page.get_by_role("dialog").locator("form")
    for label, value in case.values.items():
        _enter(page, _field(form, label), value)
    form.locator("button[type=submit]").click()
    field = _field(form, case.at)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(case.says, re.IGNORECASE))
    expect(field).to_be_focused()
    for label, value in case.values.items():
        if value != FIRST:
            expect(_field(form, label)).to_have_value(value)


def test_a_lost_connection_is_told_and_what_was_typed_stays(desk: Desk, page: "Page") -> None:
    page.goto(f"{desk.console}/hosts")
    settled(page)
    page.get_by_role("button", name="Add a host").click()
    form = page.get_by_role("dialog").locator("form")
    page.route("**/hosts", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    _field(form, "Host").fill("app.bank.example")
    form.locator("button[type=submit]").click()
    expect(form.get_by_role("alert")).to_contain_text("cannot be reached")
    page.unroute("**/hosts")
    expect(_field(form, "Host")).to_have_value("app.bank.example")


def _field(form: "Locator", label: str) -> "Locator":
    return form.get_by_label(re.compile(f"^{label}")).first


def _enter(page: "Page", field: "Locator", value: str) -> None:
    if value == FIRST:
        field.press("Enter")
        page.locator(".ant-select-dropdown:visible .ant-select-item-option").first.wait_for()
        field.press("Enter")
    else:
        field.fill(value)

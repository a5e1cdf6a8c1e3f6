"""A list of customers becomes a tag, the tag an audience that tells how many it reaches, all of it at the console."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, settled
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

KNOWN, TAGGED = 80, 40
TAG, TITLE = "journey-vip", "Journey VIPs"


@pytest.fixture(scope="module")
def page(desk: Desk) -> "Iterator[Page]":
    with desk.at(ADMIN) as page:
        yield page


def test_a_tag_is_filled_from_a_file_and_an_audience_tells_its_reach(desk: Desk, page: "Page", tmp_path: Path) -> None:
    _make_customers(desk, page, tmp_path)
    page.goto(f"{desk.console}/tags")
    settled(page)
    page.get_by_role("button", name="New tag").click()
    form = page.get_by_role("dialog").locator("form")
    form.get_by_label("Title").fill(TITLE)
    form.get_by_label("Name").fill(TAG)
    form.locator("button[type=submit]").click()
    page.wait_for_url(re.compile(f"/tags/{TAG}$"))
    _fill_tag(page, tmp_path)
    audience = _make_audience(desk, page)
    page.goto(f"{desk.console}/tags/{TAG}")
    settled(page)
    expect(page.get_by_role("link", name="Everybody with the tag")).to_have_attribute("href", re.compile(audience))
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{TAGGED} members lose it")
    expect(dialog).to_contain_text("Everybody with the tag")
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Take it out of these rules first")


def test_a_change_of_an_audience_waits_and_its_history_tells_what_changed(desk: Desk) -> None:
    api = desk.server.api(ADMIN)
    tiers = {"attr": "tier", "op": "in", "values": ["full"]}
    audience = str(api.post("/audiences", {"name": "Full ones", "audience": tiers})["id"])
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/audiences/{audience}/edit")
        settled(page)
        page.get_by_text("JSON", exact=True).click()
        rule = page.get_by_role("textbox", name="Rule")
        rule.fill("{")
        page.get_by_role("button", name="Propose the change").click()
        expect(page.get_by_text("This is not a JSON object.")).to_be_visible()
        rule.fill('{"attr": "shoe_size", "op": "in", "values": ["44"]}')
        page.get_by_role("button", name="Propose the change").click()
        expect(rule).to_have_attribute("aria-invalid", "true")
        expect(rule).to_have_accessible_description(re.compile("attribute"))
        rule.fill('{"attr": "tier", "op": "at_least", "values": ["registered"]}')
        page.get_by_role("button", name="Propose the change").click()
        page.wait_for_url(re.compile(f"/audiences/{audience}$"))
        expect(page.get_by_text("A change of it waits for approval.")).to_be_visible()
        expect(page.get_by_text("tier is Full account")).to_have_count(0)
        waiting = desk.server.api(REVIEWER).items("/changes", target=audience, state="proposed")
        desk.server.sessions.approve(REVIEWER, waiting[0]["id"])
        edition = page.get_by_role("listitem").filter(has_text="Edition 2")
        expect(edition).to_be_visible()
        edition.locator("summary").click()
        expect(edition.locator("ins")).to_have_text("registered customers and above")


def _make_customers(desk: Desk, page: "Page", folder: Path) -> None:
    file = folder / "customers.csv"
    file.write_text("bank_reference,tier\n" + "".join(f"JRN-{n},registered\n" for n in range(KNOWN)))
    page.goto(f"{desk.console}/customers/import")
    settled(page)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".tile", has_text="Created")).to_contain_text(str(KNOWN))


def _fill_tag(page: "Page", folder: Path) -> None:
    file = folder / "members.csv"
    lines = ["bank_reference", *(f"JRN-{n}" for n in range(TAGGED)), "=1+1", "nobody"]
    file.write_text("\n".join(lines))
    page.locator("input[type=file]").set_input_files(file)
    row = page.get_by_role("table", name="Imports").locator("tbody tr")
    expect(row).to_contain_text("Done")
    expect(row).to_contain_text(f"0 → {TAGGED}")
    with page.expect_download() as found:
        row.get_by_role("link", name="Report of the 2 lines not taken").click()
    report = Path(found.value.path()).read_text()
    assert report.split() == [
        "line,id,code",
        f"{TAGGED + 2},'=1+1,unknown_bank_reference",
        f"{TAGGED + 3},nobody,unknown_bank_reference",
    ]


def _make_audience(desk: Desk, page: "Page") -> str:
    page.goto(f"{desk.console}/audiences")
    settled(page)
    page.get_by_role("button", name="New audience").click()
    expect(page.get_by_role("heading", name="New audience")).to_be_visible()
    page.get_by_label("Name").fill("Everybody with the tag")
    page.get_by_text("By a rule").click()
    condition = page.get_by_role("group", name="Condition 1")
    _choose(page, condition.get_by_label("Attribute"), "tag")
    _choose(page, condition.get_by_label("Values"), TITLE)
    page.keyboard.press("Escape")
    reach = page.get_by_role("status", name="Expected reach")
    expect(reach.locator(".estimate-number").first).to_have_text(str(TAGGED))
    page.locator("form button[type=submit]").click()
    expect(page.get_by_role("heading", name="Everybody with the tag")).to_be_visible()
    page.wait_for_url(re.compile(r"/audiences/aud_"))
    expect(page.get_by_role("status", name="Expected reach").locator(".estimate-number").first).to_have_text(
        str(TAGGED)
    )
    page.get_by_role("tab", name="flagd").click()
    expect(page.locator("pre:visible")).to_contain_text('"var": "tags"')
    return page.url.rpartition("/")[2]


def _choose(page: "Page", field: "Locator", label: str) -> None:
    field.fill(label)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option-active", has_text=label).first.wait_for()
    field.press("Enter")

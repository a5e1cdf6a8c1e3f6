"""A switch is made at the console, approved there by a second person, and a stock OFREP client sees its value."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, settled
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from playwright.sync_api import expect

from sampan.platform.cli.demo_folder import WORKSPACE
from sampan.platform.cli.demo_token import mint

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY = "journey.new-look"


@pytest.fixture
def client(desk: Desk) -> Iterator[OpenFeatureClient]:
    """The stock Python client, as a device of a full customer."""
    device = mint(desk.server.folder, desk.server.address, "full", "retail")
    address = f"{desk.server.address}/w/{WORKSPACE}"
    provider = OFREPProvider(address, headers_factory=lambda: {"Authorization": f"Bearer {device['access_token']}"})
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()
    provider.session.close()


def test_a_switch_goes_from_the_form_to_a_stock_client_and_off_again(desk: Desk, client: OpenFeatureClient) -> None:
    def is_on() -> bool:
        return bool(client.get_boolean_value(KEY, False, EvaluationContext("me")))

    with desk.at(RELEASER) as page:
        _make(desk, page)
        assert not is_on()
        _act(page, "Activate", "Spring campaign")
        expect(page.get_by_text("A change waits for approval.")).to_be_visible()
        change = str(page.get_by_role("link", name="See the request").get_attribute("href")).rpartition("/")[2]
        _approve(desk, change)
        expect(page.locator("h1")).to_contain_text("Active")
        desk.server.wait_for(is_on)
        _act(page, "Turn off", "wrong amounts")
        expect(page.get_by_role("button", name="Turn off")).to_have_count(0)
        desk.server.wait_for(lambda: not is_on())
        edition = page.get_by_role("listitem").filter(has_text="Edition 3")
        expect(edition).to_contain_text("wrong amounts")
        expect(edition.locator("summary")).to_have_text("Rule 1")


def test_what_somebody_gets_is_told_rule_by_rule(desk: Desk) -> None:
    key = desk.switch
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/switches/{key}")
        settled(page)
        asked = page.locator("form")
        asked.get_by_label("Customer id or device id").fill("cus_nobody")
        asked.get_by_label("Why you ask").fill("A customer called")
        asked.locator("button[type=submit]").click()
        subject = asked.get_by_label("Customer id or device id")
        expect(subject).to_have_attribute("aria-invalid", "true")
        subject.fill(desk.customer)
        asked.locator("button[type=submit]").click()
        expect(page.locator(".tried-value")).to_have_text("false")
        expect(page.get_by_text("No rule matches")).to_be_visible()
        rule = page.locator(".tried-rule")
        expect(rule.get_by_role("img", name=re.compile("Not known|Does not hold")).first).to_be_visible()
        expect(rule).to_contain_text("nothing is known")


def test_a_refused_definition_is_told_where_it_is_wrong(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/switches/new")
        settled(page)
        page.get_by_role("textbox", name="Key").fill("journey.wrong")
        page.get_by_role("button", name="Add a rule").click()
        page.get_by_text("By a rule").click()
        condition = page.get_by_role("group", name="Condition 1")
        condition.get_by_role("button", name="Remove this condition").click()
        page.get_by_role("button", name="Save the draft").click()
        expect(page.get_by_text("A condition is not filled in yet.")).to_be_visible()
        page.get_by_text("JSON", exact=True).click()
        definition = page.get_by_role("textbox", name="Definition")
        text = definition.input_value().replace('"default": "off"', '"default": "nowhere"')
        definition.fill(text)
        page.get_by_role("button", name="Save the draft").click()
        expect(definition).to_have_attribute("aria-invalid", "true")
        expect(definition).to_have_accessible_description(re.compile("nowhere"))
        expect(page.get_by_text("Where: default")).to_be_visible()


def _make(desk: Desk, page: "Page") -> None:
    page.goto(f"{desk.console}/switches")
    settled(page)
    page.get_by_role("button", name="New switch").click()
    page.get_by_role("textbox", name="Key").fill("no key")
    page.get_by_label("Title").fill("The new look")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("textbox", name="Key")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Key").fill(KEY)
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_url(re.compile(f"/switches/{re.escape(KEY)}$"))
    expect(page.locator("h1")).to_contain_text("Draft")
    lanes = page.locator(".lanes > li")
    expect(lanes).to_have_count(2)
    expect(lanes.last).to_contain_text("Everybody else")
    expect(lanes.last).to_contain_text("off")


def _approve(desk: Desk, change: str) -> None:
    with desk.at(REVIEWER) as page:
        page.goto(f"{desk.console}/changes/{change}")
        settled(page)
        expect(page.get_by_role("row", name=re.compile("^Rule 1"))).to_contain_text("on")
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("dialog").locator("button[type=submit]").click()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def _act(page: "Page", label: str, cause: str) -> None:
    page.locator(".page-head").get_by_role("button", name=label, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(cause)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)

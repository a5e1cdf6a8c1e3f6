"""The page that says why somebody gets which version: found by id and reference, answered first, opened by keyboard."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from browser_desk import ADMIN, Desk, Language, Look, Mode, settled, shots_folder, text_areas
from playwright.sync_api import expect
from test_browser_console_looks import PAIRWISE, SIZES, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

COUPONS, WEALTH = "bank.demo.coupons", "bank.demo.wealth"


def _leaf(attr: str, outcome: bool | None, op: str, *values: Any, **more: Any) -> dict[str, Any]:
    made = {"word": "condition", "at": f"rule.{attr}", "outcome": outcome, "attr": attr, "op": op}
    return {**made, "values": list(values), "source": "server", **more}


RULE = {
    "word": "all",
    "at": "rule",
    "outcome": False,
    "parts": [
        _leaf("tier", True, "at_least", "e_account", seen="full"),
        {
            "word": "any",
            "at": "rule.all[1]",
            "outcome": None,
            "parts": [
                _leaf("app_version", None, "matches", "^5.1", source="claimed"),
                _leaf("tag", False, "in", "staff", seen=[]),
                _leaf("customer", False, "in", "***", "***", seen="***"),
            ],
        },
        _leaf("percentage", False, "below", 1000, seen=4312),
    ],
}


def _release(one: dict[str, Any], sequence: int, reason: str, outcome: bool | None, **more: Any) -> dict[str, Any]:
    stage = {"number": 2, "of": 4, "name": "ten", "basis_points": 1000}
    made = {**one, "release": f"rel_{sequence:032x}", "version": f"1.{sequence}.0", "sequence": sequence}
    return {**made, "stage": stage, "state": "running", "reason": reason, "outcome": outcome, **more}


def with_every_answer(found: dict[str, Any]) -> dict[str, Any]:
    """Return an explanation whose items have each kind of answer, made from one of the server's."""
    item = next(each for each in found["items"] if each["offered"])
    (one,) = item["releases"][:1]
    offered = {"release": one["release"], "version": one["version"], "sequence": one["sequence"]}
    held = {"sequence": offered["sequence"], "version": offered["version"], "seen_ms": one["changed_ms"]}
    cap = {"customers": 2000, "taken": 2000, "until_ms": None, "has_place": False, "would_get": False}
    items = [
        {**item, "installed": held, "action": "keep"}
        | {"releases": [_release(one, 12, "not_in_audience", False, rule=RULE), one]},
        {**item, "id": "bank.demo.bills", "releases": [_release(one, 12, "no_place", True, cap=cap), one]},
        {**item, "id": WEALTH, "offered": None, "reason": "release_paused", "action": "none"}
        | {"releases": [_release(one, 3, "release_paused", True, state="paused", cause="White screens on old phones")]},
        {**item, "id": "retail", "kind": "app_upgrade", "action": "install"},
        {**item, "id": "bank.demo.travel", "offered": None, "action": "remove", "reason": "version_killed"}
        | {"installed": held, "releases": [_release(one, 1, "version_killed", True, state="stopped")]},
    ]
    claims = {"platform": "android", "os_version": "14", "app_version": "5.0.9", "model": "Pixel 8", "network": "wifi"}
    subject = {**found["subject"], "claims": claims, "claims_at_ms": one["changed_ms"], "host_version": 3}
    return {**found, "items": items, "subject": subject}


def _answered(page: "Page") -> None:
    def answer(route: "Route") -> None:
        found = route.fetch()
        route.fulfill(json=with_every_answer(json.loads(found.text())))

    page.route(re.compile("/console/api/v1/explain"), answer)


@pytest.mark.parametrize(("language", "mode", "size"), PAIRWISE)
def test_every_answer_looks_well(desk: Desk, language: Language, mode: Mode, size: str) -> None:
    found, areas, name = [], text_areas(TEXTS), f"{language}-{mode}-{size}"
    with desk.at(ADMIN, language=language, mode=mode, size=SIZES[size]) as page:
        look = Look(page, shots_folder(), is_one_page=False)
        found += look.go(f"{desk.console}/explain", f"explain-empty-{name}", areas=areas, with_axe=True)
        found += look.go(
            f"{desk.console}/explain?customer={desk.customer}", f"explain-customer-{name}", areas=areas, with_axe=True
        )
        _answered(page)
        found += look.go(
            f"{desk.console}/explain?device={desk.device}", f"explain-device-{name}", areas=areas, with_axe=True
        )
        page.locator("details.explained summary").first.click()
        page.locator("details.explained summary").nth(2).click()
        found += look.at(f"explain-open-{name}", areas=areas, with_axe=True)
    assert not found, "\n".join(found)


def test_a_device_is_found_by_its_id_and_explained_by_keyboard(desk: Desk) -> None:
    device = desk.device
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/explain")
        settled(page)
        field = page.get_by_role("textbox", name=re.compile("Device id"))
        field.fill(device)
        field.press("Enter")
        coupons = page.locator("details.explained", has_text=COUPONS)
        expect(coupons.locator("summary")).to_contain_text(re.compile(r"(Gets|Has) 1\."))
        assert page.url.endswith(f"/explain?device={device}")
        wealth = page.locator("details.explained", has_text=WEALTH, has_not_text="Hotfix")
        expect(wealth.locator("summary")).to_contain_text("tier is Visitor")
        wealth.locator("summary").press("Enter")
        expect(wealth.get_by_text("known to the server").first).to_be_visible()
        expect(wealth.get_by_role("img", name="Does not hold").first).to_be_visible()
        wealth.get_by_role("link", name=re.compile(r"#\d")).first.click()
        page.get_by_role("heading", name="Stages").wait_for()  # else the button of the page before is pressed
        page.get_by_role("button", name="Explain").click()
        expect(page.get_by_text(f"Only {WEALTH}")).to_be_visible()


def test_a_customer_is_found_by_reference_and_leads_to_a_device(desk: Desk) -> None:
    api = desk.server.api(ADMIN)
    reference = next(each for each in api.items("/customers") if each["bank_reference"])
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/explain")
        field = page.get_by_role("textbox", name=re.compile("Device id"))
        field.fill("no such reference")
        field.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("No such customer or device was found.")
        field.fill(reference["bank_reference"])
        field.press("Enter")
        page.wait_for_url(re.compile(f"customer={reference['id']}$"))
        expect(page.get_by_role("heading", name="Customer", exact=True)).to_be_visible()
        page.goto(f"{desk.console}/explain?device=dev_{'f' * 32}")
        expect(page.get_by_role("alert").filter(has_text="No device of this id here.")).to_be_visible()


def test_a_customers_phone_number_finds_them_and_stands_in_no_address(desk: Desk) -> None:
    phone, api = "+86 138-0099-0011", desk.server.api(ADMIN)
    personal = {"name": "Found by phone", "phone": phone.translate({32: None, 45: None})}
    customer = api.post("/customers", {"bank_reference": "by-phone", "tier": "registered", "personal": personal})["id"]
    with desk.at(ADMIN) as page:
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        page.goto(f"{desk.console}/explain")
        field = page.get_by_role("textbox", name=re.compile("Device id"))
        field.fill(phone)
        field.press("Enter")
        page.wait_for_url(re.compile(f"customer={customer}$"))
    assert addresses
    assert not [each for each in addresses if "0011" in each]


def test_hidden_ids_are_shown_for_a_reason(desk: Desk) -> None:
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/devices/{desk.device}")
        page.get_by_role("button", name="Explain").click()
        page.get_by_role("button", name="Show hidden ids").click()
        page.get_by_label("Reason").fill("A customer asked")
        with page.expect_response(re.compile(r"/explain\?.*reason=A")) as asked:
            page.get_by_role("dialog").get_by_role("button", name="Show hidden ids").click()
        assert asked.value.ok
        expect(page.get_by_text("Ids are shown; this was audited")).to_be_visible()
    audit = desk.server.api(ADMIN).get("/audit", action="explain.personal", limit=1)["items"]
    assert (audit[0]["target"], audit[0]["detail"]["reason"]) == (desk.device, "A customer asked")

"""A draft with a limit of customers is checked, edited and rolled back at the console, each with its sentences."""

import re
from typing import TYPE_CHECKING

import pytest
from browser_desk import RELEASER, REVIEWER, Desk, Language, Look, Mode, settled, shots_folder, text_areas
from playwright.sync_api import expect
from test_browser_console_looks import PAIRWISE, SIZES, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

APP = "bank.demo.bills"
FULL = {"attr": "tier", "op": "in", "values": ["full"]}
PARTIAL = [{"name": "first", "basis_points": 1000}, {"name": "all", "basis_points": 10_000}]


def made(desk: Desk, **members: object) -> str:
    draft = {"id": APP, "sequence": 1, "audience": FULL, **members}
    return str(desk.server.api(RELEASER).post("/releases", draft)["id"])


def started(desk: Desk, **members: object) -> str:
    release = made(desk, **members)
    desk.server.sessions.approve(REVIEWER, desk.submit(release))
    return release


def ended(desk: Desk, release: str) -> None:
    desk.server.api(RELEASER).post(f"/releases/{release}/stop", {"cause": "the test is over"})


def test_a_draft_is_checked_edited_and_then_submitted(desk: Desk) -> None:
    running = started(desk, stages=PARTIAL)
    draft = made(desk, stages=PARTIAL)
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases/{draft}")
        settled(page)
        warning = page.get_by_role("alert").filter(has_text="It cannot go out as it is")
        expect(warning).to_contain_text("both may mean the same devices")
        expect(warning.get_by_role("link")).to_have_attribute("href", re.compile(running))
        page.get_by_role("button", name="Edit the draft").click()
        settled(page)
        page.locator(".wizard-steps button").nth(4).click()
        expect(page.get_by_role("alert").filter(has_text="both may mean the same devices")).to_be_visible()
        page.locator(".wizard-steps button").nth(2).click()
        page.get_by_text("Everybody at once", exact=True).click()
        page.locator(".wizard-steps button").nth(4).click()
        expect(page.get_by_role("alert").filter(has_text="both may mean")).to_have_count(0)
        page.get_by_role("button", name="Save and submit").click()
        page.wait_for_url(re.compile(rf"/releases/{draft}$"))
        expect(page.get_by_text("Waiting for approval").first).to_be_visible()
    found = desk.server.api(REVIEWER).get(f"/releases/{draft}")
    assert (found["state"], len(found["stages"])) == ("submitted", 1)
    ended(desk, running)


def test_a_draft_that_a_colleague_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    draft, colleague = made(desk), desk.server.api(RELEASER)
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases/{draft}/edit?step=audience")
        settled(page)
        page.get_by_text("Limit the number of customers").click()
        page.get_by_label("Customers at most").fill("70")
        seen = colleague.get(f"/releases/{draft}")["changed_ms"]
        colleague.patch(f"/releases/{draft}", {"changed_ms": seen, "update_mode": "sync"})
        page.get_by_role("button", name="Save and submit").click()
        expect(
            page.get_by_role("alert").filter(has_text="Somebody changed the draft since you read it")
        ).to_be_visible()
        expect(page.get_by_label("Customers at most")).to_have_value("70")
    found = colleague.get(f"/releases/{draft}")
    assert (found["update_mode"], found["cap"], found["state"]) == ("sync", None, "draft")


def test_an_upgrade_that_a_colleague_changed_meanwhile_is_not_overwritten(desk: Desk) -> None:
    path = f"/client-apps/{desk.client_app}/upgrades"
    colleague = desk.server.api(RELEASER)
    wanted = {"version": "8.7.0", "url": "https://example.com/app", "text": {"zh": "更快", "en": "Faster"}}
    with desk.at(RELEASER) as page:
        entered = colleague.post(path, {"build": 8700, **wanted})
        page.goto(f"{desk.console}{path}")
        settled(page)
        page.get_by_role("row").filter(has_text="#8700").get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Version").fill("8.7.1")
        theirs = {**wanted, "url": "https://example.com/theirs", "changed_ms": entered["changed_ms"]}
        colleague.put(f"{path}/8700", theirs)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Somebody changed the upgrade since you read it")
        expect(dialog.get_by_label("Version")).to_have_value("8.7.1")
        row = page.locator("tr", has_text="#8700")
        expect(row).to_contain_text("https://example.com/theirs")
        dialog.get_by_role("button", name="Cancel").click()
        row.get_by_role("button", name="Edit").click()
        dialog.get_by_label("Version").fill("8.7.1")
        dialog.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("8.7.1")
    found = colleague.get(f"{path}/8700")
    assert (found["version"], found["url"]) == ("8.7.1", "https://example.com/theirs")
    colleague.delete(f"{path}/8700")


def test_a_limit_of_customers_is_entered_and_its_places_are_shown(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases/new?app={APP}&sequence=1&step=review")
        settled(page)
        page.locator(".wizard-steps button").nth(1).click()
        page.get_by_text("Limit the number of customers").click()
        page.get_by_label("Customers at most").fill("50")
        page.locator(".wizard-steps button").nth(4).click()
        expect(page.get_by_role("region", name="Step 5: Review").get_by_text("At most 50 customers")).to_be_visible()
        page.get_by_role("checkbox", name=re.compile("Hand it to a colleague")).uncheck()
        page.get_by_role("button", name="Save the draft").click()
        page.wait_for_url(re.compile(r"/releases/rel_"))
        release = page.url.rpartition("/")[2]
        desk.server.sessions.approve(REVIEWER, desk.submit(release))
        page.reload()
        expect(page.get_by_text("0 of 50 places taken")).to_be_visible()
    ended(desk, release)


@pytest.mark.parametrize(("language", "mode", "size"), PAIRWISE)
def test_the_check_and_the_places_look_well(desk: Desk, language: Language, mode: Mode, size: str) -> None:
    found, name = [], f"{language}-{mode}-{size}"
    running = started(desk, stages=PARTIAL, cap={"customers": 50, "until_ms": 4_000_000_000_000})
    draft = made(desk, stages=PARTIAL, cap={"customers": 5})
    with desk.at(RELEASER, language=language, mode=mode, size=SIZES[size]) as page:
        look = Look(page, shots_folder())
        for what, address in (("capped", running), ("conflict", draft), ("edit", f"{draft}/edit")):
            page.goto(f"{desk.console}/releases/{address}")
            settled(page)
            if what == "edit":
                page.locator(".wizard-steps button").nth(1).click()
            found += look.at(f"release-{what}-{name}", areas=text_areas(TEXTS), with_axe=True)
    ended(desk, running)
    assert not found, "\n".join(found)


def test_the_versions_to_go_back_to_can_be_chosen(desk: Desk) -> None:
    release = started(desk)
    with desk.at(RELEASER) as page:
        page.route("**/rollback-targets", _two_targets)
        page.goto(f"{desk.console}/releases/{release}")
        settled(page)
        page.get_by_role("button", name="Roll back", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Devices go back to the chosen version")
        expect(dialog.get_by_role("note")).to_have_count(0)
        dialog.get_by_label("Roll back to").fill("0.9.0")
        _enter(page, "0.9.0")
        expect(dialog.get_by_role("note")).to_contain_text("rolled back too: 0.9.5")
    ended(desk, release)


def _enter(page: "Page", label: str) -> None:
    page.locator(".ant-select-dropdown:visible .ant-select-item-option-active", has_text=label).first.wait_for()
    page.keyboard.press("Enter")


def _two_targets(route: "Route") -> None:
    also = [{"release": "rel_1", "version": "0.9.5"}]
    targets = [
        {"sequence": 3, "version": "0.9.5", "also": []},
        {"sequence": 2, "version": "0.9.0", "also": also},
    ]
    route.fulfill(json={"targets": targets})

"""CodePush at the console: what a second person approved is offered to devices; disabled, raised, gone back from."""

from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from browser_codepush import DEPLOYMENT, approve_codepush, make_codepush
from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, Look, settled, shots_folder, text_areas
from playwright.sync_api import expect
from test_browser_console_looks import SIZES, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CHECK = "/v0.1/public/codepush/update_check"
MANY = [f"phone-{n}" for n in range(60)]
"""So many devices that some are drawn for a quarter of all, and some are not."""


@pytest.fixture(params=["Bank-Acts"])
def app(desk: Desk, request: pytest.FixtureRequest) -> str:
    """An app whose v1 and v2 were approved, v2 as mandatory; v3 waits, for a quarter of the devices."""
    name = f"{request.param}-{request.node.originalname[5:25].replace('_', '-')}"
    make_codepush(desk.server, name)
    return name


def offered(desk: Desk, app: str, client: str = "") -> dict[str, Any]:
    """Return what a device is told that has no update yet."""
    lines = desk.server.api(ADMIN).items(f"/codepush/apps/{app}/deployments")
    key = next(each["key"] for each in lines if each["name"] == DEPLOYMENT)
    asked = {"deployment_key": key, "app_version": "1.0.0", "client_unique_id": client}
    answer = httpx2.get(f"{desk.server.address}{CHECK}", params=asked, trust_env=False)
    assert answer.status_code == httpx2.codes.OK, answer.text
    found: dict[str, Any] = answer.json()["update_info"]
    return found


def labels(desk: Desk, app: str) -> set[str]:
    """Return what many devices are offered."""
    return {offered(desk, app, client)["label"] for client in MANY}


def opened(page: "Page", desk: Desk, app: str) -> None:
    page.goto(f"{desk.console}/codepush/{app}/{DEPLOYMENT}")
    settled(page)


def row(page: "Page", label: str) -> "Locator":
    return page.locator("tr", has=page.locator(".strong.num", has_text=label))


def press(page: "Page", label: str, name: str) -> None:
    """Press a button of a label and confirm it."""
    row(page, label).get_by_role("button", name=name, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
    page.get_by_role("dialog").wait_for(state="detached")
    settled(page)


def test_a_second_person_approves_what_waits_and_devices_are_offered_it(desk: Desk, app: str) -> None:
    assert labels(desk, app) == {"v2"}
    with desk.at(RELEASER) as page:
        opened(page, desk, app)
        expect(row(page, "v3")).to_contain_text("Waits for approval")
        expect(row(page, "v3").get_by_role("button")).to_have_count(0)
        row(page, "v3").get_by_role("link", name="See the request").click()
        page.wait_for_url("**/changes/chg_*")
        settled(page)
        expect(page.get_by_text("so a colleague has to approve it")).to_be_visible()
        expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    with desk.at(REVIEWER) as page:
        opened(page, desk, app)
        row(page, "v3").get_by_role("link", name="See the request").click()
        settled(page)
        diff = page.locator("table.diff")
        expect(diff.locator("tr", has_text="Rollout in percent")).to_contain_text("25")
        expect(diff.locator("tr", has_text="Description")).to_contain_text("A new home page")
        page.get_by_role("button", name="Approve", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        expect(page.get_by_text("Approved.")).to_be_visible()
        opened(page, desk, app)
        expect(row(page, "v3").locator(".tag").first).to_have_text("Approved")
        expect(row(page, "v3")).to_contain_text("25 %")
    desk.server.wait_for(lambda: labels(desk, app) == {"v2", "v3"})


def test_a_rollout_only_rises_and_what_takes_back_acts_at_once(desk: Desk, app: str) -> None:
    approve_codepush(desk.server, app)
    desk.server.wait_for(lambda: "v3" in labels(desk, app))
    with desk.at(RELEASER) as page:
        opened(page, desk, app)
        row(page, "v3").get_by_role("button", name="Change", exact=True).click()
        dialog = page.get_by_role("dialog")
        rollout = dialog.get_by_role("spinbutton")
        rollout.fill("10")
        rollout.blur()
        expect(rollout).to_have_value("25")  # lower it never gets
        rollout.fill("100")
        dialog.get_by_role("button", name="Propose").click()
        dialog.wait_for(state="detached")
        assert labels(desk, app) == {"v2", "v3"}, "raising waits for the second person"
        approve_codepush(desk.server, app)
        desk.server.wait_for(lambda: labels(desk, app) == {"v3"})
        opened(page, desk, app)
        press(page, "v3", "Disable")
        expect(row(page, "v3").locator(".tag").first).to_have_text("Disabled")
        desk.server.wait_for(lambda: labels(desk, app) == {"v2"})
        assert offered(desk, app)["is_mandatory"]
        press(page, "v2", "Make optional")
        expect(row(page, "v2").get_by_role("button", name="Make optional")).to_have_count(0)
        desk.server.wait_for(lambda: not offered(desk, app)["is_mandatory"])
    assert not [each for each in desk.server.api(REVIEWER).items("/changes", state="proposed") if app in str(each)]


def test_going_back_gives_the_earlier_content_under_a_new_label(desk: Desk, app: str) -> None:
    first = desk.server.api(ADMIN).items(f"/codepush/apps/{app}/deployments/{DEPLOYMENT}/releases")[-1]
    with desk.at(RELEASER) as page:
        opened(page, desk, app)
        expect(row(page, "v2").get_by_role("button", name="Roll back to this")).to_have_count(
            0
        )  # it is the present one
        press(page, "v1", "Roll back to this")
        expect(row(page, "v4")).to_contain_text("back to v1")
        expect(row(page, "v4").locator(".tag").first).to_have_text("Approved")
    desk.server.wait_for(lambda: offered(desk, app)["label"] == "v4")
    assert (first["label"], offered(desk, app)["package_hash"]) == ("v1", first["package_hash"])


def test_what_devices_reported_stands_beside_each_label(desk: Desk, app: str) -> None:
    with desk.at(REVIEWER) as page:
        opened(page, desk, app)
        heads = page.locator("table").first.locator("thead th").all_inner_texts()
        cells = row(page, "v2").locator("td").all_inner_texts()
        told = dict(zip(heads, cells, strict=True))
        numbers = {name: told[name] for name in ("Active", "Downloaded", "Installed", "Failed")}
        assert numbers == {"Active": "2", "Downloaded": "3", "Installed": "2", "Failed": "1"}
        binaries = page.locator("section.panel", has=page.get_by_role("heading", name="Devices without an update"))
        expect(binaries.locator("tbody tr")).to_have_count(0)


@pytest.mark.parametrize(("language", "mode", "size"), [("zh", "dark", "phone"), ("en", "light", "phone")])
def test_a_history_looks_well_on_a_phone(desk: Desk, app: str, language: Any, mode: Any, size: str) -> None:
    with desk.at(RELEASER, language=language, mode=mode, size=SIZES[size]) as page:
        look = Look(page, shots_folder())
        place = f"{desk.console}/codepush/{app}/{DEPLOYMENT}"
        faults = look.go(place, f"codepush-acts-{language}-{mode}-{size}", areas=text_areas(TEXTS), with_axe=True)
    assert not faults, "\n".join(faults)

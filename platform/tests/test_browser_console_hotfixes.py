"""A hotfix at the console: commands that are copied, read and approved, withdrawn with what stands on it, released."""

from typing import TYPE_CHECKING

from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, settled
from playwright.sync_api import expect

from sampan.platform.cli.demo_folder import PUBLISHER

if TYPE_CHECKING:
    from playwright.sync_api import Page


def _open(page: "Page", desk: Desk, path: str) -> None:
    page.goto(f"{desk.console}/{path}")
    settled(page)


def test_a_reviewer_finds_it_in_the_queue_and_reads_what_changes(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(REVIEWER) as page:
        _open(page, desk, "reviews")
        page.get_by_role("link", name=f"Hotfix {n}", exact=True).click()
        page.wait_for_url(f"**/apps/{app}/versions/{sequence}/hotfixes/{n}")
        settled(page)
        expect(page.locator(".operations")).to_contain_text("/fees")
        script = page.locator("section.panel", has=page.get_by_role("heading", name="app.js", exact=True))
        expect(script.locator("tr.removed")).to_contain_text("const DAYS_OF_YEAR = 365;")
        expect(script.locator("tr.added")).to_contain_text("const DAYS_OF_YEAR = 360;")
        script.get_by_text("Side by side").click()
        row = script.locator("tr", has_text="DAYS_OF_YEAR = 360")
        expect(row.locator("td.removed")).to_contain_text("365")
        expect(row.locator("td.added")).to_contain_text("360")
        digest = desk.server.api(REVIEWER).get(f"/apps/{app}/versions/{sequence}/hotfixes/{n}")["review_digest"]
        page.get_by_role("button", name="Approve exactly this").click()
        expect(page.get_by_role("dialog")).to_contain_text(digest)


def test_withdrawing_says_what_falls_with_it(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(ADMIN) as page:
        _open(page, desk, f"apps/{app}/versions/{sequence}/hotfixes/{n - 1}")
        page.get_by_role("button", name="Withdraw").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"withdrawn with it: +{n}.")
        dialog.get_by_role("button", name="Cancel").click()
        _open(page, desk, f"apps/{app}/versions/{sequence}/hotfixes/{n}")
        page.get_by_role("button", name="Withdraw").click()
        expect(page.get_by_role("dialog")).to_contain_text("No other hotfix stands on it.")


def test_while_a_release_of_it_runs_the_way_leads_there_instead_of_to_another(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(RELEASER) as page:
        _open(page, desk, f"apps/{app}/versions/{sequence}/hotfixes/{n - 1}")
        expect(page.get_by_role("button", name="Release it")).to_have_count(0)
        page.get_by_role("button", name="Release under way").click()
        page.wait_for_url("**/releases/rel_*")
        settled(page)
        expect(page.locator(".tag", has_text="Hotfix")).to_be_visible()
        expect(page.get_by_role("link", name=f"Hotfix {n - 1} of")).to_be_visible()


def test_the_wizard_of_a_hotfix_has_everything_chosen(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(RELEASER) as page:
        _open(page, desk, f"releases/new?kind=hotfix&app={app}%40{sequence}&sequence={n - 1}")
        expect(page.get_by_role("radio", name="A hotfix")).to_be_checked()
        form = page.locator("form")
        for text in ("Wealth shop", f"(#{sequence})", f"Hotfix {n - 1}", "The version without hotfixes"):
            expect(form.locator(".ant-select", has_text=text).first).to_be_visible()
        expect(page.get_by_text("Download in the background on Wi-Fi only")).to_have_count(0)
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("checkbox", name="E-account")).to_be_checked()
        expect(page.get_by_role("checkbox", name="Registered")).not_to_be_checked()


def test_the_console_gives_the_commands_and_signs_nothing(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(PUBLISHER[0]) as page:
        _open(page, desk, f"apps/{app}/versions/{sequence}")
        page.get_by_role("button", name="Make a hotfix").click()
        settled(page)
        path = page.get_by_label("Path in the package")
        path.fill("manifest.json")
        page.get_by_label("File on the machine").fill("new manifest.json")
        expect(page.get_by_text("A hotfix never changes manifest.json")).to_be_visible()
        path.fill("app.js")
        make = page.locator("pre.command").first
        expect(make).to_have_text(
            f"sampan hotfix make {app} --sequence {sequence} --set 'app.js=new manifest.json' "
            f"-o {app}-{sequence}-{n + 1}.hotfix"
        )
        expect(page.locator("pre.command").nth(1)).to_contain_text(
            f"sampan hotfix publish {app}-{sequence}-{n + 1}.hotfix --key publisher.pem"
        )

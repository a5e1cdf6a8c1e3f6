"""A hotfix at the console: commands that are copied, read and approved, withdrawn with what stands on it, released."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
from browser_desk import ADMIN, RELEASER, REVIEWER, Desk, Look, settled, shots_folder, text_areas
from browser_hotfixes import CAUSE
from playwright.sync_api import expect
from test_browser_console_looks import SIZES, TEXTS

from sampan.platform.cli.demo_folder import PUBLISHER
from sampan.platform.testing_device import Clock, TestDevice

if TYPE_CHECKING:
    from playwright.sync_api import Page

FAILURES = 3


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
        fees = page.locator(".operations li", has_text="/fees")
        expect(fees.locator("pre.removed")).to_have_text('"Fees"')
        script = page.locator("section.panel", has=page.get_by_role("heading", name="app.js", exact=True))
        expect(script.locator("tr.removed")).to_contain_text("const DAYS_OF_YEAR = 365;")
        expect(script.locator("tr.added")).to_contain_text("const DAYS_OF_YEAR = 360;")
        script.get_by_text("Side by side").click()
        row = script.locator("tr", has_text="DAYS_OF_YEAR = 360")
        expect(row.locator("td.removed")).to_contain_text("365")
        expect(row.locator("td.added")).to_contain_text("360")
        expect(row.locator("td.gutter .sign")).to_have_text(["−", "+"])
        widths = row.locator("td").evaluate_all("cells => cells.map((cell) => cell.offsetWidth)")
        assert max(widths[0], widths[2]) * 4 < min(widths[1], widths[3])
        digest = desk.server.api(REVIEWER).get(f"/apps/{app}/versions/{sequence}/hotfixes/{n}")["review_digest"]
        page.get_by_role("button", name="Approve exactly this").click()
        expect(page.get_by_role("dialog")).to_contain_text(digest)


def test_on_a_phone_signs_stay_in_sight_and_one_link_leads_back(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(REVIEWER, size=SIZES["phone"]) as page:
        _open(page, desk, f"apps/{app}/versions/{sequence}/hotfixes/{n}")
        lines = page.get_by_role("region", name="Difference by lines").first
        assert lines.evaluate("(box) => (box.scrollLeft = 150) && box.scrollLeft") == 150
        box, sign = lines.bounding_box(), lines.locator("tr.removed .sign").bounding_box()
        assert box is not None
        assert sign is not None
        assert box["x"] < sign["x"] < box["x"] + 80
        trail = page.get_by_role("navigation", name="You are here").get_by_role("link")
        expect(trail.filter(visible=True)).to_have_count(1)
        trail.filter(visible=True).click()
        page.wait_for_url(f"**/apps/{app}/versions/{sequence}")


def test_withdrawing_says_what_falls_with_it(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    with desk.at(ADMIN) as page:
        _open(page, desk, f"apps/{app}/versions/{sequence}/hotfixes/{n - 1}")
        page.get_by_role("button", name="Withdraw").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"withdrawn with it: +{n}.")
        expect(dialog).to_contain_text(re.compile(r"last check: \d+\."))
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


def test_a_withdrawn_one_says_who_when_and_why_and_offers_nothing(desk: Desk) -> None:
    app, sequence, n = desk.withdrawn
    path = f"apps/{app}/versions/{sequence}/hotfixes/{n}"
    found = desk.server.api(ADMIN).get(f"/{path}")["withdrawn"]
    for person in (ADMIN, RELEASER, REVIEWER, PUBLISHER[0]):
        with desk.at(person) as page:
            _open(page, desk, path)
            note = page.locator("main [role=note], main .note", has_text="Withdrawn by")
            expect(note).to_contain_text(CAUSE)
            expect(note.locator("time")).to_have_attribute("datetime", _moment(found["at_ms"]))
            if person == ADMIN:
                expect(note).to_contain_text(desk.person(ADMIN).name)
            expect(page.get_by_role("heading", name="Stack", exact=True)).to_have_count(0)  # no device applies it
            for name in ("Withdraw", "Release it", "Approve exactly this", "Send back"):
                expect(page.get_by_role("button", name=name)).to_have_count(0)
            assert (
                page.locator("main").get_by_role("button", name=re.compile("release|approve|reject|sign", re.I)).count()
                == 0
            )


def _moment(ms: int) -> str:
    """Return a time as pages write it for machines."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def test_what_devices_tell_stands_on_the_page_of_a_hotfix(desk: Desk) -> None:
    app, sequence, n = desk.hotfix
    given, path = n - 1, f"/apps/{app}/versions/{sequence}/hotfixes/{n - 1}"
    api = desk.server.api(ADMIN)
    before = api.get(path)["devices"]
    digest = api.get(path)["digest"]
    held = {"id": f"{app}@{sequence}", "version": f"1.0.0+{given}", "sequence": given, "digest": digest}
    with ThreadPoolExecutor(1) as beside:  # the browser's driver has this thread's loop
        beside.submit(asyncio.run, _run_and_fail(desk, held)).result()
    desk.server.wait_for(lambda: api.get(path)["devices"] == before + 1)
    desk.server.wait_for(lambda: _failures(desk, f"{app}@{sequence}", given) >= FAILURES)
    with desk.at(ADMIN) as page:
        _open(page, desk, path[1:])
        running = page.locator("section.panel", has=page.get_by_role("heading", name="Runs on", exact=True))
        expect(running).to_contain_text(re.compile(rf"\b{before + 1}\b"))
        chart = page.locator("figure.day-chart").first
        chart.scroll_into_view_if_needed()
        today = chart.locator("ul.legend li", has_text="Script errors").locator(".strong")
        expect(today).to_have_text(str(_failures(desk, f"{app}@{sequence}", given)))
        chart.get_by_text("As a table").click()
        expect(chart.locator("tr").last).to_contain_text(re.compile(r"\b[1-9]"))
    _looks(desk, path[1:], "hotfix-failing")


def _failures(desk: Desk, deliverable: str, sequence: int) -> int:
    versions = desk.server.api(ADMIN).get(f"/insight/apps/{deliverable}/health")["versions"]
    return sum(each["script_errors"] for each in versions if each["sequence"] == sequence)


async def _run_and_fail(desk: Desk, hotfix: dict[str, Any]) -> None:
    """Let one device say that it runs a hotfix, which opens and then fails."""
    app, _, sequence = hotfix["id"].partition("@")
    error = {"message": "TypeError: no rate", "source": "app.js", "line": 1}
    told = [("app.opened", {"milliseconds": 90}), *[("app.script_error", error)] * FAILURES]
    batch = [
        {
            "seq": seq,
            "type": kind,
            "at": 1,
            "app": app,
            "sequence": int(sequence),
            "digest": hotfix["digest"],
            "attrs": attrs,
        }
        for seq, (kind, attrs) in enumerate(told, 1)
    ]
    async with httpx2.AsyncClient(base_url=desk.server.address, trust_env=False) as http:
        device = TestDevice(http, Clock(int(time.time() * 1000)), prefix="/w/demo")
        await device.begin()
        headers = {"authorization": device.bearer.decode()}
        version = {
            "kind": "miniapp",
            "id": app,
            "version": "1.0.0",
            "sequence": int(sequence),
            "digest": "sha256:" + 64 * "0",
        }
        held = {"client_app": "retail", "installed": [version, {"kind": "hotfix", **hotfix}]}
        for path, body in (("sync", held), ("events", {"batch": batch})):
            answer = await http.post(f"/w/demo/client/v1/{path}", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            assert not answer.json().get("refused"), answer.text


def test_the_page_of_a_withdrawn_hotfix_looks_well(desk: Desk) -> None:
    app, sequence, n = desk.withdrawn
    _looks(desk, f"apps/{app}/versions/{sequence}/hotfixes/{n}", "hotfix-withdrawn")


def _looks(desk: Desk, path: str, name: str) -> None:
    """Look at a page on a phone in Chinese, and dark on a desk in English."""
    faults = []
    for language, mode, size in (("zh", "light", "phone"), ("en", "dark", "desktop")):
        with desk.at(ADMIN, language=language, mode=mode, size=SIZES[size]) as page:  # type: ignore[arg-type]
            look = Look(page, shots_folder())
            faults += look.go(
                f"{desk.console}/{path}", f"{name}-{language}-{mode}-{size}", areas=text_areas(TEXTS), with_axe=True
            )
    assert not faults, "\n".join(faults)

"""A release is made step by step at the console, goes through its stages there, and waits for the freeze calendar."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser_desk import RELEASER, REVIEWER, Desk, Language, Look, Mode, settled, shots_folder, text_areas
from playwright.sync_api import expect
from test_browser_console_looks import PAIRWISE, SIZES, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

APP = "bank.demo.bills"
HIDDEN = "bank.demo.transfer"
"""Visitors do not see it."""
TIERS = ("Visitor", "Registered", "E-account", "Full account")

PLAN = [
    {
        "name": "first",
        "basis_points": 100,
        "advance": "auto",
        "min_minutes": 60,
        "gate": {"signals": ["delivery_failed", "white_screen"], "ratio_percent": 200, "most_basis_points": 100},
    },
    {"name": "all", "basis_points": 10_000},
]
SEEN = ((0, 0, 2), (60, 1, 3), (140, 2, 4), (230, 3, 5), (312, 4, 6))


@pytest.mark.parametrize(("language", "mode", "size"), PAIRWISE)
def test_every_step_looks_well(desk: Desk, language: Language, mode: Mode, size: str) -> None:
    found, areas, name = [], text_areas(TEXTS), f"{language}-{mode}-{size}"
    with desk.at(RELEASER, language=language, mode=mode, size=SIZES[size]) as page:
        look = Look(page, shots_folder())
        page.goto(f"{desk.console}/releases/new?app={APP}&sequence=1&step=review")
        settled(page)
        for number, step in enumerate(("version", "audience", "stages", "schedule", "review")):
            page.locator(".wizard-steps button").nth(number).click()
            if step == "version":
                page.locator(".wizard-step:not([hidden]) input[type=checkbox]").first.check()  # of the client rules
            if step == "audience":
                page.locator(".wizard-step:not([hidden]) input[type=checkbox]").last.check()  # the limit
                page.locator(".wizard-step:not([hidden]) input[type=radio]").nth(1).check()
                page.locator(".rule-parts > .row button").first.click()
                page.locator(".rule-parts > .row button").nth(1).click()
                page.locator(".estimate-number").first.wait_for()
            if step == "stages":
                page.locator(".presets input").nth(1).check()
                page.locator(".plan-gate button").first.click()
            if step == "schedule":
                page.locator(".wizard-step:not([hidden]) input[type=checkbox]").first.check()
            found += look.at(f"wizard-{step}-{name}", areas=areas, with_axe=True)
    assert not found, "\n".join(found)


def test_a_release_in_stages_is_made_from_the_first_step_to_the_change(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        wizard = Wizard(page)
        page.goto(f"{desk.console}/releases/new?app={HIDDEN}")
        settled(page)
        wizard.next()
        expect(page.get_by_label("Version", exact=True)).to_have_attribute("aria-invalid", "true")
        _choose(page, page.get_by_label("Version", exact=True), "1.0.0")
        wizard.next("Audience")
        _build_rule(page, wizard)
        wizard.next("Stages")
        _make_stages(page)
        wizard.next("Schedule")
        page.get_by_text("Only in working hours").click()
        _choose(page, page.get_by_label("Time zone"), "Asia/Singapore")
        wizard.next("Review")
        review = page.get_by_role("region", name="Step 5: Review")
        expect(review.get_by_text("OS version is at least 14")).to_be_visible()
        expect(review.get_by_text("Mon, Tue, Wed, Thu, Fri, 09:00–18:00 (Asia/Singapore)")).to_be_visible()
        page.get_by_role("textbox", name="A note").fill("Spring campaign")
        page.get_by_role("button", name="Save and submit").click()
        page.wait_for_url(re.compile(r"/releases/rel_"))
        expect(page.get_by_text("Waiting for approval").first).to_be_visible()
        release = page.url.rpartition("/")[2]
    _check_made(desk, release)


def test_a_new_release_means_who_sees_the_app_until_somebody_says_otherwise(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases/new?app={HIDDEN}&sequence=1&step=review")
        settled(page)
        _expect_tiers(page, *TIERS[1:])
        _take_app(page, "bank.demo.coupons")
        _expect_tiers(page, *TIERS)
        _take_app(page, HIDDEN)
        _expect_tiers(page, *TIERS[1:])
        page.get_by_role("checkbox", name="Registered").uncheck()
        _take_app(page, "bank.demo.coupons")
        _expect_tiers(page, *TIERS[2:])


class Wizard:
    """The steps of the page, by hand."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def next(self, step: str | None = None) -> None:
        """Go on; with a step, see that it is the one that is shown now."""
        self.page.get_by_role("button", name="Next", exact=True).click()
        if step is not None:
            expect(self.page.locator(".wizard-steps [aria-current=step]")).to_have_text(re.compile(step))


def test_a_running_release_shows_its_stage_and_its_gate(desk: Desk) -> None:
    release = _running(desk)
    progress = desk.server.api(RELEASER).get(f"/releases/{release}/progress")
    line = [(each["devices"], each["most"]) for each in progress["limits"]]
    assert line == sorted(line), "more devices never allow fewer failures"
    assert line[0][0] == 0
    assert line[-1][0] > progress["sample"]
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases/{release}")
        settled(page)
        stages = page.locator(".stages [aria-current=step]")
        expect(stages).to_contain_text("first")
        expect(page.get_by_text("Nothing is known of a version before")).to_be_visible()
        expect(page.get_by_text(re.compile(r"No verdict yet: \d+ more devices"))).to_be_visible()
        expect(page.get_by_role("img", name="Devices that failed")).to_be_visible()
        _act(page, "Move on", "from 1 % to everybody", says="to “Everybody” (100 %)")
        expect(stages).to_contain_text("Everybody")
        _act(page, "Narrow", "too early", says="back to “first” (1 %)")
        expect(stages).to_contain_text("first")
        expect(page.locator(".history").get_by_text("too early")).to_be_visible()
        expect(page.get_by_text("Stage 2: Everybody")).to_be_visible()
        _act(page, "Stop", "enough seen", says="No device has been offered it yet.")
        expect(page.get_by_text("Stopped").first).to_be_visible()


@pytest.mark.parametrize(("language", "mode", "size"), PAIRWISE)
def test_a_gate_looks_well(desk: Desk, running: str, language: Language, mode: Mode, size: str) -> None:
    with desk.at(RELEASER, language=language, mode=mode, size=SIZES[size]) as page:
        look = Look(page, shots_folder())
        page.route("**/progress", _with_looks)
        page.goto(f"{desk.console}/releases/{running}")
        settled(page)
        page.locator("div[role=img] svg").first.wait_for()
        page.locator("details summary").last.click()
        found = look.at(f"running-{language}-{mode}-{size}", areas=text_areas(TEXTS), with_axe=True)
    assert not found, "\n".join(found)


def test_a_freeze_is_added_told_in_the_wizard_and_removed(desk: Desk) -> None:
    with desk.at(RELEASER) as page:
        page.goto(f"{desk.console}/releases")
        settled(page)
        page.get_by_role("button", name="Freeze calendar").click()
        page.get_by_role("button", name="Add a freeze").click()
        form = page.get_by_role("dialog").locator("form")
        form.get_by_label("From").fill("2099-01-01T08:00")
        form.get_by_label("Until").fill("2098-01-01T08:00")
        form.get_by_label("Reason").fill("Year-end closing")
        form.locator("button[type=submit]").click()
        expect(form.get_by_label("Until")).to_have_attribute("aria-invalid", "true")
        form.get_by_label("Until").fill("2099-01-05T08:00")
        form.locator("button[type=submit]").click()
        expect(page.get_by_role("row", name=re.compile("Year-end closing"))).to_contain_text("To come")
        page.goto(f"{desk.console}/releases/new?app={APP}&sequence=1&step=review")
        expect(page.get_by_role("note").filter(has_text="Year-end closing").last).to_be_visible()
        page.goto(f"{desk.console}/releases/freezes")
        page.get_by_role("row", name=re.compile("Year-end closing")).get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.get_by_text("No freezes")).to_be_visible()
    assert desk.server.api(REVIEWER).items("/freezes") == []


@pytest.fixture
def running(desk: Desk) -> Iterator[str]:
    release = _running(desk)
    yield release
    desk.server.api(RELEASER).post(f"/releases/{release}/stop", {"cause": "the test is over"})


def _running(desk: Desk) -> str:
    """Start a release in stages; its version has none before it."""
    api = desk.server.api(RELEASER)
    audience = {"attr": "tier", "op": "in", "values": ["full"]}
    draft = {"kind": "miniapp", "id": APP, "sequence": 1, "audience": audience, "stages": PLAN}
    release = str(api.post("/releases", draft)["id"])
    desk.server.sessions.approve(REVIEWER, desk.submit(release))
    return release


def _with_looks(route: "Route") -> None:
    """Answer as when devices had reported."""
    answer = route.fetch()
    body = answer.json()
    looks = [
        {"at_ms": 1_790_000_000_000 + n * 900_000, "stage": 0, "devices": devices, "failures": failures, "most": most}
        for n, (devices, failures, most) in enumerate(SEEN)
    ]
    body["looks"] = [{**look, "why": "too_few_devices"} for look in looks]
    route.fulfill(response=answer, json=body)


def _act(page: "Page", label: str, cause: str, *, says: str) -> None:
    page.locator("main .page-head").get_by_role("button", name=label, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(says)
    dialog.get_by_label("Reason").fill(cause)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)


def _build_rule(page: "Page", wizard: Wizard) -> None:
    page.get_by_text("By a rule").click()
    page.get_by_role("button", name="Add a condition").click()
    added = page.get_by_role("group", name="Condition 2")
    wizard.next()
    expect(page.get_by_text("A condition is not filled in yet.").first).to_be_visible()
    _choose(page, added.get_by_label("Attribute"), "OS version")
    _choose(page, added.get_by_label("Comparison"), "is at least")
    _type(added.get_by_label("Values"), "!")
    expect(added.get_by_role("alert")).to_be_visible()  # the server's refusal of a version stands at its condition
    added.get_by_label("Values").press("Backspace")
    _type(added.get_by_label("Values"), "14")
    expect(added.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("status", name="Expected reach")).to_contain_text(re.compile(r"fewer than 20|\d"))


def _make_stages(page: "Page") -> None:
    page.get_by_text("Step by step", exact=True).click()
    expect(page.get_by_role("group", name=re.compile(r"^Stage \d"))).to_have_count(4)
    first = page.get_by_role("group", name="Stage 1", exact=True)
    first.get_by_label("Share of the audience").fill("5")
    first.get_by_label("Share of the audience").press("Tab")
    first.get_by_label("Name").fill("5 %")


def _take_app(page: "Page", app: str) -> None:
    page.locator(".wizard-steps button").nth(0).click()
    _choose(page, page.get_by_label("Mini-app", exact=True), app)


def _expect_tiers(page: "Page", *tiers: str) -> None:
    page.locator(".wizard-steps button").nth(1).click()
    for tier in TIERS:
        expect(page.get_by_role("checkbox", name=tier, exact=True)).to_be_checked(checked=tier in tiers)


def _check_made(desk: Desk, release: str) -> None:
    made: dict[str, Any] = desk.server.api(REVIEWER).get(f"/releases/{release}")
    assert made["state"] == "submitted"
    tiers, version = made["audience"]["all"]
    assert tiers == {"attr": "tier", "op": "in", "values": ["registered", "e_account", "full"]}  # who sees the app
    assert version == {"attr": "os_version", "op": "at_least", "values": ["14"]}
    assert [stage["basis_points"] for stage in made["stages"]] == [500, 1000, 5000, 10_000]
    assert [stage["advance"] for stage in made["stages"]] == ["auto", "auto", "auto", "person"]
    assert made["stages"][0]["gate"]["ratio_percent"] == 200
    assert made["schedule"]["hours"]["zone"] == "Asia/Singapore"
    changes = desk.server.api(REVIEWER).items("/changes", state="proposed")
    assert release in {change["target"] for change in changes}


def _choose(page: "Page", field: "Locator", label: str) -> None:
    field.fill(label)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option-active", has_text=label).first.wait_for()
    field.press("Enter")


def _type(field: "Locator", text: str) -> None:
    field.fill(text)
    field.press("Enter")

"""Two people edit the same thing: who saves last takes nothing away that the first one did."""

from browser_desk import ADMIN, Desk, settled
from playwright.sync_api import expect

APP = "bank.demo.bills"
SHOWN = 50


def test_testers_beyond_the_page_and_those_of_a_colleague_stay(desk: Desk) -> None:
    colleague, path = desk.server.api(ADMIN), f"/apps/{APP}/testers"
    named = [f"dev_{n:032x}" for n in range(SHOWN + 3)]
    colleague.put(path, {"devices": named})
    try:
        with desk.at(ADMIN) as page:
            page.goto(f"{desk.console}/apps/{APP}")
            settled(page)
            panel = page.locator("section.panel", has=page.get_by_role("heading", name="Testers"))
            panel.get_by_role("button", name="Edit").click()
            devices = page.get_by_role("dialog").get_by_label("Device ids")
            expect(devices).to_have_value("\n".join(named[:SHOWN]))
            colleague.patch(path, {"add": {"customers": ["cus_" + 32 * "a"]}, "remove": {"devices": [named[1]]}})
            devices.fill("\n".join([*named[1:SHOWN], "dev_" + 32 * "f"]))
            page.get_by_role("dialog").get_by_role("button", name="Save").click()
            expect(page.get_by_role("dialog")).to_have_count(0)
        found = {each["id"] for each in colleague.items(path)}
        assert found == {*named[2:], "dev_" + 32 * "f", "cus_" + 32 * "a"}
    finally:
        colleague.put(path, {})


def test_what_a_colleague_changed_of_a_client_app_stays(desk: Desk) -> None:
    colleague, path = desk.server.api(ADMIN), "/client-apps/colleagues"
    colleague.post("/client-apps", {"id": "colleagues", "name": "Before", "minimum_versions": {"ios": "5.0"}})
    with desk.at(ADMIN) as page:
        page.goto(f"{desk.console}/client-apps")
        settled(page)
        page.locator("tr", has_text="colleagues").get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("After")
        colleague.patch(path, {"minimum_versions": {"ios": "6.0"}})
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
    found = colleague.get(path)
    assert (found["name"], found["minimum_versions"]) == ("After", {"ios": "6.0"})
    colleague.delete(path)

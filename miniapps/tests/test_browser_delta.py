"""An update in a real Chromium by a delta, and by files when the delta is damaged on its way."""

from typing import TYPE_CHECKING

from test_browser_journey import COUPONS, REVIEWER, SOON_MS, Bank, app_frame, bank, open_app

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

__all__ = ["bank"]


class Traffic:
    """What a page fetched of the trust tree: deltas, single files and whole archives."""

    def __init__(self, page: "Page") -> None:
        self.taken: list[str] = []
        page.on("response", lambda answer: self._note(answer.url, answer.status))

    def _note(self, url: str, status: int) -> None:
        for kind in ("/deltas/", "/files/", "package.ma"):
            if kind in url:
                self.taken.append(f"{kind.strip('/')} {status}")


def publish(bank: Bank, sequence: int) -> None:
    """Publish and approve the next version, and wait until there is a delta to it; nobody is offered it yet."""
    bank.publish("coupons", sequence, app__css=f"\n:root {{ --sequence: v{sequence}; }}\n")
    api = bank.server.api(REVIEWER)
    bank.server.wait_for(lambda: bank.state(COUPONS, sequence) == "in_review")
    seen = api.get(f"/apps/{COUPONS}/versions/{sequence}")
    api.post(f"/apps/{COUPONS}/versions/{sequence}/approve", {"digest": seen["review_digest"]})
    bank.server.wait_for(lambda: bank.state(COUPONS, sequence) == "published")
    served = f"/apps/{COUPONS}/deltas"
    bank.server.wait_for(
        lambda: any(each["target_sequence"] == sequence and each["is_served"] for each in api.get(served)["items"])
    )


def update(bank: Bank, page: "Page", sequence: int) -> None:
    """Release the version and wait until the page shows that it runs."""
    bank.release(COUPONS, sequence)
    page.get_by_role("button", name="Update now").click(timeout=SOON_MS)
    frame = app_frame(page)
    shown = "getComputedStyle(document.documentElement).getPropertyValue('--sequence').trim()"
    frame.wait_for_function(f"{shown} === 'v{sequence}'", timeout=SOON_MS)


def test_an_open_shell_updates_by_a_delta_and_by_files_when_it_is_damaged(bank: Bank) -> None:
    publish(bank, 2)
    with bank.customer() as context:
        page = context.new_page()
        open_app(page, bank.shell, COUPONS).get_by_text("Foothill Tea").wait_for()
        traffic = Traffic(page)
        update(bank, page, 2)
        assert traffic.taken == ["deltas 200"]

        publish(bank, 3)
        traffic.taken.clear()
        page.route("**/deltas/**", damaged)
        update(bank, page, 3)
        assert traffic.taken[0] == "deltas 200"
        assert set(traffic.taken[1:]) == {"files 200"}


def damaged(route: "Route") -> None:
    route.fulfill(status=200, content_type="application/octet-stream", body=b"(\xb5/\xfd" + bytes(200))

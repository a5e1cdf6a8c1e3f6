"""The developer panel of the shell says why this device gets a version of an app or none, in both languages."""

import re

import pytest
from browser_desk import DESKTOP, PHONE, Desk, Language, Look, Mode, shots_folder

APP = "bank.demo.coupons"
SAYS = {
    "en": ("Why this version", "A release means this device", "everyone", "The bank sees: visitor", "Holds"),
    "zh": ("为何是此版本", "有一个发布面向本设备", "所有人", "银行记录：visitor", "符合"),
}


@pytest.mark.parametrize(
    ("language", "mode", "size"), [("zh", "dark", PHONE), ("en", "light", DESKTOP)], ids=["zh-dark-phone", "en-desktop"]
)
def test_the_panel_explains_condition_by_condition(
    desk: Desk, language: Language, mode: Mode, size: dict[str, int]
) -> None:
    title, reason, condition, seen, holds = SAYS[language]
    with desk.at(None, language=language, mode=mode, size=size) as page:
        look = Look(page, shots_folder())
        page.goto(f"http://demo.sampan.localhost:{desk.server.port}/")
        page.get_by_text(re.compile("Coupon centre|优惠券中心")).first.wait_for()
        page.evaluate("(app) => { location.hash = `/developer/${app}`; }", APP)
        page.get_by_role("heading", name=title).wait_for()
        given = page.locator(".why.given")
        given.get_by_text(reason).wait_for()
        assert condition in given.inner_text()
        given.get_by_text(seen).wait_for()
        given.get_by_role("img", name=holds, exact=True).first.wait_for()
        found = look.at(f"shell-why-{language}-{mode}", areas=["permission", "fact", "why"], with_axe=True)
    assert not found, "\n".join(found)

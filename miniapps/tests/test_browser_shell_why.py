"""The developer panel of the shell says why this device gets a version of an app or none, in both languages."""

import pytest
from browser_desk import DESKTOP, PHONE, Desk, Language, Look, Mode, shots_folder

LOCKED = "bank.demo.wealth"
SAYS = {
    "en": ("Why this version", "The newest release means other customers", "full customers", "The bank sees: visitor"),
    "zh": ("为何是此版本", "最新发布面向其他客户", "全功能客户", "银行记录：visitor"),
}


@pytest.mark.parametrize(
    ("language", "mode", "size"), [("zh", "dark", PHONE), ("en", "light", DESKTOP)], ids=["zh-dark-phone", "en-desktop"]
)
def test_the_panel_explains_condition_by_condition(
    desk: Desk, language: Language, mode: Mode, size: dict[str, int]
) -> None:
    title, reason, condition, seen = SAYS[language]
    with desk.at(None, language=language, mode=mode, size=size) as page:
        look = Look(page, shots_folder())
        page.goto(f"http://demo.sampan.localhost:{desk.server.port}/#/developer/{LOCKED}")
        page.get_by_role("heading", name=title).wait_for()
        newest = page.locator(".why").first
        newest.get_by_text(reason).wait_for()
        assert condition in newest.inner_text()
        newest.get_by_text(seen).wait_for()
        newest.get_by_role("img", name={"en": "Does not hold", "zh": "不符合"}[language]).first.wait_for()
        found = look.at(f"shell-why-{language}-{mode}", areas=["permission", "fact", "why"], with_axe=True)
    assert not found, "\n".join(found)

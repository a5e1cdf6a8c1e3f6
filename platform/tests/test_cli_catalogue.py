"""`sampan catalogue set` puts no app under a heading that nobody named."""

from typing import Any

import pytest

from sampan.platform.cli.catalogue_commands import HeadingNeeded, _refuse_without_heading


class Answers:
    """What the console API lists."""

    def __init__(self, *headings: str, apps: tuple[str, ...] = ()) -> None:
        self._items = {"/catalogue": [{"app": app} for app in apps], "/catalogue/categories": _ids(headings)}

    def items(self, path: str) -> list[Any]:
        return self._items[path]


def _ids(headings: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"id": heading} for heading in headings]


def refuse(api: Answers, app: str) -> None:
    _refuse_without_heading(api, app)  # type: ignore[arg-type] # it asks for two lists and nothing else


def test_a_new_app_needs_a_heading_where_there_are_several() -> None:
    with pytest.raises(HeadingNeeded, match="--category: money, tools") as refused:
        refuse(Answers("money", "tools", apps=("bank.demo.old",)), "bank.demo.new")
    assert refused.value.facts["categories"] == ["money", "tools"]


def test_an_app_keeps_its_heading_and_one_heading_needs_no_choice() -> None:
    refuse(Answers("money", "tools", apps=("bank.demo.old",)), "bank.demo.old")
    refuse(Answers("money"), "bank.demo.new")
    refuse(Answers(), "bank.demo.new")

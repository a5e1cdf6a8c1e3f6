"""Keys: made only with a workspace or above all of them, and never able to leave their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.engines.keys import BadKey, Key, checked, system_key, workspace_key


def test_the_workspace_comes_first() -> None:
    assert workspace_key("demo", "trust", "1.root.json") == "w/demo/trust/1.root.json"
    assert system_key("leader") == "s/leader"


@pytest.mark.parametrize(
    "part",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "/",
        "a\\b",
        "a\x00",
        "\n",
        "a\x7f",
        "\x85",
        "\ud800",
        "x" * 201,
        "字" * 67,
    ],
)
def test_a_part_that_could_leave_its_place_is_refused(part: str) -> None:
    with pytest.raises(BadKey):
        workspace_key("demo", "files", part)
    with pytest.raises(BadKey):
        system_key(part)


@pytest.mark.parametrize("workspace_id", ["", "Demo", "a/b", "..", "demo/", "demo\n", "x" * 40])
def test_a_workspace_id_is_a_slug(workspace_id: str) -> None:
    with pytest.raises(BadKey):
        workspace_key(workspace_id, "files")


def test_a_key_needs_a_part() -> None:
    with pytest.raises(BadKey):
        workspace_key("demo")
    with pytest.raises(BadKey):
        system_key()


def test_a_key_has_a_longest_form() -> None:
    with pytest.raises(BadKey):
        workspace_key("demo", *["x" * 200] * 5)


@pytest.mark.parametrize("text", ["", "demo/x", "w/demo", "w/demo/", "w/demo//x", "w/demo/../other/x", "/etc/passwd"])
def test_a_plain_string_is_not_a_key(text: str) -> None:
    with pytest.raises(BadKey):
        checked(Key(text))


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.lists(st.text(max_size=12), max_size=4))
def test_two_lists_of_parts_never_make_one_key(left: list[str], right: list[str]) -> None:
    try:
        keys = workspace_key("demo", *left), workspace_key("demo", *right)
    except BadKey:
        return
    assert (keys[0] == keys[1]) == (left == right)
    assert all(checked(key) == key for key in keys)

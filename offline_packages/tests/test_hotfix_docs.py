"""docs/protocols/hotfix.md tells the refusals, the limits and the members as they are."""

import re
from pathlib import Path

from sampan.offline_packages import hotfix, install_rule
from sampan.offline_packages.limits import MAX_STACK
from sampan.platform.errors import SampanError

PAGE = (Path(__file__).parents[2] / "docs" / "protocols" / "hotfix.md").read_text()


def test_every_refusal_stands_in_the_table() -> None:
    raised = {
        found.code
        for module in (hotfix, install_rule)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, SampanError) and found.code.startswith("hotfix_")
    }
    assert set(re.findall(r"^\| `(hotfix_\w+)` \|", PAGE, re.M)) == raised


def test_the_limits_are_those_of_the_code() -> None:
    for told in (
        f"at most {hotfix.MAX_DOCUMENT_BYTES:,} bytes",
        f"at most {hotfix.MAX_CONTENT_BYTES:,}.",
        f"| `n` | 1 to {hotfix.MAX_NUMBER:,} |",
        f"| `changes` | 1 to {hotfix.MAX_CHANGES},",
        f"rising, at most {MAX_STACK - 1} |",
        f"there are at most {MAX_STACK},",
        f"| `format` | `{hotfix.FORMAT}` |",
    ):
        assert told in PAGE, told


def test_the_members_of_the_document_are_those_of_the_code() -> None:
    (head,) = re.findall(r"```json\n(.+?)```", PAGE, re.S)
    named = set(re.findall(r'"(\w+)":', head))
    structs = (hotfix.Hotfix, hotfix.Change, hotfix.FileState, hotfix.NewState)
    assert named == {name for struct in structs for name in struct.__struct_fields__}

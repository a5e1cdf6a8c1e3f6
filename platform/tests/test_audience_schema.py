"""The schema of rules says what the compiler says, as far as a schema can; the page about them names all there is."""

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from audience_drawn import rules
from hypothesis import given

from sampan.platform.audience.attributes import ATTRIBUTES, Source
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.rules import compile_rule
from sampan.platform.audience.schema import rule_schema

VALIDATOR = jsonschema_rs.validator_for(rule_schema())
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocols" / "audience.md").read_text()


@given(rules)
def test_a_rule_that_compiles_is_valid(rule: Any) -> None:
    compile_rule(rule)
    assert VALIDATOR.is_valid(rule)


@pytest.mark.parametrize(
    "rule",
    [
        None,
        [],
        {},
        {"all": {}},
        {"all": [], "any": []},
        {"not": []},
        {"attr": "tier", "op": "in", "values": []},
        {"attr": "tier", "op": "in", "values": ["golden"]},
        {"attr": "tier", "op": "like", "values": ["full"]},
        {"attr": "shoe_size", "op": "in", "values": [1]},
        {"attr": "platform", "op": "starts_with", "values": ["i"]},
        {"attr": "percentage", "op": "below", "values": [10_001]},
        {"attr": "percentage", "op": "below", "values": [12.5]},
        {"attr": "percentage", "op": "below", "values": [1, 2]},
        {"attr": "time", "op": "between", "values": [1]},
        {"attr": "tag", "op": "in", "values": ["No Such"]},
        {"attr": "tier", "op": "in", "values": ["full"], "extra": 1},
    ],
)
def test_what_does_not_compile_is_not_valid(rule: Any) -> None:
    assert not VALIDATOR.is_valid(rule)
    with pytest.raises(BadRule):
        compile_rule(rule)


def test_the_page_has_every_attribute_with_its_source_and_operators() -> None:
    said: dict[str, tuple[str, set[str]]] = {}
    for names, source, _values, ops in re.findall(
        r"^\| (`.*?) \| (server|client) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE
    ):
        for name in re.findall(r"`(\w+)`", names):
            found = set(re.findall(r"`(\w+)`", ops)) - {"not_"}
            if "each with `not_` too" in ops:
                found |= {f"not_{op}" for op in ("starts_with", "ends_with", "contains")}
            said[name] = (source, found)
    wanted = {
        name: ("server" if each.source is Source.SERVER else "client", set(each.ops))
        for name, each in ATTRIBUTES.items()
    }
    assert said == wanted

"""Every refusal becomes problem+json, whatever text a caller got into it."""

import json

import pytest

from sampan.platform.errors import Invalid
from sampan.platform.problems import problem_bytes


@pytest.mark.parametrize("text", ["plain", "中文", "half a pair \ud800", "\x00"])
def test_any_text_can_stand_in_a_problem(text: str) -> None:
    body = json.loads(problem_bytes(Invalid(text, field=text)))
    assert (body["code"], body["detail"], body["field"]) == ("invalid", text, text)

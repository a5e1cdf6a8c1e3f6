"""Every refusal becomes problem+json, whatever text a caller got into it."""

import json

import pytest

from sampan.platform.errors import Conflict, Invalid
from sampan.platform.problems import problem_bytes


@pytest.mark.parametrize("text", ["plain", "中文", "half a pair \ud800", "\x00"])
def test_any_text_can_stand_in_a_problem(text: str) -> None:
    body = json.loads(problem_bytes(Invalid(text, field=text)))
    assert (body["code"], body["detail"], body["field"]) == ("invalid", text, text)


class NameTaken(Conflict):
    """Another has the name."""

    code = "name_taken"
    field = "name"


def test_a_refusal_of_a_use_case_names_its_field_in_the_form_of_a_refused_body() -> None:
    told = json.loads(problem_bytes(NameTaken("Choose another name.")))["errors"]
    assert told == [{"field": "body.name", "code": "name_taken", "message": "Choose another name."}]
    one_alone = json.loads(problem_bytes(NameTaken("Choose another name.", field="query.name")))["errors"]
    assert one_alone[0]["field"] == "query.name"


def test_a_refusal_that_blames_no_field_lists_none_and_a_list_of_places_stays() -> None:
    assert "errors" not in json.loads(problem_bytes(Conflict("Not now.")))
    places = [
        {"field": "body.a", "code": "missing", "message": "."},
        {"field": "body.b", "code": "missing", "message": "."},
    ]
    assert json.loads(problem_bytes(NameTaken("Two.", errors=places)))["errors"] == places

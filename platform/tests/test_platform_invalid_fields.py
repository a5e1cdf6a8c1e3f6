"""A refused request names each field with a code and a sentence; no reader meets the checker's own words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sampan.platform.cli.output import told
from sampan.platform.component import Component, ConsoleRoutes
from sampan.platform.core import Core
from sampan.platform.errors import Invalid
from sampan.platform.invalid_fields import form
from sampan.platform.problems import InvalidBody
from sampan.platform.testing import client, running_core

pytestmark = pytest.mark.anyio
OPENAPI = "/console/api/v1/openapi.json"


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tier: Literal["visitor", "full"] = "full"
    count: int = Field(1, ge=1, le=9)
    share: float = 1.0
    is_gift: bool = False
    name: str = Field("x", min_length=1, max_length=3)
    app: str = Field("bank.demo.x", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")
    own: str = Field("a", pattern="^a$")
    parts: list[int] = Field([1, 2], min_length=2, max_length=3)
    facts: dict[str, int] = {}

    @field_validator("share")
    @classmethod
    def not_much(cls, value: float) -> float:
        if value > 1:
            raise ValueError("a share, as such, is at most 1")
        return value


def routes(_core: Core) -> APIRouter:
    router = APIRouter()

    @router.post("/orders/{number}")
    async def order(number: int, order: Order, after: Annotated[int | None, Query(lt=5)] = None) -> None: ...

    return router


CASES: list[tuple[Any, str, str, str]] = [
    ({"tier": "gold"}, "body.tier", "not_one_of", "This must be one of visitor, full."),
    ({"count": "many"}, "body.count", "wrong_type", "This must be a whole number."),
    ({"count": 1.5}, "body.count", "wrong_type", "This must be a whole number."),
    ({"count": 0}, "body.count", "too_small", "This must be at least 1."),
    ({"count": 10}, "body.count", "too_large", "This must be at most 9."),
    ({"share": "half"}, "body.share", "wrong_type", "This must be a number."),
    ({"share": 2}, "body.share", "wrong_value", "A share, as such, is at most 1."),
    ({"is_gift": "perhaps"}, "body.is_gift", "wrong_type", "This must be true or false."),
    ({"name": None}, "body.name", "wrong_type", "This must be text."),
    ({"name": ""}, "body.name", "too_short", "This must not be empty."),
    ({"name": "long"}, "body.name", "too_long", "This must have at most 3 characters."),
    ({"app": "Hello"}, "body.app", "wrong_form", "This must be an app id in reverse DNS, such as bank.demo.coupons."),
    ({"own": "b"}, "body.own", "wrong_form", "This must be of the form ^a$."),
    ({"parts": [1]}, "body.parts", "too_short", "This must have at least 2 entries."),
    ({"parts": [1, 2, "x"]}, "body.parts.2", "wrong_type", "This must be a whole number."),
    ({"parts": {}}, "body.parts", "wrong_type", "This must be a list."),
    ({"facts": []}, "body.facts", "wrong_type", "This must be an object."),
    ({"more": 1}, "body.more", "unknown_field", "There is no such field; leave it out."),
    ([], "body", "wrong_type", "This must be an object."),
]


@pytest.mark.parametrize(("body", "field", "code", "message"), CASES)
async def test_each_field_is_told_in_a_sentence(tmp_path: Path, body: Any, field: str, code: str, message: str) -> None:
    answer = await asked(tmp_path, json.dumps(body))
    assert answer["code"] == "invalid_body"
    assert answer["errors"] == [{"field": field, "code": code, "message": message}]
    assert answer["detail"] == f"Correct the request. {field}: {message}"


async def test_paths_queries_and_broken_bodies_are_told_too(tmp_path: Path) -> None:
    answer = await asked(tmp_path, "{}", "/orders/first?after=7")
    assert [(each["field"], each["code"]) for each in answer["errors"]] == [
        ("path.number", "wrong_type"),
        ("query.after", "too_large"),
    ]
    (broken,) = (await asked(tmp_path, '{"name": '))["errors"]
    assert (broken["field"], broken["code"]) == ("body", "not_json")
    (missing,) = (await asked(tmp_path, ""))["errors"]
    assert missing == {"field": "body", "code": "missing", "message": "This is needed, and it is missing."}


async def test_many_faults_are_counted_in_the_sentence_and_listed_beside_it(tmp_path: Path) -> None:
    answer = await asked(tmp_path, json.dumps({f"f{number}": 1 for number in range(60)}))
    assert answer["detail"].endswith("And 47 more.")
    assert len(answer["errors"]) == 50


async def test_every_form_that_a_route_of_ours_wants_has_words(tmp_path: Path) -> None:
    async with running_core(tmp_path) as core, client(core) as http:
        wanted = set(patterns((await http.get(OPENAPI)).json()))
    assert r"^[0-9]{6}$" in wanted
    assert [each for each in sorted(wanted) if each in form(each)] == [], "give them words in invalid_fields.py"
    assert form("^(root|targets)$") == "one of root, targets"


def test_people_at_a_terminal_read_one_field_a_line() -> None:
    places = [
        {"field": "body.grants.0.role", "code": "missing", "message": "This is needed, and it is missing."},
        {"field": "path.change", "code": "wrong_form", "message": "This must be an id."},
        {"field": "body", "code": "not_json", "message": "This is not JSON."},
    ]
    assert told(InvalidBody("Correct the request.", errors=places)).splitlines() == [
        "The server does not accept the request. (invalid_body)",
        "  grants.0.role: This is needed, and it is missing.",
        "  change: This must be an id.",
        "  body: This is not JSON.",
    ]
    assert told(InvalidBody("Another sentence.", errors=[1])) == "Another sentence. (invalid_body)"
    assert told(Invalid("A name is needed.", errors=places)) == "A name is needed. (invalid)"


async def asked(folder: Path, body: str, path: str = "/orders/1") -> Any:
    orders = Component("orders", (ConsoleRoutes(f"{__name__}:routes"),))
    async with running_core(folder, components=(orders,)) as core, client(core) as http:
        answer = await http.post(f"/console/api/v1{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert not re.search(r"Input should|valid (string|integer)|Python", answer.text)
    return answer.json()


def patterns(node: Any) -> Iterator[str]:
    """Yield every pattern below a node of the OpenAPI document."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from patterns(each)

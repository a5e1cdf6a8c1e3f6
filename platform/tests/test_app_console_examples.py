"""The examples in the API's description are bodies that the API takes."""

from collections.abc import Iterator

import pytest

from sampan.miniapps import console_api as miniapps_bodies
from sampan.platform.artifacts import console_requests as artifacts_bodies
from sampan.platform.operators.console_bodies import Body


def bodies_with_examples() -> Iterator[type[Body]]:
    for module in (artifacts_bodies, miniapps_bodies):
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, Body) and "json_schema_extra" in found.model_config:
                yield found


@pytest.mark.parametrize("body", list(bodies_with_examples()))
def test_an_example_is_a_body_that_is_taken(body: type[Body]) -> None:
    extra = body.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples = extra["examples"]
    assert isinstance(examples, list)
    assert examples
    for example in examples:
        body.model_validate(example)


def test_there_are_examples_of_the_main_bodies() -> None:
    names = {body.__name__ for body in bodies_with_examples()}
    assert {"PublisherIn", "AppIn", "TestersIn", "CommentIn", "EntryIn", "OrderIn"} <= names

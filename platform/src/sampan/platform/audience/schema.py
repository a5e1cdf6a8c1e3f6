"""The JSON Schema (2020-12) of a rule, made from the attributes themselves."""

from collections.abc import Mapping
from typing import Any

from sampan.platform.audience.attributes import ATTRIBUTES, Attribute, Form
from sampan.platform.audience.rules import MAX_ALL_VALUES, MAX_DEPTH, MAX_NODES


def rule_schema() -> dict[str, Any]:
    """Return the schema. What it cannot say (depth, number of parts, ranges of versions) `compile_rule` refuses."""
    conditions = [_condition(each, op, form) for each in ATTRIBUTES.values() for op, form in each.ops.items()]
    parts = {"type": "array", "items": {"$ref": "#/$defs/rule"}, "maxItems": MAX_NODES}
    about = f"At most {MAX_DEPTH} deep, {MAX_NODES} parts and {MAX_ALL_VALUES} values in all."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Audience rule",
        "description": about,
        "$ref": "#/$defs/rule",
        "$defs": {
            "rule": {
                "oneOf": [
                    _only({"all": parts}),
                    _only({"any": parts}),
                    _only({"not": {"$ref": "#/$defs/rule"}}),
                    *conditions,
                ]
            }
        },
    }


def _condition(attribute: Attribute, op: str, form: Form) -> dict[str, Any]:
    values: Mapping[str, Any] = {
        "type": "array",
        "items": dict(form.item),
        "minItems": form.least,
        "maxItems": form.most,
    }
    schema = _only({"attr": {"const": attribute.name}, "op": {"const": op}, "values": values})
    return {**schema, "title": f"{attribute.en} {op}", "$comment": f"source: {attribute.source}"}


def _only(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }

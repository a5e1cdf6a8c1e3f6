"""Changing a JSON file by RFC 6902 where it stands: what the operations do not touch keeps its look.

Indentation, line ends and a last newline stay as they are; a file without line breaks is written compactly. The order
of members stays. What comes out is what gets signed: devices carry out no operations.
"""

import json
import re
from typing import Any, Never

import jsonpatch

from sampan.platform.errors import Invalid

MISSING = object()
MOST_SHOWN = 80
_INDENT = re.compile(r"[\[{][ \t]*(\r?\n)([ \t]*)\S")


class JsonPatchUnfit(Invalid):
    """Operations that are no RFC 6902, or that do not go with the file."""

    code = "hotfix_json_patch"


def patched(path: str, data: bytes, operations: bytes) -> bytes:
    """Return the JSON file `path` with RFC 6902 operations carried out; raise `JsonPatchUnfit`."""
    value = _parsed(data, path)
    wanted = _parsed(operations, f"the operations for {path}")
    try:
        result = jsonpatch.JsonPatch(wanted).apply(value)
    except jsonpatch.JsonPatchTestFailed as problem:
        raise JsonPatchUnfit(
            f"{path} is not the file that the operations were written for: {_failed_test(_parsed(data, path), wanted)}."
        ) from problem
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as problem:
        raise JsonPatchUnfit(
            f"The operations do not go with {path}: {_reason(problem)}. Write a list as RFC 6902 has it, such as "
            '[{"op": "replace", "path": "/limit", "value": 5}].'
        ) from problem
    return _written(result, data.decode())


def _failed_test(value: Any, operations: list[dict[str, Any]]) -> str:
    """Return what the first test that fails expects, and what is there instead."""
    for each in operations:
        try:
            value = jsonpatch.JsonPatch([each]).apply(value)
        except jsonpatch.JsonPatchTestFailed:
            found = jsonpatch.JsonPointer(each["path"]).resolve(value, MISSING)
            # The end of a list, `/-`, is a value to the library and none to JSON.
            there = _short(found) if found is None or isinstance(found, (str, int, float, list, dict)) else "nothing"
            return f"a test in them expects {_short(each.get('value'))} at {each['path']}, and there is {there}"
    return "a test in them fails"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _written(value: object, before: str) -> bytes:
    found = _INDENT.match(before.lstrip())
    newline, indent = (found[1], found[2]) if found else ("\n", None)
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
        data = text.replace("\n", newline)
        return (data + (newline if before.endswith("\n") else "")).encode()
    except ValueError as problem:  # a number beyond all bounds, half a character
        raise JsonPatchUnfit(f"The result cannot be written as JSON: {_reason(problem)}.") from problem


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise JsonPatchUnfit(
            f"{name} cannot be read as JSON ({_reason(problem)}). Replace a file that is none as a whole, with --set."
        ) from problem


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _reason(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:200].rstrip(".")

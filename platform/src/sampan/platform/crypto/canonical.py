"""Canonical JSON: RFC 8785 (JCS) restricted to integers, so that one value has one byte string everywhere.

Floats are refused: their shortest form differs between languages, and nothing that sampan signs needs one.
"""

import json
from typing import Any

import rfc8785

MAX_SAFE_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """No canonical form: a float, an integer beyond 2**53-1, a non-string key or a lone surrogate."""


def canonical_json(value: Any) -> bytes:
    """Return the one byte string of a JSON value; raise `NotCanonical` when it has none."""
    _refuse_floats(value)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as problem:
        raise NotCanonical(str(problem)) from problem


def parse_canonical(data: bytes) -> Any:
    """Parse bytes that must already be canonical; raise `NotCanonical` on any other spelling of the value.

    A second spelling would give one content two digests, and a duplicate key would let two readers see
    two contents under one digest.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise NotCanonical("not JSON in UTF-8") from problem
    if canonical_json(value) != data:
        raise NotCanonical("valid JSON, but not in its canonical form (RFC 8785)")
    return value


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise NotCanonical("a number with a fraction or an exponent; only integers are allowed")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)

"""What is wrong with a request's fields, as sentences for people and codes for programs.

The checks are pydantic's; its own sentences speak of Python types and regular expressions. The list of its error
types: https://docs.pydantic.dev/latest/errors/validation_errors/. Nothing here knows HTTP or a single route.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_FIELDS = 50
TOLD_AT_ONCE = 3

CHOICE = re.compile(r"\^\(([\w|]+)\)\$")
FORMS: Mapping[str, str] = {
    r"^sha256:[0-9a-f]{64}$": "a digest: sha256: and 64 hexadecimal digits",
    r"^[0-9a-f]{64}$": "a key id: 64 hexadecimal digits",
    r"^[0-9a-f]{2,1024}$": "hexadecimal digits",
    r"^[0-9]{6}$": "six digits",
    r"^[0-9]+(\.[0-9]+){0,3}$": "a version such as 1.2.3",
    r"^[a-z]{2,4}_[0-9a-f]{32}$": "an id as the lists show it: two to four letters, _ and 32 hexadecimal digits",
    r"^aud_[0-9a-f]{32}$": "an audience's id: aud_ and 32 hexadecimal digits",
    r"^https?://[!-~]+$": "an address that begins with https:// or http://",
    r"^[a-z]{1,16}$": "the name of a tree: lower-case letters, such as intl",
    r"^[a-z]{0,16}$": "the name of a tree, such as intl, or empty",
    r"^[a-z_]{1,24}$": "up to 24 lower-case letters and underscores",
    r"^[a-z]{2,3}$": "a language of two or three lower-case letters, such as zh",
    r"^[a-z0-9-]+(\.[a-z0-9-]+)+$": "an app id in reverse DNS, such as bank.demo.coupons",
    r"^[a-z0-9.-]{1,210}$": "the name of a role: lower-case letters, digits, dots and hyphens",
    r"^[a-z0-9-]+$": "lower-case letters, digits and hyphens",
    r"^[a-z0-9][a-z0-9-]{0,31}$": "up to 32 lower-case letters, digits and hyphens",
    r"^[a-z][a-z0-9-]{1,62}$": "2 to 63 lower-case letters, digits and hyphens, a letter first",
    r"^[a-z][a-z0-9_]{1,62}$": "2 to 63 lower-case letters, digits and underscores, a letter first",
    r"^[a-z][a-z0-9_]{0,63}$": "up to 64 lower-case letters, digits and underscores, a letter first",
    r"^[a-z][a-z_]*:[a-z][a-z_]*$": "a permission such as version:submit",
    r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$": "an e-mail address",
    r"^[^\x00-\x1f\x7f]+$": "text on one line, and not empty",
    r"^[^\x00-\x1f\x7f]*$": "text on one line",
    r"^[^\x00-\x20\x7f]+$": "text without spaces, and not empty",
}
"""What a pattern of a field wants, in words; a test holds the list complete for the routes of the platform."""

TYPES: Mapping[str, str] = {
    "bool": "true or false",
    "bytes": "text",
    "decimal": "a number",
    "dict": "an object",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "an object",
    "model": "an object",
    "model_attributes": "an object",
    "set": "a list",
    "string": "text",
    "tuple": "a list",
}

FIXED: Mapping[str, tuple[str, str]] = {
    "missing": ("missing", "This is needed, and it is missing."),
    "extra_forbidden": ("unknown_field", "There is no such field; leave it out."),
    "json_invalid": ("not_json", "This is not JSON."),
    "int_parsing_size": ("too_large", "This number is too large."),
}
BOUNDS: Mapping[str, tuple[str, str, str]] = {
    "string_too_short": ("too_short", "min_length", "have at least {} characters"),
    "string_too_long": ("too_long", "max_length", "have at most {} characters"),
    "too_short": ("too_short", "min_length", "have at least {} entries"),
    "too_long": ("too_long", "max_length", "have at most {} entries"),
    "greater_than": ("too_small", "gt", "be more than {}"),
    "greater_than_equal": ("too_small", "ge", "be at least {}"),
    "less_than": ("too_large", "lt", "be less than {}"),
    "less_than_equal": ("too_large", "le", "be at most {}"),
}


def places(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return `field`, `code` and `message` of each of pydantic's errors, 50 at most.

    `field` is the way to the place, in points: body, query or path first, then names and positions from 0.
    """
    told = []
    for each in found[:MAX_FIELDS]:
        code, message = _told(each["type"], each.get("ctx") or {}, each["msg"])
        # A body that is no JSON has the position of the fault in place of a field.
        way = each["loc"][:1] if each["type"] == "json_invalid" else each["loc"]
        told.append({"field": ".".join(str(part) for part in way), "code": code, "message": message})
    return told


def form(pattern: str) -> str:
    """Return what a pattern wants, in words; one that nobody has words for is quoted."""
    if choice := CHOICE.fullmatch(pattern):
        return f"one of {choice[1].replace('|', ', ')}"
    return FORMS.get(pattern, f"of the form {pattern}")


def summary(told: Sequence[Mapping[str, str]]) -> str:
    """Return the first few places as sentences for a reader who sees nothing else."""
    shown = [f"{each['field']}: {each['message']}" for each in told[:TOLD_AT_ONCE]]
    left = len(told) - len(shown)
    return " ".join(["Correct the request.", *shown, *([f"And {left} more."] if left else [])])


def _told(kind: str, facts: Mapping[str, Any], said: str) -> tuple[str, str]:
    """Return the code and the sentence of one error."""
    if kind in FIXED:
        return FIXED[kind]
    if kind in BOUNDS:
        return _bound(kind, facts)
    match kind:
        case "string_pattern_mismatch":
            return "wrong_form", f"This must be {form(facts['pattern'])}."
        case "literal_error" | "enum":
            return "not_one_of", f"This must be one of {facts['expected'].replace(chr(39), '').replace(' or ', ', ')}."
        case "value_error":
            return "wrong_value", _sentence(said.partition(", ")[2])
    return "wrong_type", f"This must be {_wanted(kind)}."


def _bound(kind: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    code, name, words = BOUNDS[kind]
    if code == "too_short" and facts[name] == 1:
        return code, "This must not be empty."
    return code, f"This must {words.format(facts[name])}."


def _wanted(kind: str) -> str:
    """Return what a type error asks for: its name starts with the type, such as `int_parsing`, `list_type`."""
    for name in sorted(TYPES, key=len, reverse=True):
        if kind.startswith(f"{name}_"):
            return TYPES[name]
    return "of another kind"


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."

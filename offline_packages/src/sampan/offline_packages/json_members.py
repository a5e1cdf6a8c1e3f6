"""Taking typed members out of untyped JSON, and noting every problem instead of stopping at the first."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sampan.offline_packages.limits import MAX_SEQUENCE
from sampan.offline_packages.manifest import Problem, ProblemCode
from sampan.offline_packages.refusals import ManifestNotJson


def load_json(data: bytes) -> object:
    """Parse strict JSON: UTF-8 without BOM, unique keys, no NaN; raise `ManifestNotJson`."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        reason = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)[:200]
        raise ManifestNotJson("manifest.json", reason=reason) from problem


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return result


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class Members:
    """Collects problems while values are taken out of untyped JSON."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def refuse(self, where: str, code: ProblemCode, message: str) -> None:
        """Note a mistake that refuses the whole manifest."""
        self.problems.append(Problem(where, code, message))

    def warn(self, where: str, code: ProblemCode, message: str) -> None:
        """Note something that was ignored or is unwise."""
        self.warnings.append(Problem(where, code, message))

    def required(
        self, holder: Mapping[str, Any], key: str, where: str, is_right: Callable[[object], bool], wanted: str
    ) -> Any:
        """Return a required member, or None after noting why it does not do."""
        if key not in holder:
            self.refuse(where, ProblemCode.MISSING, f"is required; write {wanted}.")
        elif not is_right(holder[key]):
            self.refuse(where, ProblemCode.WRONG_TYPE, f"must be {wanted}.")
        else:
            return holder[key]
        return None

    def optional(
        self, holder: Mapping[str, Any], key: str, where: str, is_right: Callable[[object], bool], wanted: str
    ) -> Any:
        """Return an optional member, or None when it is absent or (with a warning) not as the draft says."""
        if key not in holder or is_right(holder[key]):
            return holder.get(key)
        self.warn(where, ProblemCode.IGNORED, f"was ignored: it must be {wanted}.")
        return None


def is_text(value: object) -> bool:
    """Whether `value` is a string that has a UTF-8 form (JSON can spell lone surrogates)."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_filled(value: object) -> bool:
    """Whether `value` is a text that is not empty."""
    return is_text(value) and value != ""


def is_integer(value: object) -> bool:
    """Whether `value` is a whole number that every JSON reader keeps exact."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SEQUENCE


def is_list(value: object) -> bool:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


def is_object(value: object) -> bool:
    """Whether `value` is a JSON object."""
    return isinstance(value, dict)


def is_boolean(value: object) -> bool:
    """Whether `value` is true or false."""
    return isinstance(value, bool)


def one_of(*words: str) -> Callable[[object], bool]:
    """Return the test whether a value is one of `words`."""
    return lambda value: isinstance(value, str) and value in words

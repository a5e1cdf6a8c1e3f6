"""Versions and ranges of versions, as apps and operating systems write them. Pure.

A version is SemVer 2.0.0, read leniently: one to four numbers (`17`, `5.0.0.71`), the missing ones zero; build metadata
does not count. A range is what npm's `semver` writes: `>=1.2 <2`, `^1.2`, `~1.4.1`, `1.x`, `1.2 - 1.9`, joined by `||`.
Unlike there a pre-release is simply lower than its release; 2.0.0-beta does not lie in `^1`, `1.x`, `<2` or `<=1`.
"""

import re
from functools import lru_cache

from sampan.platform.errors import Invalid

MAX_VERSION = 64
MAX_RANGE = 200
MAX_NUMBER = 2**53 - 1
RELEASE: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)
LOWEST: tuple[tuple[int, int, str], ...] = ()

Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
Span = tuple[Key, Key | None]
"""From a version up to, not including, another; None is no end."""

_VERSION = re.compile(
    r"(0|[1-9]\d*)(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:\.(0|[1-9]\d*))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_PART = re.compile(r"(\^|~|>=|<=|>|<|=)?(\S+)")
_ANY = frozenset({"x", "X", "*"})
FIRST: Key = (0, 0, 0, 0, LOWEST)


class BadVersion(Invalid):
    """The text is no version, or no range of versions."""

    code = "bad_version"


@lru_cache(maxsize=8192)
def version_key(text: str) -> Key | None:
    """Return what orders the version among others; None when the text is no version."""
    found = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION else None
    if found is None:
        return None
    numbers = [int(part or 0) for part in found.groups()[:4]]
    if max(numbers) > MAX_NUMBER:
        return None
    order = RELEASE if found[5] is None else _pre_release(found[5])
    return None if order is None else (numbers[0], numbers[1], numbers[2], numbers[3], order)


def parse_version(text: object) -> Key:
    """Return the version's key; raise `BadVersion`."""
    key = version_key(text) if isinstance(text, str) else None
    if key is None:
        raise BadVersion(f"{text!r} is not a version such as 1.4.2 or 17.1.")
    return key


def parse_range(text: object) -> tuple[Span, ...]:
    """Return the spans of a range, of which a version must lie in one; raise `BadVersion`."""
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_RANGE:
        raise BadVersion(f"{text!r} is not a range of versions such as >=1.2 <2, ^1.4 or 1.x.")
    spans = [_alternative(part.split(), text) for part in text.split("||")]
    found = tuple(span for span in spans if span[1] is None or span[0] < span[1])
    if not found:
        raise BadVersion(f"No version lies in {text!r}.")
    return found


def lies_in(key: Key, spans: tuple[Span, ...]) -> bool:
    """Whether the version lies in one of the spans."""
    return any(low <= key and (high is None or key < high) for low, high in spans)


def _pre_release(text: str) -> tuple[tuple[int, int, str], ...] | None:
    parts = text.split(".")
    if any(not part or (part.isdigit() and (len(part) > 15 or (part[0] == "0" and part != "0"))) for part in parts):
        return None
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def _alternative(parts: list[str], text: str) -> Span:
    if len(parts) == 3 and parts[1] == "-":
        return _lowest(parts[0], text), _above(parts[2], text)
    if not parts:
        raise BadVersion(f"A part of {text!r} is empty.")
    low, high = FIRST, None
    for part in parts:
        from_, until = _comparator(part, text)
        low = max(low, from_)
        high = until if high is None else high if until is None else min(high, until)
    return low, high


def _comparator(part: str, text: str) -> Span:
    match = _PART.fullmatch(part)
    if match is None:
        raise BadVersion(f"{part!r} in {text!r} is no comparison of versions.")
    sign, version = match[1] or "", match[2]
    lowest, given = _lowest(version, text), _numbers(version)
    if given == 0 and sign not in ("<", ">"):
        return FIRST, None
    match sign:
        case ">=":
            return lowest, None
        case "<":
            return FIRST, lowest if given > 2 else (*lowest[:4], LOWEST)
        case ">":
            return _above(version, text) or _beyond_all(text), None
        case "<=":
            return FIRST, _above(version, text)
        case "^":
            return lowest, _next(lowest, _first_not_zero(version, lowest))
        case "~":
            return lowest, _next(lowest, min(1, given - 1))
    return lowest, _above(version, text)


def _numbers(version: str) -> int:
    """Return how many numbers are given: 2 for `1.2`, `1.2.x` and `1.2.*`; 0 for `*`."""
    parts = version.split("-")[0].split("+")[0].split(".")
    return next((n for n, part in enumerate(parts) if part in _ANY), len(parts))


def _lowest(version: str, text: str) -> Key:
    given = _numbers(version)
    if given == 0:
        return FIRST
    parts = version.split(".")
    wildcards = parts[given:] if given < len(version.split("-")[0].split(".")) else []
    if wildcards and any(part not in _ANY for part in wildcards):
        raise BadVersion(f"{version!r} in {text!r}: nothing follows an x.")
    key = version_key(".".join(parts[:given]) if wildcards else version)
    if key is None:
        raise BadVersion(f"{version!r} in {text!r} is not a version such as 1.4.2 or 17.1.")
    return key


def _above(version: str, text: str) -> Key | None:
    """Return the first version beyond all that are meant: `1.2` means every 1.2.x, `1.2.3` itself alone."""
    given, lowest = _numbers(version), _lowest(version, text)
    if given == 0:
        return None
    if given >= 3:
        is_exact = given == 4 or lowest[4] != RELEASE
        return (*lowest[:4], (*lowest[4], (0, 0, ""))) if is_exact else _next(lowest, 2)
    return _next(lowest, given - 1)


def _next(key: Key, place: int) -> Key:
    a, b, c, _d, _order = key
    match place:
        case 0:
            return a + 1, 0, 0, 0, LOWEST
        case 1:
            return a, b + 1, 0, 0, LOWEST
    return a, b, c + 1, 0, LOWEST


def _first_not_zero(version: str, key: Key) -> int:
    given = min(3, _numbers(version))
    return next((n for n in range(given) if key[n]), max(0, given - 1))


def _beyond_all(text: str) -> Key:
    raise BadVersion(f"No version is above all versions in {text!r}.")

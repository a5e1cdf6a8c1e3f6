"""Binary versions and ranges as npm's semver reads them (github.com/npm/node-semver, README "Ranges"). Pure.

Stock clients and tools use that library, so the server must agree with it on every range. A version with a
prerelease lies in a range only when one of the range's bounds is a prerelease of the same three numbers.
"""

import re
from functools import lru_cache

from msgspec import Struct

_NUMBER = r"(?:0|[1-9][0-9]{0,15})"
_TAGS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_TAGS}))?(?:\+{_TAGS})?")
_X = rf"(?:{_NUMBER}|[xX*])"
_PARTIAL = rf"[v=\s]*({_X})(?:\.({_X})(?:\.({_X})(?:-({_TAGS}))?(?:\+{_TAGS})?)?)?"
_TOKEN = re.compile(rf"(~>|[~^]|[<>]=?|=)?{_PARTIAL}")
_HYPHEN = re.compile(rf"{_PARTIAL}\s+-\s+{_PARTIAL}")
_OPERATOR_GAP = re.compile(r"(~>|[~^]|[<>]=?|=)\s+")
_LOOSE = re.compile(r"(\d+)(?:\.(\d+))?([+-].*)?")
MAX_TEXT = 100

Tags = tuple[tuple[int, int, str], ...]
Version = tuple[int, int, int, tuple[int, Tags]]
"""Major, minor, patch, and how its prerelease compares: `(1, ())` is a release, above all of its prereleases."""
FINAL: tuple[int, Tags] = (1, ())
LOWEST: tuple[int, Tags] = (0, ((0, 0, ""),))  # -0, below every other prerelease


class BadRange(ValueError):
    """The text is no version or range."""


class Bound(Struct, frozen=True):
    """One comparison; `operator` is `>=`, `>`, `<`, `<=` or `=`."""

    operator: str
    version: Version

    def holds(self, version: Version) -> bool:
        """Whether the version is on this side."""
        match self.operator:
            case ">=":
                return version >= self.version
            case ">":
                return version > self.version
            case "<":
                return version < self.version
            case "<=":
                return version <= self.version
        return version == self.version


EVERY = Bound(">=", (0, 0, 0, FINAL))
NOTHING = (Bound("<", (0, 0, 0, LOWEST)),)
Bounds = tuple[Bound, ...]


class Range(Struct, frozen=True):
    """Alternatives of bounds that hold together; an empty alternative is every release."""

    alternatives: tuple[Bounds, ...]

    def has(self, version: Version) -> bool:
        """Whether the version lies in the range (`semver.satisfies`)."""
        return any(_hold(bounds, version) for bounds in self.alternatives)

    def is_below(self, version: Version) -> bool:
        """Whether the version is above everything in the range (`semver.gtr`)."""
        return not self.has(version) and all(_ends_below(bounds, version) for bounds in self.alternatives)


def parse_version(text: str) -> Version:
    """Return a whole version; raise `BadRange`."""
    match = _VERSION.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    if match is None:
        raise BadRange(f"{text[:MAX_TEXT]!r} is not a version such as 1.2.3")
    return int(match[1]), int(match[2]), int(match[3]), _prerelease(match[4])


def padded(text: str) -> str:
    """Return `2` as `2.0.0` and `2.1-beta` as `2.1.0-beta`, as CodePush reads binary versions; others unchanged."""
    match = _LOOSE.fullmatch(text)
    if match is None or (match[2] is None and match[3]):
        return text
    return f"{match[1]}.{match[2] or 0}.0{match[3] or ''}"


@lru_cache(maxsize=4096)
def parse_range(text: str) -> Range:
    """Return the range; raise `BadRange`."""
    if len(text) > MAX_TEXT:
        raise BadRange("a range has at most 100 characters")
    return Range(tuple(_alternative(each.strip()) for each in text.split("||")))


def _alternative(text: str) -> Bounds:
    if hyphen := _HYPHEN.fullmatch(text):
        return _said([*_from(hyphen.groups()[:4]), *_through(hyphen.groups()[4:])])
    bounds: list[Bound] = []
    for token in _OPERATOR_GAP.sub(r"\1", text).split():
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise BadRange(f"{token!r} is not a version or a range such as 1.2.3, ^1.2 or >=1 <3")
        bounds += _bounds(match[1] or "", match.groups()[1:])
    return _said(bounds)


def _said(bounds: list[Bound]) -> Bounds:
    """Leave out `>=0.0.0`, as node-semver does: it says nothing, and `is_below` and prereleases must not see it."""
    return NOTHING if NOTHING[0] in bounds else tuple(bound for bound in bounds if bound != EVERY)


Parts = tuple[str | None, ...]


def _numbers(parts: Parts) -> list[int]:
    """Return the leading numbers; raise `BadRange` for a number behind an `x`."""
    given = [part for part in parts[:3] if part is not None]
    numbers = [int(part) for part in given if part not in "xX*"]
    if given[: len(numbers)] != [part for part in given if part not in "xX*"]:
        raise BadRange("no number follows an x")
    return numbers


def _bounds(operator: str, parts: Parts) -> Bounds:
    numbers = _numbers(parts)
    if not numbers:
        return NOTHING if operator in ("<", ">") else ()
    if operator in ("~", "~>", "^"):
        kept = min(len(numbers), 2) if operator != "^" else _caret(numbers)
        return Bound(">=", _low(numbers, parts)), Bound("<", _next(numbers, kept))
    if len(numbers) == 3:
        return (Bound(operator or "=", _low(numbers, parts)),)
    match operator:
        case ">":
            major, minor, patch, _lowest = _next(numbers, len(numbers))
            return (Bound(">=", (major, minor, patch, FINAL)),)
        case "<":
            return (Bound("<", _padded(numbers, LOWEST)),)
        case "<=":
            return (Bound("<", _next(numbers, len(numbers))),)
        case ">=":
            return (Bound(">=", _padded(numbers, FINAL)),)
    return Bound(">=", _padded(numbers, FINAL)), Bound("<", _next(numbers, len(numbers)))


def _caret(numbers: list[int]) -> int:
    """Return how many numbers stay: up to the first that is not zero."""
    return next((n + 1 for n, number in enumerate(numbers) if number), len(numbers))


def _from(parts: Parts) -> Bounds:
    numbers = _numbers(parts)
    return (Bound(">=", _low(numbers, parts)),) if numbers else ()


def _through(parts: Parts) -> Bounds:
    numbers = _numbers(parts)
    if not numbers:
        return ()
    if len(numbers) == 3:
        return (Bound("<=", _low(numbers, parts)),)
    return (Bound("<", _next(numbers, len(numbers))),)


def _low(numbers: list[int], parts: Parts) -> Version:
    return _padded(numbers, _prerelease(parts[3]) if len(numbers) == 3 else FINAL)


def _next(numbers: list[int], kept: int) -> Version:
    """Return the first version above all that share the first `kept` numbers."""
    return _padded([*numbers[: kept - 1], numbers[kept - 1] + 1], LOWEST)


def _padded(numbers: list[int], prerelease: tuple[int, Tags]) -> Version:
    major, minor, patch = (*numbers, 0, 0)[:3]
    return major, minor, patch, prerelease


def _prerelease(text: str | None) -> tuple[int, Tags]:
    if not text:
        return FINAL
    return 0, tuple((0, int(tag), "") if tag.isdigit() else (1, 0, tag) for tag in text.split("."))


def _hold(bounds: Bounds, version: Version) -> bool:
    if not all(bound.holds(version) for bound in bounds):
        return False
    if version[3] == FINAL:
        return True
    return any(bound.version[3] != FINAL and bound.version[:3] == version[:3] for bound in bounds)


def _ends_below(bounds: Bounds, version: Version) -> bool:
    """Whether the bounds end below the version (`outside` of node-semver, towards `>`)."""
    bounds = bounds or (EVERY,)
    high = max(bounds, key=lambda bound: bound.version)
    low = min(bounds, key=lambda bound: bound.version)
    if high.operator in (">", ">="):
        return False
    if low.operator in ("=", ">"):
        return version > low.version
    return not (low.operator == ">=" and version < low.version)

"""From a place in a built script back to the developer's own file, by source maps that never leave this machine.

Source maps (ECMA-426, revision 3) lie in a folder of the publisher's: `index-ab12.js.map` tells of `index-ab12.js`.
Maps in sections are not read; what has no map stays as it is.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from sampan.platform.errors import Invalid, NotFound

MAX_MAP_BYTES = 64 * 2**20
MAX_SHOWN = 160
_PLACE = re.compile(
    r"(?:https?://[^\s()@]{1,300}/|/(?:[^\s()@:/]{1,100}/){0,8})?([\w.~-]{1,200}\.[cm]?js):([0-9]{1,9}):([0-9]{1,9})"
)
_DIGITS = {sign: at for at, sign in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
_UP = re.compile(r"^(?:webpack://[^/]*/|\.{1,2}/)+")
Segment = tuple[int, int, int, int]
"""Column in the built line; source, line and column there. All from 0."""


class NoSourceMaps(NotFound):
    """The folder holds no source maps."""

    code = "no_source_maps_here"


class SourceMapWrong(Invalid):
    """A file is no source map."""

    code = "source_map_wrong"


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A place in a developer's own file; line and column from 1. `text` is that line, empty when the map lacks it."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SourceMap:
    """One map, read."""

    sources: tuple[str, ...]
    contents: tuple[str | None, ...]
    lines: tuple[tuple[Segment, ...], ...]

    def find(self, line: int, column: int) -> SourcePlace | None:
        """Return where a place of the built script (line and column from 1) comes from."""
        if not 1 <= line <= len(self.lines):
            return None
        segments = self.lines[line - 1]
        at = bisect_right(segments, (column - 1, 2**31, 0, 0)) - 1
        if at < 0 or segments[at][1] >= len(self.sources):
            return None
        _column, source, own_line, own_column = segments[at]
        rows = (self.contents[source] or "").split("\n") if source < len(self.contents) else []
        text = rows[own_line].strip()[:MAX_SHOWN] if 0 <= own_line < len(rows) else ""
        return SourcePlace(_UP.sub("", self.sources[source]), own_line + 1, own_column + 1, text)


class SourceMaps:
    """All maps below a folder, each read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, list[Path]] = {}
        for path in sorted(folder.rglob("*.map"), key=lambda path: (len(path.parts), path)):
            if "node_modules" not in path.parts:
                self._paths.setdefault(path.name, []).append(path)
        self._read: dict[Path, SourceMap] = {}

    def __bool__(self) -> bool:
        return bool(self._paths)

    def require(self) -> "SourceMaps":
        """Return this; raise `NoSourceMaps` when the folder has none."""
        if not self:
            raise NoSourceMaps(f"There are no source maps (*.js.map) below {self._folder}. Name your build's folder.")
        return self

    def mapped(self, stack: str, version: str = "") -> tuple[str, list[SourcePlace]]:
        """Return the stack with the developer's own places in it, and these places; raise `SourceMapWrong`.

        Of maps with the same name that in a folder called like the version counts, else the one nearest the top.
        """
        found: list[SourcePlace] = []

        def own(match: re.Match[str]) -> str:
            known = self._map_of(match[1], version)
            place = known.find(int(match[2]), int(match[3])) if known else None
            if place is None:
                return match[0]
            found.append(place)
            return str(place)

        return _PLACE.sub(own, stack), found

    def _map_of(self, script: str, version: str) -> SourceMap | None:
        paths = self._paths.get(f"{script}.map", [])
        if not paths:
            return None
        path = next((path for path in paths if version and version in path.parts), paths[0])
        if path not in self._read:
            self._read[path] = read_map(path)
        return self._read[path]


def read_map(path: Path) -> SourceMap:
    """Read a source map; raise `SourceMapWrong`."""
    try:
        if path.stat().st_size > MAX_MAP_BYTES:
            raise ValueError("it is too large")
        value = json.loads(path.read_text(encoding="utf-8").removeprefix(")]}'"))
        contents = tuple(each if isinstance(each, str) else None for each in value.get("sourcesContent") or ())
        root = str(value.get("sourceRoot") or "")
        sources = tuple(root + str(each) for each in value["sources"])
        return SourceMap(sources, contents, tuple(_lines(value["mappings"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise SourceMapWrong(f"{path} is no source map of version 3: {problem}. Build anew.") from problem


def _lines(mappings: str) -> list[tuple[Segment, ...]]:
    source = own_line = own_column = 0
    lines = []
    for line in mappings.split(";"):
        column, segments = 0, []
        for segment in filter(None, line.split(",")):
            numbers = _numbers(segment)
            column += numbers[0]
            if len(numbers) >= 4:
                source, own_line, own_column = source + numbers[1], own_line + numbers[2], own_column + numbers[3]
                segments.append((column, source, own_line, own_column))
        lines.append(tuple(sorted(segments)))
    return lines


def _numbers(segment: str) -> list[int]:
    """Return the numbers of one segment: base 64, five bits a sign, the lowest first, the last bit the minus."""
    numbers, value, shift = [], 0, 0
    for sign in segment:
        digit = _DIGITS[sign]
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return numbers

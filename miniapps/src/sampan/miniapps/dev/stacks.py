"""A stack from the app's origin, told in the developer's own files: by source maps, or as the file that was served."""

import re
from pathlib import Path

from sampan.platform.cli.source_maps import SourceMaps, SourceMapWrong, SourcePlace

MAX_FILE_BYTES = 2**20
MAX_SHOWN = 160
_SERVED = re.compile(r"https?://[^\s()@/]{1,300}/([^\s()@:?]{1,300}):([0-9]{1,7}):([0-9]{1,7})")
_OURS = re.compile(r"^.*/__runtime\.js.*\n?", re.MULTILINE)


def told_stack(stack: str, folder: Path, maps: Path) -> tuple[str, SourcePlace | None]:
    """Return the stack with places as the developer knows them, and the first of them with its line of code.

    The container's own frames are left out. Maps are read anew, since every build writes other ones.
    """
    stack = _OURS.sub("", stack)
    places: list[SourcePlace] = []
    for where in (maps, folder):
        try:
            stack, found = SourceMaps(where).mapped(stack)
        except SourceMapWrong:
            continue
        places += found

    def served(match: re.Match[str]) -> str:
        place = _line_of(folder, match[1], int(match[2]), int(match[3]))
        places.append(place)
        return str(place)

    stack = _SERVED.sub(served, stack)
    return stack, next((place for place in places if place.text), None)


def _line_of(folder: Path, name: str, line: int, column: int) -> SourcePlace:
    path = (folder / name).resolve()
    text = ""
    if path.is_relative_to(folder) and path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
        rows = path.read_text(encoding="utf-8", errors="replace").split("\n")
        text = rows[line - 1].strip() if 0 < line <= len(rows) else ""
    return SourcePlace(name, line, column, text[:MAX_SHOWN])

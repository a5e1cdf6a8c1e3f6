"""What a version changes against an earlier one: files, permissions, and the lines of a text. Pure."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sampan.offline_packages import PackageIndex

MAX_DIFF_BYTES = 512 * 1024
MAX_DIFF_LINES = 5000
MAX_SHOWN_LINES = 2000
MAX_LINE_CHARACTERS = 1000
CONTEXT_LINES = 3


class FileChange(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file before and after; sizes in bytes, digests with their algorithm; None where it is not there."""

    path: str
    change: FileChange
    size: int | None
    digest: str | None
    old_size: int | None
    old_digest: str | None


@dataclass(frozen=True, slots=True)
class SetChange:
    """What came to a list and what left it, both sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a diff with its numbers from 1; `change` is added, removed or same."""

    change: FileChange
    old_line: int | None
    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The changed lines with their surroundings; `refusal` says why there are none, `is_cut` that there are more."""

    lines: tuple[TextLine, ...] = ()
    is_cut: bool = False
    refusal: str = ""


def compare_files(old: PackageIndex | None, new: PackageIndex) -> list[FileLine]:
    """Return every file of both packages, by path."""
    before = {entry.path: entry for entry in old.files} if old else {}
    after = {entry.path: entry for entry in new.files}
    lines = []
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if was is None:
            change = FileChange.ADDED
        elif now is None:
            change = FileChange.REMOVED
        else:
            change = FileChange.SAME if was.sha256 == now.sha256 else FileChange.CHANGED
        lines.append(
            FileLine(
                path=path,
                change=change,
                size=now.size if now else None,
                digest=f"sha256:{now.sha256}" if now else None,
                old_size=was.size if was else None,
                old_digest=f"sha256:{was.sha256}" if was else None,
            )
        )
    return lines


def compare_sets(old: Iterable[str], new: Iterable[str]) -> SetChange:
    """Return what came and what left."""
    before, after = set(old), set(new)
    return SetChange(tuple(sorted(after - before)), tuple(sorted(before - after)), tuple(sorted(after & before)))


def compare_texts(old: bytes | None, new: bytes | None) -> TextDiff:
    """Return the changed lines of a text; None stands for a file that is not there.

    Refused are what is no UTF-8 text and what is over `MAX_DIFF_BYTES` or `MAX_DIFF_LINES`: a diff of those would hold
    the server up, and nobody would read it.
    """
    if any(part is not None and len(part) > MAX_DIFF_BYTES for part in (old, new)):
        return TextDiff(refusal="too_large")
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        return TextDiff(refusal="not_text")
    if max(len(before), len(after)) > MAX_DIFF_LINES:
        return TextDiff(refusal="too_many_lines")
    lines = _diff(before, after)
    return TextDiff(tuple(lines[:MAX_SHOWN_LINES]), len(lines) > MAX_SHOWN_LINES)


def _diff(before: Sequence[str], after: Sequence[str]) -> list[TextLine]:
    lines: list[TextLine] = []
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT_LINES):
        for kind, old_start, old_end, start, end in group:
            if kind == "equal":
                pairs = zip(range(old_start, old_end), range(start, end), strict=True)
                lines += [TextLine(FileChange.SAME, old + 1, new + 1, _short(after[new])) for old, new in pairs]
                continue
            lines += [TextLine(FileChange.REMOVED, n + 1, None, _short(before[n])) for n in range(old_start, old_end)]
            lines += [TextLine(FileChange.ADDED, None, n + 1, _short(after[n])) for n in range(start, end)]
    return lines


def _lines(data: bytes | None) -> list[str] | None:
    """Return the lines of a text without their ends; None when it is no text."""
    if data is None:
        return []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _short(line: str) -> str:
    return line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]}…"

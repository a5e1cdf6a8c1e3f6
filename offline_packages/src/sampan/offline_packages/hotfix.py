"""Hotfixes: signed changes to the files of one published version, and the package that a stack of them gives.

A hotfix says for each file what it was and what it becomes; what is signed is the result, so a device carries out
no operations. The package of a stack follows from the version and the hotfixes alone, byte for byte, on every
machine. Pure: no clock, no network, no trust. docs/protocols/hotfix.md.
"""

import hashlib
import io
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import msgspec

from sampan.offline_packages.archive import ArchiveWriter, bare
from sampan.offline_packages.index import FileEntry, PackageIndex, package_digest
from sampan.offline_packages.layout import archive_size, local_header_size
from sampan.offline_packages.limits import MAX_ARCHIVE_BYTES, MAX_SEQUENCE, MAX_STACK
from sampan.offline_packages.manifest_vendor import is_app_id
from sampan.offline_packages.names import check_no_clash, check_path
from sampan.offline_packages.refusals import PackageRefused
from sampan.offline_packages.required_files import MANIFEST
from sampan.platform.crypto.canonical import NotCanonical, canonical_json, parse_canonical
from sampan.platform.crypto.digest import digest, is_digest
from sampan.platform.errors import Invalid

FORMAT = "sampan-hotfix/1"
MAX_NUMBER = 9_999
MAX_CHANGES = 64
MAX_DOCUMENT_BYTES = 128 * 1024
MAX_CONTENT_BYTES = 16 * 1024 * 1024
_MAX_FILES = 65_534


class HotfixRefused(Invalid):
    """The base of every refusal of a hotfix; what ran before still runs."""

    code = "hotfix_refused"
    title = "The hotfix is refused"


class HotfixMalformed(HotfixRefused):
    """The document, its content or the order of a stack is not of the documented form."""

    code = "hotfix_malformed"


class HotfixManifest(HotfixRefused):
    """A hotfix of `manifest.json`: what an app may do, and its pages, change with a version only."""

    code = "hotfix_manifest"


class HotfixBaseDiffers(HotfixRefused):
    """Made for another version, or a file is not what the hotfix was made on."""

    code = "hotfix_base_differs"


class HotfixResultDiffers(HotfixRefused):
    """The package that the stack gives is not the one that control lists."""

    code = "hotfix_result_differs"


class FileState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it was; `sha256` is bare hex as in the index."""

    sha256: str
    size: int


class NewState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it becomes; both digests go into the index that results."""

    sha256: str
    sm3: str
    size: int


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: `before` is None when it is added, `after` is None when it is taken away."""

    path: str
    before: FileState | None
    after: NewState | None


class Hotfix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Number `n` of a version; `base` is the version's package digest, `on` the hotfixes that it was made on."""

    format: str
    app: str
    sequence: int
    base: str
    n: int
    on: tuple[int, ...]
    changes: tuple[Change, ...]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are signed."""
        return canonical_json(msgspec.to_builtins(self))

    @property
    def content_bytes(self) -> int:
        """The size of `hotfix-<n>.bin`."""
        return sum(change.after.size for change in self.changes if change.after)


class FileReader(Protocol):
    """Whatever gives the files of a package whole: a `PackageReader`, an opened package."""

    def read(self, path: str) -> bytes:
        """Return the content of `path`."""
        ...


def parse_hotfix(data: bytes) -> Hotfix:
    """Read a document; raise `HotfixMalformed` or `HotfixManifest` unless it is exactly of the documented form."""
    _require(len(data) <= MAX_DOCUMENT_BYTES, f"it has more than {MAX_DOCUMENT_BYTES:,} bytes")
    try:
        value: Any = parse_canonical(data)
        hotfix = msgspec.convert(value, Hotfix)
    except (NotCanonical, msgspec.ValidationError, RecursionError) as problem:
        raise HotfixMalformed(f"The hotfix is not of the documented form: {str(problem)[:200]}.") from problem
    _check_head(hotfix)
    _check_changes(hotfix.changes)
    _require(hotfix.content_bytes <= MAX_CONTENT_BYTES, f"its files have more than {MAX_CONTENT_BYTES:,} bytes")
    return hotfix


def make_hotfix(
    base_index: PackageIndex,
    base_digest: str,
    files_now: Mapping[str, bytes],
    changes: Mapping[str, bytes | None],
    *,
    n: int,
    on: Sequence[int] = (),
) -> tuple[Hotfix, bytes]:
    """Return hotfix `n` and its content: `changes` give files their new content, or None to take them away.

    `files_now` are the files of the version with the hotfixes `on` applied. What changes nothing is left out. Raises
    a `HotfixRefused`, also when nothing is left.
    """
    made: list[Change] = []
    content: list[bytes] = []
    for path in sorted(changes):
        old, new = files_now.get(path), changes[path]
        if old == new:
            continue
        made.append(Change(path, None if old is None else _before(old), None if new is None else _after(new)))
        content.append(new or b"")
    hotfix = Hotfix(FORMAT, base_index.app, base_index.sequence, base_digest, n, tuple(on), tuple(made))
    try:
        return parse_hotfix(hotfix.to_bytes()), b"".join(content)
    except NotCanonical as problem:
        raise HotfixMalformed(f"The hotfix cannot be written: {problem}.") from problem


def dependents(k: int, hotfixes: Mapping[int, Hotfix]) -> tuple[int, ...]:
    """Return the hotfixes that fall when `k` is withdrawn, rising, without `k` itself."""
    return tuple(sorted(_fallen(hotfixes, {k}) - {k}))


def live_stack(n: int, hotfixes: Mapping[int, Hotfix], withdrawn: Collection[int]) -> tuple[int, ...]:
    """Return what hotfix `n` is applied with, itself last; empty when it fell. `hotfixes` are all of the version."""
    fallen = _fallen(hotfixes, set(withdrawn))
    return () if n in fallen else tuple(k for k in (*hotfixes[n].on, n) if k not in fallen)


def derive(
    base_index: PackageIndex, base_archive_reader: FileReader, stack: Sequence[tuple[Hotfix, bytes]]
) -> tuple[bytes, bytes]:
    """Return index and archive of the version with a stack of hotfixes (each with its content) applied.

    Raises `HotfixBaseDiffers` or `HotfixMalformed`; an empty stack gives the version itself.
    """
    sink = io.BytesIO()
    index = write_stack(base_index, base_archive_reader, stack, sink)
    return index.to_bytes(), sink.getvalue()


def write_stack(
    base_index: PackageIndex, reader: FileReader, stack: Sequence[tuple[Hotfix, bytes]], sink: BinaryIO
) -> PackageIndex:
    """Write the archive of `derive` to `sink`, one file in memory at a time; return the index."""
    _check_stack(base_index, [hotfix for hotfix, _ in stack])
    entries = {entry.path: entry for entry in base_index.files}
    contents: dict[str, bytes] = {}
    for hotfix, content in stack:
        _apply(hotfix, content, entries, contents)
    paths = sorted(entries)
    _check_result(paths, entries)
    writer = ArchiveWriter(sink)
    files = []
    for path in paths:
        data = contents[path] if path in contents else reader.read(path)
        offset = writer.start(path, crc=zlib.crc32(data), size=len(data))
        writer.write(data)
        files.append(msgspec.structs.replace(entries[path], offset=offset))
    return msgspec.structs.replace(base_index, archive=writer.finish(), files=tuple(files))


def _check_stack(base_index: PackageIndex, stack: Sequence[Hotfix]) -> None:
    base = package_digest(base_index.to_bytes())
    for hotfix in stack:
        if (hotfix.app, hotfix.sequence, hotfix.base) != (base_index.app, base_index.sequence, base):
            raise HotfixBaseDiffers(
                f"Hotfix {hotfix.n} was made for {hotfix.app} {hotfix.sequence} and not for this package of "
                f"{base_index.app} {base_index.sequence}."
            )
    numbers = [hotfix.n for hotfix in stack]
    _require(len(stack) <= MAX_STACK, f"a stack has at most {MAX_STACK} of them")
    _require(numbers == sorted(set(numbers)), "a stack is in the order of its numbers")
    _require(not stack or set(numbers[:-1]) <= set(stack[-1].on), "it was not made on the others of its stack")


def _apply(hotfix: Hotfix, content: bytes, entries: dict[str, FileEntry], contents: dict[str, bytes]) -> None:
    _require(len(content) == hotfix.content_bytes, "its content has another size than it tells")
    position = 0
    for change in hotfix.changes:
        present = entries.get(change.path)
        if (FileState(present.sha256, present.size) if present else None) != change.before:
            raise HotfixBaseDiffers(
                f"{change.path} is not what hotfix {hotfix.n} was made on.", path=change.path, n=hotfix.n
            )
        if change.after is None:
            del entries[change.path]
            contents.pop(change.path, None)
            continue
        data = content[position : position + change.after.size]
        position += change.after.size
        _require(_after(data) == change.after, f"the content of {change.path} is not the one it tells")
        contents[change.path] = data
        entries[change.path] = FileEntry(change.path, len(data), 0, change.after.sha256, change.after.sm3)


def _check_result(paths: Sequence[str], entries: Mapping[str, FileEntry]) -> None:
    _require(len(paths) <= _MAX_FILES, "the result has too many files")
    end = sum(local_header_size(path) + entries[path].size for path in paths)
    _require(archive_size(end, paths) < MAX_ARCHIVE_BYTES, "the result is too large")
    try:
        check_no_clash(paths)
    except PackageRefused as problem:
        raise HotfixMalformed(f"The files that result do not go together: {problem.detail}") from problem


def _fallen(hotfixes: Mapping[int, Hotfix], withdrawn: set[int]) -> set[int]:
    fallen = set(withdrawn)
    for n in sorted(hotfixes):
        if any(k in fallen and k in hotfixes and _needs(hotfixes[n], hotfixes[k]) for k in hotfixes[n].on):
            fallen.add(n)
    return fallen


def _needs(later: Hotfix, earlier: Hotfix) -> bool:
    """Whether `later` stands on a file of `earlier`, or on a place that `earlier` made free."""
    touched = {change.path for change in earlier.changes}
    if any(change.path in touched for change in later.changes):
        return True
    freed = [change.path for change in earlier.changes if change.after is None]
    added = [change.path for change in later.changes if change.before is None]
    return any(_do_clash(new, old) for new in added for old in freed)


def _do_clash(one: str, other: str) -> bool:
    try:
        check_no_clash((one, other))
    except PackageRefused:
        return True
    return False


def _before(data: bytes) -> FileState:
    return FileState(hashlib.sha256(data).hexdigest(), len(data))


def _after(data: bytes) -> NewState:
    return NewState(bare(digest(data)), bare(digest(data, "sm3")), len(data))


def _check_head(hotfix: Hotfix) -> None:
    _require(hotfix.format == FORMAT, f"format must be {FORMAT}")
    _require(is_app_id(hotfix.app), "app must be a reverse domain name in lower case")
    _require(1 <= hotfix.sequence <= MAX_SEQUENCE, "sequence must be a positive integer")
    _require(is_digest(hotfix.base) and hotfix.base.startswith("sha256:"), "base must be sha256:<hex>")
    _require(1 <= hotfix.n <= MAX_NUMBER, f"n must be from 1 to {MAX_NUMBER}")
    is_rising = list(hotfix.on) == sorted(set(hotfix.on))
    _require(is_rising and all(1 <= k < hotfix.n for k in hotfix.on), "on must be lower numbers, rising")
    _require(len(hotfix.on) < MAX_STACK, f"on must have fewer than {MAX_STACK} numbers")


def _check_changes(changes: Sequence[Change]) -> None:
    paths = [change.path for change in changes]
    _require(1 <= len(paths) <= MAX_CHANGES, f"it must change from 1 to {MAX_CHANGES} files")
    _require(paths == sorted(set(paths)), "changes must be sorted by path and without doubles")
    if MANIFEST in paths:
        raise HotfixManifest(f"A hotfix may not change {MANIFEST}; publish a version.")
    for change in changes:
        try:
            check_path(change.path)
        except PackageRefused as problem:
            raise HotfixMalformed(f"The hotfix names a wrong path: {problem.detail}") from problem
        _check_change(change)


def _check_change(change: Change) -> None:
    before, after = change.before, change.after
    _require(before is not None or after is not None, f"{change.path} is neither before nor after")
    if before is not None:
        _require(_is_hex(before.sha256) and 0 <= before.size <= MAX_SEQUENCE, f"before of {change.path} is malformed")
    if after is not None:
        _require(_is_hex(after.sha256) and _is_hex(after.sm3), f"a digest of {change.path} is malformed")
        _require(0 <= after.size <= MAX_CONTENT_BYTES, f"the size of {change.path} is malformed")
    is_same = before is not None and after is not None and before.sha256 == after.sha256
    _require(not is_same, f"{change.path} is not changed")


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def _require(is_met: bool, reason: str) -> None:
    if not is_met:
        raise HotfixMalformed(f"The hotfix breaks a rule: {reason}.")

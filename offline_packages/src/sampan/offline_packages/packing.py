"""Making a package from a folder: a W3C MiniApp, or a plain H5 build that gains what the form needs.

Same files, same bytes on any machine: nothing of the file system (times, modes, order, locale) gets in.
What is left out or added is said in the result.
"""

import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sampan.offline_packages.appearing import appearing
from sampan.offline_packages.archive import CHUNK_BYTES, ArchiveWriter, file_entry
from sampan.offline_packages.index import FileEntry, PackageIndex, make_index, package_digest, parse_index
from sampan.offline_packages.json_members import load_json
from sampan.offline_packages.limits import Policy
from sampan.offline_packages.manifest import VENDOR_MEMBER, Kind, Manifest
from sampan.offline_packages.manifest_parsing import parse_manifest
from sampan.offline_packages.names import check_no_clash, check_path
from sampan.offline_packages.refusals import (
    AppIdNeeded,
    FileTooLarge,
    FolderChanged,
    FolderNotPackable,
    ManifestNotJson,
    NotARegularFile,
    OutputDiffers,
    PackageRefused,
    PackageTooLarge,
    PathNotUtf8,
    TooManyFiles,
    printable,
)
from sampan.offline_packages.required_files import APP_CSS, APP_JS, BARE_PAGES, MANIFEST, layout_refusals
from sampan.offline_packages.sniffing import HEAD_BYTES, contradiction
from sampan.platform.crypto.canonical import NotCanonical, canonical_json
from sampan.platform.crypto.digest import Hasher

INDEX_PAGE = "index.html"
KEPT_DOT_FOLDER = ".well-known"
_SKIPPED_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_ICON = re.compile(r"(favicon|icon|logo)[^/]*\.(svg|png|ico)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """What a plain H5 build cannot say about itself. `vendor` becomes the manifest member `x-sampan`."""

    app_id: str
    version_name: str
    sequence: int
    name: str | None = None
    min_host: int = 1
    bridge: tuple[str, ...] = ()
    vendor: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Packed:
    """The two files written, and what was left out (`skipped`), made (`added`) or written anew (`replaced`)."""

    digest: str
    index: PackageIndex
    index_bytes: bytes
    manifest: Manifest
    archive_path: Path
    index_path: Path
    skipped: tuple[str, ...]
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    has_rebuilt: bool = False
    """Whether other bytes lay under the same names before."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One file to pack: on disk, or made here."""

    path: str
    disk: Path | None
    made: bytes = b""

    def chunks(self) -> Iterator[bytes]:
        if self.disk is None:
            yield self.made
            return
        with self.disk.open("rb", buffering=0) as handle:
            while chunk := handle.read(CHUNK_BYTES):
                yield chunk

    def read(self) -> bytes:
        return b"".join(self.chunks())


@dataclass(frozen=True, slots=True)
class _Measured:
    source: _Source
    size: int
    crc: int
    sha256: Hasher
    sm3: Hasher


def quiet(_done: int, _total: int) -> None:
    """Show no progress."""


def pack(
    folder: Path,
    out_dir: Path,
    *,
    new_app: NewApp | None = None,
    sequence: int | None = None,
    version_name: str | None = None,
    overwrite: bool = True,
    policy: Policy | None = None,
    progress: Callable[[int, int], None] = quiet,
) -> Packed:
    """Write `<id>-<version>.ma` and `<id>-<version>.index.json` into `out_dir`, whole or not at all.

    `new_app` is for a folder without `manifest.json`; `sequence` and `version_name` replace `version.code` and
    `version.name` of one that has it. Building a version again writes over its files; without `overwrite` those
    of another sequence raise `OutputDiffers`. Raise the same `PackageRefused` that intake would. `progress` is told
    bytes done and in all, twice the size.
    """
    limits = policy or Policy()
    sources, skipped = _found(folder, out_dir)
    added, replaced = _complete(folder, sources, new_app, sequence, version_name)
    manifest_bytes = sources[MANIFEST].read()
    sources[MANIFEST] = _Source(MANIFEST, None, manifest_bytes)  # what is parsed here is what is packed below
    manifest = parse_manifest(manifest_bytes)
    _check_layout(sources, manifest, limits)
    ordered = [sources[path] for path in sorted(sources)]
    steps = _Steps(progress, 2 * sum(_size(source) for source in ordered))
    measured = [_measure(source, limits, steps, manifest.vendor.kind) for source in ordered]
    out_dir.mkdir(parents=True, exist_ok=True)
    stem = f"{manifest.app_id}-{manifest.version_name}"
    archive_path, index_path = out_dir / f"{stem}.ma", out_dir / f"{stem}.index.json"
    with appearing(archive_path) as new_archive, appearing(index_path) as new_index:
        index = _write(new_archive, measured, manifest, steps)
        index_bytes = index.to_bytes()
        new_index.write_bytes(index_bytes)
        before = _before(archive_path, index_path)
        if before not in (None, index.sequence) and not overwrite:
            raise OutputDiffers(str(archive_path))
        has_rebuilt = before is not None and not (index_path.exists() and index_path.read_bytes() == index_bytes)
    digest = package_digest(index_bytes)
    return Packed(digest, index, index_bytes, manifest, archive_path, index_path, skipped, added, replaced, has_rebuilt)


def _before(archive_path: Path, index_path: Path) -> int | None:
    """Return the sequence of the package that lies under these names: None for none, 0 when nothing tells it."""
    try:
        return parse_index(index_path.read_bytes()).sequence
    except FileNotFoundError:
        return 0 if archive_path.exists() else None
    except PackageRefused:
        return 0


class _Steps:
    def __init__(self, progress: Callable[[int, int], None], total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, size: int) -> None:
        self._done += size
        self._progress(self._done, self._total)


def _found(folder: Path, out_dir: Path) -> tuple[dict[str, _Source], tuple[str, ...]]:
    """Return every file below `folder` by its path, and what was skipped; links and devices are refused."""
    if not folder.is_dir():
        raise FolderNotPackable(str(folder))
    sources: dict[str, _Source] = {}
    skipped: list[str] = []
    output = os.fsencode(out_dir.resolve())
    pending = [(os.fsencode(folder.resolve()), "")]
    while pending:
        place, prefix = pending.pop()
        with os.scandir(place) as items:
            found = list(items)
        for item in found:
            path = prefix + _utf8(item.name)
            is_folder = item.is_dir(follow_symlinks=False)
            if _is_skipped(path.rpartition("/")[2]) or item.path == output:
                skipped.append(f"{path}/" if is_folder else path)
            elif is_folder:
                pending.append((item.path, f"{path}/"))
            elif item.is_file(follow_symlinks=False):
                sources[path] = _Source(path, Path(os.fsdecode(item.path)))
            else:
                raise NotARegularFile(path)
    return sources, tuple(sorted(skipped))


def _is_skipped(name: str) -> bool:
    return (name.startswith(".") and name != KEPT_DOT_FOLDER) or name.lower() in _SKIPPED_NAMES


def _utf8(name: bytes) -> str:
    """Decode a name whatever the locale says: the bytes of a package's names are UTF-8."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise PathNotUtf8(name.decode("ascii", "backslashreplace")) from problem


def _complete(
    folder: Path, sources: dict[str, _Source], new_app: NewApp | None, sequence: int | None, version_name: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Bring the manifest to the wanted version, and add what a plain build lacks; return what was added, replaced."""
    if MANIFEST in sources:
        if sequence is None and version_name is None:
            return (), ()
        data = renumbered_manifest(sources[MANIFEST].read(), sequence, version_name)
        sources[MANIFEST] = _Source(MANIFEST, None, data)
        return (), (MANIFEST,)
    if INDEX_PAGE not in sources:
        raise FolderNotPackable(str(folder))
    if new_app is None:
        raise AppIdNeeded
    made = {MANIFEST: _new_manifest(new_app, sources, sequence), APP_JS: b"", APP_CSS: b""}
    added = tuple(name for name in made if name not in sources)
    sources.update({name: _Source(name, None, made[name]) for name in added})
    return added, ()


def renumbered_manifest(data: bytes, sequence: int | None = None, version_name: str | None = None) -> bytes:
    """Return the manifest in canonical JSON with this sequence as `version.code`, and this `version.name`."""
    value = load_json(data)
    if isinstance(value, dict) and isinstance(value.get("version"), dict):
        wanted = {"code": sequence, "name": version_name}
        value["version"] |= {name: each for name, each in wanted.items() if each is not None}
    try:
        return canonical_json(value)
    except NotCanonical as problem:
        reason = f"it cannot be rewritten with another version.code: {problem}"
        raise ManifestNotJson(MANIFEST, reason=reason) from problem


def _new_manifest(app: NewApp, sources: Mapping[str, _Source], sequence: int | None) -> bytes:
    icons = sorted(path for path in sources if _ICON.fullmatch(path))
    manifest: dict[str, Any] = {
        "app_id": app.app_id,
        "name": app.name or app.app_id,
        "icons": [{"src": path} for path in icons[:1]],
        "pages": list(BARE_PAGES),
        "version": {"code": app.sequence if sequence is None else sequence, "name": app.version_name},
        "platform_version": {"min_code": app.min_host},
    }
    if app.bridge:
        manifest["req_permissions"] = [{"name": name} for name in app.bridge]
    if app.vendor:
        manifest[VENDOR_MEMBER] = dict(app.vendor)
    return canonical_json(manifest)


def _check_layout(sources: Mapping[str, _Source], manifest: Manifest, policy: Policy) -> None:
    for path in sources:
        check_path(path)
    check_no_clash(sources)
    if len(sources) > policy.max_files:
        raise TooManyFiles(count=len(sources), limit=policy.max_files)
    sizes = {path: _size(source) for path, source in sources.items()}
    largest = sorted(sizes, key=lambda path: (-sizes[path], path))[: policy.reported_files]
    by_file = [{"path": printable(path), "size": sizes[path]} for path in largest]
    if sum(sizes.values()) > policy.max_package_bytes:
        raise PackageTooLarge(size=sum(sizes.values()), limit=policy.max_package_bytes, files=by_file)
    if sizes[largest[0]] > policy.max_file_bytes:
        raise FileTooLarge(largest[0], size=sizes[largest[0]], limit=policy.max_file_bytes, files=by_file)
    refusals = layout_refusals(sources, manifest)
    if refusals:
        raise refusals[0]


def _size(source: _Source) -> int:
    return len(source.made) if source.disk is None else source.disk.stat().st_size


def _measure(source: _Source, policy: Policy, steps: _Steps, kind: Kind) -> _Measured:
    """Read a file once for its size, checksum, digests and type; the archive needs the checksum before it."""
    sha256, sm3 = Hasher("sha256"), Hasher("sm3")
    size = crc = 0
    head = b""
    for chunk in source.chunks():
        head = head or chunk[:HEAD_BYTES]
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
        sha256.update(chunk)
        sm3.update(chunk)
        steps.add(len(chunk))
    if kind is not Kind.NATIVE and (refusal := contradiction(source.path, head)):
        raise refusal
    if size > policy.max_file_bytes:
        raise FolderChanged(source.path)
    return _Measured(source, size, crc, sha256, sm3)


def _write(path: Path, measured: list[_Measured], manifest: Manifest, steps: _Steps) -> PackageIndex:
    entries: list[FileEntry] = []
    with path.open("xb", buffering=CHUNK_BYTES) as sink:
        writer = ArchiveWriter(sink)
        for item in measured:
            offset = writer.start(item.source.path, crc=item.crc, size=item.size)
            size = crc = 0
            for chunk in item.source.chunks():
                writer.write(chunk)
                size += len(chunk)
                crc = zlib.crc32(chunk, crc)
                steps.add(len(chunk))
            if (size, crc) != (item.size, item.crc):
                raise FolderChanged(item.source.path)
            entries.append(file_entry(item.source.path, size, offset, item.sha256, item.sm3))
        archive = writer.finish()
    return make_index(manifest, entries, archive)

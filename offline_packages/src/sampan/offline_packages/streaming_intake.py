"""Taking in an untrusted upload: one pass that inflates, hashes and writes the canonical archive, or refuses.

Nothing the upload says is believed: sizes are enforced while inflating, checksums compared, types sniffed.
The result appears under its name only when everything held; a refusal leaves no file behind. Memory stays
bounded by the chunk size and the number of entries, never by a file.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages.appearing import appearing
from sampan.offline_packages.archive import CHUNK_BYTES, ArchiveWriter, file_entry
from sampan.offline_packages.index import FileEntry, PackageIndex, make_index, package_digest
from sampan.offline_packages.layout import DEFLATED
from sampan.offline_packages.limits import MAX_MANIFEST_BYTES, Policy
from sampan.offline_packages.manifest import Kind, Manifest
from sampan.offline_packages.manifest_parsing import kind_of, parse_manifest
from sampan.offline_packages.names import check_no_clash, check_path
from sampan.offline_packages.refusals import (
    CompressionBomb,
    FileTooLarge,
    ManifestMissing,
    ManifestTooLarge,
    PackageRefused,
    PackageTooLarge,
    SizeLie,
    UploadTooLarge,
    ZipChecksum,
    ZipDataCorrupt,
    printable,
)
from sampan.offline_packages.required_files import MANIFEST, layout_refusals
from sampan.offline_packages.sniffing import HEAD_BYTES, contradiction
from sampan.offline_packages.upload import Content, Entry, read_directory
from sampan.platform.crypto.digest import Hasher

_READ_BYTES = 128 * 1024
_PACKED_NOTHING = 2
"""The bytes of an empty deflate stream, which some writers put behind the name of a folder."""


def quiet(_done: int, _total: int) -> None:
    """Show no progress."""


class IntakeReport(Struct, frozen=True):
    """What intake saw and set aside."""

    files: int
    total_bytes: int
    upload_bytes: int
    skipped_folders: tuple[str, ...]
    """Folder entries of the upload; the canonical archive has none."""


class Accepted(Struct, frozen=True):
    """A package that holds every rule of the format; `archive_path` is its canonical stored archive."""

    digest: str
    index_bytes: bytes
    index: PackageIndex
    manifest: Manifest
    archive_path: Path
    report: IntakeReport


def intake(
    source_path: Path,
    out_path: Path,
    policy: Policy | None = None,
    *,
    progress: Callable[[int, int], None] = quiet,
) -> Accepted:
    """Read the ZIP at `source_path` (stored or deflated) and write its canonical archive to `out_path`.

    Raise a `PackageRefused` whose code and sentence say which rule is broken; then nothing is left behind.
    `progress` is told bytes done and bytes in all. The caller makes the result durable (fsync).
    """
    limits = policy or Policy()
    with source_path.open("rb", buffering=0) as source, appearing(out_path) as sink_path:
        upload_size = os.fstat(source.fileno()).st_size
        contents = read_directory(source.fileno(), upload_size, max_entries=limits.max_files)
        files = _checked_files(contents, upload_size, limits)
        with sink_path.open("xb", buffering=CHUNK_BYTES) as sink:
            writer = ArchiveWriter(sink)
            taken = _Taken(source.fileno(), writer, progress, sum(item.entry.size for item in files))
            entries = [taken.take(item) for item in files]
            archive = writer.finish()
        if taken.contradiction is not None and kind_of(taken.manifest) is not Kind.NATIVE:
            raise taken.contradiction
        manifest = parse_manifest(taken.manifest)
        refusals = layout_refusals({entry.path for entry in entries}, manifest)
        if refusals:
            raise refusals[0]
        index = make_index(manifest, entries, archive)
        index_bytes = index.to_bytes()
    folders = tuple(item.entry.path for item in contents if item.entry.is_folder)
    report = IntakeReport(len(entries), taken.total, upload_size, folders)
    return Accepted(package_digest(index_bytes), index_bytes, index, manifest, out_path, report)


def _checked_files(contents: list[Content], upload_size: int, policy: Policy) -> list[Content]:
    """Check names and claimed sizes of all entries; return the files in the order of their UTF-8 paths."""
    for item in contents:
        check_path(item.entry.path.removesuffix("/") if item.entry.is_folder else item.entry.path)
        if item.entry.is_folder and (item.entry.size or item.entry.packed_size > _PACKED_NOTHING):
            raise SizeLie(item.entry.path)
    files = [item for item in contents if not item.entry.is_folder]
    folders = [item.entry.path.removesuffix("/") for item in contents if item.entry.is_folder]
    check_no_clash([item.entry.path for item in files], folders)
    entries = [item.entry for item in files]
    if not any(entry.path == MANIFEST for entry in entries):
        raise ManifestMissing(MANIFEST)
    _check_sizes(entries, upload_size, policy)
    return sorted(files, key=lambda item: item.entry.path)


def _check_sizes(entries: list[Entry], upload_size: int, policy: Policy) -> None:
    """Judge the claimed sizes; a claim too small is found when the file outgrows it."""
    total = sum(entry.size for entry in entries)
    largest = sorted(entries, key=lambda entry: (-entry.size, entry.path))[: policy.reported_files]
    by_file = [{"path": printable(entry.path), "size": entry.size} for entry in largest]
    if upload_size > policy.max_upload_bytes:
        raise UploadTooLarge(size=upload_size, limit=policy.max_upload_bytes, files=by_file)
    if total > policy.max_package_bytes:
        raise PackageTooLarge(size=total, limit=policy.max_package_bytes, files=by_file)
    for entry in entries:
        if entry.size > policy.max_file_bytes:
            raise FileTooLarge(entry.path, size=entry.size, limit=policy.max_file_bytes, files=by_file)
        if entry.path == MANIFEST and entry.size > MAX_MANIFEST_BYTES:
            raise ManifestTooLarge(entry.path, limit=MAX_MANIFEST_BYTES)
        if entry.size > policy.ratio_free_bytes and entry.size > entry.packed_size * policy.max_ratio:
            raise CompressionBomb(entry.path, limit=policy.max_ratio)


class _Taken:
    """The pass itself: each file is read once, by everything that must see it."""

    def __init__(self, handle: int, writer: ArchiveWriter, progress: Callable[[int, int], None], expected: int) -> None:
        self._handle = handle
        self._writer = writer
        self._progress = progress
        self._expected = expected
        self.total = 0
        self.manifest = b""
        self.contradiction: PackageRefused | None = None
        """The first file that is not what its name says; a native patch is opaque, and the manifest comes later."""

    def take(self, item: Content) -> FileEntry:
        """Inflate, judge, hash and write one file; return its index entry."""
        entry = item.entry
        offset = self._writer.start(entry.path, crc=entry.crc, size=entry.size)
        sha256, sm3 = Hasher("sha256"), Hasher("sm3")
        size = crc = 0
        for chunk in _with_head(_plain(self._handle, item)):
            if size == 0 and self.contradiction is None:
                self.contradiction = contradiction(entry.path, chunk[:HEAD_BYTES])
            size += len(chunk)
            if size > entry.size:
                raise SizeLie(entry.path)
            crc = zlib.crc32(chunk, crc)
            sha256.update(chunk)
            sm3.update(chunk)
            self._writer.write(chunk)
            if entry.path == MANIFEST:
                self.manifest += chunk
            self._progress(self.total + size, self._expected)
        if size != entry.size:
            raise SizeLie(entry.path)
        if crc != entry.crc:
            raise ZipChecksum(entry.path)
        self.total += size
        return file_entry(entry.path, size, offset, sha256, sm3)


def _plain(handle: int, item: Content) -> Iterator[bytes]:
    packed = _packed(handle, item)
    if item.entry.method == DEFLATED:
        return _inflated(item.entry.path, packed)
    return packed


def _packed(handle: int, item: Content) -> Iterator[bytes]:
    position, end = item.start, item.start + item.entry.packed_size
    while position < end:
        chunk = os.pread(handle, min(_READ_BYTES, end - position), position)
        if not chunk:
            raise ZipDataCorrupt(item.entry.path)
        yield chunk
        position += len(chunk)


def _inflated(path: str, packed: Iterator[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for data in packed:
            if inflater.eof:
                raise ZipDataCorrupt(path)
            pending = data
            while True:
                chunk = inflater.decompress(pending, CHUNK_BYTES)
                if chunk:
                    yield chunk
                pending = inflater.unconsumed_tail
                if inflater.eof or (not pending and len(chunk) < CHUNK_BYTES):
                    break
    except zlib.error as problem:
        raise ZipDataCorrupt(path) from problem
    if not inflater.eof or inflater.unused_data:
        raise ZipDataCorrupt(path)


def _with_head(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the same bytes, but the first piece has `HEAD_BYTES` unless the file ends before."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    yield head
    yield from chunks

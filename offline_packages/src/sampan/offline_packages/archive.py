"""Writing and reading `package.ma`, the canonical stored archive. Streams: no file is ever held whole."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from sampan.offline_packages.index import ArchiveEntry, FileEntry, PackageIndex
from sampan.offline_packages.layout import central_header, end_record, local_header
from sampan.offline_packages.refusals import ArchiveMismatch
from sampan.platform.crypto.digest import Hasher

CHUNK_BYTES = 256 * 1024
"""Read and inflate in pieces that stay in a processor's cache while four passes look at them."""


class ArchiveWriter:
    """Writes files in the order given, which must be that of their UTF-8 paths; hashes the archive as it goes.

    The CRC-32 and size of a file stand before its content, so `start` is told them and the caller answers
    for what follows (and compares afterwards).
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._hasher = Hasher()
        self._directory: list[bytes] = []
        self._position = 0
        self._last = b""

    def start(self, path: str, *, crc: int, size: int) -> int:
        """Write the header of a file and return the offset of its content."""
        name = path.encode()
        if name <= self._last:
            raise ValueError("files must be written in the order of their paths")
        self._last = name
        self._directory.append(central_header(name, crc, size, self._position))
        self.write(local_header(name, crc, size))
        return self._position

    def write(self, chunk: bytes) -> None:
        """Write the next piece of the current file."""
        self._sink.write(chunk)
        self._hasher.update(chunk)
        self._position += len(chunk)

    def finish(self) -> ArchiveEntry:
        """Write the directory; return the size and digest of the whole archive."""
        directory = b"".join(self._directory)
        start = self._position
        self.write(directory)
        self.write(end_record(len(self._directory), len(directory), start))
        return ArchiveEntry(self._position, bare(self._hasher.digest()))


class PackageReader:
    """Reads single files of an accepted archive by the offsets of its index."""

    def __init__(self, index: PackageIndex, archive: Path) -> None:
        self.index = index
        self._files = {entry.path: entry for entry in index.files}
        self._handle = archive.open("rb", buffering=0)
        if os.fstat(self._handle.fileno()).st_size != index.archive.size:
            self._handle.close()
            raise ArchiveMismatch(reason="its size differs")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def chunks(self, path: str, size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the content of `path` in pieces; raise `KeyError` when the index has no such file."""
        entry = self._files[path]
        position, end = entry.offset, entry.offset + entry.size
        while position < end:
            chunk = os.pread(self._handle.fileno(), min(size_bytes, end - position), position)
            if not chunk:
                raise ArchiveMismatch(path, reason="it ends early")
            yield chunk
            position += len(chunk)

    def read(self, path: str) -> bytes:
        """Return the whole content of `path`."""
        return b"".join(self.chunks(path))


def verify_archive(index: PackageIndex, archive: Path) -> None:
    """Check that `archive` is byte for byte the one of `index`; raise `ArchiveMismatch`."""
    hasher, size = Hasher(), 0
    with archive.open("rb", buffering=0) as source:
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > index.archive.size:
                break
            hasher.update(chunk)
    if size != index.archive.size:
        raise ArchiveMismatch(reason="its size differs")
    if bare(hasher.digest()) != index.archive.sha256:
        raise ArchiveMismatch(reason="its sha256 differs")


def file_entry(path: str, size: int, offset: int, sha256: Hasher, sm3: Hasher) -> FileEntry:
    """Return the index entry of a file whose content the two hashers have seen."""
    return FileEntry(path, size, offset, bare(sha256.digest()), bare(sm3.digest()))


def bare(text: str) -> str:
    """Return the hex part of `sha256:<hex>`."""
    return text.partition(":")[2]

"""A package on its way to the device: fetched with limits, resumed after a break, verified before it is placed."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sampan.offline_packages.archive import PackageReader, verify_archive
from sampan.offline_packages.atomic_files import Step, read_or_none, write_atomically
from sampan.offline_packages.fetching import FetchFailed
from sampan.offline_packages.hotfix import (
    MAX_CONTENT_BYTES,
    MAX_DOCUMENT_BYTES,
    Hotfix,
    HotfixMalformed,
    HotfixResultDiffers,
    parse_hotfix,
    write_stack,
)
from sampan.offline_packages.index import FileEntry, PackageIndex, package_digest, parse_index
from sampan.offline_packages.opened_package import OpenedPackage
from sampan.offline_packages.roles import SignedHotfix, SignedVersion
from sampan.offline_packages.trust_errors import BytesDiffer, TooLong
from sampan.platform.crypto.digest import digest

MAX_INDEX_BYTES = 16 * 1024 * 1024

Download = Callable[[int], Iterator[bytes]]
"""Yield the bytes of one file from an offset on."""


def stage_index(staging: Path, version: SignedVersion, download: Download, step: Step) -> PackageIndex:
    """Fetch the index unless it is there; return it when it is the signed one and fits what the role lists."""
    path = staging / "index.json"
    data = read_or_none(path)
    if data is None or digest(data) != version.index_digest:
        if version.index_bytes > MAX_INDEX_BYTES:
            raise TooLong(f"The index of {version.app} is announced with {version.index_bytes} bytes.")
        data = b"".join(_bounded(download(0), version.index_bytes))
        if len(data) != version.index_bytes or digest(data) != version.index_digest:
            raise BytesDiffer(f"The index of {version.app} {version.version} is not the signed one.")
        write_atomically(path, data, step=step, name="index")
    index = parse_index(data)
    if (index.app, index.sequence, index.version) != (version.app, version.sequence, version.version):
        raise BytesDiffer(f"The index is for {index.app} {index.sequence}, not for what the role lists.")
    if (index.archive.size, f"sha256:{index.archive.sha256}") != (version.package_bytes, version.package_digest):
        raise BytesDiffer("The index describes another archive than the role lists.")
    return index


def stage_archive(staging: Path, version: SignedVersion, download: Download, step: Step) -> None:
    """Fetch the rest of the archive, unverified, into `package.ma.part`; raise `FetchFailed` when it broke off."""
    path = staging / "package.ma.part"
    have = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        if have < version.package_bytes:
            for chunk in _bounded(download(have), version.package_bytes - have):
                file.write(chunk)
                file.flush()
                step("archive_chunk")
        file.flush()
        os.fsync(file.fileno())
    if path.stat().st_size < version.package_bytes:
        raise FetchFailed(f"The archive of {version.app} {version.version} ended early")
    step("archive_downloaded")


def verify_files(index: PackageIndex, archive: Path) -> None:
    """Check the whole archive and every file in it against the index; raise `PackageRefused` or `BytesDiffer`."""
    verify_archive(index, archive)
    with PackageReader(index, archive) as reader:
        for entry in index.files:
            _verify_file(reader, entry)


def stage_hotfix(
    folder: Path, signed: SignedHotfix, document: Download, content: Download, step: Step
) -> tuple[Hotfix, bytes]:
    """Fetch a hotfix into `folder` unless it is there; return it when it is the signed one and says what the role says.

    Raises `BytesDiffer`, `TooLong`, a `HotfixRefused` or `FetchFailed`.
    """
    data = _stage_bytes(folder, signed.doc_digest, signed.doc_bytes, MAX_DOCUMENT_BYTES, document, step, "document")
    hotfix = parse_hotfix(data)
    if (hotfix.app, hotfix.sequence, hotfix.n) != (signed.app, signed.sequence, signed.n):
        raise HotfixMalformed(
            f"The document is hotfix {hotfix.n} of {hotfix.app} {hotfix.sequence}, not what the role lists."
        )
    if hotfix.content_bytes != signed.bin_bytes:
        raise HotfixMalformed(f"The content of hotfix {hotfix.n} has another size than its files together.")
    return hotfix, _stage_bytes(
        folder, signed.bin_digest, signed.bin_bytes, MAX_CONTENT_BYTES, content, step, "content"
    )


def stage_stack(
    staging: Path, base: OpenedPackage, stack: Sequence[tuple[Hotfix, bytes]], wanted: str, step: Step
) -> None:
    """Write the package of a stack; raise a `HotfixRefused` unless its digest is `wanted`."""
    with (staging / "package.ma.part").open("wb") as file:
        index = write_stack(base.index, base, stack, file).to_bytes()
        file.flush()
        os.fsync(file.fileno())
    step("stack_written")
    if package_digest(index) != wanted:
        raise HotfixResultDiffers("The stack of hotfixes does not give the package that control lists.")
    write_atomically(staging / "index.json", index, step=step, name="index")


def _stage_bytes(folder: Path, wanted: str, size: int, most: int, download: Download, step: Step, name: str) -> bytes:
    path = folder / wanted.partition(":")[2]
    data = read_or_none(path)
    if data is not None and digest(data) == wanted:
        return data
    if size > most:
        raise TooLong(f"The {name} of a hotfix is announced with {size} bytes.")
    data = b"".join(_bounded(download(0), size))
    if len(data) < size:
        raise FetchFailed(f"The {name} of a hotfix ended early")
    if digest(data) != wanted:
        raise BytesDiffer(f"The {name} of a hotfix is not the signed one.")
    write_atomically(path, data, step=step, name=name)
    return data


def _verify_file(reader: PackageReader, entry: FileEntry) -> None:
    hasher = hashlib.sha256()
    for chunk in reader.chunks(entry.path):
        hasher.update(chunk)
    if hasher.hexdigest() != entry.sha256:
        raise BytesDiffer(f"{entry.path} in the archive is not the file of the index.", path=entry.path)


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise TooLong(f"More than the announced {limit} bytes arrived.")
        yield chunk

"""Ways to the archive of a version that cost less than fetching it: a delta, or the files that are here already.

Both are made from the version that is installed, and both only save bytes: what they give counts when it is the archive
of the signed index, and the device fetches the whole archive otherwise. docs/protocols/delta.md.
"""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages.archive import PackageReader
from sampan.offline_packages.atomic_files import Step, write_atomically
from sampan.offline_packages.delta import MAX_ARCHIVE_BYTES, DeltaRefused, apply_delta
from sampan.offline_packages.fetching import FetchFailed
from sampan.offline_packages.index import FileEntry, PackageIndex
from sampan.offline_packages.layout import central_header, end_record, local_header
from sampan.offline_packages.refusals import PackageRefused

MAX_FETCHED_FILES = 64
WORTH_IT_PERCENT = 30
"""Of the archive's bytes: files are fetched as they are, and a whole archive deflates to about a third."""


class Near(Struct, frozen=True):
    """What the server can be asked for besides whole archives; both may raise `FetchFailed`.

    `delta` takes the bare sha256 of two archives and the most bytes that are worth it; None when there is no delta.
    """

    delta: Callable[[str, str, int], bytes | None]
    file: Callable[[FileEntry], bytes]


class Base(Struct, frozen=True):
    """The version that is installed."""

    index: PackageIndex
    archive: Path


def take_shortcut(base: Base, target: PackageIndex, near: Near, part: Path, step: Step) -> bool:
    """Write the archive of `target` to `part` and return True, or return False: fetch it whole.

    The steps are `delta_applied`, `delta_refused`, `files_reused` and `files_refused`.
    """
    for name, make in (("delta", _by_delta), ("files", _by_files)):
        try:
            archive = make(base, target, near)
        except (DeltaRefused, PackageRefused, FetchFailed, OSError):
            step(f"{name}_refused")
            continue
        if archive is not None:
            write_atomically(part, archive, step=step, name="shortcut")
            step("delta_applied" if name == "delta" else "files_reused")
            return True
    return False


def _by_delta(base: Base, target: PackageIndex, near: Near) -> bytes | None:
    if max(base.index.archive.size, target.archive.size) > MAX_ARCHIVE_BYTES:
        return None
    delta = near.delta(base.index.archive.sha256, target.archive.sha256, target.archive.size)
    return None if delta is None else apply_delta(base.archive.read_bytes(), delta, target.archive)


def _by_files(base: Base, target: PackageIndex, near: Near) -> bytes | None:
    here = {entry.sha256: entry.path for entry in base.index.files}
    missing = [entry for entry in target.files if entry.sha256 not in here]
    wanted = sum(entry.size for entry in missing)
    if len(missing) > MAX_FETCHED_FILES or 100 * wanted > WORTH_IT_PERCENT * target.archive.size:
        return None
    if target.archive.size > MAX_ARCHIVE_BYTES:
        return None
    fetched = {entry.sha256: near.file(entry) for entry in missing}
    with PackageReader(base.index, base.archive) as reader:
        archive = _assembled(
            target,
            lambda entry: fetched[entry.sha256] if entry.sha256 in fetched else reader.read(here[entry.sha256]),
        )
    if hashlib.sha256(archive).hexdigest() != target.archive.sha256:
        raise DeltaRefused("The files together are not the signed archive.")
    return archive


def _assembled(target: PackageIndex, content_of: Callable[[FileEntry], bytes]) -> bytes:
    parts: list[bytes] = []
    directory: list[bytes] = []
    position = 0
    for entry in target.files:
        name, content = entry.path.encode(), content_of(entry)
        crc = zlib.crc32(content)
        head = local_header(name, crc, len(content))
        directory.append(central_header(name, crc, len(content), position))
        parts += [head, content]
        position += len(head) + len(content)
    listed = b"".join(directory)
    return b"".join([*parts, listed, end_record(len(directory), len(listed), position)])

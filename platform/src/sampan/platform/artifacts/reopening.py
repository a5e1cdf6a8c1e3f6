"""A stored package as if it had just been taken in: for checks that run again and for the secret scan."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sampan.offline_packages import Accepted, IntakeReport, PackageReader, parse_index, parse_manifest
from sampan.platform.artifacts.storage import close_archive, keys_of, open_archive, read_index
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core


@contextlib.asynccontextmanager
async def reopened(core: Core, workspace_id: str, version: Version) -> AsyncIterator[Accepted]:
    """Yield the package of a version; its archive may be read until the block ends."""
    keys = keys_of(workspace_id, version)
    index_bytes = await read_index(core, keys.index)
    path = await open_archive(core, keys.package)
    try:
        accepted: Accepted = await in_thread(_accepted, version.package.package_digest, index_bytes, path)
        yield accepted
    finally:
        await close_archive(path)


def _accepted(digest: str, index_bytes: bytes, path: Path) -> Accepted:
    index = parse_index(index_bytes)
    with PackageReader(index, path) as reader:
        manifest = parse_manifest(reader.read("manifest.json"))
    report = IntakeReport(len(index.files), index.total_bytes, index.archive.size, ())
    return Accepted(digest, index_bytes, index, manifest, path, report)

"""Where the files of versions stand: among the candidates until a signature of ours names them, then among the targets.

Nothing below `targets` is there before a key of the server has vouched for it. Candidates stand under an id of
their own, so that what a crash or a refusal left behind is told apart from what a row refers to.
"""

import os
import secrets
from contextlib import aclosing
from pathlib import Path

from msgspec import Struct

from sampan.offline_packages import PackageIndex
from sampan.platform.artifacts.states import STORED_IN_TREE
from sampan.platform.artifacts.versions_repository import Package, Version
from sampan.platform.core import Core
from sampan.platform.engines.keys import Key, workspace_key
from sampan.platform.engines.objects import ObjectMissing, Objects
from sampan.platform.engines.threads import opened, uninterrupted
from sampan.platform.errors import NotFound

MAX_INDEX_BYTES = 64 * 1024 * 1024
INDEX, PACKAGE = "index.json", "package.ma"


class VersionFilesGone(NotFound):
    """The files of a version that was rejected or withdrawn long ago were removed."""

    code = "version_files_gone"
    title = "The version's files are gone"


class StoredPackage(Struct, frozen=True):
    """The keys of the two files of a version."""

    index: Key
    package: Key


def candidate_keys(workspace_id: str, source_id: str) -> StoredPackage:
    """Return where the files of a candidate stand."""
    return StoredPackage(
        workspace_key(workspace_id, "candidates", source_id, INDEX),
        workspace_key(workspace_id, "candidates", source_id, PACKAGE),
    )


def target_keys(workspace_id: str, *, index_digest: str, archive_digest: str) -> StoredPackage:
    """Return where the files of a signed version stand: once, under their digests, for every tree."""
    return StoredPackage(
        workspace_key(workspace_id, "targets", _bare(index_digest)),
        workspace_key(workspace_id, "targets", _bare(archive_digest)),
    )


def keys_of(workspace_id: str, version: Version) -> StoredPackage:
    """Return where the files of a version stand now."""
    if version.state in STORED_IN_TREE:
        package = version.package
        return target_keys(workspace_id, index_digest=package.package_digest, archive_digest=package.archive_digest)
    return candidate_keys(workspace_id, version.source_id)


async def move_into_place(core: Core, keys: StoredPackage, *, index_bytes: bytes, archive: Path) -> None:
    """Store the files of a candidate; durable on return."""
    await core.objects.put_new(keys.index, index_bytes)
    await core.objects.put_new_file(keys.package, archive)


async def remove(core: Core, keys: StoredPackage) -> None:
    """Remove the files of a candidate that no row refers to."""
    await core.objects.delete(keys.index)
    await core.objects.delete(keys.package)


async def copy_to_targets(core: Core, workspace_id: str, source_id: str, package: Package) -> None:
    """Put the files of a candidate where the trees serve them from; doing it again changes nothing."""
    source = candidate_keys(workspace_id, source_id)
    target = target_keys(workspace_id, index_digest=package.package_digest, archive_digest=package.archive_digest)
    for origin, goal in ((source.index, target.index), (source.package, target.package)):
        if not await core.objects.exists(goal):
            await _copy(core.objects, origin, goal)


def files_gone() -> VersionFilesGone:
    """Return the refusal of work on files that were removed."""
    return VersionFilesGone(
        "The files of this version were removed, because it was rejected or withdrawn long ago. "
        "Pack and submit it under a new sequence."
    )


async def read_index(core: Core, key: Key) -> bytes:
    """Return the bytes of a stored index."""
    return await core.objects.get(key, MAX_INDEX_BYTES)


async def open_archive(core: Core, key: Key) -> Path:
    """Return a file with the archive's bytes that nobody else can take away; give it to `close_archive`.

    Raises `ObjectMissing`.
    """
    return await _borrow(core.objects, key)


async def close_archive(path: Path) -> None:
    """Remove the file of `open_archive`."""
    await uninterrupted(path.unlink, True)


def icon_digest(index: PackageIndex, source: str) -> str:
    """Return the digest of the icon that a manifest names, or an empty string."""
    entry = index.file(source.removeprefix("./").removeprefix("/"))
    return f"sha256:{entry.sha256}" if entry is not None else ""


async def _copy(objects: Objects, origin: Key, goal: Key) -> None:
    aside = await _borrow(objects, origin)
    try:
        await objects.put_new_file(goal, aside)
    finally:
        await close_archive(aside)


async def _borrow(objects: Objects, key: Key) -> Path:
    """Return a file of our own with the object's bytes: a second name where it is a local file, else a copy."""
    path = objects.incoming / f"{secrets.token_hex(8)}.borrowed"
    try:
        await _fill(objects, key, path)
    except BaseException:
        await close_archive(path)
        raise
    return path


async def _fill(objects: Objects, key: Key, path: Path) -> None:
    local = objects.local_path(key)
    if local is not None:
        try:
            await uninterrupted(os.link, local, path)
        except FileNotFoundError as problem:
            raise ObjectMissing("Nothing is stored under this name.", key=key) from problem
        return
    async with opened(path.open, "xb") as file, aclosing(objects.read(key)) as chunks:
        async for chunk in chunks:
            await uninterrupted(file.write, chunk)
        await uninterrupted(file.flush)


def _bare(digest: str) -> str:
    return digest.partition(":")[2]

"""Use cases of a version's page: what it changes against an earlier version, and the icon that it brings."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from sampan.offline_packages import PackageIndex
from sampan.offline_packages.index import FileEntry
from sampan.platform.artifacts import versions_repository as versions
from sampan.platform.artifacts.apps_service import visible_app
from sampan.platform.artifacts.comparing import (
    MAX_DIFF_BYTES,
    FileLine,
    SetChange,
    TextDiff,
    compare_files,
    compare_sets,
    compare_texts,
)
from sampan.platform.artifacts.content_service import readable_version
from sampan.platform.artifacts.lookups import find, index_of
from sampan.platform.artifacts.problems import FileUnknown, IconUnknown
from sampan.platform.artifacts.states import VersionState
from sampan.platform.artifacts.storage import keys_of
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor

WAS_PUBLIC = frozenset({VersionState.PUBLISHED, VersionState.KILLED, VersionState.ARCHIVED})
MAX_ICON_BYTES = 1024 * 1024
IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version beside the earlier one that it is compared with; None before the first."""

    version: Version
    against: Version | None
    files: list[FileLine]
    bridge: SetChange
    network: SetChange
    webview: SetChange
    pages: SetChange
    dependencies: SetChange


@dataclass(frozen=True, slots=True)
class Image:
    """An icon: its bytes, their digest and type."""

    data: bytes
    digest: str
    media_type: str


async def compare(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, *, against: int | None = None
) -> Comparison:
    """Return what a version changes, against the highest lower one that was ever public unless another is named.

    `against` 0 means nothing: everything is new. Raises `VersionUnknown`.
    """
    version, other = await _pair(core, workspace_id, actor, app_id, sequence, against)
    new = await index_of(core, workspace_id, version)
    old = await index_of(core, workspace_id, other) if other else None
    return Comparison(
        version=version,
        against=other,
        files=await asyncio.to_thread(compare_files, old, new),
        bridge=compare_sets(old.permissions.bridge if old else (), new.permissions.bridge),
        network=compare_sets(old.permissions.network if old else (), new.permissions.network),
        webview=compare_sets(old.permissions.webview if old else (), new.permissions.webview),
        pages=compare_sets(old.pages if old else (), new.pages),
        dependencies=compare_sets(_dependencies(old), _dependencies(new)),
    )


async def diff_of_file(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, path: str, *, against: int | None = None
) -> TextDiff:
    """Return the changed lines of one file; raise `FileUnknown` when neither version has it."""
    version, other = await _pair(core, workspace_id, actor, app_id, sequence, against)
    pairs = [(each, (await index_of(core, workspace_id, each)).file(path)) for each in (other, version) if each]
    if not any(entry for _, entry in pairs):
        raise FileUnknown(f"Neither version has a file {path[:200]!r}.")
    if any(entry.size > MAX_DIFF_BYTES for _, entry in pairs if entry):
        return TextDiff(refusal="too_large")
    found = [await _read(core, workspace_id, each, entry) if entry else None for each, entry in pairs]
    return await asyncio.to_thread(compare_texts, found[0] if other else None, found[-1])


async def icon_of(core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int | None = None) -> Image:
    """Return the icon of a version, or of the app: its highest public one's, else its highest one's.

    Raises `IconUnknown`.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        await visible_app(tx, actor, app_id)
        if sequence is not None:
            known: list[Version | None] = [await find(tx, app_id, sequence)]
        else:
            states: list[Collection[VersionState]] = [WAS_PUBLIC, tuple(VersionState)]
            known = [(await versions.latest_versions(tx, [app_id], each)).get(app_id) for each in states]
    version = next((each for each in known if each and each.package.icon_digest), None)
    if version is None:
        raise IconUnknown(f"{app_id} has no icon.")
    index = await index_of(core, workspace_id, version)
    wanted = version.package.icon_digest.partition(":")[2]
    entry = next((each for each in index.files if each.sha256 == wanted), None)
    if entry is None or entry.size > MAX_ICON_BYTES:
        raise IconUnknown(f"The icon of {app_id} is not one that a console shows.")
    data = await _read(core, workspace_id, version, entry)
    return Image(data, version.package.icon_digest, _media_type(app_id, data))


async def _pair(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, against: int | None
) -> tuple[Version, Version | None]:
    version = await readable_version(core, workspace_id, actor, app_id, sequence)
    if against:
        return version, await readable_version(core, workspace_id, actor, app_id, against)
    if against == 0:
        return version, None
    async with core.store.workspace(workspace_id).read() as tx:
        return version, await versions.version_before(tx, app_id, sequence, WAS_PUBLIC)


async def _read(core: Core, workspace_id: str, version: Version, entry: FileEntry) -> bytes:
    key = keys_of(workspace_id, version).package
    async with aclosing(core.objects.read(key, entry.offset, entry.offset + entry.size)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def _media_type(app_id: str, data: bytes) -> str:
    for start, media_type in IMAGES:
        if data.lstrip()[: len(start)] == start:
            return media_type
    raise IconUnknown(f"The icon of {app_id} is of no type that a console shows.")


def _dependencies(index: PackageIndex | None) -> Sequence[str]:
    if index is None:
        return ()
    return [f"{each.id} {each.digest or f'{each.min_sequence}-{each.max_sequence}'}" for each in index.dependencies]

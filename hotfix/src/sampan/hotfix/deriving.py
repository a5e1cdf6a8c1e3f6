"""The package that a version and a stack of hotfixes give, made on the server as devices make it."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from sampan.hotfix.repository import Record, contents_of
from sampan.offline_packages import PackageReader, package_digest, parse_index
from sampan.offline_packages.hotfix import Hotfix, write_stack
from sampan.platform.artifacts.storage import close_archive, keys_of, open_archive, read_index
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction

Stack = Sequence[tuple[Hotfix, bytes]]
Numbers = tuple[int, ...]
MAX_KNOWN = 10_000


@contextlib.asynccontextmanager
async def derived(core: Core, workspace_id: str, version: Version, stack: Stack) -> AsyncIterator[tuple[bytes, Path]]:
    """Yield the index that results and a file with the archive, which is gone after the block.

    Raises a `HotfixRefused`.
    """
    out = core.objects.incoming / f"{secrets.token_hex(16)}.patched"
    async with _base(core, workspace_id, version) as (index_bytes, archive):
        try:
            yield await in_thread(_derive, index_bytes, archive, stack, out), out
        finally:
            await close_archive(out)


class StackDigests:
    """What stacks gave before; right for ever, since neither a version nor a hotfix ever changes. One per process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[tuple[str, str, Numbers], str] = {}

    def known(self, workspace_id: str, version: Version, numbers: Numbers) -> str | None:
        """Return the package digest of a stack, None when it has to be derived."""
        return self._known.get((workspace_id, version.package.package_digest, numbers))

    async def derive(self, workspace_id: str, version: Version, stack: Stack) -> str:
        """Return the package digest of a stack; takes seconds for a large package."""
        async with derived(self._core, workspace_id, version, stack) as (index_bytes, _archive):
            found = package_digest(index_bytes)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        numbers = tuple(hotfix.n for hotfix, _ in stack)
        self._known[workspace_id, version.package.package_digest, numbers] = found
        return found


async def stack_of(tx: Transaction, records: Mapping[int, Record], numbers: Sequence[int]) -> Stack:
    """Return these hotfixes of one version with their content, in their order."""
    if not numbers:
        return ()
    first = records[numbers[0]]
    contents = await contents_of(tx, first.app_id, first.sequence, numbers)
    return [(records[n].hotfix, contents[n]) for n in numbers]


async def files_before(
    core: Core, workspace_id: str, version: Version, stack: Stack, paths: Sequence[str]
) -> dict[str, bytes | None]:
    """Return what these files are with a stack applied; None for one that is not there."""
    changed: dict[str, bytes | None] = {}
    for hotfix, content in stack:
        changed |= contents_after(hotfix, content)
    async with _base(core, workspace_id, version) as (index_bytes, archive):
        old = await in_thread(_read, index_bytes, archive, [path for path in paths if path not in changed])
    return {path: changed[path] if path in changed else old[path] for path in paths}


def contents_after(hotfix: Hotfix, content: bytes) -> dict[str, bytes | None]:
    """Return what a hotfix makes of each of its files; None for one that it takes away."""
    found: dict[str, bytes | None] = {}
    position = 0
    for change in hotfix.changes:
        if change.after is None:
            found[change.path] = None
            continue
        found[change.path] = content[position : position + change.after.size]
        position += change.after.size
    return found


@contextlib.asynccontextmanager
async def _base(core: Core, workspace_id: str, version: Version) -> AsyncIterator[tuple[bytes, Path]]:
    keys = keys_of(workspace_id, version)
    index_bytes = await read_index(core, keys.index)
    archive = await open_archive(core, keys.package)
    try:
        yield index_bytes, archive
    finally:
        await close_archive(archive)


def _derive(index_bytes: bytes, archive: Path, stack: Stack, out: Path) -> bytes:
    index = parse_index(index_bytes)
    with PackageReader(index, archive) as reader, out.open("xb") as sink:
        return write_stack(index, reader, stack, sink).to_bytes()


def _read(index_bytes: bytes, archive: Path, paths: Sequence[str]) -> dict[str, bytes | None]:
    index = parse_index(index_bytes)
    with PackageReader(index, archive) as reader:
        return {path: reader.read(path) if index.file(path) is not None else None for path in paths}

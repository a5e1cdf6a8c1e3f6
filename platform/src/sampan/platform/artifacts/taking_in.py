"""Taking a package in: everything is recomputed from the bytes, off the loop, and compared with what was claimed."""

import asyncio
import secrets
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from sampan.offline_packages import Accepted, PackageIndex, Policy, intake
from sampan.platform.artifacts.kinds import ArtifactKind
from sampan.platform.artifacts.notes_repository import Finding
from sampan.platform.artifacts.storage import icon_digest
from sampan.platform.artifacts.versions_repository import Dependency, Package
from sampan.platform.core import Core
from sampan.platform.engines.threads import uninterrupted
from sampan.platform.errors import Invalid

Result = TypeVar("Result")
AT_ONCE = 2
_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class IndexDiffers(Invalid):
    """The index that came with the package is not the one that its bytes give."""

    code = "index_differs"
    title = "The index is not the package's"


class WrongPackage(Invalid):
    """The package is of another app or of another kind than the one it was sent for."""

    code = "package_of_another_app"
    title = "The package belongs elsewhere"


class TakenIn(Struct, frozen=True):
    """A package that holds every rule of the format, and what the kind's checks found in it."""

    accepted: Accepted
    findings: Sequence[Finding]


class Rules(Struct, frozen=True):
    """What intake and checks go by: the workspace's rules for the app and the version published before."""

    kind: ArtifactKind
    rules: Any
    previous: PackageIndex | None


async def take_in(core: Core, source: Path, app_id: str, rules: Rules, *, index_bytes: bytes | None) -> TakenIn:
    """Return the package whose upload lies at `source`; its archive stands in the store's folder for new files.

    Without `index_bytes` nothing was claimed yet. Raises `PackageRefused` (its subclasses), `WrongPackage` or
    `IndexDiffers`, and then leaves nothing behind.
    """
    out = core.objects.incoming / f"{secrets.token_hex(16)}.ma"
    try:
        return await in_thread(_take_in, source, out, app_id, rules, index_bytes)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


async def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Run long work on a package in a thread, few at once, so that the loop and other requests get their turn.

    A cancelled caller waits for the thread's end: until then the work has its turn.
    """
    loop = asyncio.get_running_loop()
    turns = _turns.setdefault(loop, asyncio.Semaphore(AT_ONCE))
    async with turns:
        return await uninterrupted(work, *arguments)


def facts_of(accepted: Accepted, *, floor: int) -> Package:
    """Return the facts of a package that stand in its row."""
    index, icons = accepted.index, accepted.manifest.icons
    return Package(
        app_id=index.app,
        sequence=index.sequence,
        kind=index.kind.value,
        version=index.version,
        package_digest=accepted.digest,
        index_bytes=len(accepted.index_bytes),
        archive_digest=f"sha256:{index.archive.sha256}",
        archive_bytes=index.archive.size,
        files=len(index.files),
        min_host=index.min_host,
        floor=floor,
        dependencies=tuple(
            Dependency(each.id, each.digest, each.min_sequence, each.max_sequence) for each in index.dependencies
        ),
        name=accepted.manifest.name[:200],
        icon_digest=icon_digest(index, icons[0].src) if icons else "",
    )


def _take_in(source: Path, out: Path, app_id: str, rules: Rules, index_bytes: bytes | None) -> TakenIn:
    policy: Policy = rules.kind.limits(rules.rules)
    accepted = intake(source, out, policy)
    _check_belongs(accepted.index, app_id, rules.kind)
    if index_bytes is not None:
        _check_same(accepted, index_bytes)
    return TakenIn(accepted, rules.kind.check(rules.rules, rules.previous, accepted))


def _check_belongs(index: PackageIndex, app_id: str, kind: ArtifactKind) -> None:
    if index.app != app_id:
        raise WrongPackage(f"The package is {index.app}, but it was sent for {app_id}.", found=index.app)
    if index.kind.value != kind.name:
        raise WrongPackage(
            f"The manifest says kind {index.kind.value}, but {app_id} was registered as {kind.name}.",
            found=index.kind.value,
        )


def _check_same(accepted: Accepted, index_bytes: bytes) -> None:
    if accepted.index_bytes == index_bytes:
        return
    raise IndexDiffers(
        "The index that was sent is not the one of the uploaded bytes, so the signature is over something else. "
        "Pack again and publish what `sampan pack` wrote.",
        expected=accepted.digest,
    )

"""What releases can roll out: published versions of mini-apps, of shared packages and of native patches."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from sampan.miniapps.kind_names import MINIAPP, NATIVE, SHARED
from sampan.miniapps.repository import find_entry
from sampan.offline_packages.roles import package_path
from sampan.platform.artifacts.killing import mark_killed
from sampan.platform.artifacts.published import PublishedVersion, find_published
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Actor
from sampan.platform.release.deliverables import Deliverable, DeliverableKind
from sampan.platform.trust.profiles import INTL

Find = Callable[[Transaction, Collection[tuple[str, int]]], Awaitable[Mapping[tuple[str, int], Deliverable]]]


def _finder(kind: str) -> Find:
    async def find(tx: Transaction, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Deliverable]:
        found = await find_published(tx, wanted)
        return {key: _deliverable(tx.workspace_id, version) for key, version in found.items() if version.kind == kind}

    return find


async def kill(core: Core, tx: Transaction, app_id: str, sequence: int, reason: str, actor: Actor, note: str) -> None:
    """Mark a version as killed; `reason` is the code that devices are told, `note` goes into the history."""
    await mark_killed(core, tx, app_id, sequence, code=reason, actor=actor, note=note)


async def seen_by(tx: Transaction, app_id: str) -> frozenset[Tier] | None:
    """Return the tiers that the catalogue shows the app to; None while it is not listed."""
    entry = await find_entry(tx, app_id)
    return entry.seen_by() if entry is not None and entry.is_listed else None


def target_url(workspace_id: str, version: PublishedVersion) -> str:
    """Return where devices fetch the archive, from the root path: the trust tree's own address of the target."""
    folder, _, name = package_path(version.app_id, version.sequence).rpartition("/")
    digest = version.archive_digest.partition(":")[2]
    return f"/trust/{workspace_id}/{INTL.name}/targets/{folder}/{digest}.{name}"


def _deliverable(workspace_id: str, version: PublishedVersion) -> Deliverable:
    return Deliverable(
        id=version.app_id,
        sequence=version.sequence,
        version=version.version,
        digest=version.digest,
        size_bytes=version.size_bytes,
        min_host=version.min_host,
        url=target_url(workspace_id, version),
    )


DELIVERABLES = (
    DeliverableKind(MINIAPP, _finder(MINIAPP), kill, seen_by=seen_by),
    DeliverableKind(SHARED, _finder(SHARED), kill),
    DeliverableKind(NATIVE, _finder(NATIVE), kill),
)

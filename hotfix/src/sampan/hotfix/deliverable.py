"""Hotfixes as something that a release rolls out: the version `<app>@<sequence>` at number n, 0 being as published."""

from collections.abc import Collection, Mapping, Sequence

from sampan.hotfix.lookups import find as find_record
from sampan.hotfix.names import KIND, PART, deliverable_id, version_named
from sampan.hotfix.problems import HotfixUnknown
from sampan.hotfix.repository import Record, hotfixes_in
from sampan.hotfix.stacks import write_stacks
from sampan.hotfix.withdrawing import derive_ahead, withdraw_in
from sampan.platform.artifacts.published import PublishedVersion, find_published
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_rows import DiffLine, Words
from sampan.platform.release.client_rules import NO_RULES, BadClientRules
from sampan.platform.release.deliverables import Deliverable, DeliverableKind, refuse_places
from sampan.platform.release.repository import Release

MAX_VERSION = 64
UPDATE_MODES = {
    "async": Words("下次打开时更新", "in the background, used at the next open"),
    "sync": Words("打开前先更新", "before it opens"),
}


async def find(tx: Transaction, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], Deliverable]:
    """Return those that are live, of versions that are published; number 0 is the version itself."""
    versions = {name: version for name, _n in wanted if (version := version_named(name)) is not None}
    published = await find_published(tx, set(versions.values()))
    live = await hotfixes_in(tx, set(published))
    found: dict[tuple[str, int], Deliverable] = {}
    for name, n in wanted:
        if name not in versions or (package := published.get(versions[name])) is None:
            continue
        record = next((each for each in live.get(versions[name], ()) if each.n == n), None)
        if record is not None or n == 0:
            found[name, n] = _deliverable(package, record)
    return found


def _deliverable(version: PublishedVersion, record: Record | None) -> Deliverable:
    n = f"+{record.n}" if record is not None else ""
    return Deliverable(
        id=deliverable_id(version.app_id, version.sequence),
        sequence=record.n if record is not None else 0,
        version=version.version[: MAX_VERSION - len(n)] + n,
        digest=record.digest if record is not None else version.digest,
        size_bytes=record.size_bytes if record is not None else 0,
        min_host=version.min_host,
        url="",  # devices find it in the signed role; it stands in a member of its own in sync, not among the offers
    )


async def before_kill(core: Core, workspace_id: str, name: str, n: int) -> None:
    """Derive what survives before the transaction that withdraws."""
    if (version := version_named(name)) is not None:
        await derive_ahead(core, workspace_id, *version, n)


async def kill(core: Core, tx: Transaction, name: str, n: int, _reason: str, actor: Actor, note: str) -> None:
    """Withdraw a hotfix, with what depends on it."""
    version = version_named(name)
    if version is None:
        raise HotfixUnknown(f"There are no hotfixes of {name[:200]!r}.")
    await withdraw_in(core, tx, actor, await find_record(tx, *version, n), cause=note)


async def check(_tx: Transaction, release: Release) -> None:
    """Refuse what hotfixes cannot do: counted places, and rules that are about whole packages."""
    refuse_places(release)
    if release.client_rules != NO_RULES:
        raise BadClientRules("Client rules are about packages: leave them out, hotfixes are small and always fetched.")


async def lines(tx: Transaction, release: Release) -> Sequence[DiffLine]:
    """Return what approvers read of a hotfix."""
    return [
        *await back_lines(tx, release.deliverable_id, release.sequence),
        DiffLine("更新方式", "Update mode", None, release.update_mode, UPDATE_MODES),
    ]


async def back_lines(tx: Transaction, name: str, n: int) -> Sequence[DiffLine]:
    """Return what approvers read of a hotfix: its title, its stack, its files, and the package that results."""
    version = version_named(name)
    if version is None or not n:
        return [DiffLine("热修复", "Hotfix", None, "0", {"0": Words("无（原版本）", "none: the version as published")})]
    record = await find_record(tx, *version, n)
    files = ", ".join(change.path for change in record.hotfix.changes)
    return [
        DiffLine("热修复", "Hotfix", None, f"{n} {record.title}".strip()),
        DiffLine("包含的热修复", "Applied together", None, ", ".join(map(str, record.stack))),
        DiffLine("改动的文件", "Changed files", None, files[:2000]),
        DiffLine("结果包摘要", "Digest of the package that results", None, record.digest),
    ]


async def standing(tx: Transaction, names: Collection[str]) -> Mapping[str, int]:
    """Return the versions that devices may have as they are, without any hotfix."""
    versions = {name: version for name in names if (version := version_named(name)) is not None}
    published = await find_published(tx, set(versions.values()))
    return {name: 0 for name, version in versions.items() if version in published}


async def write_control(core: Core, tx: Transaction, actor: Actor, name: str) -> None:
    """Write the stacks of the app's control file anew."""
    if (version := version_named(name)) is not None:
        await write_stacks(core, tx, actor, version[0])


HOTFIX = DeliverableKind(
    KIND,
    find,
    kill,
    before_kill=before_kill,
    part=PART,
    check=check,
    lines=lines,
    back_lines=back_lines,
    standing=standing,
    write_control=write_control,
)

"""Releases that want a person: those that stand still, those that their gate stopped, and those whose gate hears
nothing. That a release waits for its approval is a matter of the change request."""

from collections.abc import Sequence

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.attention import MOST_OF_A_SOURCE, Attention, Matter, Severity
from sampan.platform.release.deliverables import app_of
from sampan.platform.release.looks import GATES
from sampan.platform.release.looks_rows import Look, read_looks
from sampan.platform.release.repository import OLDEST, Release, history, page_releases
from sampan.platform.release.states import ReleaseState

MINUTE_MS = 60_000


async def paused_releases(_core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the paused releases: those that a gate stopped, with what it saw, and those that a person paused."""
    found = await page_releases(tx, Paging(limit=MOST_OF_A_SOURCE), OLDEST, state=ReleaseState.PAUSED)
    return [await _paused(tx, each) for each in found.items]


async def _paused(tx: Transaction, release: Release) -> Matter:
    entries = await history(tx, release.id)
    looks = await read_looks(tx, release.id, limit=1)
    if entries[-1].made_by != GATES.person_id or not looks:
        return _matter(
            release,
            kind="release_paused",
            severity=Severity.WARNING,
            zh=f"{_name(release)} 的发布已暂停",
            en=f"The release of {_name(release)} is paused",
            since_ms=release.changed_ms,
        )
    seen = looks[-1]
    return _matter(
        release,
        kind="release_stopped_by_gate",
        severity=Severity.ERROR,
        zh=f"{_name(release)} 的发布已自动停止：{seen.devices} 台设备中有 {seen.failures} 台失败，"
        f"上限为 {seen.most} 台",
        en=f"The release of {_name(release)} stopped by itself: {seen.failures} of {seen.devices} devices failed,"
        f" {seen.most} may",
        since_ms=release.changed_ms,
    )


async def stale_gates(core: Core, tx: Transaction) -> Sequence[Matter]:
    """Return the running releases whose gate has heard nothing new for longer than its stage lasts, and a while."""
    found = await page_releases(tx, Paging(limit=MOST_OF_A_SOURCE), OLDEST, state=ReleaseState.RUNNING)
    matters = []
    for release in found.items:
        stage = release.stages[release.stage]
        if stage.gate is None or release.stage + 1 == len(release.stages):
            continue
        quiet_since = heard_ms(await read_looks(tx, release.id), release.stage_since_ms)
        patience = (stage.min_minutes + core.settings.stale_gate_minutes) * MINUTE_MS
        if core.now_ms() - quiet_since >= patience:
            matters.append(_stale(release, quiet_since))
    return matters


def heard_ms(looks: Sequence[Look], since_ms: int) -> int:
    """Return when a gate last saw another number of devices or failures; `since_ms` when it never did after that."""
    last, heard = (0, 0), since_ms
    for look in looks:
        if (look.devices, look.failures) != last:
            last, heard = (look.devices, look.failures), max(heard, look.at_ms)
    return heard


def _stale(release: Release, quiet_since_ms: int) -> Matter:
    name = release.stages[release.stage].name
    return _matter(
        release,
        kind="release_gate_stale",
        severity=Severity.WARNING,
        zh=f"{_name(release)} 的发布在阶段“{name}”没有收到新的设备数据，门禁无法判断",
        en=f"The gate of {_name(release)} hears of no more devices in stage {name!r} and cannot judge",
        since_ms=quiet_since_ms,
    )


def _name(release: Release) -> str:
    return f"{release.deliverable_id} {release.version}"


def _matter(release: Release, *, kind: str, severity: Severity, zh: str, en: str, since_ms: int) -> Matter:
    return Matter(
        key=f"{'release' if kind != 'release_gate_stale' else 'release_gate'}:{release.id}:{release.row_revision}",
        kind=kind,
        severity=severity,
        permission="release:submit",
        scope={"app": app_of(release.deliverable_id)},
        zh=zh,
        en=en,
        link=f"/releases/{release.id}",
        since_ms=since_ms,
    )


SOURCES = (Attention("paused releases", paused_releases), Attention("stale gates", stale_gates))

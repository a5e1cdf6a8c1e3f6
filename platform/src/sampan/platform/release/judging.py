"""What is known of a release's health: of the version before, and of its own devices so far."""

import asyncio
from collections.abc import Sequence

from sampan.platform.engines.database import Transaction
from sampan.platform.insight import evidence
from sampan.platform.insight.evidence import Ratio
from sampan.platform.release.deliverables import app_of, version_meant
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.progress import bound_of
from sampan.platform.release.repository import Release, offering_releases
from sampan.platform.release.stages import Stage

NOTHING = Evidence(0, 0)


def signals_of(release: Release) -> tuple[list[str], list[Ratio]]:
    """Return what counts as a failure in any gate of the release: one test judges all its stages."""
    found = {signal for stage in release.stages if stage.gate is not None for signal in stage.gate.signals}
    ratios = sorted((each for each in found if isinstance(each, Ratio)), key=lambda each: (each.failed, each.of))
    return sorted(str(each) for each in found if not isinstance(each, Ratio)), ratios


async def evidence_before(tx: Transaction, release: Release) -> Evidence:
    """Return how the version before fared: the approved roll-back target, else the next lower one that is offered."""
    signals, ratios = signals_of(release)
    if not (signals or ratios):
        return NOTHING
    sequence = release.rollback_to
    if sequence is None:
        others = await offering_releases(tx, deliverable_id=release.deliverable_id)
        lower = [each.sequence for each in others if each.kind == release.kind and each.sequence < release.sequence]
        sequence = max(lower, default=0 if app_of(release.deliverable_id) != release.deliverable_id else None)
    if sequence is None:
        return NOTHING
    fared = await evidence.of_version(tx, *version_meant(release.deliverable_id, sequence), signals, ratios)
    return Evidence(fared.devices, fared.failures)


async def evidence_seen(tx: Transaction, release: Release) -> Evidence:
    """Return how a running release fared since it runs."""
    signals, ratios = signals_of(release)
    if not (signals or ratios):
        return NOTHING
    fared = await evidence.of_release(
        tx,
        release.id,
        release.deliverable_id,
        release.sequence,
        signals,
        ratios,
        registered_before_ms=release.started_ms,
        told_from_ms=release.judged_from_ms,
    )
    return Evidence(fared.devices, fared.failures)


async def work_out(stages: Sequence[Stage], before: Evidence) -> None:
    """Compute what the gates of these stages need, in a thread; `bound_of` remembers it.

    Takes up to a tenth of a second for each gate whose numbers were not asked for before: nothing for the loop, nor
    for a transaction that others wait for.
    """
    for stage in stages:
        if stage.gate is not None:
            await asyncio.to_thread(bound_of, stage.gate, before)

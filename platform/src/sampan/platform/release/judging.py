"""What is known of a release's health: of the version before, and of its own devices so far."""

from sampan.platform.engines.database import Transaction
from sampan.platform.insight import evidence
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.repository import Release, offering_releases

NOTHING = Evidence(0, 0)


def signals_of(release: Release) -> list[str]:
    """Return what counts as a failure in any gate of the release: one test judges all its stages."""
    return sorted({str(signal) for stage in release.stages if stage.gate is not None for signal in stage.gate.signals})


async def evidence_before(tx: Transaction, release: Release) -> Evidence:
    """Return how the version before fared: the approved roll-back target, else the next lower one that is offered."""
    if not (signals := signals_of(release)):
        return NOTHING
    sequence = release.rollback_to
    if sequence is None:
        others = await offering_releases(tx, deliverable_id=release.deliverable_id)
        lower = [each.sequence for each in others if each.kind == release.kind and each.sequence < release.sequence]
        sequence = max(lower, default=None)
    if sequence is None:
        return NOTHING
    fared = await evidence.of_version(tx, release.deliverable_id, sequence, signals)
    return Evidence(fared.devices, fared.failures)


async def evidence_seen(tx: Transaction, release: Release) -> Evidence:
    """Return how a running release fared since it runs."""
    if not (signals := signals_of(release)):
        return NOTHING
    fared = await evidence.of_release(
        tx,
        release.id,
        release.deliverable_id,
        release.sequence,
        signals,
        registered_before_ms=release.started_ms,
        told_from_ms=release.judged_from_ms,
    )
    return Evidence(fared.devices, fared.failures)

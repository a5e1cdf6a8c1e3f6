"""A release's way to its devices, in counters that reconcile. Pure.

Every device stands at exactly one place: it waits at its furthest stage, has failed there, or has booted. So for each
stage `devices` = `failed` + `waiting` + `devices` of the next one, and the last `devices` are those that booted:
offered >= downloaded >= verified >= installed >= booted + those that failed after installing.
"""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from sampan.platform.insight.delivery_rows import Reached, Visible
from sampan.platform.insight.schemas import WAY, Stage

ONLINE_MS = 30 * 60 * 1000


class Step(Struct, frozen=True):
    """One stage: devices that came at least here; of those, who failed here and who stands here."""

    stage: Stage
    devices: int
    failed: int
    waiting: int


class Latency(Struct, frozen=True):
    """How long after a release reached its audience devices saw it, and ran it; in milliseconds.

    Devices that were online: those that told of it within `ONLINE_MS`, in which every device that is on asks at least
    once, and were registered before. `devices` told of it at all.
    """

    devices: int
    online: int
    offered_p50_ms: int | None
    offered_p95_ms: int | None
    booted: int
    booted_p50_ms: int | None
    booted_p95_ms: int | None


def steps_of(rows: Iterable[Reached]) -> tuple[Step, ...]:
    """Return the way's stages, from offered to booted."""
    found, beyond = [], 0
    rows = list(rows)
    for stage in reversed(WAY):
        here = [row for row in rows if row.stage is stage]
        failed = sum(row.devices for row in here if row.failed)
        waiting = 0 if stage is Stage.BOOTED else sum(row.devices for row in here if not row.failed)
        beyond += sum(row.devices for row in here)
        found.append(Step(stage, beyond, failed, waiting))
    return tuple(reversed(found))


def success_rate(steps: Sequence[Step]) -> tuple[int, int]:
    """Return how many devices ended with the version installed, and how many ended at all; others are on the way."""
    failed = sum(step.failed for step in steps)
    installed = next(step for step in steps if step.stage is Stage.INSTALLED)
    succeeded = installed.devices - installed.failed
    return succeeded, succeeded + failed


def latency_of(seen: Sequence[tuple[Sequence[int], Visible]]) -> Latency:
    """Return the latency over devices, each with the moments at which its release began to reach more devices.

    A device's time runs from the last of these before it told: an earlier one may not have meant it yet. Devices that
    were registered after that were not online then.
    """
    offered, booted = [], []
    for begins, each in seen:
        began = max((moment for moment in begins if moment <= each.first_ms), default=None)
        if began is None or each.first_ms - began > ONLINE_MS:
            continue
        if each.known_ms is not None and each.known_ms > began:
            continue
        offered.append(each.first_ms - began)
        if each.booted_ms is not None:
            booted.append(each.booted_ms - began)
    return Latency(
        devices=len(seen),
        online=len(offered),
        offered_p50_ms=quantile(offered, 0.5),
        offered_p95_ms=quantile(offered, 0.95),
        booted=len(booted),
        booted_p50_ms=quantile(booted, 0.5),
        booted_p95_ms=quantile(booted, 0.95),
    )


def quantile(values: Iterable[int], share: float) -> int | None:
    """Return the least of the values that this share of them does not exceed; None without any."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]

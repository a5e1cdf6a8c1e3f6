"""What is to be done with a running release now: wait, move on, or stop. Pure."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from sampan.platform.release.gate_bounds import Bound, Evidence, bound_from
from sampan.platform.release.schedule import Freeze, Schedule, is_open
from sampan.platform.release.stages import Advance, Gate, Stage

MINUTE_MS = 60_000


class Verdict(StrEnum):
    """What the evidence says of a gate. Silence is never health: without enough devices it is `waiting`."""

    WAITING = "waiting"
    HEALTHY = "healthy"
    BROKEN = "broken"


class Step(StrEnum):
    """What is to be done."""

    WAIT = "wait"
    MOVE_ON = "move_on"
    STOP = "stop"


class Why(StrEnum):
    """Why a release waits, or what it does."""

    LAST_STAGE = "last_stage"
    TOO_EARLY = "too_early"
    CLOSED = "closed"
    TOO_FEW_DEVICES = "too_few_devices"
    FOR_A_PERSON = "for_a_person"
    PASSED = "passed"
    TOO_MANY_FAILURES = "too_many_failures"


class Situation(Struct, frozen=True):
    """A running release as it stands. `seen` is the evidence of all its stages so far, `before` its baseline."""

    stages: Sequence[Stage]
    stage: int
    since_ms: int
    schedule: Schedule
    freezes: Sequence[Freeze]
    before: Evidence
    seen: Evidence


def bound_of(gate: Gate, before: Evidence) -> Bound:
    """Return the test of a gate; without a version before, `most_basis_points` says what is healthy."""
    if not before.devices and gate.most_basis_points is not None:
        before = Evidence(1_000_000, gate.most_basis_points * 100)
    return bound_from(before, ratio=gate.ratio_percent / 100)


def verdict_of(gate: Gate, before: Evidence, seen: Evidence) -> Verdict:
    """Return what the evidence says."""
    bound = bound_of(gate, before)
    if bound.is_broken_by(seen):
        return Verdict.BROKEN
    return Verdict.HEALTHY if bound.is_enough(seen) else Verdict.WAITING


def next_step(at: Situation, now_ms: int) -> tuple[Step, Why]:
    """Return what to do now. What is broken is stopped at once, whatever the hour; the rest waits for its time."""
    stage = at.stages[at.stage]
    verdict = Verdict.HEALTHY if stage.gate is None else verdict_of(stage.gate, at.before, at.seen)
    if verdict is Verdict.BROKEN:
        return Step.STOP, Why.TOO_MANY_FAILURES
    if at.stage + 1 == len(at.stages):
        return Step.WAIT, Why.LAST_STAGE
    if stage.advance is Advance.PERSON:
        return Step.WAIT, Why.FOR_A_PERSON
    if now_ms < at.since_ms + stage.min_minutes * MINUTE_MS:
        return Step.WAIT, Why.TOO_EARLY
    if verdict is Verdict.WAITING:
        return Step.WAIT, Why.TOO_FEW_DEVICES
    if not is_open(at.schedule, at.freezes, now_ms):
        return Step.WAIT, Why.CLOSED
    return Step.MOVE_ON, Why.PASSED

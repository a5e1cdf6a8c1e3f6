"""The plan of a release: to which share of its audience it goes, stage by stage, and when it may move on. Pure.

A plan is approved as a whole; going on within it needs no second approval. Shares are in basis points (10,000 is
everybody) and may also fall from one stage to the next. A device's place is the same in all stages of a release.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.problems import BadRule
from sampan.platform.audience.rules import compile_rule
from sampan.platform.errors import Invalid
from sampan.platform.insight.evidence import Ratio

MAX_STAGES = 12
MAX_RATIOS = 4
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Share = Annotated[int, Meta(ge=0, le=STEPS)]
Minutes = Annotated[int, Meta(ge=0, le=60 * 24 * 60)]


class BadStages(Invalid):
    """The stages of a release are not of the described form, or contradict each other."""

    code = "bad_stages"
    field = "stages"


class Signal(StrEnum):
    """What a device reports when a version fails on it."""

    DELIVERY_FAILED = "delivery_failed"
    WHITE_SCREEN = "white_screen"
    SCRIPT_ERROR = "script_error"
    RESOURCE_FAILED = "resource_failed"


class Advance(StrEnum):
    """Who moves a release on when its gate is passed."""

    AUTO = "auto"
    PERSON = "person"


class Gate(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold before the next stage, and what stops the release.

    `signals` say what counts as a failure; a ratio of two types of events does so for devices that reported either.
    `ratio_percent`: how many times as often as the version before a version may not fail (200 is twice).
    `most_basis_points`: the share of failing devices that counts as healthy when there is no version before.
    """

    signals: Annotated[tuple[Signal | Ratio, ...], Meta(min_length=1, max_length=len(Signal) + MAX_RATIOS)] = (
        Signal.DELIVERY_FAILED,
        Signal.WHITE_SCREEN,
    )
    ratio_percent: Annotated[int, Meta(ge=110, le=1000)] = 200
    most_basis_points: Annotated[int, Meta(ge=10, le=5000)] | None = None


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """One stage. `audience` narrows the release's further, to testers for instance; `min_minutes` is how long it
    lasts at least."""

    name: Name
    basis_points: Share
    audience: dict[str, Any] | None = None
    advance: Advance = Advance.PERSON
    min_minutes: Minutes = 0
    gate: Gate | None = None


Plan = Annotated[tuple[Stage, ...], Meta(min_length=1, max_length=MAX_STAGES)]
EVERYBODY = (Stage(name="all", basis_points=STEPS),)


def read_stages(value: object) -> tuple[Stage, ...]:
    """Return the stages that a person wrote; raise `BadStages` at the first place that is wrong, or a `BadRule`."""
    try:
        stages: tuple[Stage, ...] = msgspec.convert(value, Plan)
    except msgspec.ValidationError as problem:
        sentence, _at, place = str(problem).partition(" - at `$")
        raise BadStages(f"Correct the stages: {sentence}.", field=f"stages{place.rstrip('`')}") from problem
    for number, stage in enumerate(stages):
        if stage.audience is not None:
            _check_rule(stage.audience, number)
        if stage.basis_points == 0:
            raise BadStages(
                "A stage of 0 reaches nobody; pause the release instead.", field=f"stages[{number}].basis_points"
            )
        if stage.advance is Advance.AUTO and stage.gate is None and not stage.min_minutes:
            raise BadStages(
                "A stage without a gate that moves on by itself needs min_minutes, or it would be over at once.",
                field=f"stages[{number}].min_minutes",
            )
    return stages


def _check_rule(rule: Mapping[str, Any], number: int) -> None:
    try:
        compile_rule(rule)
    except BadRule as problem:
        problem.facts["field"] = f"stages[{number}].audience"
        raise


def ratios_in(stages: Sequence[Stage]) -> Iterator[tuple[Ratio, str]]:
    """Return the ratios of events in the stages' gates, each with its field."""
    for number, stage in enumerate(stages):
        for place, signal in enumerate(stage.gate.signals if stage.gate is not None else ()):
            if isinstance(signal, Ratio):
                yield signal, f"stages[{number}].gate.signals[{place}]"


def event_types_in(stages: Sequence[Stage]) -> Iterator[tuple[str, str]]:
    """Return the types of events that gates count, each with its field."""
    for ratio, field in ratios_in(stages):
        yield ratio.failed, f"{field}.failed"
        yield ratio.of, f"{field}.of"


def written(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Return the stages as they are stored and shown: all members, integers and texts only."""
    found: list[dict[str, Any]] = msgspec.to_builtins(list(stages))
    return found


def is_watched(stages: Sequence[Stage], stage: int) -> bool:
    """Return whether a gate, or time, may still do something to a release that is at this stage."""
    has_next = stage + 1 < len(stages)
    return stages[stage].gate is not None or (has_next and stages[stage].advance is Advance.AUTO)


def widest(stages: Iterable[Stage]) -> list[Stage]:
    """Return as few stages as mean everybody whom any of these means, without gates: nothing moves them on."""
    kept: list[Stage] = []
    bare = (Stage(each.name, each.basis_points, each.audience) for each in stages)
    for each in sorted(bare, key=lambda stage: (stage.audience is not None, -stage.basis_points)):
        if not any(wide.basis_points >= each.basis_points and wide.audience in (None, each.audience) for wide in kept):
            kept.append(each)
    return kept


def rule_in(audience: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    """Return the rule of everybody whom a release means while it is at a stage."""
    parts = [dict(audience)]
    if stage.audience is not None:
        parts.append(stage.audience)
    if stage.basis_points < STEPS:
        parts.append({"attr": "percentage", "op": "below", "values": [stage.basis_points]})
    return parts[0] if len(parts) == 1 else {"all": parts}

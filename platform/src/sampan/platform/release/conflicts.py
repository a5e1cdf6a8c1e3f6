"""What speaks against a release before it goes out. Pure; what is looked at is read in `checking.py`.

An objection is certain and refuses the release; a warning may be wrong, as estimates are, and leaves it to people.
Whether two audiences can meet is decided by `audience/overlap.py`: it errs on the side of "they may".
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from sampan.platform.audience.buckets import STEPS
from sampan.platform.audience.overlap import Scope, scope_of
from sampan.platform.audience.rules import Node, compile_rule
from sampan.platform.errors import Conflict
from sampan.platform.identity.tiers import Tier
from sampan.platform.release.caps import is_over
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.progress import bound_of
from sampan.platform.release.repository import Release
from sampan.platform.release.schedule import next_open_ms
from sampan.platform.release.stages import Advance, Stage, rule_in
from sampan.platform.release.states import ReleaseState

MINUTE_MS = 60_000
STANDS = {ReleaseState.APPROVED: "已批准", ReleaseState.RUNNING: "进行中", ReleaseState.PAUSED: "已暂停"}
MAY_OFFER = frozenset(STANDS)
Saved = Mapping[str, Node]


class Objection(Struct, frozen=True):
    """One sentence against a release, in both languages; `release` is the other one where two are in conflict."""

    code: str
    field: str
    zh: str
    en: str
    release: str | None = None


class ReleaseConflict(Conflict):
    """The release contradicts itself, another release, or who may see the app; the facts hold every sentence."""

    code = "release_conflict"


def refuse(objections: Sequence[Objection]) -> None:
    """Raise `ReleaseConflict` with all the sentences, if there are any."""
    if objections:
        sentences = " ".join(each.en for each in objections)
        facts = [asdict(each) for each in objections]
        raise ReleaseConflict(f"This release cannot go out as it is. {sentences}", conflicts=facts)


def scopes_of(release: Release, stages: Iterable[Stage], saved: Saved, now_ms: int) -> list[Scope]:
    """Return whom the release can mean in each of these stages."""
    return [
        scope_of(
            compile_rule(rule_in(release.audience, stage)).root,
            saved=saved,
            client_app=release.client_app,
            now_ms=now_ms,
        )
        for stage in stages
    ]


def nobody(release: Release, saved: Saved, now_ms: int) -> list[Objection]:
    """Object to an audience, or to a stage, that can mean no device."""
    whole = scope_of(compile_rule(release.audience).root, saved=saved, client_app=release.client_app, now_ms=now_ms)
    if whole.is_empty:
        zh, en = (
            "受众条件互相矛盾，不会有任何设备满足。",
            "No device can satisfy the audience: its conditions exclude each other.",
        )
        return [Objection("reaches_nobody", "audience", f"{zh}请修改受众。", f"{en} Change the audience.")]
    return [
        Objection(
            "reaches_nobody",
            f"stages[{number}].audience",
            f"阶段“{stage.name}”的范围与受众没有交集，不会有任何设备满足。请修改该阶段。",
            f"No device can be in stage {stage.name!r}: it excludes the whole audience. Change the stage.",
        )
        for number, (stage, scope) in enumerate(
            zip(release.stages, scopes_of(release, release.stages, saved, now_ms), strict=True)
        )
        if scope.is_empty
    ]


def overlapping(release: Release, others: Iterable[Release], saved: Saved, now_ms: int) -> list[Objection]:
    """Object to a second release of the same deliverable that reaches a part of those whom the first one may mean."""
    if not is_partial(release, release.stages):
        return []
    mine = scopes_of(release, release.stages, saved, now_ms)
    found = []
    for other in others:
        ahead = other.stages[other.stage :]
        is_other = other.id != release.id and other.state in MAY_OFFER and not other.drawn_as  # what a roll-back made
        if not is_other or not is_partial(other, ahead[:1]):
            continue
        theirs = scopes_of(other, ahead, saved, now_ms)
        if any(each.can_meet(scope) for each in mine for scope in theirs):
            found.append(_overlap(other))
    return found


def _overlap(other: Release) -> Objection:
    return Objection(
        "overlapping_release",
        "audience",
        f"{other.version} 的灰度发布{STANDS[other.state]}，两者的受众可能重叠。请先完成或停止它，或把受众分开。",
        f"A partial release of {other.version} is {other.state}, and both may mean the same devices. Complete or stop"
        " it first, or keep the audiences apart.",
        other.id,
    )


def is_partial(release: Release, stages: Iterable[Stage]) -> bool:
    """Whether the release reaches only some of its audience in one of these stages."""
    return release.cap is not None or any(stage.basis_points < STEPS or stage.audience is not None for stage in stages)


def out_of_time(release: Release, now_ms: int) -> list[Objection]:
    """Object to a schedule that never opens or ends too soon for the stages, and to a cap whose time is over."""
    found = []
    opens = next_open_ms(release.schedule, (), now_ms)
    last = release.schedule.not_after_ms
    if opens is None:
        zh = "时间安排从现在起一年内不会开放，发布无法开始。请修改时间安排。"
        en = "The schedule does not open within a year from now, so the release cannot start. Change the schedule."
        found.append(Objection("never_open", "schedule", zh, en))
    elif last is not None and opens + _waiting_minutes(release.stages) * MINUTE_MS >= last:
        zh = "各阶段的最短时间之和超过了时间安排的结束时间，无法走完所有阶段。请缩短阶段或推迟结束时间。"
        en = "The stages last longer than the schedule: the last one cannot be reached. Shorten them, or end it later."
        found.append(Objection("schedule_too_short", "schedule.not_after_ms", zh, en))
    if release.cap is not None and is_over(release.cap, opens or now_ms):
        zh = "名额的截止时间早于发布可以开始的时间，不会有任何客户获得。请修改截止时间。"
        en = "Places are given until a time before the release can start, so nobody would get one. Change that time."
        found.append(Objection("cap_over", "cap.until_ms", zh, en))
    return found


def _waiting_minutes(stages: Sequence[Stage]) -> int:
    """Return how long the stages last at least that are left without a person."""
    return sum(stage.min_minutes for stage in stages[:-1] if stage.advance is Advance.AUTO)


def too_wide(release: Release, seen_by: frozenset[Tier] | None, saved: Saved, now_ms: int) -> list[Objection]:
    """Object to an audience that may hold tiers which do not see the app; None: the kind knows of no tiers."""
    if seen_by is None:
        return []
    meant = set().union(*(scope.tiers for scope in scopes_of(release, release.stages, saved, now_ms)))
    if not (beyond := sorted(meant - seen_by)):
        return []
    labels, lowest = ", ".join(each.label for each in beyond), min(seen_by, default=Tier.FULL).label
    return [
        Objection(
            "wider_than_tiers",
            "audience",
            f"受众包含看不到该小程序的客户等级：{labels}。请在受众中加上“客户等级至少为 {lowest}”，或修改应用目录。",
            f"The audience may hold tiers that do not see the app: {labels}. Add the condition that the tier is at"
            f" least {lowest}, or change the catalogue.",
        )
    ]


def too_small(stages: Sequence[Stage], before: Evidence, devices: Mapping[int, int]) -> list[Objection]:
    """Object to stages that move on by themselves and can never hear of enough devices; `devices` is how many each
    reaches at most."""
    found = []
    for number, sample in samples_of(stages, before).items():
        if sample is not None and number in devices and devices[number] < sample:
            name, most = stages[number].name, devices[number]
            found.append(
                Objection(
                    "stage_too_small",
                    f"stages[{number}].basis_points",
                    f"阶段“{name}”的门禁需要 {sample} 台设备，而该阶段最多覆盖约 {most} 台。"
                    "请提高比例，或改为由人决定进入下一阶段。",
                    f"The gate of stage {name!r} needs {sample} devices, and the stage reaches about {most} at most."
                    " Raise its share, or let a person move on.",
                )
            )
    return found


def samples_of(stages: Sequence[Stage], before: Evidence) -> dict[int, int | None]:
    """Return how many devices the gates need of the stages that move on by themselves; None: no number would do."""
    return {
        number: bound_of(stage.gate, before).sample
        for number, stage in enumerate(stages)
        if stage.gate is not None and stage.advance is Advance.AUTO and number + 1 < len(stages)
    }


def unknowable(stages: Sequence[Stage], before: Evidence) -> list[Objection]:
    """Warn, once, of gates that cannot be passed by themselves: the version before was seen on too few devices."""
    numbers = [number for number, sample in samples_of(stages, before).items() if sample is None]
    if not numbers:
        return []
    names = [stages[number].name for number in numbers]
    zh = f"阶段{'、'.join(f'“{name}”' for name in names)}的门禁无法自动通过，届时须由人决定"
    en = f"the gates of these stages cannot be passed by themselves; a person decides there: {', '.join(names)}"
    return [
        Objection(
            "gate_without_sample",
            f"stages[{numbers[0]}].gate",
            f"上一版本的数据太少，{zh}。",
            f"Too little is known of the version before; {en}.",
        )
    ]


def hidden(release: Release, others: Iterable[Release], saved: Saved, now_ms: int) -> list[Objection]:
    """Warn of higher versions that some of the audience is offered instead."""
    mine = scopes_of(release, release.stages, saved, now_ms)
    return [
        Objection(
            "higher_version_offered",
            "sequence",
            f"更高的版本 {other.version} 正在发布；两者都覆盖的设备会得到更高的版本。",
            f"The higher version {other.version} is being offered: devices that both mean get that one.",
            other.id,
        )
        for other in others
        if other.sequence > release.sequence
        and any(
            each.can_meet(scope)
            for each in mine
            for scope in scopes_of(other, [other.stages[other.stage]], saved, now_ms)
        )
    ]

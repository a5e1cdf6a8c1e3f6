"""When a release may start and move on: not before, not after, working hours, and the freezes of a workspace. Pure.

Times are milliseconds since the epoch and half open; working hours name their time zone. Stopping never waits.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from sampan.platform.errors import Invalid

DAY_MINUTES = 24 * 60
LOOK_AHEAD_DAYS = 366
Moment = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class BadSchedule(Invalid):
    """The schedule of a release is not of the described form, or never open."""

    code = "bad_schedule"
    field = "schedule"


class Hours(Struct, frozen=True, forbid_unknown_fields=True):
    """Working hours: days (0 is Monday), from a minute of the day until one, in a zone such as Asia/Shanghai."""

    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    days: Annotated[tuple[Annotated[int, Meta(ge=0, le=6)], ...], Meta(min_length=1, max_length=7)]
    from_minute: Annotated[int, Meta(ge=0, lt=DAY_MINUTES)]
    until_minute: Annotated[int, Meta(gt=0, le=DAY_MINUTES)]


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a release may start and move on; an empty one means always."""

    not_before_ms: Moment | None = None
    not_after_ms: Moment | None = None
    hours: Hours | None = None


class Freeze(Struct, frozen=True):
    """A time in which nothing of a workspace starts or moves on."""

    id: str
    from_ms: int
    until_ms: int
    reason: str


ALWAYS = Schedule()


def read_schedule(value: object) -> Schedule:
    """Return the schedule that a person wrote; raise `BadSchedule` at the place that is wrong."""
    try:
        found = msgspec.convert(value, Schedule)
    except msgspec.ValidationError as problem:
        sentence, _at, place = str(problem).partition(" - at `$")
        raise BadSchedule(f"Correct the schedule: {sentence}.", field=f"schedule{place.rstrip('`')}") from problem
    first, last = found.not_before_ms, found.not_after_ms
    if first is not None and last is not None and first >= last:
        raise BadSchedule("The schedule ends before it begins.", field="schedule.not_after_ms")
    if found.hours is not None:
        _check_hours(found.hours)
    return found


def written(schedule: Schedule) -> dict[str, Any]:
    """Return the schedule as it is stored and shown."""
    found: dict[str, Any] = msgspec.to_builtins(schedule)
    return found


def is_open(schedule: Schedule, freezes: Sequence[Freeze], now_ms: int) -> bool:
    """Return whether a release may start or move on now."""
    if schedule.not_before_ms is not None and now_ms < schedule.not_before_ms:
        return False
    if is_over(schedule, now_ms) or frozen_by(freezes, now_ms) is not None:
        return False
    return schedule.hours is None or _is_within(schedule.hours, now_ms)


def is_over(schedule: Schedule, now_ms: int) -> bool:
    """Return whether the schedule will never be open again."""
    return schedule.not_after_ms is not None and now_ms >= schedule.not_after_ms


def frozen_by(freezes: Sequence[Freeze], now_ms: int) -> Freeze | None:
    """Return the freeze that a moment lies in."""
    return next((each for each in freezes if each.from_ms <= now_ms < each.until_ms), None)


def next_open_ms(schedule: Schedule, freezes: Sequence[Freeze], now_ms: int) -> int | None:
    """Return the first moment from now on when the schedule is open; None within a year."""
    moment, end = now_ms, now_ms + LOOK_AHEAD_DAYS * 86_400_000
    while moment < end and not is_over(schedule, moment):
        if is_open(schedule, freezes, moment):
            return moment
        moment = _later(schedule, freezes, moment)
    return None


def _later(schedule: Schedule, freezes: Sequence[Freeze], moment: int) -> int:
    """Return the next moment at which one of the reasons to be closed may be over; later than `moment`."""
    if schedule.not_before_ms is not None and moment < schedule.not_before_ms:
        return schedule.not_before_ms
    if (freeze := frozen_by(freezes, moment)) is not None:
        return freeze.until_ms
    minute = 60_000
    return (moment // minute + 1) * minute if schedule.hours is None else _next_hours(schedule.hours, moment)


def _next_hours(hours: Hours, moment: int) -> int:
    """Return the beginning of the next working hours."""
    zone = ZoneInfo(hours.zone)
    day = datetime.fromtimestamp(moment / 1000, zone).date()
    for ahead in range(9):
        on = day + timedelta(days=ahead)
        start = datetime(on.year, on.month, on.day, hours.from_minute // 60, hours.from_minute % 60, tzinfo=zone)
        start_ms = round(start.astimezone(UTC).timestamp() * 1000)
        if on.weekday() in hours.days and start_ms > moment:
            return start_ms
    return moment + 86_400_000


def _is_within(hours: Hours, now_ms: int) -> bool:
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(hours.zone))
    return local.weekday() in hours.days and hours.from_minute <= local.hour * 60 + local.minute < hours.until_minute


def _check_hours(hours: Hours) -> None:
    if hours.from_minute >= hours.until_minute:
        raise BadSchedule("Working hours end after they begin, on the same day.", field="schedule.hours.until_minute")
    try:
        ZoneInfo(hours.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise BadSchedule(
            f"There is no time zone {hours.zone!r}; write one such as Asia/Shanghai.", field="schedule.hours.zone"
        ) from problem

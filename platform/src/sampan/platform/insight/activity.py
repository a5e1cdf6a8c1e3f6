"""What sets of active devices say: adoption by version, active devices, who came back. Pure: sets in, numbers out."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from pyroaring import BitMap

COHORTS = 28


class Adoption(Struct, frozen=True):
    """One day: devices by version. A device that used several counts at the highest, so they add up to all."""

    day: int
    devices: int
    by_sequence: dict[int, int]


class Kept(Struct, frozen=True):
    """Of the devices that were new on some days, how many were active again so many days later."""

    days: int
    newcomers: int
    kept: int


def adoption(active: Mapping[tuple[int, int], BitMap], days: Iterable[int]) -> list[Adoption]:
    """Return who used which version on each of these days; `active` is by (day, sequence)."""
    found = []
    for day in days:
        seen, numbers = BitMap(), {}
        for sequence in sorted((sequence for at, sequence in active if at == day), reverse=True):
            here = active[day, sequence]
            if own := len(here - seen):
                numbers[sequence] = own
            seen |= here
        found.append(Adoption(day, len(seen), numbers))
    return found


def by_day(active: Mapping[tuple[int, int], BitMap]) -> dict[int, BitMap]:
    """Return the devices of each day, whatever their version."""
    found: dict[int, BitMap] = {}
    for (day, _sequence), here in active.items():
        found[day] = found.get(day, BitMap()) | here
    return found


def distinct(days: Mapping[int, BitMap], first: int, end: int) -> int:
    """Return how many different devices were active in a half-open range of days."""
    return len(BitMap.union(BitMap(), *(here for day, here in days.items() if first <= day < end)))


def kept(newcomers: Mapping[int, BitMap], days: Mapping[int, BitMap], later: int, today: int) -> Kept:
    """Return who of the newcomers of the last `COHORTS` days came back exactly `later` days later.

    Only days whose later day is over count: today's devices may still come back.
    """
    end = today - later
    cohorts = {day: new for day, new in newcomers.items() if end - COHORTS <= day < end}
    back = sum(len(new & days.get(day + later, BitMap())) for day, new in cohorts.items())
    return Kept(later, sum(map(len, cohorts.values())), back)

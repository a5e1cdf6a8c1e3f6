"""Which event numbers of a device were taken: a high-water mark and the gaps below it. Pure.

A device numbers its events 1, 2, 3 ... for ever; batches may come twice, late and out of order. Each number is
taken exactly once, and the device learns which of its numbers are still missing.
"""

from collections.abc import Iterable

from msgspec import Struct

MAX_GAPS = 64


class Mark(Struct, frozen=True):
    """All numbers up to `high` are taken, except those in `gaps`: sorted, disjoint, closed ranges."""

    high: int = 0
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def accepted_through(self) -> int:
        """The number up to which nothing is missing."""
        return self.gaps[0][0] - 1 if self.gaps else self.high


def take(mark: Mark, numbers: Iterable[int]) -> tuple[list[int], Mark]:
    """Return the numbers that are new, in order, and the mark after them.

    With more than `MAX_GAPS` gaps the oldest ones are given up, so that a damaged device cannot grow the row.
    """
    high, gaps, fresh = mark.high, list(mark.gaps), []
    for number in sorted(set(numbers)):
        if number > high:
            if number > high + 1:
                gaps.append((high + 1, number - 1))
            high = number
            fresh.append(number)
        elif _fill(gaps, number):
            fresh.append(number)
    return fresh, Mark(high, tuple(gaps[-MAX_GAPS:]))


def _fill(gaps: list[tuple[int, int]], number: int) -> bool:
    for place, (first, last) in enumerate(gaps):
        if first <= number <= last:
            rest = [(first, number - 1), (number + 1, last)]
            gaps[place : place + 1] = [(a, b) for a, b in rest if a <= b]
            return True
    return False

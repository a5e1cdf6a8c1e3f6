"""How many devices did one thing after another within a time. Pure: events in their devices' order, counts out."""

from collections.abc import Iterable, Sequence

from msgspec import Struct


class Happened(Struct, frozen=True):
    """One event: of which device, when (the device's own time), and which steps of the funnel it may be."""

    device: str
    at_ms: int
    steps: tuple[int, ...]


class Reach(Struct, frozen=True):
    """Devices that came as far as a step; the middle time they took for it since the step before, in milliseconds."""

    devices: int
    middle_ms: int | None


def funnel(happened: Iterable[Happened], steps: int, window_ms: int) -> list[Reach]:
    """Return how many devices came to each step. Events of one device stand together, in its own order.

    A device counts at step n when it did the first n steps in order, the last at most `window_ms` after the first; one
    event is one step. Of several beginnings the latest counts, since it leaves the most time.
    """
    reached = [0] * steps
    took: list[list[int]] = [[] for _ in range(steps)]
    device, begun = "", _Begun(steps)
    for each in happened:
        if each.device != device:
            begun.count(reached, took)
            device, begun = each.device, _Begun(steps)
        begun.take(each, window_ms)
    begun.count(reached, took)
    return [Reach(devices, _middle(times)) for devices, times in zip(reached, took, strict=True)]


class _Begun:
    """One device: for each step the latest beginning that led to it, and how long the step took."""

    def __init__(self, steps: int) -> None:
        self.first: list[int | None] = [None] * steps
        self.last: list[int] = [0] * steps
        self.took: list[int | None] = [None] * steps

    def take(self, event: Happened, window_ms: int) -> None:
        for step in sorted(event.steps, reverse=True):  # backwards, so that one event is not two steps
            if step == 0:
                self.first[0], self.last[0] = event.at_ms, event.at_ms
                self.took[0] = 0
                continue
            began = self.first[step - 1]
            if began is not None and 0 <= event.at_ms - began <= window_ms:
                self.first[step], self.last[step] = began, event.at_ms
                if self.took[step] is None:
                    self.took[step] = max(0, event.at_ms - self.last[step - 1])

    def count(self, reached: list[int], took: list[list[int]]) -> None:
        for step, time in enumerate(self.took):
            if time is not None:
                reached[step] += 1
                took[step].append(time)


def _middle(times: Sequence[int]) -> int | None:
    return sorted(times)[len(times) // 2] if times else None

"""Between which versions deltas are worth making, and which of them are worth serving. Pure."""

from collections.abc import Mapping, Sequence

TARGETS = 3
BASES = 5
SHARE_PERCENT = 5
MOST_PERCENT = 60


def pairs(published: Sequence[int], devices: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return the (base, target) sequences that should have a delta, the newest target first.

    Targets are the newest published versions. Their bases are the versions published just before, and every lower one
    that more than one in twenty of the devices holds. `devices` counts those that hold each version.
    """
    newest = sorted(published, reverse=True)
    held = sum(devices.values())
    found = []
    for target in newest[:TARGETS]:
        lower = [sequence for sequence in newest if sequence < target]
        common = [sequence for sequence in lower[BASES:] if 100 * devices.get(sequence, 0) > SHARE_PERCENT * held]
        found += [(base, target) for base in (*lower[:BASES], *common)]
    return found


def is_worth_serving(delta_bytes: int, *, files_bytes: int, whole_bytes: int) -> bool:
    """Whether a delta costs clearly less than the cheaper of the other ways."""
    return 100 * delta_bytes < MOST_PERCENT * min(files_bytes, whole_bytes)

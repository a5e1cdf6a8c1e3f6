"""When a stage's failures are too many: a sequential test that may be looked at after every report. Pure.

The test is Wald's sequential probability ratio test (A. Wald, Sequential Tests of Statistical Hypotheses, 1945) of
"fails as often as the version before" against "fails `ratio` times as often". Its likelihood ratio is a martingale
while the version is healthy, so by Ville's inequality it ever reaches 1/alpha with a chance of at most alpha, however
often anybody looks: a fixed z, looked at again and again, stops healthy releases several times as often as it says.
One test judges a whole release: its evidence adds up over the stages, and so the chance of a false stop does not.
"""

import math
from functools import lru_cache

from msgspec import Struct

FLOOR = 0.001
"""Rates below this are taken for this: nobody sees a doubling of less than one in a thousand in a stage's devices."""
ALPHA = 0.02
POWER = 0.95
CERTAINTY_Z = 1.0
LARGEST_SAMPLE = 50_000
TINY = 1e-12
FAILURES_COUNTED = 400
ESTIMATE_MARGIN = 1.3
"""The estimate is never less than this much above the exact sample where that is close to `LARGEST_SAMPLE`."""
OVERSHOOT = 0.583


class Evidence(Struct, frozen=True):
    """Devices that told how a version fared, each counted once, and those of them where it failed."""

    devices: int
    failures: int

    @property
    def rate(self) -> float:
        """Failures by device; 0 without devices."""
        return self.failures / self.devices if self.devices else 0.0


class Bound(Struct, frozen=True):
    """The test of one stage.

    `healthy` is the rate still taken for the version before's, `failing` the one that must be found; both are shares
    of devices. After `sample` devices a version that fails so often has been found with a chance of `POWER`; None:
    more than `LARGEST_SAMPLE` devices would be needed.
    """

    healthy: float
    failing: float
    sample: int | None

    def most(self, devices: int) -> int:
        """Return how many of so many devices may fail before the stage is stopped."""
        return _stops_at(self.healthy, self.failing, devices) - 1

    def is_broken_by(self, seen: Evidence) -> bool:
        """Return whether the evidence is too bad to be chance."""
        return seen.failures > self.most(seen.devices)

    def is_enough(self, seen: Evidence) -> bool:
        """Return whether so many devices have reported that a failing version would have been found."""
        return self.sample is not None and seen.devices >= self.sample


def bound_from(before: Evidence, *, ratio: float = 2.0) -> Bound:
    """Return the test against the version before.

    Its rate is itself measured on a sample: the upper end of its Wilson interval at one standard error is what still
    passes for healthy, so that a lucky version before does not condemn the next.
    """
    low, high = _wilson(before)
    healthy = min(max(high, FLOOR), 0.5)
    failing = min(max(low, FLOOR) * ratio, 0.95)
    if failing <= healthy:
        return Bound(healthy, min(healthy * ratio, 0.95), None)
    return Bound(healthy, failing, sample_of(healthy, failing))


@lru_cache(maxsize=1024)
def sample_of(healthy: float, failing: float) -> int | None:
    """Return after how many devices a version failing at `failing` is stopped with a chance of `POWER`.

    Exact while that takes fewer than `FAILURES_COUNTED` failures. Where it takes more, rates lie close together and
    each device says little: there the normal approximation is within 1.5 %, and counting would take seconds.
    None when `LARGEST_SAMPLE` is not enough.
    """
    estimate = _estimated_sample(healthy, failing)
    if estimate is None or estimate > LARGEST_SAMPLE * ESTIMATE_MARGIN:
        return None
    if estimate * failing < FAILURES_COUNTED:
        return _counted_sample(healthy, failing)
    return estimate if estimate <= LARGEST_SAMPLE else None


def _counted_sample(healthy: float, failing: float) -> int | None:
    """Return the exact sample: the chances of every number of failures are carried from one rise of the limit to the
    next, what reaches the limit leaves, and what has become impossible is left out."""
    chances, lowest, stopped, devices, limit = [1.0], 0, 0.0, 0, 1
    while devices < LARGEST_SAMPLE:
        until = max(devices, _devices_until(healthy, failing, limit))
        chances = _after(chances, until - devices, failing)
        devices, stopped = until, stopped + sum(chances[limit - lowest :])
        if stopped >= POWER:
            return devices
        gone = next((n for n, chance in enumerate(chances) if chance > TINY), 0)
        chances, lowest, limit = chances[gone : limit - lowest], lowest + gone, limit + 1
    return None


def _estimated_sample(healthy: float, failing: float) -> int | None:
    """Return the sample of the Brownian motion that has the drift and the spread of the likelihood ratio's logarithm;
    None beyond `LARGEST_SAMPLE` by far."""
    least, most = 0, 1
    while _chance_to_stop(healthy, failing, most) < POWER:
        least, most = most, most * 2
        if least > LARGEST_SAMPLE * ESTIMATE_MARGIN:
            return None
    while most - least > 1:
        middle = (least + most) // 2
        if _chance_to_stop(healthy, failing, middle) < POWER:
            least = middle
        else:
            most = middle
    return most


def _chance_to_stop(healthy: float, failing: float, devices: int) -> float:
    """Return the chance that the motion reaches the bound, moved up by the mean overshoot of a discrete walk (D.
    Siegmund, Sequential Analysis, 1985)."""
    by_success, by_failure = _weights(healthy, failing)
    drift = failing * by_failure - (1 - failing) * by_success
    spread = (by_failure + by_success) * math.sqrt(failing * (1 - failing))
    if drift <= 0 or spread <= 0:  # so close together that floats cannot tell them apart
        return 0.0
    bound, width = math.log(1 / ALPHA) + OVERSHOOT * spread, spread * math.sqrt(devices)
    there = _normal((drift * devices - bound) / width)
    return there + math.exp(2 * drift * bound / spread**2) * _normal(-(drift * devices + bound) / width)


def _normal(deviations: float) -> float:
    """Return the chance that something normally distributed is at most so many standard deviations above its mean."""
    return 0.5 * math.erfc(-deviations / math.sqrt(2))


def _after(chances: list[float], devices: int, rate: float) -> list[float]:
    """Return the chances of numbers of failures, from the same lowest one on, after so many devices more."""
    more = [(1 - rate) ** devices]
    while len(more) <= devices and (more[-1] > TINY or len(more) < devices * rate):
        more.append(more[-1] * (devices - len(more) + 1) / len(more) * rate / (1 - rate))
    found = [0.0] * (len(chances) + len(more) - 1)
    for before, chance in enumerate(chances):
        for now, step in enumerate(more):
            found[before + now] += chance * step
    return found


def _devices_until(healthy: float, failing: float, limit: int) -> int:
    """Return the largest number of devices at which `limit` failures still stop a stage."""
    by_success, by_failure = _weights(healthy, failing)
    return math.floor((limit * (by_failure + by_success) - math.log(1 / ALPHA)) / by_success)


def _stops_at(healthy: float, failing: float, devices: int) -> int:
    """Return the least number of failures whose likelihood ratio reaches 1/ALPHA."""
    by_success, by_failure = _weights(healthy, failing)
    return max(1, math.ceil((math.log(1 / ALPHA) + devices * by_success) / (by_failure + by_success)))


def _weights(healthy: float, failing: float) -> tuple[float, float]:
    """Return what a device without and one with a failure add to the likelihood ratio's logarithm, without signs."""
    return math.log((1 - healthy) / (1 - failing)), math.log(failing / healthy)


def _wilson(seen: Evidence) -> tuple[float, float]:
    """Return the Wilson score interval (E. B. Wilson, 1927)."""
    if not seen.devices:
        return 0.0, 1.0
    n, z = seen.devices, CERTAINTY_Z
    middle = seen.rate + z * z / (2 * n)
    spread = z * math.sqrt(seen.rate * (1 - seen.rate) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)

"""The test that stops a stage: seldom for nothing, almost always for a doubled rate, at the sample it computed."""

import math
from collections.abc import Iterator
from itertools import accumulate, takewhile
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.release.gate_bounds import FLOOR, POWER, Bound, Evidence, bound_from, sample_of

RUNS = 1000
BEFORE = 20_000
"""Devices of the version before, on which its rate is measured anew in every run."""


def seeded(seed: int) -> Random:
    """Return chance that every run of the tests repeats."""
    return Random(seed)  # noqa: S311 - a simulation, no secret


def failing_devices(chance: Random, rate: float, devices: int) -> Iterator[int]:
    """Yield which of so many devices fail, the first is 1: the gaps between failures are geometric."""
    gaps = iter(lambda: 1 + int(math.log(1 - chance.random()) / math.log(1 - rate)), 0)
    return takewhile(lambda device: device <= devices, accumulate(gaps))


def is_stopped(bound: Bound, chance: Random, rate: float, devices: int) -> bool:
    """Run a release to so many devices and look after every report; only a failure can break the bound."""
    found = enumerate(failing_devices(chance, rate, devices), start=1)
    return any(bound.is_broken_by(Evidence(device, failures)) for failures, device in found)


def measured(chance: Random, rate: float) -> Evidence:
    """Measure the version before."""
    return Evidence(BEFORE, sum(1 for _ in failing_devices(chance, rate, BEFORE)))


@pytest.mark.parametrize("base", [0.005, 0.01, 0.05])
def test_whole_releases(base: float) -> None:
    chance, false_stops, found = seeded(int(base * 10_000)), 0, 0
    for _ in range(RUNS):
        bound = bound_from(measured(chance, base))
        assert bound.sample is not None
        false_stops += is_stopped(bound, chance, base, 3 * bound.sample)
        found += is_stopped(bound, chance, 2 * base, bound.sample)
    assert false_stops < 0.05 * RUNS
    assert found >= POWER * RUNS


def test_a_fixed_threshold_looked_at_again_and_again_stops_more_often() -> None:
    """What this test is for: with z = 1.96 at every failure a healthy release is stopped again and again."""
    chance, stopped, base = seeded(1), 0, 0.01
    for _ in range(RUNS):
        fails = enumerate(failing_devices(chance, base, 15_000), start=1)
        spread = [(n, d, 1.96 * math.sqrt(d * base * (1 - base))) for n, d in fails if d >= 100]
        stopped += any(n - d * base > z for n, d, z in spread)
    assert stopped > 0.15 * RUNS


@pytest.mark.parametrize(("healthy", "failing"), [(0.01, 0.02), (0.05, 0.1), (0.002, 0.01)])
def test_the_sample_is_no_larger_than_it_must_be(healthy: float, failing: float) -> None:
    chance, sample = seeded(3), sample_of(healthy, failing)
    assert sample is not None
    bound = Bound(healthy, failing, sample)
    at_sample = sum(is_stopped(bound, chance, failing, sample) for _ in range(4 * RUNS)) / (4 * RUNS)
    assert abs(at_sample - POWER) < 0.02


def test_a_small_version_before_leaves_the_decision_to_a_person() -> None:
    assert bound_from(Evidence(300, 1)).sample is None
    assert bound_from(Evidence(0, 0)).sample is None
    nobody = Evidence(0, 0)
    assert not bound_from(Evidence(BEFORE, 200)).is_enough(nobody)
    assert not bound_from(Evidence(300, 1)).is_enough(Evidence(1_000_000, 0))


def test_a_version_before_that_never_failed_is_taken_for_the_floor() -> None:
    bound = bound_from(Evidence(1_000_000, 0))
    assert (bound.healthy, bound.failing) == (FLOOR, 2 * FLOOR)
    assert bound.most(1000) < 20


evidence = st.integers(0, 100_000).flatmap(lambda n: st.builds(Evidence, st.just(n), st.integers(0, n)))


@given(before=evidence, devices=st.integers(0, 100_000))
def test_more_devices_allow_no_fewer_failures(before: Evidence, devices: int) -> None:
    bound = bound_from(before)
    assert 0 < bound.healthy < bound.failing < 1
    assert 0 <= bound.most(devices) <= bound.most(devices + 1)
    assert not bound.is_broken_by(Evidence(devices, bound.most(devices)))
    assert bound.is_broken_by(Evidence(devices, bound.most(devices) + 1))

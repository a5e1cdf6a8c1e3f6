"""The test that stops a stage: seldom for nothing, almost always for a doubled rate, at the sample it computed."""

import math
from collections.abc import Iterator
from itertools import accumulate, takewhile
from random import Random
from threading import current_thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.release import gate_bounds
from sampan.platform.release.gate_bounds import (
    FLOOR,
    LARGEST_SAMPLE,
    POWER,
    Bound,
    Evidence,
    bound_from,
    sample_of,
)
from sampan.platform.release.judging import work_out
from sampan.platform.release.progress import bound_of
from sampan.platform.release.stages import Gate, Stage

RUNS = 1000
MOST_STEPS = 2_000_000
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


@pytest.mark.parametrize(("healthy", "failing"), [(0.0101, 0.0126), (0.1, 0.12), (0.05, 0.06), (0.4, 0.43)])
def test_a_large_sample_is_estimated_as_it_would_be_counted(healthy: float, failing: float) -> None:
    sample, exact = sample_of(healthy, failing), gate_bounds._counted_sample(healthy, failing)
    assert sample is not None
    assert exact is not None
    assert sample != exact, "it was counted"
    assert sample == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize("failing", [0.00160, 0.00165, 0.00170])
def test_what_is_given_up_at_once_would_be_given_up_after_counting(failing: float) -> None:
    assert sample_of(0.00104, failing) is gate_bounds._counted_sample(0.00104, failing) is None


@pytest.mark.parametrize("most_basis_points", [10, 50, 150, 500, 1000, 2000, 5000])
@pytest.mark.parametrize("ratio_percent", [110, 115, 120, 130, 150, 1000])
def test_whatever_a_draft_asks_for_costs_a_bounded_number_of_steps(
    ratio_percent: int, most_basis_points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, after = 0, gate_bounds._after

    def counted(chances: list[float], devices: int, rate: float) -> list[float]:
        nonlocal steps
        found = after(chances, devices, rate)
        steps += len(chances) * (len(found) - len(chances) + 1)
        assert steps < MOST_STEPS
        return found

    monkeypatch.setattr(gate_bounds, "_after", counted)
    sample_of.cache_clear()
    bound = bound_of(Gate(ratio_percent=ratio_percent, most_basis_points=most_basis_points), Evidence(0, 0))
    assert bound.sample is None or 0 < bound.sample <= LARGEST_SAMPLE


@pytest.mark.anyio
async def test_bounds_are_worked_out_in_a_thread_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, estimated = [], gate_bounds._estimated_sample

    def noted(healthy: float, failing: float) -> int | None:
        threads.append(current_thread())
        return estimated(healthy, failing)

    monkeypatch.setattr(gate_bounds, "_estimated_sample", noted)
    sample_of.cache_clear()
    gates = [Gate(ratio_percent=percent) for percent in (200, 300, 200)]
    stages = [Stage(name=str(number), basis_points=10_000, gate=gate) for number, gate in enumerate(gates)]
    before = Evidence(BEFORE, 200)
    await work_out(stages, before)
    assert len(threads) == 2
    assert current_thread() not in threads
    assert [bound_of(gate, before).sample is not None for gate in gates] == [True, True, True]
    assert len(threads) == 2


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

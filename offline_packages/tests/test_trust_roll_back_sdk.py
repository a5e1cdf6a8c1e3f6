"""The SDK goes back where control says so, from the highest version it ever had, past others, and forward again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk_runner import Sdk
from test_trust_attacks import A, _digest, sim
from test_trust_attacks_sdk import Browser
from trust_simulator import Simulator, served

from sampan.offline_packages.control import Rollback

__all__ = ["sim"]
pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with Sdk() as running:
        yield running


@pytest.fixture
def third(sdk: Sdk, sim: Simulator, tmp_path: Path) -> Iterator[Browser]:
    """A device that had versions 1 and 2, and has 3."""
    with served(sim.files) as base_url:
        browser = Browser(sdk, tmp_path / "browser", base_url, sim)
        browser.digests[1] = _digest(sim, 1)
        browser.take(1)
        for sequence in (2, 3):
            publish(sim, browser, sequence)
            browser.take(sequence)
        yield browser


def publish(sim: Simulator, browser: Browser, sequence: int) -> None:
    sim.publish(A, sequence)
    control(sim, f"1.{10 * sequence}", *range(1, sequence + 1))
    browser.digests[sequence] = _digest(sim, sequence)


def control(sim: Simulator, serial: str, *offerable: int, back: tuple[tuple[int, int], ...] = ()) -> None:
    entries = [Rollback(from_=high, to=to, digest=_digest(sim, to), serial=serial) for high, to in back]
    sim.set_control(A, serial, offerable=offerable, rollback=entries)
    sim.commit()


def test_an_entry_from_a_lower_version_leads_nobody_back(third: Browser, sim: Simulator) -> None:
    control(sim, "1.31", 1, 2, 3, back=((2, 1),))
    assert third.refusal(1) == "install_downgrade"
    assert third.refusal(2) == "install_downgrade"


def test_back_step_by_step_and_forward_to_a_later_version(third: Browser, sim: Simulator) -> None:
    control(sim, "1.31", 1, 2, 3, back=((3, 2),))
    third.take(2)
    control(sim, "1.32", 1, 2, 3, back=((3, 2), (2, 1), (3, 1)))  # the highest it ever had counts, and that is 3
    third.take(1)
    publish(sim, third, 4)
    third.take(4)
    assert third.refusal(1) == "install_downgrade"  # there is no way back from 4
    control(sim, "1.41", 1, 2, 3, 4, back=((4, 1), (3, 1)))
    third.take(1)


def test_without_the_entry_from_the_highest_a_second_step_is_refused(third: Browser, sim: Simulator) -> None:
    control(sim, "1.31", 1, 2, 3, back=((3, 2),))
    third.take(2)
    control(sim, "1.32", 1, 2, 3, back=((3, 2), (2, 1)))
    assert third.refusal(1) == "install_downgrade"

"""The whole way of a release on PostgreSQL: published, released in stages, synced, reported, stopped, taken back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_miniapps_release_evidence import test_reports_twice_late_and_in_any_order_say_the_same, town
from test_miniapps_release_races import race, test_a_stop_and_somebody_else_at_the_same_moment
from test_miniapps_release_stages import (
    Rollout,
    rollout_in,
    test_a_roll_back_in_the_middle_reaches_everybody,
    test_failures_stop_new_offers_and_two_persons_go_on,
)

__all__ = [
    "race",
    "test_a_roll_back_in_the_middle_reaches_everybody",
    "test_a_stop_and_somebody_else_at_the_same_moment",
    "test_failures_stop_new_offers_and_two_persons_go_on",
    "test_reports_twice_late_and_in_any_order_say_the_same",
    "town",
]
pytestmark = pytest.mark.anyio


@pytest.fixture
async def rollout(tmp_path: Path, postgres_url: str) -> AsyncIterator[Rollout]:
    async with rollout_in(tmp_path, postgres_url=postgres_url) as found:
        yield found

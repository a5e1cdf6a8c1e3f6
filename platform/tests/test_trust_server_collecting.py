"""What the collector removes from a tree, and what every client may still ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tuf.api.metadata import Timestamp

from sampan.offline_packages.signed_bytes import read_body
from sampan.platform.component import Background, Component
from sampan.platform.core import Core
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import DAY_MS, HOUR_MS, Clock, Parties
from sampan.platform.trust.collecting import collect, run_collector
from sampan.platform.trust.component import component
from sampan.platform.trust.exposure import publish_round
from sampan.platform.trust.metadata_rows import bodies_from
from sampan.platform.trust.publisher import publish_tree
from sampan.platform.trust.waking import metadata_key

pytestmark = pytest.mark.anyio
WITHOUT_JOB = Component("trust", tuple(each for each in component.everything() if not isinstance(each, Background)))
ROLES = ("root", "targets", "control", "snapshot", "timestamp")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[WITHOUT_JOB], workspaces=[WORKSPACE], now_ms=clock) as core:
        await Parties(core).start("intl")
        yield core


async def versions(core: Core) -> dict[str, list[int]]:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return {role: [body.version for body in await bodies_from(tx, "intl", role, 1)] for role in ROLES}


def has_file(core: Core, name: str) -> bool:
    path = core.objects.local_path(metadata_key(WORKSPACE, "intl", name))
    return path is not None and path.exists()


async def days(core: Core, clock: Clock, count: int) -> None:
    for _ in range(count * 4):
        clock.now_ms += 6 * HOUR_MS
        await publish_tree(core, WORKSPACE, "intl")


async def test_only_superseded_snapshots_and_timestamps_older_than_a_day_go(core: Core, clock: Clock) -> None:
    await days(core, clock, 4)
    before = await versions(core)
    assert len(before["timestamp"]) > 8
    assert len(before["snapshot"]) > 3
    removed = await collect(core, WORKSPACE, "intl")
    after = await versions(core)
    assert removed == sum(len(before[role]) - len(after[role]) for role in ROLES) > 0
    for role in ("root", "targets", "control"):
        assert after[role] == before[role]
    for role in ("snapshot", "timestamp"):
        kept = len(after[role])
        assert 1 < kept < len(before[role])
        assert after[role] == before[role][-kept:]
    for version in before["snapshot"]:
        assert has_file(core, f"{version}.snapshot.json") == (version in after["snapshot"])
    for role in ("root", "targets", "control"):
        assert all(has_file(core, f"{version}.{role}.json") for version in before[role])
    assert await collect(core, WORKSPACE, "intl") == 0


async def test_a_tree_that_stood_still_keeps_what_it_shows_and_goes_on(core: Core, clock: Clock) -> None:
    await days(core, clock, 2)
    clock.now_ms += 30 * DAY_MS
    await collect(core, WORKSPACE, "intl")
    left = await versions(core)
    assert (len(left["snapshot"]), len(left["timestamp"])) == (1, 1)
    shown = read_body(await core.objects.get(metadata_key(WORKSPACE, "intl", "timestamp.json"), 2**20), Timestamp)
    assert has_file(core, f"{shown.snapshot_meta.version}.snapshot.json")
    await publish_tree(core, WORKSPACE, "intl")
    following = await versions(core)
    assert following["timestamp"] == [*left["timestamp"], left["timestamp"][0] + 1]


class Killed(BaseException):
    """Stands for the end of the process."""


async def test_a_round_that_is_not_exposed_yet_is_left_alone(core: Core, clock: Clock) -> None:
    await days(core, clock, 2)
    before = await versions(core)

    async def kill(step: str) -> None:
        if step == "stored":
            raise Killed

    clock.now_ms += 6 * HOUR_MS
    with pytest.raises(Killed):
        await publish_round(core, WORKSPACE, "intl", holder="embedded", step=kill)
    clock.now_ms += 2 * DAY_MS
    assert await collect(core, WORKSPACE, "intl") == 0
    assert set(before["snapshot"]) <= set((await versions(core))["snapshot"])


def test_the_collector_is_contributed() -> None:
    assert run_collector in [each.run for each in component.everything() if isinstance(each, Background)]

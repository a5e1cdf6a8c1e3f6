"""The publisher job: what shares a snapshot, what is signed again when, and crashes at every step."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sampan.offline_packages.control import parse_control
from sampan.offline_packages.roles import control_path
from sampan.offline_packages.signed_bytes import check_delegated, read_body, signers
from sampan.platform.component import Background, Component
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import ACTOR, APP, DAY_MS, HOUR_MS, Clock, Parties
from sampan.platform.trust import service
from sampan.platform.trust.component import component
from sampan.platform.trust.exposure import STEPS, Exposed, Step, TreePublished, publish_round
from sampan.platform.trust.key_rows import Purpose
from sampan.platform.trust.publisher import is_due, publish_tree
from sampan.platform.trust.tree_rows import LEASE_MS, LeaseLost, Tree, tree_row
from sampan.platform.trust.waking import metadata_key, target_key

pytestmark = pytest.mark.anyio
OTHER_APP = "bank.demo.bills"
WITHOUT_JOB = Component("trust", tuple(each for each in component.everything() if not isinstance(each, Background)))


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[WITHOUT_JOB], workspaces=[WORKSPACE], now_ms=clock) as core:
        yield core


@pytest.fixture
async def parties(core: Core) -> Parties:
    parties = Parties(core)
    await parties.start("intl")
    return parties


def _bytes(core: Core, name: str) -> bytes:
    path = core.objects.local_path(metadata_key(WORKSPACE, "intl", name))
    assert path is not None
    return path.read_bytes()


async def _tree(core: Core) -> Tree:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return await tree_row(tx, "intl")


def seen(core: Core) -> dict[str, int]:
    """Walk the visible tree as a client that holds its newest root would; return versions by role."""
    timestamp_bytes = _bytes(core, "timestamp.json")
    timestamp = read_body(timestamp_bytes, Timestamp)
    roots = core.objects.local_path(metadata_key(WORKSPACE, "intl", "1.root.json"))
    assert roots is not None
    names = sorted(roots.parent.glob("*.root.json"), key=lambda path: int(path.name.split(".")[0]))
    root = read_body(names[-1].read_bytes(), Root)
    check_delegated(root, "timestamp", timestamp_bytes)
    snapshot_bytes = _bytes(core, f"{timestamp.snapshot_meta.version}.snapshot.json")
    timestamp.snapshot_meta.verify_length_and_hashes(snapshot_bytes)
    check_delegated(root, "snapshot", snapshot_bytes)
    meta = read_body(snapshot_bytes, Snapshot).meta
    versions = {name.removesuffix(".json"): each.version for name, each in meta.items()}
    targets_bytes = _bytes(core, f"{versions['targets']}.targets.json")
    check_delegated(root, "targets", targets_bytes)
    targets = read_body(targets_bytes, Targets)
    for role, version in versions.items():
        if role != "targets":
            check_delegated(targets, role, _bytes(core, f"{version}.{role}.json"))
    control = read_body(_bytes(core, f"{versions['control']}.control.json"), Targets)
    for path, target in control.targets.items():
        document = core.objects.local_path(target_key(WORKSPACE, target.hashes["sha256"]))
        assert document is not None
        target.verify_length_and_hashes(document.read_bytes())
        assert control_path(parse_control(document.read_bytes(), path.split("/")[1][:-5]).app) == path
    return versions | {"timestamp": timestamp.version, "root": root.version}


async def test_changes_share_a_snapshot_and_a_look_without_changes_signs_nothing(parties: Parties) -> None:
    await parties.delegate(APP)
    await parties.delegate(OTHER_APP)
    await parties.publish(1)
    await parties.publish(1, app=OTHER_APP)
    await parties.offer(1)
    await parties.publish(2)
    exposed = await publish_tree(parties.core, WORKSPACE, "intl")
    roles = {"targets": 3, "control": 1, f"app.{APP}": 2, f"app.{OTHER_APP}": 1}
    assert exposed == Exposed(1, roles)
    assert seen(parties.core) == roles | {"timestamp": 1, "root": 1}
    assert await publish_tree(parties.core, WORKSPACE, "intl") is None
    assert not is_due(await _tree(parties.core), parties.core.now_ms())


async def test_a_tree_without_its_ceremony_has_nothing_to_show(core: Core) -> None:
    assert await publish_tree(core, WORKSPACE, "intl") is None
    assert not is_due(await _tree(core), core.now_ms())


async def test_the_timestamp_is_signed_hourly_and_carries_the_audit_head(parties: Parties, clock: Clock) -> None:
    await publish_tree(parties.core, WORKSPACE, "intl")
    clock.now_ms += HOUR_MS - 1
    assert not is_due(await _tree(parties.core), clock.now_ms)
    clock.now_ms += 1
    assert is_due(await _tree(parties.core), clock.now_ms)
    await parties.register(parties.officers[0].generate(), Purpose.ADOPTION, "intl")
    assert await publish_tree(parties.core, WORKSPACE, "intl") == Exposed(2, {})
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        head = (await audit.head(tx)).as_json()
    timestamp = read_body(_bytes(parties.core, "timestamp.json"), Timestamp)
    assert timestamp.unrecognized_fields["x-sampan-audit"] == head
    assert int(timestamp.expires.timestamp() * 1000) == clock.now_ms + DAY_MS


async def test_rotated_online_keys_are_good_for_clients_with_either_root(parties: Parties) -> None:
    await publish_tree(parties.core, WORKSPACE, "intl")
    old = read_body(_bytes(parties.core, "1.root.json"), Root)
    for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL):
        await service.rotate_server_key(parties.core, WORKSPACE, ACTOR, profile="intl", purpose=purpose)
    await parties.sign_all("intl")
    await publish_tree(parties.core, WORKSPACE, "intl")
    assert seen(parties.core)["root"] == 2
    timestamp = _bytes(parties.core, "timestamp.json")
    check_delegated(old, "timestamp", timestamp)
    assert len(signers(timestamp)) == 2
    await parties.delegate(APP)
    await publish_tree(parties.core, WORKSPACE, "intl")
    assert len(signers(_bytes(parties.core, "timestamp.json"))) == 1


class TestCrash:
    """After a crash at any step, clients see the old tree or the new one, and the next start completes it."""

    @pytest.mark.parametrize("step", STEPS)
    async def test_at_every_step(self, step: str, tmp_path: Path, clock: Clock) -> None:
        calls: list[dict[str, int]] = []
        components = [WITHOUT_JOB, _note_exposures(calls)]
        async with running_core(tmp_path, components=components, workspaces=[WORKSPACE], now_ms=clock) as core:
            parties = Parties(core)
            await parties.start("intl")
            await parties.delegate()
            await parties.publish(1)
            await parties.offer(1)
            await publish_tree(core, WORKSPACE, "intl")
            before = seen(core)
            await parties.publish(2)
            await parties.offer(1, 2)
            with pytest.raises(Killed):
                await publish_round(core, WORKSPACE, "intl", holder="embedded", step=_kill_at(step))
            visible = seen(core)
            assert visible == before or visible[f"app.{APP}"] == 2
            await parties.publish(3)  # life goes on before anybody looks at the tree again
        async with running_core(tmp_path, components=components, workspaces=[WORKSPACE], now_ms=clock) as core:
            await publish_tree(core, WORKSPACE, "intl")
            after = seen(core)
            assert after[f"app.{APP}"] == 3
            assert [call[f"app.{APP}"] for call in calls] in ([1, 3], [1, 2, 3])
            assert not is_due(await _tree(core), clock.now_ms)

    @pytest.mark.parametrize("step", ["stored", "role_files_written", "timestamp_written"])
    async def test_by_a_real_kill(self, step: str, tmp_path: Path) -> None:
        command = [sys.executable, __file__, str(tmp_path), step]
        child = await asyncio.to_thread(subprocess.run, command, timeout=120, capture_output=True, text=True)
        assert child.returncode == -signal.SIGKILL, child.stderr
        async with running_core(tmp_path, components=[WITHOUT_JOB], workspaces=[WORKSPACE]) as core:
            assert seen(core)[f"app.{APP}"] == (2 if step == "timestamp_written" else 1)
            await publish_tree(core, WORKSPACE, "intl")
            assert seen(core)[f"app.{APP}"] == 2


class TestLease:
    """One job per tree: whoever lost the lease writes nothing that clients see."""

    async def test_a_held_lease_keeps_others_out_until_it_runs_out(self, parties: Parties, clock: Clock) -> None:
        with pytest.raises(Killed):
            await publish_round(parties.core, WORKSPACE, "intl", holder="one", step=_kill_at("leased"))
        assert await publish_round(parties.core, WORKSPACE, "intl", holder="two") is None
        clock.now_ms += LEASE_MS
        assert await publish_round(parties.core, WORKSPACE, "intl", holder="two") is not None

    @pytest.mark.parametrize("step", [name for name in STEPS if name not in {"root_written", "exposed"}])
    async def test_a_stalled_job_stops_when_another_took_over(self, step: str, parties: Parties, clock: Clock) -> None:
        async def stall(name: str) -> None:
            if name == step and not stalled:
                stalled.append(name)
                clock.now_ms += HOUR_MS  # the lease ran out, and the other job signs a newer timestamp
                assert await publish_round(parties.core, WORKSPACE, "intl", holder="two") is not None
                visible.append(_bytes(parties.core, "timestamp.json"))

        stalled: list[str] = []
        visible: list[bytes] = []
        with pytest.raises(LeaseLost):
            await publish_round(parties.core, WORKSPACE, "intl", holder="one", step=stall)
        assert [_bytes(parties.core, "timestamp.json")] == visible


class TestHooks:
    """Whoever must know what became visible is told in the transaction that says so."""

    async def test_a_hook_that_fails_is_called_again(self, tmp_path: Path, clock: Clock) -> None:
        calls: list[dict[str, int]] = []
        failures = [RuntimeError("not now")]

        async def fail_once(_core: Core, _tx: Transaction, _profile: str, _roles: dict[str, int]) -> None:
            if failures:
                raise failures.pop()

        components = [WITHOUT_JOB, _note_exposures(calls), Component("failing", (TreePublished(fail_once),))]
        async with running_core(tmp_path, components=components, workspaces=[WORKSPACE], now_ms=clock) as core:
            parties = Parties(core)
            await parties.start("intl")
            with pytest.raises(RuntimeError, match="not now"):
                await publish_tree(core, WORKSPACE, "intl")
            assert (await _tree(core)).exposed_timestamp == 0
            await publish_tree(core, WORKSPACE, "intl")
            assert (await _tree(core)).exposed_timestamp == 1
        assert calls == [{"targets": 1, "control": 1}] * 2


async def test_the_job_in_the_background_publishes_by_itself(tmp_path: Path) -> None:
    published = asyncio.Event()

    async def tell(core: Core, tx: Transaction, _profile: str, _roles: dict[str, int]) -> None:
        tx.after_commit(published.set)

    components = [component, Component("telling", (TreePublished(tell),))]
    async with running_core(tmp_path, components=components, workspaces=[WORKSPACE]) as core:
        await Parties(core).start("intl")
        await asyncio.wait_for(published.wait(), 30)
        assert seen(core) == {"control": 1, "targets": 1, "timestamp": 1, "root": 1}


def _note_exposures(calls: list[dict[str, int]]) -> Component:
    async def note(_core: Core, tx: Transaction, profile: str, roles: dict[str, int]) -> None:
        assert (tx.workspace_id, profile) == (WORKSPACE, "intl")
        calls.append(roles)

    return Component("noting", (TreePublished(note),))


def _kill_at(step: str) -> Step:
    async def kill(name: str) -> None:
        if name == step:
            raise Killed

    return kill


async def _be_killed(folder: Path, step: str) -> None:
    async def kill(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with running_core(folder, components=[WITHOUT_JOB], workspaces=[WORKSPACE]) as core:
        parties = Parties(core)
        await parties.start("intl")
        await parties.delegate()
        await parties.publish(1)
        await publish_tree(core, WORKSPACE, "intl")
        await parties.publish(2)
        await publish_round(core, WORKSPACE, "intl", holder="embedded", step=kill)


def main(arguments: Sequence[str]) -> None:
    """Run as the process that is killed: folder and step."""
    asyncio.run(_be_killed(Path(arguments[0]), arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])

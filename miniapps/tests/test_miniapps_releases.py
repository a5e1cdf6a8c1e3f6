"""Releases of mini-apps from the draft to the device's offer: two persons to start, one to make it safer."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sampan.miniapps.component import component as miniapps
from sampan.offline_packages.control import Control
from sampan.platform.audience.component import component as audience
from sampan.platform.audience.rules import BadRule, for_tiers
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.component import component as identity
from sampan.platform.identity.demo_component import component as identity_demo
from sampan.platform.identity.tiers import Tier
from sampan.platform.insight.component import component as insight
from sampan.platform.insight.tickets import Tickets
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.operators.change_errors import ChangeStale, SamePerson
from sampan.platform.operators.changes import Change, approve, reject
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.release import drafts, kills, moves, releasable, repository, rolling_back, starting, taking_effect
from sampan.platform.release.component import component as release
from sampan.platform.release.repository import Release
from sampan.platform.release.snapshot import PART
from sampan.platform.release.states import ReleaseState, WrongReleaseState
from sampan.platform.release.sync import Installed, SyncRequest, answer
from sampan.platform.testing import WORKSPACE
from sampan.platform.testing_artifacts import COMPONENTS, Publishing, publishing_in, without_background
from sampan.platform.testing_trust import APP
from sampan.platform.trust.service import current_control

pytestmark = pytest.mark.anyio
R = ReleaseState
TICKETS = Tickets(bytes(32))
WHOLE = (identity, identity_demo, *COMPONENTS[:-1], audience, without_background(insight), miniapps, release)


class Bank:
    """A bank with one published app: two release managers, and what a device would be offered."""

    def __init__(self, publishing: Publishing, maker: Actor, checker: Actor) -> None:
        self.publishing, self.core, self.maker, self.checker = publishing, publishing.core, maker, checker

    async def draft(self, sequence: int, *tiers: Tier, rollback_to: int | None = None) -> Release:
        rule = for_tiers(*tiers) if tiers else {"all": []}
        wanted = drafts.Draft("miniapp", APP, sequence, rule, rollback_to=rollback_to)
        return await drafts.create_release(self.core, WORKSPACE, self.maker, wanted)

    async def submit(self, made: Release) -> Change:
        return await starting.submit_release(self.core, WORKSPACE, self.maker, made.id)

    async def start(self, sequence: int, *tiers: Tier, rollback_to: int | None = None) -> Release:
        made = await self.draft(sequence, *tiers, rollback_to=rollback_to)
        change = await self.submit(made)
        await approve(self.core, WORKSPACE, self.checker, change.id, digest=change.digest)
        await self.publishing.expose()
        return await self.read(made.id)

    async def read(self, release_id: str) -> Release:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            return await repository.get_release(tx, release_id)

    async def control(self) -> Control:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            found = await current_control(tx, APP)
        assert found is not None
        return found

    async def offers(self, tier: Tier = Tier.FULL, *installed: int) -> list[tuple[str, int]]:
        await self.core.replica.poll()
        view = self.core.replica.view(WORKSPACE)
        caller = Caller(WORKSPACE, "retail", "dev_1", 1, None, tier, 0, 0, "")
        held = [Installed("miniapp", APP, "1", sequence, "sha256:0") for sequence in installed]
        request = SyncRequest("retail", installed=held)
        part, now_ms = view.parts[PART], self.core.now_ms()
        found: dict[str, Any] = json.loads(answer(view, part, caller, request, tickets=TICKETS, now_ms=now_ms))
        return [(offer["action"], offer["sequence"]) for offer in found["offers"]]


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with publishing_in(tmp_path, components=WHOLE) as publishing:
        people = [await person_with(publishing.core, WORKSPACE, "release_manager") for _ in range(2)]
        maker, checker = [await actor_of(publishing.core, WORKSPACE, each) for each in people]
        await publishing.publish(1)
        yield Bank(publishing, maker, checker)


async def test_a_release_offers_only_after_a_second_person_and_a_visible_control(bank: Bank) -> None:
    made = await bank.draft(1, Tier.FULL)
    assert (made.state, await bank.offers()) == (R.DRAFT, [])
    change = await bank.submit(made)
    with pytest.raises(SamePerson):
        await approve(bank.core, WORKSPACE, bank.maker, change.id, digest=change.digest)
    assert ((await bank.read(made.id)).state, await bank.offers()) == (R.SUBMITTED, [])
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    assert (await bank.read(made.id)).state is R.RUNNING
    assert (await bank.control()).offerable == (1,)
    assert await bank.offers() == []  # devices could not see yet that they may install it
    await bank.publishing.expose()
    assert await bank.offers() == [("install", 1)]
    assert await bank.offers(Tier.REGISTERED) == []
    async with bank.core.store.workspace(WORKSPACE).read() as tx:
        states = [entry.state for entry in await repository.history(tx, made.id)]
    assert states == [R.DRAFT, R.SUBMITTED, R.APPROVED, R.RUNNING]


async def test_a_rejected_release_is_a_draft_again_and_can_be_submitted_anew(bank: Bank) -> None:
    made = await bank.draft(1)
    change = await bank.submit(made)
    await reject(bank.core, WORKSPACE, bank.checker, change.id, reason="not on a Friday")
    assert (await bank.read(made.id)).state is R.DRAFT
    again = await bank.submit(made)
    await approve(bank.core, WORKSPACE, bank.checker, again.id, digest=again.digest)
    assert (await bank.read(made.id)).state is R.RUNNING


async def test_two_releases_of_one_app_live_side_by_side(bank: Bank) -> None:
    await bank.publishing.publish(2)
    await bank.start(1)
    await bank.start(2, Tier.FULL)
    assert await bank.offers(Tier.FULL) == [("install", 2)]
    assert await bank.offers(Tier.VISITOR) == [("install", 1)]
    assert (await bank.control()).offerable == (1, 2)


async def test_a_roll_back_by_one_person_goes_to_the_approved_version_only(bank: Bank) -> None:
    await bank.publishing.publish(2)
    await bank.start(1)
    newer = await bank.start(2, rollback_to=1)
    assert await bank.offers(Tier.FULL, 1) == [("install", 2)]
    rolled = await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, newer.id, cause="crashes")
    await bank.publishing.expose()
    assert rolled.state is R.ROLLED_BACK
    control = await bank.control()
    assert control.offerable == (1,)
    assert [(entry.from_, entry.to, entry.serial) for entry in control.rollback] == [(2, 1, control.serial)]
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]
    await bank.publishing.publish(3)
    await bank.start(3)
    assert await bank.offers(Tier.FULL, 1) == [("install", 3)]


async def test_a_roll_back_reaches_devices_also_when_nothing_else_offers_the_target(bank: Bank) -> None:
    await bank.publishing.publish(2)
    only = await bank.start(2, Tier.FULL, rollback_to=1)
    await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, only.id, cause="crashes")
    assert await bank.offers(Tier.FULL, 2) == []  # until devices can see the control file that lets them go back
    await bank.publishing.expose()
    assert await bank.offers(Tier.FULL, 2) == [("rollback", 1)]
    assert await bank.offers(Tier.FULL) == [("install", 1)]
    assert await bank.offers(Tier.VISITOR) == []


async def test_a_control_file_that_changed_again_exposes_nothing_yet(bank: Bank) -> None:
    made = await bank.draft(1)
    change = await bank.submit(made)
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    async with bank.core.store.workspace(WORKSPACE).write() as tx:
        await taking_effect.on_tree_published(bank.core, tx, "intl", {"control": 1})  # made before the approval
    assert not (await bank.read(made.id)).is_exposed
    await bank.publishing.expose()
    assert (await bank.read(made.id)).is_exposed


async def test_a_release_without_a_target_cannot_be_rolled_back(bank: Bank) -> None:
    running = await bank.start(1)
    with pytest.raises(rolling_back.NoRollbackTarget):
        await rolling_back.roll_back_release(bank.core, WORKSPACE, bank.maker, running.id, cause="x")
    assert (await bank.read(running.id)).state is R.RUNNING


async def test_a_killed_version_is_removed_and_never_released_again(bank: Bank) -> None:
    running = await bank.start(1)
    admin = await actor_of(bank.core, WORKSPACE, await person_with(bank.core, WORKSPACE, "admin"))
    await kills.kill_version(
        bank.core, WORKSPACE, admin, kind="miniapp", deliverable_id=APP, sequence=1, reason="leaks", cause="leak"
    )
    await bank.publishing.expose()
    assert (await bank.read(running.id)).state is R.STOPPED
    control = await bank.control()
    assert (control.offerable, [entry.sequence for entry in control.killed]) == ((), [1])
    assert await bank.offers(Tier.FULL, 1) == [("remove", 1)]
    assert await bank.offers(Tier.FULL) == []
    with pytest.raises(releasable.NotReleasable):
        await bank.draft(1)


async def test_pausing_takes_one_person_and_resuming_two(bank: Bank) -> None:
    running = await bank.start(1)
    await moves.pause_release(bank.core, WORKSPACE, bank.maker, running.id, cause="look at it")
    await bank.publishing.expose()
    assert (await bank.offers(), (await bank.control()).offerable) == ([], ())
    change = await starting.propose_resume(bank.core, WORKSPACE, bank.maker, running.id)
    with pytest.raises(SamePerson):
        await approve(bank.core, WORKSPACE, bank.maker, change.id, digest=change.digest)
    await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    await bank.publishing.expose()
    assert await bank.offers() == [("install", 1)]


async def test_a_stopped_release_is_final_and_its_version_can_be_released_again(bank: Bank) -> None:
    running = await bank.start(1)
    await moves.stop_release(bank.core, WORKSPACE, bank.maker, running.id, cause="enough")
    with pytest.raises(WrongReleaseState):
        await starting.propose_resume(bank.core, WORKSPACE, bank.maker, running.id)
    await bank.start(1)
    assert await bank.offers() == [("install", 1)]


async def test_a_change_request_of_a_release_that_moved_is_stale(bank: Bank) -> None:
    running = await bank.start(1)
    await moves.pause_release(bank.core, WORKSPACE, bank.maker, running.id, cause="x")
    change = await starting.propose_resume(bank.core, WORKSPACE, bank.maker, running.id)
    await moves.stop_release(bank.core, WORKSPACE, bank.maker, running.id, cause="x")
    with pytest.raises(ChangeStale):
        await approve(bank.core, WORKSPACE, bank.checker, change.id, digest=change.digest)
    assert (await bank.read(running.id)).state is R.STOPPED


async def test_two_who_stop_at_once_stop_it_once(bank: Bank) -> None:
    running = await bank.start(1)
    stops = [moves.stop_release(bank.core, WORKSPACE, bank.maker, running.id, cause=str(n)) for n in range(4)]
    outcomes = await asyncio.gather(*stops, return_exceptions=True)
    assert sum(isinstance(outcome, Release) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, WrongReleaseState) for outcome in outcomes) == 3


async def test_wrong_drafts_are_refused_at_their_place(bank: Bank) -> None:
    def draft(**other: Any) -> drafts.Draft:
        fields: dict[str, Any] = {"kind": "miniapp", "deliverable_id": APP, "sequence": 1, "audience": {"all": []}}
        return drafts.Draft(**{**fields, **other})

    for wrong, refusal in (
        (draft(sequence=9), releasable.NotReleasable),
        (draft(deliverable_id="com.other.app"), releasable.NotReleasable),
        (draft(kind="poster"), releasable.UnknownDeliverableKind),
        (draft(audience={"attr": "age", "op": "in", "values": [1]}), BadRule),
        (draft(update_mode="now"), drafts.BadUpdateMode),
        (draft(rollback_to=1), drafts.BadRollbackTarget),
        (draft(rollback_to=0), drafts.BadRollbackTarget),
    ):
        with pytest.raises(refusal):
            await drafts.create_release(bank.core, WORKSPACE, bank.maker, wrong)


async def test_every_act_asks_for_its_permission(bank: Bank) -> None:
    running = await bank.start(1, rollback_to=None)
    nobody = await actor_of(bank.core, WORKSPACE, await person_with(bank.core, WORKSPACE, "auditor"))
    core, wanted = bank.core, drafts.Draft("miniapp", APP, 1, {"all": []})
    acts = (
        drafts.create_release(core, WORKSPACE, nobody, wanted),
        starting.submit_release(core, WORKSPACE, nobody, running.id),
        moves.pause_release(core, WORKSPACE, nobody, running.id, cause=""),
        moves.stop_release(core, WORKSPACE, nobody, running.id, cause=""),
        moves.complete_release(core, WORKSPACE, nobody, running.id),
        starting.propose_resume(core, WORKSPACE, nobody, running.id),
        rolling_back.roll_back_release(core, WORKSPACE, nobody, running.id, cause=""),
        kills.kill_version(
            core, WORKSPACE, nobody, kind="miniapp", deliverable_id=APP, sequence=1, reason="x", cause="x"
        ),
    )
    for act in acts:
        with pytest.raises(MissingPermission):
            await act
    assert (await bank.read(running.id)).state is R.RUNNING

"""Change requests: two persons, the same bytes, one application; and the database keeps the two apart itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from sampan.platform.component import Component
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import SampanError
from sampan.platform.operators import change_rows
from sampan.platform.operators.actor import Actor, ActorKind, Grant, MissingPermission, system_actor
from sampan.platform.operators.audit import audit_rows
from sampan.platform.operators.change_errors import (
    AlreadyApproved,
    BadChange,
    BondedPair,
    ChangeClosed,
    ChangeEdited,
    ChangeExpired,
    ChangeNotFound,
    ChangeStale,
    MachinesNeverApprove,
    NotTheMaker,
    PersonInactive,
    SamePerson,
    UnknownChangeKind,
)
from sampan.platform.operators.change_rows import Approval, ChangeState, change_approvals
from sampan.platform.operators.changes import (
    EXPIRES_MS,
    Change,
    ChangeKind,
    DiffLine,
    approve,
    edit,
    propose,
    reject,
    withdraw,
)
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.operator_rows import BOND_MS, OperatorState, bond, set_operator_state
from sampan.platform.operators.permissions import Permission
from sampan.platform.operators.testing import actor_of, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

pytestmark = pytest.mark.anyio


@dataclass
class Lamp:
    """The thing that changes are about: it remembers every time it was switched."""

    base: str = "1"
    switched: list[dict[str, Any]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    failing: bool = False

    async def present(self, _tx: Transaction, _target: str) -> str:
        return self.base

    async def switch(self, _core: Core, _tx: Transaction, change: Change, _actor: Actor) -> None:
        if self.failing:
            raise BadChange("the lamp is broken")
        self.switched.append(change.payload)

    async def forget(self, _core: Core, _tx: Transaction, change: Change, _actor: Actor) -> None:
        self.closed.append(change.id)

    def kind(self, name: str, **options: Any) -> ChangeKind:
        return ChangeKind(
            name=name,
            propose="lamp:propose",
            approve="lamp:approve",
            base=self.present,
            apply=self.switch,
            on_close=self.forget,
            describe=lambda payload: [DiffLine("亮度", "Brightness", before="0", after=str(payload.get("to")))],
            lowers_risk=lambda payload: payload.get("to") == 0,
            **options,
        )


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@dataclass
class Stage:
    core: Core
    lamp: Lamp
    clock: Clock
    maker: Actor
    checker: Actor
    third: Actor

    async def proposed(self, kind: str = "lamp.switch", to: int = 5) -> Change:
        return await propose(self.core, WORKSPACE, self.maker, kind=kind, target="hall", payload={"to": to})

    async def approve(self, change: Change, by: Actor | None = None, *, digest: str = "") -> Change:
        return await approve(self.core, WORKSPACE, by or self.checker, change.id, digest=digest or change.digest)

    async def state(self, change: Change) -> ChangeState:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            found = await change_rows.change_by_id(tx, change.id)
        assert found is not None
        return found.state_at(self.clock.ms)

    async def actions(self) -> list[str]:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            statement = select(audit_rows.c.action).where(audit_rows.c.workspace_id == WORKSPACE)
            return list((await tx.execute(statement.order_by(audit_rows.c.n))).scalars())


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    lamp, clock = Lamp(), Clock()
    everybody = frozenset({"release_manager", "reviewer"})
    lamps = Component(
        "lamps",
        (
            Permission("lamp:propose", "提出", "Propose", everybody),
            Permission("lamp:approve", "审批", "Approve", everybody),
            lamp.kind("lamp.switch", by_hand=True),
            lamp.kind("lamp.two", approvers=2, by_hand=True),
            lamp.kind("lamp.made"),
            lamp.kind("lamp.room", scope=lambda target, _payload: {"app": target}),
        ),
    )
    async with running_core(tmp_path, components=(operators, lamps), now_ms=clock) as core:
        people = [await person_with(core, WORKSPACE, role) for role in ("release_manager", "reviewer", "reviewer")]
        yield Stage(core, lamp, clock, *[await actor_of(core, WORKSPACE, person) for person in people])


async def test_a_second_person_applies_the_change_in_one_step(stage: Stage) -> None:
    change = await stage.proposed()
    assert (change.state, stage.lamp.switched) == (ChangeState.PROPOSED, [])
    assert [line.en for line in change.diff] == ["Brightness"]
    applied = await stage.approve(change)
    assert (applied.state, stage.lamp.switched) == (ChangeState.APPLIED, [{"to": 5}])
    assert (await stage.actions())[-3:] == ["change.propose", "change.approve", "change.apply"]


async def test_lowering_a_risk_takes_one_person(stage: Stage) -> None:
    change = await stage.proposed(to=0)
    assert (change.state, stage.lamp.switched) == (ChangeState.APPLIED, [{"to": 0}])


async def test_nobody_approves_their_own(stage: Stage) -> None:
    change = await stage.proposed()
    with pytest.raises(SamePerson):
        await stage.approve(change, stage.maker)
    other_account = replace(stage.maker, operator_id="opr_another")
    with pytest.raises(SamePerson):
        await stage.approve(change, other_account)
    assert stage.lamp.switched == []


async def test_machines_and_the_system_never_decide(stage: Stage) -> None:
    change = await stage.proposed()
    for nobody in (replace(stage.checker, kind=ActorKind.MACHINE), system_actor("gate")):
        with pytest.raises(MachinesNeverApprove):
            await stage.approve(change, nobody)
        with pytest.raises(MachinesNeverApprove):
            await reject(stage.core, WORKSPACE, nobody, change.id)


async def test_a_machine_token_counts_as_its_owner(stage: Stage) -> None:
    machine = replace(stage.checker, kind=ActorKind.MACHINE, via="tok_1")
    change = await propose(stage.core, WORKSPACE, machine, kind="lamp.switch", target="hall", payload={"to": 3})
    assert change.maker_via == "tok_1"
    with pytest.raises(SamePerson):
        await stage.approve(change, stage.checker)


async def test_the_right_is_needed_for_each_step(stage: Stage) -> None:
    nobody = replace(stage.third, grants=())
    with pytest.raises(MissingPermission):
        await propose(stage.core, WORKSPACE, nobody, kind="lamp.switch", target="hall", payload={})
    change = await stage.proposed()
    with pytest.raises(MissingPermission):
        await stage.approve(change, nobody)
    with pytest.raises(MissingPermission):
        await reject(stage.core, WORKSPACE, nobody, change.id)


async def test_a_limited_grant_approves_only_its_thing(stage: Stage) -> None:
    only_hall = replace(
        stage.checker, grants=(Grant("reviewer", frozenset({"lamp:approve", "lamp:propose"}), app="hall"),)
    )
    hall = await stage.proposed(kind="lamp.room")
    cellar = await propose(stage.core, WORKSPACE, stage.maker, kind="lamp.room", target="cellar", payload={"to": 1})
    assert (await stage.approve(hall, only_hall)).state is ChangeState.APPLIED
    with pytest.raises(MissingPermission):
        await stage.approve(cellar, only_hall)
    with pytest.raises(MissingPermission):
        await stage.approve(await stage.proposed(), only_hall)


async def test_only_the_digest_that_was_seen_is_approved(stage: Stage) -> None:
    change = await stage.proposed()
    other = await stage.proposed(to=6)
    with pytest.raises(ChangeEdited):
        await stage.approve(change, digest=other.digest)
    assert await stage.state(change) is ChangeState.PROPOSED


async def test_editing_voids_approvals(stage: Stage) -> None:
    change = await stage.proposed(kind="lamp.two")
    await stage.approve(change)
    edited = await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 9})
    assert edited.edition == 2
    with pytest.raises(ChangeEdited):
        await stage.approve(change, stage.third)
    await stage.approve(edited, stage.third)
    assert stage.lamp.switched == []
    assert (await stage.approve(edited)).state is ChangeState.APPLIED
    assert stage.lamp.switched == [{"to": 9}]


async def test_editing_back_to_the_same_bytes_voids_approvals_too(stage: Stage) -> None:
    change = await stage.proposed(kind="lamp.two")
    await stage.approve(change)
    again = await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 5})
    assert again.digest == change.digest
    assert (await stage.approve(again, stage.third)).state is ChangeState.PROPOSED


async def test_a_payload_that_a_use_case_made_is_not_edited(stage: Stage) -> None:
    change = await stage.proposed(kind="lamp.made")
    with pytest.raises(BadChange):
        await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 9})
    stage.lamp.base = "2"
    edited = await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 5})
    assert (await stage.approve(edited)).state is ChangeState.APPLIED
    assert stage.lamp.switched == [{"to": 5}]


async def test_only_the_maker_edits_and_withdraws(stage: Stage) -> None:
    change = await stage.proposed()
    with pytest.raises(NotTheMaker):
        await edit(stage.core, WORKSPACE, stage.checker, change.id, digest=change.digest, payload={"to": 1})
    with pytest.raises(NotTheMaker):
        await withdraw(stage.core, WORKSPACE, stage.checker, change.id)
    assert (await withdraw(stage.core, WORKSPACE, stage.maker, change.id)).state is ChangeState.WITHDRAWN
    with pytest.raises(ChangeClosed):
        await stage.approve(change)


async def test_a_moved_base_makes_it_stale_and_an_edit_takes_the_new_one(stage: Stage) -> None:
    change = await stage.proposed()
    stage.lamp.base = "2"
    with pytest.raises(ChangeStale):
        await stage.approve(change)
    assert (await stage.state(change), stage.lamp.switched) == (ChangeState.STALE, [])
    with pytest.raises(ChangeStale):
        await stage.approve(change)
    edited = await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 5})
    assert edited.digest != change.digest
    assert (await stage.approve(edited)).state is ChangeState.APPLIED


async def test_it_expires(stage: Stage) -> None:
    change = await stage.proposed()
    stage.clock.ms += EXPIRES_MS - 1
    assert await stage.state(change) is ChangeState.PROPOSED
    stage.clock.ms += 1
    assert await stage.state(change) is ChangeState.EXPIRED
    with pytest.raises(ChangeExpired):
        await stage.approve(change)
    edited = await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 5})
    assert (await stage.approve(edited)).state is ChangeState.APPLIED


async def test_rejected_is_final(stage: Stage) -> None:
    change = await stage.proposed()
    refused = await reject(stage.core, WORKSPACE, stage.checker, change.id, reason="too bright")
    assert (refused.state, refused.reason) == (ChangeState.REJECTED, "too bright")
    with pytest.raises(ChangeClosed):
        await stage.approve(change, stage.third)
    with pytest.raises(ChangeClosed):
        await edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 1})


async def test_closing_tells_the_kind_and_works_on_what_expired(stage: Stage) -> None:
    change = await stage.proposed()
    stage.clock.ms += EXPIRES_MS
    assert (await withdraw(stage.core, WORKSPACE, stage.maker, change.id)).state is ChangeState.WITHDRAWN
    other = await stage.proposed()
    await reject(stage.core, WORKSPACE, stage.checker, other.id)
    assert stage.lamp.closed == [change.id, other.id]


async def test_two_approvers_are_two_more_persons(stage: Stage) -> None:
    change = await stage.proposed(kind="lamp.two")
    assert (await stage.approve(change)).state is ChangeState.PROPOSED
    with pytest.raises(AlreadyApproved):
        await stage.approve(change)
    assert (await stage.approve(change, stage.third)).state is ChangeState.APPLIED
    assert stage.lamp.switched == [{"to": 5}]


async def test_two_approvals_at_once_apply_once(stage: Stage) -> None:
    change = await stage.proposed()
    outcomes = await asyncio.gather(stage.approve(change), stage.approve(change, stage.third), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Change", "ChangeClosed"]
    assert stage.lamp.switched == [{"to": 5}]


async def test_an_edit_and_an_approval_at_once_leave_one_of_them(stage: Stage) -> None:
    change = await stage.proposed()
    outcomes = await asyncio.gather(
        edit(stage.core, WORKSPACE, stage.maker, change.id, digest=change.digest, payload={"to": 7}),
        stage.approve(change),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, SampanError) for outcome in outcomes) == 1
    assert stage.lamp.switched in ([], [{"to": 5}])


async def test_the_row_is_claimed_before_it_is_applied(stage: Stage) -> None:
    change = await stage.proposed()
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        claims = [
            await change_rows.decide(
                tx, change, ChangeState.APPLIED, now_ms=stage.clock.ms, only_from=ChangeState.PROPOSED
            )
            for _ in range(2)
        ]
    assert claims == [True, False]


async def test_a_change_that_cannot_be_applied_leaves_no_trace(stage: Stage) -> None:
    change = await stage.proposed()
    before = await stage.actions()
    stage.lamp.failing = True
    with pytest.raises(BadChange):
        await stage.approve(change)
    assert await stage.state(change) is ChangeState.PROPOSED
    assert await stage.actions() == before
    stage.lamp.failing = False
    assert (await stage.approve(change)).state is ChangeState.APPLIED


async def test_the_database_itself_refuses_the_makers_approval(stage: Stage) -> None:
    change = await stage.proposed()
    own = Approval(change.id, 1, stage.maker.person_id, "opr_x", change.digest, stage.clock.ms)
    with pytest.raises(IntegrityError, match="two_persons"):
        async with stage.core.store.workspace(WORKSPACE).write() as tx:
            await change_rows.add_approval(tx, change, own)
    # A lie about the maker does not help either: the foreign key carries the true one.
    row = {name: getattr(own, name) for name in Approval.__slots__}
    lie = insert(change_approvals).values({**row, "workspace_id": WORKSPACE, "maker_person_id": "per_somebody_else"})
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with stage.core.store.workspace(WORKSPACE).write() as tx:
            await tx.execute(lie)


@pytest.mark.parametrize("maker_made_checker", [True, False])
async def test_a_bonded_pair_is_refused_for_seven_days(stage: Stage, maker_made_checker: bool) -> None:
    by, account = (stage.maker, stage.checker) if maker_made_checker else (stage.checker, stage.maker)
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        await bond(tx, [by.person_id], account.person_id, reason="created", now_ms=stage.clock.ms)
    stage.clock.ms += BOND_MS - 1
    change = await stage.proposed()
    with pytest.raises(BondedPair):
        await stage.approve(change)
    stage.clock.ms += 1
    assert (await stage.approve(change)).state is ChangeState.APPLIED


async def test_bonds_hold_between_two_checkers_too(stage: Stage) -> None:
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        await bond(tx, [stage.checker.person_id], stage.third.person_id, reason="reset", now_ms=stage.clock.ms)
    change = await stage.proposed(kind="lamp.two")
    await stage.approve(change)
    with pytest.raises(BondedPair):
        await stage.approve(change, stage.third)


@pytest.mark.parametrize("who", ["maker", "checker"])
async def test_disabled_people_take_no_part(stage: Stage, who: str) -> None:
    change = await stage.proposed()
    gone: Actor = getattr(stage, who)
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        assert await set_operator_state(tx, gone.operator_id, OperatorState.DISABLED)
    with pytest.raises(PersonInactive):
        await stage.approve(change)


async def test_the_approval_of_somebody_disabled_since_does_not_count(stage: Stage) -> None:
    change = await stage.proposed(kind="lamp.two")
    await stage.approve(change)
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        await set_operator_state(tx, stage.checker.operator_id, OperatorState.DISABLED)
    assert (await stage.approve(change, stage.third)).state is ChangeState.PROPOSED
    assert stage.lamp.switched == []


async def test_what_cannot_be_a_change_is_refused(stage: Stage) -> None:
    with pytest.raises(UnknownChangeKind):
        await stage.proposed(kind="lamp.explode")
    for payload in ({"to": 1.5}, {"to": 2**60}, {"to": "x" * 300_000}):
        with pytest.raises(BadChange):
            await propose(stage.core, WORKSPACE, stage.maker, kind="lamp.switch", target="hall", payload=payload)
    with pytest.raises(BadChange):
        await propose(
            stage.core, WORKSPACE, stage.maker, kind="lamp.switch", target="hall", payload={}, note="n" * 2001
        )


async def test_another_workspace_sees_nothing_of_it(stage: Stage) -> None:
    change = await stage.proposed()
    with pytest.raises(ChangeNotFound):
        await approve(stage.core, OTHER_WORKSPACE, stage.checker, change.id, digest=change.digest)

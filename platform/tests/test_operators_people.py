"""Accounts: elevating takes two persons and leaves bonds, lowering takes one, no bank takes another's people over."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.core import Core
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.operators.change_errors import BondedPair, ChangeStale
from sampan.platform.operators.changes import Change, ChangeState, approve, propose
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.enrolment import LINK_MS, begin_setup, finish_setup, issue_setup_link
from sampan.platform.operators.first_people import (
    Credentials,
    create_first_admins,
    create_ready_operator,
    invite_existing,
    rescue,
    rescue_by_email,
)
from sampan.platform.operators.machine_tokens import (
    DAY_MS,
    BadToken,
    create_token,
    list_tokens,
    revoke_token,
)
from sampan.platform.operators.operator_rows import (
    BOND_MS,
    Operator,
    OperatorFilter,
    OperatorState,
    operator_by_id,
    operator_of_person,
)
from sampan.platform.operators.passwords import BadPassword
from sampan.platform.operators.people import (
    Account,
    disable,
    page_people,
    propose_enabling,
    propose_grants,
    propose_operator,
    propose_reset,
    remove_grant,
)
from sampan.platform.operators.people_changes import SETUP_ALLOWED_MS, BadGrant
from sampan.platform.operators.people_errors import (
    AlreadyInitialised,
    BuiltInRoleFixed,
    GrantNotFound,
    LastAdmin,
    MachinesMakeNoTokens,
    NotForMachines,
    OperatorExists,
    OperatorNotFound,
    PersonElsewhere,
    PersonExists,
    PersonNotFound,
    SetupLinkInvalid,
    SetupNotAllowed,
    TokenNotFound,
    UnknownPermission,
    UnknownRole,
    WrongCode,
)
from sampan.platform.operators.session_rows import SessionKind
from sampan.platform.operators.sign_in import NewSession, SignInRefused, sign_in
from sampan.platform.operators.signed_in import SessionEnded, recognise
from sampan.platform.operators.testing import actor_of, person_with, totp_of
from sampan.platform.operators.totp import STEP_MS, code_for, step_at
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

pytestmark = pytest.mark.anyio
REVIEWER = [{"role": "reviewer"}]
HERE = "192.0.2.7"
PASSWORD = "a password of my own"


class Clock:
    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@dataclass
class Stage:
    core: Core
    clock: Clock
    credentials: list[Credentials]
    ada: Actor
    bob: Actor

    async def approved(self, change: Change, by: Actor | None = None) -> Change:
        return await approve(self.core, WORKSPACE, by or self.bob, change.id, digest=change.digest)

    async def newcomer(self, email: str = "eve@example.com") -> Operator:
        change = await propose_operator(self.core, WORKSPACE, self.ada, email=email, name="Eve", grants=REVIEWER)
        await self.approved(change)
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            found = await operator_of_person(tx, change.target)
        assert found is not None
        return found

    async def set_up(self, link: str) -> bytes:
        secret = _unbase32((await begin_setup(self.core, WORKSPACE, link, source=HERE)).totp_secret)
        code = code_for(secret, step_at(self.clock.ms))
        await finish_setup(self.core, WORKSPACE, link, password=PASSWORD, totp=code, source=HERE)
        return secret

    async def enter(self, email: str, secret: bytes, password: str = PASSWORD) -> NewSession:
        self.clock.ms += STEP_MS
        return await sign_in(
            self.core,
            WORKSPACE,
            email=email,
            password=password,
            totp=code_for(secret, step_at(self.clock.ms)),
            source=HERE,
            kind=SessionKind.BEARER,
        )

    async def operator(self, operator_id: str) -> Operator:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            found = await operator_by_id(tx, operator_id)
        assert found is not None
        return found


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running_core(tmp_path, components=(operators,), now_ms=clock) as core:
        admins = [("ada@example.com", "Ada"), ("bob@example.com", "Bob")]
        made = await create_first_admins(core, WORKSPACE, admins)
        yield Stage(core, clock, made, *[await actor_of(core, WORKSPACE, person) for person in made])


async def accounts(stage: Stage) -> list[Account]:
    return (await page_people(stage.core, WORKSPACE, stage.ada, OperatorFilter(), Paging())).items


async def test_a_workspace_starts_with_two_admins_once(stage: Stage) -> None:
    people = await accounts(stage)
    assert [(person.email, person.is_set_up, [g.role for g in grants]) for _, person, grants in people] == [
        ("ada@example.com", True, ["admin"]),
        ("bob@example.com", True, ["admin"]),
    ]
    with pytest.raises(AlreadyInitialised):
        await create_first_admins(stage.core, WORKSPACE, [("x@example.com", "X"), ("y@example.com", "Y")])
    for too_few in ([("x@example.com", "X")], [("x@example.com", "X"), ("X@example.com", "X again")]):
        with pytest.raises(ValueError, match="two"):
            await create_first_admins(stage.core, OTHER_WORKSPACE, too_few)


async def test_the_same_two_may_start_a_second_workspace_with_what_they_have(stage: Stage) -> None:
    people = [("ada@example.com", "Ada"), ("carl@example.com", "Carl")]
    ada, carl = await create_first_admins(stage.core, OTHER_WORKSPACE, people)
    assert (ada.person_id, ada.password) == (stage.ada.person_id, "")
    assert carl.password != ""


async def test_a_new_account_takes_two_admins_and_its_own_link(stage: Stage) -> None:
    change = await propose_operator(
        stage.core, WORKSPACE, stage.ada, email="Eve@Example.com", name="Eve", grants=REVIEWER
    )
    assert [(line.en, line.after) for line in change.diff] == [
        ("New account", "Eve <eve@example.com>"),
        ("Role", "reviewer"),
    ]
    assert len(await accounts(stage)) == 2
    await stage.approved(change)
    operator, person, _ = (await accounts(stage))[2]
    assert not person.is_set_up
    link = await issue_setup_link(stage.core, WORKSPACE, stage.ada, operator.id)
    secret = await stage.set_up(link.secret)
    made = await stage.enter("eve@example.com", secret)
    found = await recognise(stage.core, WORKSPACE, made.secret, source="192.0.2.1")
    assert [grant.role for grant in found.actor.grants] == ["reviewer"]


async def test_only_who_may_proposes_and_lists(stage: Stage) -> None:
    reviewer = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "reviewer"))
    with pytest.raises(MissingPermission):
        await propose_operator(stage.core, WORKSPACE, reviewer, email="x@example.com", name="X", grants=REVIEWER)
    with pytest.raises(MissingPermission):
        await propose_grants(stage.core, WORKSPACE, reviewer, reviewer.operator_id, grants=[{"role": "admin"}])
    with pytest.raises(MissingPermission):
        await disable(stage.core, WORKSPACE, reviewer, stage.ada.operator_id)
    with pytest.raises(MissingPermission):
        await page_people(stage.core, WORKSPACE, reviewer, OperatorFilter(), Paging())
    with pytest.raises(MissingPermission):
        await issue_setup_link(stage.core, WORKSPACE, reviewer, stage.ada.operator_id)


async def test_a_made_up_colleague_is_no_second_person(stage: Stage) -> None:
    change = await propose_operator(
        stage.core, WORKSPACE, stage.ada, email="eve@example.com", name="Eve", grants=[{"role": "admin"}]
    )
    await stage.approved(change)
    async with stage.core.store.workspace(WORKSPACE).read() as tx:
        eve_operator = await operator_of_person(tx, change.target)
    assert eve_operator is not None
    eve = Actor("operator", change.target, eve_operator.id, "", stage.ada.grants)
    for maker in (stage.ada, stage.bob):
        own = await propose_grants(stage.core, WORKSPACE, maker, maker.operator_id, grants=REVIEWER)
        with pytest.raises(BondedPair):
            await stage.approved(own, by=eve)
    stage.clock.ms += BOND_MS
    own = await propose_grants(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id, grants=REVIEWER)
    assert (await stage.approved(own, by=eve)).state is ChangeState.APPLIED


async def test_whoever_hands_out_the_link_is_bonded_too(stage: Stage) -> None:
    eve = await stage.newcomer()
    carl = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "admin"))
    await issue_setup_link(stage.core, WORKSPACE, carl, eve.id)
    as_eve = Actor("operator", eve.person_id, eve.id, "", carl.grants)
    change = await propose_grants(stage.core, WORKSPACE, carl, carl.operator_id, grants=REVIEWER)
    with pytest.raises(BondedPair):
        await stage.approved(change, by=as_eve)


async def test_elevating_bonds(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "auditor")
    change = await propose_grants(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants=[{"role": "admin"}])
    await stage.approved(change)
    actor = await actor_of(stage.core, WORKSPACE, carl)
    assert actor.may("operator:approve")
    own = await propose_grants(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id, grants=REVIEWER)
    with pytest.raises(BondedPair):
        await stage.approved(own, by=actor)


async def test_a_link_works_once_and_only_the_newest(stage: Stage) -> None:
    eve = await stage.newcomer()
    old = await issue_setup_link(stage.core, WORKSPACE, stage.ada, eve.id)
    link = await issue_setup_link(stage.core, WORKSPACE, stage.ada, eve.id)
    with pytest.raises(SetupLinkInvalid):
        await begin_setup(stage.core, WORKSPACE, old.secret, source=HERE)
    await stage.set_up(link.secret)
    with pytest.raises(SetupLinkInvalid):
        await begin_setup(stage.core, WORKSPACE, link.secret, source=HERE)
    with pytest.raises(SetupNotAllowed):
        await issue_setup_link(stage.core, WORKSPACE, stage.ada, eve.id)


async def test_a_link_ends_and_wants_a_good_password_and_code(stage: Stage) -> None:
    eve = await stage.newcomer()
    link = (await issue_setup_link(stage.core, WORKSPACE, stage.ada, eve.id)).secret
    with pytest.raises(WrongCode):
        await finish_setup(stage.core, WORKSPACE, link, password=PASSWORD, totp="xxxxxx", source=HERE)
    with pytest.raises(BadPassword):
        await finish_setup(stage.core, WORKSPACE, link, password="short", totp="123456", source=HERE)
    with pytest.raises(SetupLinkInvalid):
        await begin_setup(stage.core, OTHER_WORKSPACE, link, source=HERE)
    stage.clock.ms += LINK_MS
    with pytest.raises(SetupLinkInvalid):
        await begin_setup(stage.core, WORKSPACE, link, source=HERE)
    stage.clock.ms += SETUP_ALLOWED_MS
    with pytest.raises(SetupNotAllowed):
        await issue_setup_link(stage.core, WORKSPACE, stage.ada, eve.id)


async def test_a_reset_takes_two_and_replaces_everything(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "reviewer", email="carl@example.com")
    with pytest.raises(SetupNotAllowed):
        await issue_setup_link(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    before = await stage.enter("carl@example.com", carl.totp_secret, carl.password)
    await stage.approved(await propose_reset(stage.core, WORKSPACE, stage.ada, carl.operator_id))
    link = await issue_setup_link(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    # asking for a reset alone disturbs nobody
    assert await recognise(stage.core, WORKSPACE, before.secret, source="192.0.2.1")
    secret = await stage.set_up(link.secret)
    with pytest.raises(SessionEnded):
        await recognise(stage.core, WORKSPACE, before.secret, source="192.0.2.1")
    with pytest.raises(SignInRefused):
        await stage.enter("carl@example.com", carl.totp_secret, carl.password)
    assert await stage.enter("carl@example.com", secret)


async def test_no_bank_resets_a_person_of_two_banks(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "reviewer", email="carl@example.com")
    await stage.approved(await propose_reset(stage.core, WORKSPACE, stage.ada, carl.operator_id))
    link = await issue_setup_link(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    await invite_existing(stage.core, OTHER_WORKSPACE, email="carl@example.com", grants=REVIEWER)
    with pytest.raises(PersonElsewhere):
        await stage.set_up(link.secret)
    with pytest.raises(PersonElsewhere):
        await issue_setup_link(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    with pytest.raises(PersonElsewhere):
        await propose_reset(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    rescued = await rescue(stage.core, WORKSPACE, carl.operator_id)
    assert await stage.set_up(rescued.secret)


async def test_a_person_of_another_bank_is_invited_knowingly(stage: Stage) -> None:
    carl = await create_ready_operator(
        stage.core, OTHER_WORKSPACE, email="carl@example.com", name="Carl", grants=REVIEWER
    )
    options: dict[str, Any] = {"email": "carl@example.com", "name": "Charles", "grants": REVIEWER}
    with pytest.raises(PersonExists):
        await propose_operator(stage.core, WORKSPACE, stage.ada, **options)
    change = await propose_operator(stage.core, WORKSPACE, stage.ada, existing=True, **options)
    assert change.diff[0].after == "Carl <carl@example.com>"
    assert change.diff[-1].after == OTHER_WORKSPACE
    await stage.approved(change)
    assert await stage.enter("carl@example.com", carl.totp_secret, carl.password)
    with pytest.raises(OperatorExists):
        await propose_operator(stage.core, WORKSPACE, stage.ada, existing=True, **options)


async def test_a_stranger_who_was_never_set_up_cannot_be_invited(stage: Stage) -> None:
    """Else a bank could enter an address first and hold the password of another bank's operator."""
    await propose_operator(stage.core, WORKSPACE, stage.ada, email="eve@example.com", name="Eve", grants=REVIEWER)
    people = [("x@example.com", "X"), ("y@example.com", "Y")]
    elsewhere = await actor_of(
        stage.core, OTHER_WORKSPACE, (await create_first_admins(stage.core, OTHER_WORKSPACE, people))[0]
    )
    for existing, problem in ((True, PersonNotFound), (False, PersonExists)):
        with pytest.raises(problem):
            await propose_operator(
                stage.core,
                OTHER_WORKSPACE,
                elsewhere,
                email="eve@example.com",
                name="Eve",
                grants=REVIEWER,
                existing=existing,
            )


async def test_disabling_takes_one_and_enabling_two(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "reviewer", email="carl@example.com")
    session = await stage.enter("carl@example.com", carl.totp_secret, carl.password)
    actor = (await recognise(stage.core, WORKSPACE, session.secret, source="192.0.2.1")).actor
    token, secret = await create_token(stage.core, WORKSPACE, actor, name="ci", permissions=["token:create"], days=30)
    await disable(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    await disable(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    change = await propose_enabling(stage.core, WORKSPACE, stage.ada, carl.operator_id)
    assert (await stage.operator(carl.operator_id)).state is OperatorState.DISABLED
    await stage.approved(change)
    assert (await stage.operator(carl.operator_id)).state is OperatorState.ACTIVE
    for old in (session.secret, secret):
        with pytest.raises(SessionEnded):
            await recognise(stage.core, WORKSPACE, old, source="192.0.2.1")
    assert token.id in {item.id for item in (await list_tokens(stage.core, WORKSPACE, stage.ada, Paging())).items}


async def test_the_last_admin_stays(stage: Stage) -> None:
    await disable(stage.core, WORKSPACE, stage.ada, stage.bob.operator_id)
    with pytest.raises(LastAdmin):
        await disable(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id)
    grant = (await accounts(stage))[0][2][0]
    with pytest.raises(LastAdmin):
        await remove_grant(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id, grant.id)
    assert (await stage.operator(stage.ada.operator_id)).state is OperatorState.ACTIVE


async def test_the_host_rescues_a_workspace_that_lost_its_second_admin(stage: Stage) -> None:
    await disable(stage.core, WORKSPACE, stage.ada, stage.bob.operator_id)
    with pytest.raises(OperatorNotFound):
        await rescue_by_email(stage.core, OTHER_WORKSPACE, "bob@example.com")
    link = await rescue_by_email(stage.core, WORKSPACE, "Bob@example.com")
    assert await stage.enter("bob@example.com", await stage.set_up(link.secret))


async def test_a_grant_is_removed_by_one(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "reviewer", "auditor")
    grants = next(grants for operator, _, grants in await accounts(stage) if operator.id == carl.operator_id)
    await remove_grant(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants[0].id)
    with pytest.raises(GrantNotFound):
        await remove_grant(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants[0].id)
    with pytest.raises(GrantNotFound):
        await remove_grant(stage.core, WORKSPACE, stage.ada, stage.bob.operator_id, grants[1].id)
    with pytest.raises(OperatorNotFound):
        await remove_grant(stage.core, WORKSPACE, stage.ada, "opr_nobody", grants[1].id)


async def test_a_grant_proposal_is_stale_once_the_grants_moved(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "reviewer")
    one = await propose_grants(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants=[{"role": "auditor"}])
    other = await propose_grants(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants=[{"role": "admin"}])
    await stage.approved(one)
    with pytest.raises(ChangeStale):
        await stage.approved(other)


async def test_limited_grants_reach_only_their_thing(stage: Stage) -> None:
    grant = {"role": "auditor", "publisher": "pub_1", "app": "com.bank.pay"}
    actor = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, grants=[grant]))
    assert actor.may("audit:read", publisher="pub_1", app="com.bank.pay")
    assert not actor.may("audit:read")
    assert not actor.may("audit:read", publisher="pub_1")
    assert not actor.may("audit:read", publisher="pub_2", app="com.bank.pay")
    assert actor.holds("audit:read")
    assert not actor.holds("operator:propose")


@pytest.mark.parametrize(
    ("grants", "problem"),
    [
        ([], BadGrant),
        ([{"role": "captain"}], UnknownRole),
        ([{"role": ["admin"]}], UnknownRole),
        ([{"role": "admin", "ship": "x"}], BadGrant),
        ([{"role": "admin", "app": ""}], BadGrant),
        ([{"role": "admin", "app": "a" * 65}], BadGrant),
        ([{"role": "admin"}] * 51, BadGrant),
    ],
)
async def test_bad_grants_are_refused(stage: Stage, grants: list[dict[str, str]], problem: type[Exception]) -> None:
    with pytest.raises(problem):
        await propose_grants(stage.core, WORKSPACE, stage.ada, stage.bob.operator_id, grants=grants)


async def test_a_role_of_ones_own_grows_by_two_and_shrinks_by_one(stage: Stage) -> None:
    async def change(before: list[str], after: list[str]) -> Change:
        payload = {"before": before, "after": after}
        return await propose(stage.core, WORKSPACE, stage.ada, kind="role.change", target="watcher", payload=payload)

    made = await change([], ["audit:read", "operator:read"])
    assert made.state is ChangeState.PROPOSED
    await stage.approved(made)
    carl = await person_with(stage.core, WORKSPACE, "watcher")
    assert (await actor_of(stage.core, WORKSPACE, carl)).may("audit:read")
    lowered = await change(["audit:read", "operator:read"], ["operator:read"])
    assert lowered.state is ChangeState.APPLIED
    assert not (await actor_of(stage.core, WORKSPACE, carl)).may("audit:read")
    raised = await change(["operator:read"], ["operator:read", "operator:approve"])
    await stage.approved(raised)
    own = await propose_grants(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id, grants=REVIEWER)
    with pytest.raises(BondedPair):
        await stage.approved(own, by=await actor_of(stage.core, WORKSPACE, carl))


async def test_roles_refuse_what_is_built_in_unknown_or_moved(stage: Stage) -> None:
    async def change(target: str, payload: dict[str, object]) -> Change:
        return await propose(stage.core, WORKSPACE, stage.ada, kind="role.change", target=target, payload=payload)

    with pytest.raises(BuiltInRoleFixed):
        await change("admin", {"before": [], "after": []})
    payloads: list[dict[str, object]] = [
        {"before": [], "after": ["rocket:launch"]},
        {"before": ["audit:read"], "after": []},
        {"after": []},
        {"before": "audit:read", "after": [1]},
    ]
    for payload in payloads:
        with pytest.raises(UnknownPermission):
            await change("watcher", payload)


async def test_machine_tokens_have_a_part_of_their_owners_rights_for_a_time(stage: Stage) -> None:
    token, secret = await create_token(
        stage.core, WORKSPACE, stage.ada, name="siem", permissions=["audit:read"], days=2
    )
    actor = (await recognise(stage.core, WORKSPACE, secret, source="192.0.2.1")).actor
    assert (actor.kind, actor.person_id, actor.via) == ("machine", stage.ada.person_id, token.id)
    assert actor.may("audit:read")
    assert not actor.may("operator:read")
    with pytest.raises(MachinesMakeNoTokens):
        await create_token(stage.core, WORKSPACE, actor, name="more", permissions=["audit:read"], days=2)
    with pytest.raises(SessionEnded):
        await recognise(stage.core, OTHER_WORKSPACE, secret, source="192.0.2.1")
    stage.clock.ms += 2 * DAY_MS - 1
    assert await recognise(stage.core, WORKSPACE, secret, source="192.0.2.1")
    stage.clock.ms += 1
    with pytest.raises(SessionEnded):
        await recognise(stage.core, WORKSPACE, secret, source="192.0.2.1")


async def test_a_token_shrinks_with_its_owner(stage: Stage) -> None:
    carl = await person_with(stage.core, WORKSPACE, "auditor")
    owner = await actor_of(stage.core, WORKSPACE, carl)
    _, secret = await create_token(stage.core, WORKSPACE, owner, name="siem", permissions=["audit:read"], days=2)
    _, _, grants = (await accounts(stage))[2]
    await remove_grant(stage.core, WORKSPACE, stage.ada, carl.operator_id, grants[0].id)
    assert not (await recognise(stage.core, WORKSPACE, secret, source="192.0.2.1")).actor.may("audit:read")


async def test_a_token_carries_nothing_dangerous_nor_foreign(stage: Stage) -> None:
    auditor = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "auditor"))
    for actor, permission in ((stage.ada, "operator:approve"), (auditor, "token:revoke"), (auditor, "x:y")):
        with pytest.raises(NotForMachines):
            await create_token(stage.core, WORKSPACE, actor, name="t", permissions=[permission], days=1)
    for name, permissions, days in (("", ["audit:read"], 1), ("t", [], 1), ("t", ["audit:read"], 366)):
        with pytest.raises(BadToken):
            await create_token(stage.core, WORKSPACE, stage.ada, name=name, permissions=permissions, days=days)


async def test_tokens_are_listed_and_ended_by_their_owner_or_an_admin(stage: Stage) -> None:
    auditor = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "auditor"))
    desk = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "service_desk"))
    token, secret = await create_token(stage.core, WORKSPACE, auditor, name="t", permissions=["audit:read"], days=1)
    assert (await list_tokens(stage.core, WORKSPACE, desk, Paging())).items == []
    for nobody in (desk,):
        with pytest.raises(TokenNotFound):
            await revoke_token(stage.core, WORKSPACE, nobody, token.id)
    await revoke_token(stage.core, WORKSPACE, stage.ada, token.id)
    await revoke_token(stage.core, WORKSPACE, auditor, token.id)
    with pytest.raises(SessionEnded):
        await recognise(stage.core, WORKSPACE, secret, source="192.0.2.1")


async def test_first_admins_can_sign_in_and_may_pair(stage: Stage) -> None:
    ada = stage.credentials[0]
    assert totp_of(stage.core, ada)
    assert await stage.enter(ada.email, ada.totp_secret, ada.password)
    change = await propose_grants(stage.core, WORKSPACE, stage.ada, stage.ada.operator_id, grants=REVIEWER)
    assert (await stage.approved(change)).state is ChangeState.APPLIED

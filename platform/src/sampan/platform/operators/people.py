"""Accounts of people: proposing what elevates, doing at once what lowers.

A new account, a grant, a reset and enabling wait for a second administrator (`people_changes`). Disabling an
account and removing a grant take one person.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.ids import new_id
from sampan.platform.operators import operator_rows as rows
from sampan.platform.operators import session_rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.changes import Change, propose
from sampan.platform.operators.operator_rows import GrantRow, Operator, OperatorFilter, OperatorState
from sampan.platform.operators.people_changes import CREATE, ENABLE, GRANT, RESET
from sampan.platform.operators.people_door import read_people, write_people
from sampan.platform.operators.people_errors import (
    GrantNotFound,
    LastAdmin,
    OperatorExists,
    OperatorNotFound,
    PersonElsewhere,
    PersonExists,
    PersonNotFound,
)
from sampan.platform.operators.permissions import BuiltInRole
from sampan.platform.operators.person_rows import Person, add_person, person_by_email, persons_by_ids
from sampan.platform.operators.sign_in import normal_email

if TYPE_CHECKING:
    from sampan.platform.core import Core

GrantJson = dict[str, Any]
Account = tuple[Operator, Person, list[GrantRow]]


async def propose_operator(
    core: "Core",
    workspace_id: str,
    actor: Actor,
    *,
    email: str,
    name: str,
    grants: Sequence[GrantJson],
    existing: bool = False,
    note: str = "",
) -> Change:
    """Propose an account. `existing` invites a person who signs in to another workspace and keeps their password.

    A new person is entered at once, without a password and without an account, so can do nothing until the
    change is approved and a set-up link was used.
    """
    actor.require(CREATE.propose)
    person = await _new_or_existing(core, workspace_id, email=email, name=name, existing=existing)
    payload = {
        "email": person.email,
        "name": person.name,
        "existing": existing,
        "home_workspace": person.home_workspace,
        "grants": [dict(grant) for grant in grants],
    }
    return await propose(core, workspace_id, actor, kind=CREATE.name, target=person.id, payload=payload, note=note)


async def propose_grants(
    core: "Core", workspace_id: str, actor: Actor, operator_id: str, *, grants: Sequence[GrantJson], note: str = ""
) -> Change:
    """Propose more roles for an operator."""
    payload = {"grants": [dict(grant) for grant in grants]}
    return await propose(core, workspace_id, actor, kind=GRANT.name, target=operator_id, payload=payload, note=note)


async def propose_reset(core: "Core", workspace_id: str, actor: Actor, operator_id: str, *, note: str = "") -> Change:
    """Propose that the operator may choose a new password and second factor by a set-up link."""
    await refuse_elsewhere(core, workspace_id, operator_id)
    return await propose(core, workspace_id, actor, kind=RESET.name, target=operator_id, payload={}, note=note)


async def propose_enabling(
    core: "Core", workspace_id: str, actor: Actor, operator_id: str, *, note: str = ""
) -> Change:
    """Propose that a disabled account may be used again."""
    return await propose(core, workspace_id, actor, kind=ENABLE.name, target=operator_id, payload={}, note=note)


async def disable(core: "Core", workspace_id: str, actor: Actor, operator_id: str) -> None:
    """Stop the account at once: its sessions, machine tokens and set-up links end; its proposals cannot be applied."""
    actor.require("operator:disable")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        await existing_operator(tx, operator_id)
        if not await rows.set_operator_state(tx, operator_id, OperatorState.DISABLED):
            return
        await _refuse_no_admin(tx)
        ended = await session_rows.end_sessions_of_operator(tx, operator_id)
        await session_rows.drop_setup_links(tx, operator_id)
        await rows.allow_setup(tx, operator_id, until_ms=0)
        for token in await session_rows.list_machine_tokens(tx, operator_ids=[operator_id]):
            await session_rows.revoke_machine_token(tx, token.id, now_ms=now_ms)
        await record(tx, actor, "operator.disable", target=operator_id, detail={"sessions": ended}, now_ms=now_ms)


async def remove_grant(core: "Core", workspace_id: str, actor: Actor, operator_id: str, grant_id: str) -> None:
    """Take a role away at once."""
    actor.require("operator:disable")
    async with core.store.workspace(workspace_id).write() as tx:
        await existing_operator(tx, operator_id)
        if not await rows.remove_grant(tx, operator_id, grant_id):
            raise GrantNotFound("This operator has no such grant; it may have been removed already.")
        await _refuse_no_admin(tx)
        await record(tx, actor, "grant.remove", target=operator_id, detail={"grant": grant_id}, now_ms=core.now_ms())


async def page_people(
    core: "Core", workspace_id: str, actor: Actor, wanted: OperatorFilter, paging: Paging
) -> Found[Account]:
    """Return a page of the workspace's operators with their persons and grants, oldest first."""
    actor.require("operator:read")
    async with read_people(core, workspace_id) as tx:
        found = await rows.page_operators(tx, wanted, paging)
        persons = await persons_by_ids(tx, [operator.person_id for operator in found.items])
        grants = await rows.grants_of(tx, [operator.id for operator in found.items])
    by_operator: dict[str, list[GrantRow]] = {operator.id: [] for operator in found.items}
    for grant in grants:
        by_operator[grant.operator_id].append(grant)
    return found.shown(lambda operator: (operator, persons[operator.person_id], by_operator[operator.id]))


async def existing_operator(tx: Transaction, operator_id: str) -> Operator:
    """Return the operator; raise `OperatorNotFound`."""
    operator = await rows.operator_by_id(tx, operator_id)
    if operator is None:
        raise OperatorNotFound(f"There is no operator {operator_id!r} in this workspace.")
    return operator


async def refuse_elsewhere(core: "Core", workspace_id: str, operator_id: str) -> None:
    """Raise `PersonElsewhere` when the operator's person has accounts in other workspaces."""
    async with read_people(core, workspace_id) as tx:
        operator = await existing_operator(tx, operator_id)
        if await rows.has_other_workspaces(tx, operator.person_id):
            raise person_elsewhere()


def person_elsewhere() -> PersonElsewhere:
    """Return the refusal to reset somebody who works in other workspaces too."""
    return PersonElsewhere(
        "This person works in other workspaces too, so no one workspace may reset them. "
        "Ask whoever runs the server to reset them there; see docs/operations/people.md."
    )


async def _new_or_existing(core: "Core", workspace_id: str, *, email: str, name: str, existing: bool) -> Person:
    email = normal_email(email)
    async with write_people(core, workspace_id) as tx:
        person = await person_by_email(tx, email)
        if person is not None and await rows.operator_of_person(tx, person.id) is not None:
            raise OperatorExists("This person has an account here already. Propose grants for it instead.")
        if existing:
            if person is None or not person.is_set_up:
                raise PersonNotFound("Nobody with this address signs in to this server yet. Propose a new person.")
            return person
        if person is not None:
            if person.is_set_up or person.home_workspace != workspace_id:
                raise PersonExists(
                    "A person with this address is known from another workspace. If you mean them, propose again "
                    "with existing=true: they keep their own password and second factor."
                )
            return person
        person = Person(new_id("per"), email, name, None, None, 0, workspace_id)
        await add_person(
            tx, person_id=person.id, email=email, name=name, home_workspace=workspace_id, now_ms=core.now_ms()
        )
        return person


async def _refuse_no_admin(tx: Transaction) -> None:
    if await rows.count_active_admins(tx) == 0:
        raise LastAdmin(
            f"This is the last active {BuiltInRole.ADMIN} of the workspace. Give the role to somebody else first."
        )

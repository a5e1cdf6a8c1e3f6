"""People who are made by whoever runs the server, not by an administrator: the first two, the demo's, a rescue.

Everything here acts as the system, is audited as that, and leaves no bonds: the first two administrators may
pair with each other. No route calls it.
"""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.ids import new_id
from sampan.platform.operators import operator_rows, person_rows
from sampan.platform.operators.actor import Actor, system_actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.enrolment import ISSUER, IssuedLink, issue_setup_link
from sampan.platform.operators.passwords import hash_password
from sampan.platform.operators.people import existing_operator
from sampan.platform.operators.people_changes import SETUP_ALLOWED_MS, add_grants, check_grants
from sampan.platform.operators.people_door import read_people, write_people
from sampan.platform.operators.people_errors import (
    AlreadyInitialised,
    OperatorExists,
    OperatorNotFound,
    PersonExists,
)
from sampan.platform.operators.permissions import BuiltInRole
from sampan.platform.operators.person_rows import person_by_email, totp_context
from sampan.platform.operators.sign_in import normal_email
from sampan.platform.operators.totp import base32, enrolment_uri, new_totp_secret

if TYPE_CHECKING:
    from sampan.platform.core import Core

PASSWORD_BYTES = 15
HOST = system_actor("host")


class Credentials(Struct, frozen=True):
    """What a person signs in by, shown once to whoever runs the server; empty for somebody who has it already."""

    email: str
    name: str
    person_id: str
    operator_id: str
    password: str = ""
    totp_secret: bytes = b""

    @property
    def totp_base32(self) -> str:
        """The secret as people type it."""
        return base32(self.totp_secret)

    @property
    def totp_uri(self) -> str:
        """The secret as apps scan it."""
        return enrolment_uri(self.totp_secret, account=self.email, issuer=ISSUER)


class NewPerson(Struct, frozen=True):
    """Who is to be made, with the roles; without a password or a TOTP secret one is made up."""

    email: str
    name: str
    grants: Sequence[dict[str, Any]]
    password: str = ""
    totp_secret: bytes = b""


async def create_first_admins(
    core: "Core", workspace_id: str, people: Sequence[tuple[str, str]], *, passwords: Sequence[str] = ()
) -> list[Credentials]:
    """Create the first administrators, (address, name) each; two at least, or nothing could ever be approved.

    A person of another workspace gets an account and keeps their own credentials. Raise `AlreadyInitialised`
    when the workspace has an active administrator.
    """
    if len({normal_email(email) for email, _ in people}) < 2:
        raise ValueError("a workspace starts with two administrators, two different persons")
    admin = [{"role": str(BuiltInRole.ADMIN)}]
    chosen = [*passwords, *([""] * len(people))]
    wanted = [
        await _prepared(core, NewPerson(email, name, admin, password))
        for (email, name), password in zip(people, chosen, strict=False)
    ]
    async with write_people(core, workspace_id) as tx:
        if await operator_rows.count_active_admins(tx):
            raise AlreadyInitialised("This workspace has administrators. Sign in as one of them.")
        return [await _enter(core, tx, person, HOST, may_exist=True) for person in wanted]


async def create_ready_operator(
    core: "Core",
    workspace_id: str,
    *,
    email: str,
    name: str,
    grants: Sequence[dict[str, Any]],
    password: str = "",
    totp_secret: bytes = b"",
    actor: Actor = HOST,
) -> Credentials:
    """Create a person and an account that can sign in at once; for `init`, the demo and tests."""
    wanted = await _prepared(core, NewPerson(email, name, grants, password, totp_secret))
    async with write_people(core, workspace_id) as tx:
        return await _enter(core, tx, wanted, actor, may_exist=False)


async def invite_existing(
    core: "Core", workspace_id: str, *, email: str, grants: Sequence[dict[str, Any]], actor: Actor = HOST
) -> str:
    """Give an existing person an account in this workspace and return the operator's id."""
    operator_id = new_id("opr")
    async with write_people(core, workspace_id) as tx:
        person = await person_by_email(tx, normal_email(email))
        if person is None:
            raise ValueError(f"there is no person {email!r}")
        if await operator_rows.operator_of_person(tx, person.id) is not None:
            raise OperatorExists("This person has an account here already.")
        await _add_account(tx, person.id, operator_id, grants, actor, core.now_ms())
    return operator_id


async def rescue_by_email(core: "Core", workspace_id: str, email: str) -> IssuedLink:
    """Like `rescue`, by the person's address; raise `OperatorNotFound`."""
    async with read_people(core, workspace_id) as tx:
        person = await person_by_email(tx, normal_email(email))
        operator = await operator_rows.operator_of_person(tx, person.id) if person else None
    if operator is None:
        raise OperatorNotFound(f"Nobody with the address {email!r} has an account in this workspace.")
    return await rescue(core, workspace_id, operator.id)


async def rescue(core: "Core", workspace_id: str, operator_id: str, *, actor: Actor = HOST) -> IssuedLink:
    """Reset an operator from the server's own console and enable the account; returns a set-up link.

    For the case that no second administrator is left who could approve a reset.
    """
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        await existing_operator(tx, operator_id)
        await operator_rows.set_operator_state(tx, operator_id, operator_rows.OperatorState.ACTIVE)
        await operator_rows.allow_setup(tx, operator_id, until_ms=now_ms + SETUP_ALLOWED_MS)
        await record(tx, actor, "operator.rescue", target=operator_id, now_ms=now_ms)
    return await issue_setup_link(core, workspace_id, actor, operator_id)


class _Prepared(Struct, frozen=True):
    made: Credentials
    grants: Sequence[dict[str, Any]]
    password_hash: str
    totp_sealed: bytes


async def _prepared(core: "Core", person: NewPerson) -> _Prepared:
    """Do the slow part, hashing, before the transaction."""
    password = person.password or secrets.token_urlsafe(PASSWORD_BYTES)
    email = normal_email(person.email)
    made = Credentials(
        email, person.name, new_id("per"), new_id("opr"), password, person.totp_secret or new_totp_secret()
    )
    sealed = core.sealer.seal(made.totp_secret, totp_context(made.person_id))
    return _Prepared(made, person.grants, await hash_password(password), sealed)


async def _enter(core: "Core", tx: Transaction, wanted: _Prepared, actor: Actor, *, may_exist: bool) -> Credentials:
    made, now_ms = wanted.made, core.now_ms()
    known = await person_by_email(tx, made.email)
    if known is not None and not may_exist:
        raise PersonExists("A person with this address exists. Invite them with invite_existing instead.")
    if known is not None:
        made = Credentials(known.email, known.name, known.id, made.operator_id)
    else:
        await person_rows.add_person(
            tx,
            person_id=made.person_id,
            email=made.email,
            name=made.name,
            home_workspace=tx.workspace_id,
            now_ms=now_ms,
        )
        await person_rows.set_credentials(
            tx, made.person_id, password_hash=wanted.password_hash, totp_sealed=wanted.totp_sealed, totp_last_step=0
        )
    await _add_account(tx, made.person_id, made.operator_id, wanted.grants, actor, now_ms)
    return made


async def _add_account(
    tx: Transaction, person_id: str, operator_id: str, grants: Sequence[dict[str, Any]], actor: Actor, now_ms: int
) -> None:
    await operator_rows.add_built_in_roles(tx)
    await check_grants(tx, list(grants))
    await operator_rows.add_operator(
        tx, operator_id=operator_id, person_id=person_id, setup_allowed_until_ms=0, now_ms=now_ms
    )
    await add_grants(tx, operator_id, grants, now_ms=now_ms)
    detail = {"person": person_id, "grants": [dict(grant) for grant in grants]}
    await record(tx, actor, "operator.create", target=operator_id, detail=detail, now_ms=now_ms)

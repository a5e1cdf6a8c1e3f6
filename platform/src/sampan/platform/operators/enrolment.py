"""Set-up links: how somebody gets a password and a second factor that no administrator knows.

A link is issued for a new account or after an approved reset, works once, and ends after a day. Whoever
issued it could use it, so is bonded to the account like its maker.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.operators import operator_rows, person_rows
from sampan.platform.operators import session_rows as rows
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.attempts import forgive, take_attempt
from sampan.platform.operators.audit import record
from sampan.platform.operators.passwords import hash_password, refuse_bad_password
from sampan.platform.operators.people import existing_operator, person_elsewhere
from sampan.platform.operators.people_door import read_people, write_people
from sampan.platform.operators.people_errors import SetupLinkInvalid, SetupNotAllowed, WrongCode
from sampan.platform.operators.person_rows import Person, person_by_id, totp_context
from sampan.platform.operators.session_rows import SetupLink
from sampan.platform.operators.sign_in import person_actor
from sampan.platform.operators.totp import base32, enrolment_uri, matching_step, new_totp_secret

if TYPE_CHECKING:
    from sampan.platform.core import Core

LINK_MS = 24 * 3600 * 1000
ISSUER = "sampan"


class IssuedLink(Struct, frozen=True):
    """The secret of a set-up link, shown this once."""

    secret: str
    expires_ms: int


class Enrolment(Struct, frozen=True):
    """What the person sees: whose account it is and what to scan."""

    email: str
    name: str
    totp_secret: str
    totp_uri: str


async def issue_setup_link(core: "Core", workspace_id: str, actor: Actor, operator_id: str) -> IssuedLink:
    """Return a new set-up link; earlier ones end. Needs an account that is new or whose reset was approved."""
    actor.require("operator:propose")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).read() as tx:
        person_id = (await existing_operator(tx, operator_id)).person_id
    secret = rows.new_secret(rows.SETUP_PREFIX)
    sealed = core.sealer.seal(new_totp_secret(), totp_context(person_id))
    by_host = actor.kind == ActorKind.SYSTEM
    link = SetupLink(operator_id, person_id, sealed, by_host, now_ms + LINK_MS)
    async with write_people(core, workspace_id) as tx:
        operator = await existing_operator(tx, operator_id)
        if operator.state is not operator_rows.OperatorState.ACTIVE or operator.setup_allowed_until_ms <= now_ms:
            raise SetupNotAllowed("A set-up link takes a new account, or an approved change of kind operator.reset.")
        await _refuse_elsewhere(tx, link)
        await rows.add_setup_link(tx, link, rows.hash_of(secret))
        if not by_host:
            await operator_rows.bond(tx, [actor.person_id], person_id, reason="set-up link", now_ms=now_ms)
        await record(tx, actor, "operator.setup_link", target=operator_id, now_ms=now_ms)
    return IssuedLink(secret, link.expires_ms)


async def begin_setup(core: "Core", workspace_id: str, secret: str, *, source: str) -> Enrolment:
    """Return what the person scans; the link stays good."""
    await take_attempt(core, account=rows.hash_of(secret), source=source)
    async with read_people(core, workspace_id) as tx:
        link, person = await _link(core, tx, secret)
    totp = core.sealer.open(link.totp_sealed, totp_context(person.id))
    return Enrolment(person.email, person.name, base32(totp), enrolment_uri(totp, account=person.email, issuer=ISSUER))


async def finish_setup(core: "Core", workspace_id: str, secret: str, *, password: str, totp: str, source: str) -> None:
    """Set the person's password and second factor, spend the link, end all sessions everywhere."""
    await take_attempt(core, account=rows.hash_of(secret), source=source)
    async with read_people(core, workspace_id) as tx:
        link, person = await _link(core, tx, secret)
    refuse_bad_password(password, email=person.email)
    step = matching_step(core.sealer.open(link.totp_sealed, totp_context(person.id)), totp, now_ms=core.now_ms())
    if step is None:
        raise WrongCode("This code does not fit. Scan the shown secret, then type the code that the app shows.")
    password_hash = await hash_password(password)
    async with write_people(core, workspace_id) as tx:
        await _link(core, tx, secret)
        await _refuse_elsewhere(tx, link)
        await rows.spend_setup_link(tx, rows.hash_of(secret))
        await person_rows.set_credentials(
            tx, person.id, password_hash=password_hash, totp_sealed=link.totp_sealed, totp_last_step=step
        )
        await operator_rows.allow_setup(tx, link.operator_id, until_ms=0)
        await rows.end_sessions_of_person(tx, person.id)
        actor = person_actor(await existing_operator(tx, link.operator_id))
        await record(tx, actor, "person.setup", target=person.id, now_ms=core.now_ms())
    await forgive(core, account=person.email)


async def _refuse_elsewhere(tx: Transaction, link: SetupLink) -> None:
    """A link that a bank issued must not open a person's accounts at other banks."""
    if not link.by_host and await operator_rows.has_other_workspaces(tx, link.person_id):
        raise person_elsewhere()


async def _link(core: "Core", tx: Transaction, secret: str) -> tuple[SetupLink, Person]:
    link = await rows.setup_link_by_hash(tx, rows.hash_of(secret))
    person = await person_by_id(tx, link.person_id) if link else None
    if link is None or person is None or core.now_ms() >= link.expires_ms:
        raise SetupLinkInvalid("This set-up link was used, replaced or is over its time. Ask for a new one.")
    return link, person

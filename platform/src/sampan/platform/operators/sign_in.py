"""Signing in with a password and a one-time code, proving the code again, and signing out."""

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Unauthorized
from sampan.platform.ids import new_id
from sampan.platform.operators import session_rows as rows
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.attempts import forgive, take_attempt
from sampan.platform.operators.audit import record
from sampan.platform.operators.operator_rows import Operator, OperatorState, operator_of_person
from sampan.platform.operators.passwords import hash_password, is_password, refuse_bad_password
from sampan.platform.operators.people_door import read_people, write_people
from sampan.platform.operators.person_rows import (
    Person,
    person_by_email,
    person_by_id,
    set_password_hash,
    totp_context,
    use_totp_step,
)
from sampan.platform.operators.security_log import note_refusal
from sampan.platform.operators.session_rows import Session, SessionKind
from sampan.platform.operators.signed_in import IDLE_MS, LIFETIME_MS, SessionEnded
from sampan.platform.operators.totp import matching_step

if TYPE_CHECKING:
    from sampan.platform.core import Core


class SignInRefused(Unauthorized):
    """Address, password or code is wrong, the code was used before, or the account is not active here.

    One answer for all of them: a stranger learns nothing about which accounts exist.
    """

    code: ClassVar[str] = "sign_in_refused"


class NewSession(Struct, frozen=True):
    """A session and the secret that is shown this once."""

    session: Session
    secret: str


def normal_email(email: str) -> str:
    """Return the address as it is stored and compared."""
    return email.strip().lower()


async def sign_in(
    core: "Core", workspace_id: str, *, email: str, password: str, totp: str, source: str, kind: SessionKind
) -> NewSession:
    """Return a new session; raise `SignInRefused` or `LockedOut`. `source` is the caller's address."""
    email = normal_email(email)
    await take_attempt(core, account=email, source=source)
    async with read_people(core, workspace_id) as tx:
        person = await person_by_email(tx, email)
        operator = await operator_of_person(tx, person.id) if person else None
    is_right = await is_password(password, person.password_hash if person else None)
    step = _step(core, person, totp) if person and is_right else None
    if person is None or operator is None or step is None:
        raise await _refused(core, workspace_id, operator)
    now_ms = core.now_ms()
    session = Session(
        id=new_id("ses"),
        operator_id=operator.id,
        person_id=person.id,
        kind=kind,
        created_ms=now_ms,
        seen_ms=now_ms,
        factor_ms=now_ms,
        expires_ms=now_ms + LIFETIME_MS,
    )
    secret = rows.new_secret(rows.SESSION_PREFIX)
    async with write_people(core, workspace_id) as tx:
        is_open = await _is_unchanged(tx, person, operator) and await use_totp_step(tx, person.id, step)
        if is_open:
            await rows.drop_dead_sessions(tx, operator.id, now_ms=now_ms, idle_ms=IDLE_MS[SessionKind.BEARER])
            await rows.add_session(tx, session, rows.hash_of(secret))
            await record(
                tx,
                person_actor(operator),
                "session.begin",
                target=session.id,
                detail={"kind": str(kind)},
                now_ms=now_ms,
            )
    if not is_open:
        raise await _refused(core, workspace_id, operator)
    await forgive(core, account=email)
    return NewSession(session, secret)


async def confirm(core: "Core", workspace_id: str, session: Session, *, totp: str, source: str) -> int:
    """Note a fresh code in the session and return when it was given; raise as `sign_in` does."""
    async with read_people(core, workspace_id) as tx:
        person = await person_by_id(tx, session.person_id)
    if person is None:
        raise SessionEnded("Your account is gone. Sign in again.")
    await take_attempt(core, account=person.email, source=source)
    step = _step(core, person, totp)
    now_ms = core.now_ms()
    if step is not None:
        async with write_people(core, workspace_id) as tx:
            is_new = await use_totp_step(tx, person.id, step)
            if is_new and not await rows.confirm_session(tx, session.id, factor_ms=now_ms):
                raise SessionEnded("Your session ended meanwhile. Sign in again.")
        if is_new:
            await forgive(core, account=person.email)
            return now_ms
    await note_refusal(core, workspace_id, "sign_in_refused", operator=session.operator_id)
    raise SignInRefused("This code is wrong or was used before. Wait for the next one.")


async def change_password(
    core: "Core", workspace_id: str, session: Session, *, password: str, new_password: str, totp: str, source: str
) -> None:
    """Replace the person's password and end all other sessions, in every workspace."""
    await confirm(core, workspace_id, session, totp=totp, source=source)
    async with read_people(core, workspace_id) as tx:
        person = await person_by_id(tx, session.person_id)
        operator = await operator_of_person(tx, session.person_id)
    if person is None or operator is None or person.password_hash is None:
        raise SessionEnded("Your account is gone. Sign in again.")
    refuse_bad_password(new_password, email=person.email, field="new_password")
    await take_attempt(core, account=person.email, source=source)
    if not await is_password(password, person.password_hash):
        raise await _refused(core, workspace_id, operator)
    new_hash = await hash_password(new_password)
    async with write_people(core, workspace_id) as tx:
        if not await set_password_hash(tx, person.id, old=person.password_hash, new=new_hash):
            raise SessionEnded("Your password was changed meanwhile. Sign in again.")
        await rows.end_sessions_of_person(tx, person.id, but=session.id)
        await record(tx, person_actor(operator), "person.password", target=person.id, now_ms=core.now_ms())
    await forgive(core, account=person.email)


async def sign_out(core: "Core", workspace_id: str, actor: Actor, session_id: str) -> bool:
    """End one of the actor's own sessions; False when there is no such session."""
    async with core.store.workspace(workspace_id).write() as tx:
        is_ended = await rows.end_session(tx, actor.operator_id, session_id)
        if is_ended:
            await record(tx, actor, "session.end", target=session_id, now_ms=core.now_ms())
    return is_ended


async def sign_out_everywhere(core: "Core", workspace_id: str, actor: Actor) -> int:
    """End all of the person's sessions, in every workspace, and return how many there were."""
    async with write_people(core, workspace_id) as tx:
        count = await rows.end_sessions_of_person(tx, actor.person_id)
        await record(
            tx, actor, "session.end_all", target=actor.person_id, detail={"count": count}, now_ms=core.now_ms()
        )
    return count


def person_actor(operator: Operator) -> Actor:
    """Return the operator as the actor of something that needs no permission: signing in, setting up."""
    return Actor(ActorKind.OPERATOR, operator.person_id, operator.id, operator.id)


def _step(core: "Core", person: Person, totp: str) -> int | None:
    if person.totp_sealed is None:
        return None
    secret = core.sealer.open(person.totp_sealed, totp_context(person.id))
    return matching_step(secret, totp, now_ms=core.now_ms())


async def _is_unchanged(tx: Transaction, person: Person, operator: Operator) -> bool:
    """Whether what was checked outside the transaction still holds inside it."""
    now = await person_by_id(tx, person.id)
    account = await operator_of_person(tx, person.id)
    return (
        now is not None
        and now.password_hash == person.password_hash
        and account is not None
        and account.state is OperatorState.ACTIVE
        and account.id == operator.id
    )


async def _refused(core: "Core", workspace_id: str, operator: Operator | None) -> SignInRefused:
    await note_refusal(core, workspace_id, "sign_in_refused", operator=operator.id if operator else "unknown")
    return SignInRefused("Address, password or code is wrong, or the code was used before. Try with the next code.")

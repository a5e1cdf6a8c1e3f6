"""Who a request's secret belongs to: the session or machine token behind it and the actor that acts through it.

Read from the database on every request of the control plane, so a disabled account, an ended session, a
revoked token and a removed grant are out of force with the next request.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Unauthorized
from sampan.platform.operators.actor import Actor, ActorKind, Grant
from sampan.platform.operators.operator_rows import grants_of, list_roles
from sampan.platform.operators.permissions import Permission, of_built_in_role
from sampan.platform.operators.secret_guard import guarded
from sampan.platform.operators.session_rows import (
    MACHINE_PREFIX,
    SESSION_PREFIX,
    MachineToken,
    Session,
    SessionKind,
    hash_of,
    machine_token_by_hash,
    session_by_hash,
    touch_session,
)

if TYPE_CHECKING:
    from sampan.platform.core import Core

IDLE_MS = {SessionKind.COOKIE: 30 * 60 * 1000, SessionKind.BEARER: 8 * 3600 * 1000}
LIFETIME_MS = 12 * 3600 * 1000
FACTOR_MS = 5 * 60 * 1000
TOUCH_EVERY_MS = 60 * 1000


class NotSignedIn(Unauthorized):
    """No session and no machine token came with the request."""

    code: ClassVar[str] = "not_signed_in"


class SessionEnded(Unauthorized):
    """The session or token is unknown, over its time, ended, or its account was disabled."""

    code: ClassVar[str] = "session_ended"


class SignedIn(Struct, frozen=True):
    """The actor of a request and the session it came by; a machine token has no session."""

    actor: Actor
    session: Session | None = None

    def is_confirmed(self, now_ms: int) -> bool:
        """Whether the second factor was given in the last five minutes."""
        return self.session is not None and 0 <= now_ms - self.session.factor_ms < FACTOR_MS


async def recognise(core: "Core", workspace_id: str, secret: str, *, source: str) -> SignedIn:
    """Return who the secret belongs to in this workspace; raise `SessionEnded`, or `TooManySecrets`.

    `source` is the address that the secret came from: strangers' tries are counted by it.
    """
    now_ms = core.now_ms()
    door = core.store.workspace(workspace_id)

    async def find() -> SignedIn | None:
        if not secret.startswith((MACHINE_PREFIX, SESSION_PREFIX)):
            return None  # no secret of ours looks like that
        async with door.read() as tx:
            return await _find(core, tx, secret, now_ms)

    found = await guarded(core, workspace_id, secret, source, find)
    if found is None:
        raise SessionEnded("Your session or token is not valid any more. Sign in again.")
    if found.session is not None and now_ms - found.session.seen_ms >= TOUCH_EVERY_MS:
        async with door.write() as tx:
            await touch_session(tx, found.session.id, seen_ms=now_ms)
    return found


def is_alive(session: Session, now_ms: int) -> bool:
    """Whether the session is within its lifetime and was used recently enough."""
    return now_ms < session.expires_ms and now_ms - session.seen_ms < IDLE_MS[session.kind]


async def operator_actor(core: "Core", tx: Transaction, operator_id: str, person_id: str) -> Actor:
    """Return the operator as an actor with its present grants."""
    grants = await grants_with_permissions(tx, operator_id, core.contributions(Permission))
    return Actor(ActorKind.OPERATOR, person_id, operator_id, operator_id, grants)


async def grants_with_permissions(
    tx: Transaction, operator_id: str, declared: Iterable[Permission]
) -> tuple[Grant, ...]:
    """Return the operator's grants, each with what its role allows now."""
    declared = tuple(declared)
    known = frozenset(permission.name for permission in declared)
    allowed = {
        role.name: of_built_in_role(declared, role.name) if role.built_in else role.permissions & known
        for role in await list_roles(tx)
    }
    return tuple(
        Grant(row.role, allowed[row.role], row.client_app, row.publisher, row.app)
        for row in await grants_of(tx, [operator_id])
    )


async def _find(core: "Core", tx: Transaction, secret: str, now_ms: int) -> SignedIn | None:
    if secret.startswith(MACHINE_PREFIX):
        token = await machine_token_by_hash(tx, hash_of(secret))
        is_good = token is not None and token.revoked_ms is None and now_ms < token.expires_ms
        return SignedIn(await _machine(core, tx, token)) if token and is_good else None
    session = await session_by_hash(tx, hash_of(secret)) if secret.startswith(SESSION_PREFIX) else None
    if session is None or not is_alive(session, now_ms):
        return None
    return SignedIn(await operator_actor(core, tx, session.operator_id, session.person_id), session)


async def _machine(core: "Core", tx: Transaction, token: MachineToken) -> Actor:
    owner = await operator_actor(core, tx, token.operator_id, token.person_id)
    dangerous = frozenset(item.name for item in core.contributions(Permission) if item.dangerous)
    grants = tuple(
        Grant(
            grant.role,
            grant.permissions & token.permissions - dangerous,
            grant.client_app,
            grant.publisher,
            grant.app,
        )
        for grant in owner.grants
    )
    return Actor(ActorKind.MACHINE, token.person_id, token.operator_id, token.name, grants, via=token.id)

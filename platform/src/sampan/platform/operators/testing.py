"""For tests: people who are signed in, without waiting for their next one-time code."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sampan.platform.ids import new_id
from sampan.platform.operators import session_rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.first_people import Credentials, create_ready_operator
from sampan.platform.operators.session_rows import Session, SessionKind
from sampan.platform.operators.signed_in import LIFETIME_MS, operator_actor
from sampan.platform.operators.totp import code_for, step_at

if TYPE_CHECKING:
    from sampan.platform.core import Core


async def person_with(
    core: "Core", workspace_id: str, *roles: str, grants: Sequence[dict[str, Any]] = (), email: str = ""
) -> Credentials:
    """Create a person who has these roles and can sign in; no two of them are bonded."""
    email = email or f"{'-'.join(roles) or 'nobody'}-{secrets.token_hex(4)}@example.com"
    wanted = [*({"role": role} for role in roles), *grants]
    return await create_ready_operator(core, workspace_id, email=email, name=email.split("@")[0], grants=wanted)


async def actor_of(core: "Core", workspace_id: str, credentials: Credentials) -> Actor:
    """Return the person's actor with its present grants."""
    async with core.store.workspace(workspace_id).read() as tx:
        return await operator_actor(core, tx, credentials.operator_id, credentials.person_id)


async def bearer_for(core: "Core", workspace_id: str, credentials: Credentials) -> dict[str, str]:
    """Return the Authorization header of a fresh session with a recent second factor."""
    now_ms = core.now_ms()
    secret = session_rows.new_secret(session_rows.SESSION_PREFIX)
    session = Session(
        id=new_id("ses"),
        operator_id=credentials.operator_id,
        person_id=credentials.person_id,
        kind=SessionKind.BEARER,
        created_ms=now_ms,
        seen_ms=now_ms,
        factor_ms=now_ms,
        expires_ms=now_ms + LIFETIME_MS,
    )
    async with core.store.workspace(workspace_id).write() as tx:
        await session_rows.add_session(tx, session, session_rows.hash_of(secret))
    return {"authorization": f"Bearer {secret}"}


def totp_of(core: "Core", credentials: Credentials, *, steps: int = 0) -> str:
    """Return the code that the person's app shows now, or `steps` later."""
    return code_for(credentials.totp_secret, step_at(core.now_ms()) + steps)

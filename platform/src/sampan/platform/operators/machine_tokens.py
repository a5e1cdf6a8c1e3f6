"""Machine tokens: for programs, with some of their owner's permissions, for a time, and never to approve."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sampan.platform.engines.paging import Found, Paging
from sampan.platform.errors import Invalid
from sampan.platform.ids import new_id
from sampan.platform.operators import session_rows as rows
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.audit import record
from sampan.platform.operators.people_errors import MachinesMakeNoTokens, NotForMachines, TokenNotFound
from sampan.platform.operators.permissions import Permission
from sampan.platform.operators.session_rows import MachineToken

if TYPE_CHECKING:
    from sampan.platform.core import Core

DAY_MS = 24 * 3600 * 1000
MAX_DAYS = 365


class BadToken(Invalid):
    """A machine token has a name, at least one permission and 1 to 365 days."""

    code = "bad_token"


async def create_token(
    core: "Core", workspace_id: str, actor: Actor, *, name: str, permissions: Iterable[str], days: int
) -> tuple[MachineToken, str]:
    """Return a new token of the actor and its secret, which is shown this once."""
    if actor.kind != ActorKind.OPERATOR:
        raise MachinesMakeNoTokens("Sign in as a person to make a machine token.")
    if not actor.holds("token:create"):  # for a publisher's people it is limited, and so is then the token
        actor.require("token:create")
    wanted = frozenset(permissions)
    if not wanted or not 1 <= len(name) <= 100 or not 1 <= days <= MAX_DAYS:
        raise BadToken(f"Give a name, at least one permission, and 1 to {MAX_DAYS} days.")
    dangerous = {item.name for item in core.contributions(Permission) if item.dangerous}
    refused = sorted(item for item in wanted if item in dangerous or not actor.holds(item))
    if refused:
        raise NotForMachines(
            f"A token cannot carry {', '.join(refused)}: you do not have it, or it takes a person.", permissions=refused
        )
    now_ms = core.now_ms()
    token = MachineToken(
        new_id("tok"), actor.operator_id, actor.person_id, name, wanted, now_ms, now_ms + days * DAY_MS, None
    )
    secret = rows.new_secret(rows.MACHINE_PREFIX)
    async with core.store.workspace(workspace_id).write() as tx:
        await rows.add_machine_token(tx, token, rows.hash_of(secret))
        detail = {"permissions": sorted(wanted), "expires_ms": token.expires_ms}
        await record(tx, actor, "token.create", target=token.id, detail=detail, now_ms=now_ms)
    return token, secret


async def list_tokens(
    core: "Core",
    workspace_id: str,
    actor: Actor,
    paging: Paging,
    *,
    operator: str | None = None,
    is_active: bool | None = None,
) -> Found[MachineToken]:
    """Return a page of the actor's tokens, or of everybody's for who may read them, newest first."""
    named = [] if operator is None else [{operator}]
    own = [] if actor.may("token:read") else [{actor.operator_id}]
    async with core.store.workspace(workspace_id).read() as tx:
        return await rows.page_machine_tokens(
            tx, paging, owners=[*named, *own], is_active=is_active, now_ms=core.now_ms()
        )


async def revoke_token(core: "Core", workspace_id: str, actor: Actor, token_id: str) -> None:
    """End a token of one's own, or anybody's for who may; ending it twice is no error."""
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        token = await rows.machine_token_by_id(tx, token_id)
        if token is None or (token.operator_id != actor.operator_id and not actor.may("token:revoke")):
            raise TokenNotFound(f"There is no machine token {token_id!r} that you may end.")
        if await rows.revoke_machine_token(tx, token_id, now_ms=now_ms):
            await record(tx, actor, "token.revoke", target=token_id, now_ms=now_ms)

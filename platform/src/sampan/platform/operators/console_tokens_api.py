"""Console routes: machine tokens."""

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from sampan.platform.operators.console_auth import Confirmed, Signed, TheCore, Workspace
from sampan.platform.operators.console_bodies import Body, IdQuery, Milliseconds, PermissionName, PublicId
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.operators.machine_tokens import MAX_DAYS, create_token, list_tokens, revoke_token
from sampan.platform.operators.session_rows import MachineToken

if TYPE_CHECKING:
    from sampan.platform.core import Core


class NewToken(Body):
    """What the token may do, and for how long."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    permissions: list[PermissionName] = Field(min_length=1, max_length=100)
    days: int = Field(ge=1, le=MAX_DAYS)


class TokenView(BaseModel):
    """A machine token; `secret` only in the answer that makes it."""

    id: str
    name: str
    operator: str
    permissions: list[str]
    created_ms: Milliseconds
    expires_ms: Milliseconds
    revoked_ms: Milliseconds | None
    secret: str | None = None


def build(_core: "Core") -> APIRouter:
    """Return the routes below /tokens."""
    router = APIRouter(tags=["tokens"])
    router.add_api_route("/tokens", get_tokens, methods=["GET"], summary="List machine tokens")
    router.add_api_route("/tokens", post_tokens, methods=["POST"], status_code=201, summary="Make a machine token")
    router.add_api_route(
        "/tokens/{token_id}", delete_token, methods=["DELETE"], status_code=204, summary="End a machine token"
    )
    return router


async def get_tokens(
    core: TheCore,
    workspace: Workspace,
    actor: Signed,
    paging: Paged,
    operator: IdQuery = None,
    state: Literal["active", "ended"] | None = None,
) -> Page[TokenView]:
    """List the own tokens, or everybody's for who may read them, newest first; `ended` are revoked or over."""
    is_active = None if state is None else state == "active"
    return page(await list_tokens(core, workspace, actor, paging, operator=operator, is_active=is_active), _view)


async def post_tokens(core: TheCore, workspace: Workspace, actor: Confirmed, body: NewToken) -> TokenView:
    """Make a token with some of the own permissions; needs a recent second factor."""
    token, secret = await create_token(
        core, workspace, actor, name=body.name, permissions=body.permissions, days=body.days
    )
    return _view(token).model_copy(update={"secret": secret})


async def delete_token(core: TheCore, workspace: Workspace, actor: Signed, token_id: PublicId) -> None:
    """End a token at once."""
    await revoke_token(core, workspace, actor, token_id)


def _view(token: MachineToken) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        operator=token.operator_id,
        permissions=sorted(token.permissions),
        created_ms=token.created_ms,
        expires_ms=token.expires_ms,
        revoked_ms=token.revoked_ms,
    )

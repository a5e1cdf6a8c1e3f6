"""FastAPI dependencies of every console route: the workspace, the actor, a permission, a recent second factor.

A cookie is sent by the browser on its own, so a state-changing request that comes by one must carry an
`Origin` of this very host. A bearer secret is put there on purpose and needs none.
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sampan.platform.errors import Forbidden
from sampan.platform.operators.actor import Actor, MissingPermission
from sampan.platform.operators.permissions import Permission
from sampan.platform.operators.security_log import note_refusal
from sampan.platform.operators.session_cookie import ForeignOrigin, cookie_name
from sampan.platform.operators.signed_in import NotSignedIn, SessionEnded, SignedIn, recognise

if TYPE_CHECKING:
    from sampan.platform.core import Core

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
bearer = HTTPBearer(auto_error=False, description="A session of the command line, or a machine token.")


class SecondFactorNeeded(Forbidden):
    """The act is dangerous: it needs a TOTP code given in this session during the last five minutes."""

    code: ClassVar[str] = "second_factor_needed"


def core_of(request: Request) -> "Core":
    """Return the core of this process."""
    return cast("Core", request.app.state.core)


def workspace_of(request: Request) -> str:
    """Return the workspace that the outermost application named."""
    return cast("str", request.scope["sampan_workspace"])


def source_of(request: Request) -> str:
    """Return the address of the client, as the server or a trusted proxy tells it."""
    return request.client.host if request.client else "unknown"


def refuse_foreign_origin(request: Request) -> None:
    """Raise `ForeignOrigin` unless a page of this host made the request."""
    origin = request.headers.get("origin", "")
    own = {request.headers.get("host", "")}
    if public_url := core_of(request).settings.public_url:
        own.add(urlsplit(public_url).netloc)
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.netloc not in own:
        raise ForeignOrigin(
            "This request was not made by a page of this console. Open the console itself, or use a token."
        )


async def signed_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> SignedIn:
    """Return who makes the request; raise `NotSignedIn`, `SessionEnded` or `ForeignOrigin`."""
    core, workspace_id = core_of(request), workspace_of(request)
    secret = credentials.credentials if credentials is not None else request.cookies.get(cookie_name(workspace_id))
    if not secret:
        raise NotSignedIn("Sign in with POST /console/api/v1/session, or send a token in the Authorization header.")
    if credentials is None and request.method not in SAFE_METHODS:
        refuse_foreign_origin(request)
    try:
        found = await recognise(core, workspace_id, secret, source=source_of(request))
    except SessionEnded:
        await note_refusal(core, workspace_id, "session_ended", path=request.url.path)
        raise
    request.state.signed_in = found
    return found


async def _actor(found: Annotated[SignedIn, Depends(signed_in)]) -> Actor:
    return found.actor


def require_confirmed(core: "Core", found: SignedIn) -> None:
    """Raise `SecondFactorNeeded` unless a TOTP code was given in this session in the last five minutes."""
    if not found.is_confirmed(core.now_ms()):
        raise SecondFactorNeeded("Give a fresh TOTP code with POST /console/api/v1/session/totp, then try again.")


async def _confirmed(request: Request, found: Annotated[SignedIn, Depends(signed_in)]) -> Actor:
    require_confirmed(core_of(request), found)
    return found.actor


TheCore = Annotated[Any, Depends(core_of)]
Workspace = Annotated[str, Depends(workspace_of)]
Signed = Annotated[Actor, Depends(_actor)]
Confirmed = Annotated[Actor, Depends(_confirmed)]
WithSession = Annotated[SignedIn, Depends(signed_in)]


def needs(permission: str, *, scoped: bool = False) -> Any:
    """Return a dependency that gives the actor, who has the permission: `actor: Annotated[Actor, needs("x:y")]`.

    Without `scoped` the permission must be held without a limit. With it, holding it for anything is enough
    to get in, and the use case must call `actor.require(permission, app=..., publisher=...)` for the thing.
    A dangerous permission also needs a recent second factor.
    """

    async def check(request: Request, found: Annotated[SignedIn, Depends(signed_in)]) -> Actor:
        core, actor = core_of(request), found.actor
        try:
            if not (scoped and actor.holds(permission)):
                actor.require(permission)
        except MissingPermission:
            await note_refusal(
                core, workspace_of(request), "missing_permission", permission=permission, operator=actor.operator_id
            )
            raise
        if any(item.name == permission and item.dangerous for item in core.contributions(Permission)):
            require_confirmed(core, found)
        return actor

    return Depends(check)

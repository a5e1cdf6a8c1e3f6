"""POST /client/v1/session/refresh as raw ASGI: every device calls it every ten minutes.

One read, one conditional update, one signature checked and one made.
"""

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.component import HotRoute
from sampan.platform.core import Core
from sampan.platform.hot import JSON, NO_STORE, send_bytes
from sampan.platform.identity.client_calls import answer, body_of, proof_of
from sampan.platform.identity.dpop import spend
from sampan.platform.identity.problems import RefreshRefused
from sampan.platform.identity.refresh_tokens import REFUSED, read_refresh_token
from sampan.platform.identity.service_session import end_reused, read_session, refresh

PATH = "/client/v1/session/refresh"
HEADERS = (JSON, NO_STORE)


class RefreshBody(msgspec.Struct):
    """The request."""

    refresh_token: str


def build(core: Core) -> ASGIApp:
    """Return the route."""

    async def answer_refresh(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id: str = scope["sampan_workspace"]
        core.replica.view(workspace_id)  # an unknown workspace is said before anything is worked out
        proof = proof_of(core, scope, "POST", PATH)
        body = await body_of(receive, RefreshBody)
        token = read_refresh_token(body.refresh_token)
        session = await read_session(core, workspace_id, token)
        if proof.thumbprint != session.thumbprint:
            # Only the device ever had the token: whoever shows it with another key took it.
            await end_reused(core, workspace_id, session)
            raise RefreshRefused(REFUSED)
        await spend(proof, core.nonces, workspace_id, now_ms=core.now_ms())
        granted = await refresh(core, workspace_id, token, session)
        await send_bytes(send, 200, answer(granted, core.now_ms()), HEADERS)

    return answer_refresh


route = HotRoute("POST", PATH, build)

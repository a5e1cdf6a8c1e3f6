"""POST /client/v1/session/refresh as raw ASGI: every device calls it every ten minutes."""

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from sampan.platform.component import HotRoute
from sampan.platform.core import Core
from sampan.platform.hot import JSON, NO_STORE, send_bytes
from sampan.platform.identity.client_calls import answer, body_of, proof_of
from sampan.platform.identity.refresh_tokens import read_refresh_token
from sampan.platform.identity.refreshing import Refresher

PATH = "/client/v1/session/refresh"
HEADERS = (JSON, NO_STORE)


class RefreshBody(msgspec.Struct):
    """The request."""

    refresh_token: str


def build(core: Core) -> ASGIApp:
    """Return the route."""
    refresher = Refresher(core)

    async def answer_refresh(scope: Scope, receive: Receive, send: Send) -> None:
        workspace_id: str = scope["sampan_workspace"]
        core.replica.view(workspace_id)  # an unknown workspace is said before anything is worked out
        proof = proof_of(core, scope, "POST", PATH)
        body = await body_of(receive, RefreshBody)
        granted = await refresher.refresh(workspace_id, read_refresh_token(body.refresh_token), proof)
        await send_bytes(send, 200, answer(granted, core.now_ms()), HEADERS)

    return answer_refresh


route = HotRoute("POST", PATH, build)

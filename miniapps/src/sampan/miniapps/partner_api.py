"""HTTP for the back ends of mini-apps: they come with a machine token of their publisher."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.miniapps.login_codes import open_id, spend_code
from sampan.miniapps.visible import AppNotFound
from sampan.platform.artifacts.apps_repository import find_app
from sampan.platform.core import Core
from sampan.platform.identity.client_api import workspace_of
from sampan.platform.identity.client_calls import body_of
from sampan.platform.identity.masking import masked_name, masked_phone
from sampan.platform.identity.own_api import json_answer
from sampan.platform.identity.personal import Personal, open_personal
from sampan.platform.identity.repository_customers import get_personal
from sampan.platform.operators.permissions import Permission
from sampan.platform.operators.signed_in import NotSignedIn, recognise

LOGIN = "/apps/v1/login"
EXCHANGE = Permission(
    "login:exchange", "兑换小程序登录码", "Exchange sign-in codes of mini-apps", frozenset({"publisher"})
)


class ExchangeBody(msgspec.Struct):
    """POST /apps/v1/login."""

    app: str
    code: str


def build(core: Core) -> list[BaseRoute]:
    """Return the routes."""

    async def exchange(request: Request) -> Response:
        workspace_id = workspace_of(request)
        core.replica.view(workspace_id)
        source = request.client.host if request.client else "unknown"
        actor = (await recognise(core, workspace_id, _secret(request), source=source)).actor
        body = await body_of(request.receive, ExchangeBody)
        async with core.store.workspace(workspace_id).read() as tx:
            app = await find_app(tx, body.app)
        if app is None:
            raise AppNotFound("There is no such app. Name one of the publisher's own.")
        actor.require(EXCHANGE.name, app=app.app_id, publisher=app.publisher_id)
        async with core.store.workspace(workspace_id).write() as tx:
            login = await spend_code(tx, app.app_id, body.code, now_ms=core.now_ms())
            stored = await get_personal(tx, login.customer_id)
        answer: dict[str, object] = {
            "open_id": open_id(core, workspace_id, app.app_id, login.customer_id),
            "scopes": login.scopes,
        }
        if "tier" in login.scopes:
            answer["tier"] = login.tier.label
        if "profile" in login.scopes:
            personal = open_personal(stored, core.sealer, workspace_id, login.customer_id) if stored else Personal()
            answer["profile"] = {
                "name_masked": masked_name(personal.name),
                "phone_masked": masked_phone(personal.phone),
            }
        return json_answer(answer)

    return [Route(LOGIN, exchange, methods=["POST"])]


def _secret(request: Request) -> str:
    scheme, _space, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise NotSignedIn("Send Authorization: Bearer with a machine token of the publisher.")
    return secret

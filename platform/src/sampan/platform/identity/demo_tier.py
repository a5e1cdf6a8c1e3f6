"""The demo's shortcut to a higher tier: what a bank does after it checked papers, a button does here."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.platform.core import Core
from sampan.platform.identity.client_calls import body_of
from sampan.platform.identity.own_api import caller_of, json_answer
from sampan.platform.identity.problems import CustomerUnknown
from sampan.platform.identity.service_customers import set_tier
from sampan.platform.identity.service_devices import set_assurance
from sampan.platform.identity.tiers import Tier

BY = "demo"


class TierBody(msgspec.Struct):
    """POST /client/v1/demo/tier."""

    tier: str


def build(core: Core) -> list[BaseRoute]:
    """Return the route; none outside the demo."""
    if not core.settings.demo:
        return []

    async def raise_tier(request: Request) -> Response:
        caller = caller_of(core, request)
        tier = Tier.parse((await body_of(request.receive, TierBody)).tier)
        if caller.customer_id is None:
            raise CustomerUnknown("Sign in first: a visitor has no tier to change.")
        now_ms = core.now_ms()
        async with core.store.workspace(caller.workspace_id).write() as tx:
            await set_tier(tx, caller.customer_id, tier, by=BY, reason="demo", now_ms=now_ms)
            await set_assurance(tx, caller.customer_id, caller.device_id, tier, by=BY, now_ms=now_ms)
        await core.replica.poll()
        return json_answer({"tier": tier.label})

    return [Route("/client/v1/demo/tier", raise_tier, methods=["POST"])]

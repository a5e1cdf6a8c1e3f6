"""What a customer sees of themselves: who is signed in on this device, and on which devices else.

No right is asked for beyond the session's own: every answer is about the caller's customer, or the caller's device.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sampan.platform.component import DeviceModels
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.caller import Caller, authenticate
from sampan.platform.identity.client_api import NO_STORE, workspace_of
from sampan.platform.identity.masking import masked_name, masked_phone
from sampan.platform.identity.personal import Personal, open_personal
from sampan.platform.identity.problems import DeviceUnknown
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.identity.repository_customers import get_personal
from sampan.platform.identity.repository_devices import Device, get_device, list_pairs
from sampan.platform.identity.repository_sessions import rotated_at
from sampan.platform.identity.service_session import leave

ME = "/client/v1/me"
DEVICES = "/client/v1/devices"


def caller_of(core: Core, request: Request) -> Caller:
    """Return who made the request; raises as `authenticate`."""
    header = request.headers.get("authorization")
    return authenticate(core, workspace_of(request), header.encode("latin-1") if header is not None else None)


def json_answer(body: object, status: int = 200) -> Response:
    """Return an answer that nobody keeps."""
    return Response(msgspec.json.encode(body), status, NO_STORE, "application/json")


async def personal_of(core: Core, caller: Caller) -> Personal | None:
    """Return what the bank told about the caller's customer; None for a visitor."""
    if caller.customer_id is None:
        return None
    async with core.store.workspace(caller.workspace_id).read() as tx:
        stored = await get_personal(tx, caller.customer_id)
    return open_personal(stored, core.sealer, caller.workspace_id, caller.customer_id) if stored else Personal()


def build(core: Core) -> list[BaseRoute]:
    """Return the routes."""

    async def me(request: Request) -> Response:
        caller = caller_of(core, request)
        personal = await personal_of(core, caller)
        customer = None
        if personal is not None:
            customer = {"name_masked": masked_name(personal.name), "phone_masked": masked_phone(personal.phone)}
        return json_answer(
            {"device": caller.device_id, "subject": caller.subject, "tier": caller.tier.label, "customer": customer}
        )

    async def devices(request: Request) -> Response:
        caller = caller_of(core, request)
        channels = {app.id: app.channel for app in core.replica.view(caller.workspace_id).parts[CLIENT_APPS].values()}
        async with core.store.workspace(caller.workspace_id).read() as tx:
            found = await own_devices(tx, caller)
            rotated = await rotated_at(tx, [device.id for device in found])
            models = await models_of(core, tx, [device.id for device in found])
        rows = [_row(device, caller, channels.get(device.client_app, ""), rotated, models) for device in found]
        return json_answer({"devices": sorted(rows, key=lambda row: (not row["is_this"], -row["last_seen_ms"]))})

    async def sign_out_device(request: Request) -> Response:
        caller, device_id = caller_of(core, request), request.path_params["device"]
        async with core.store.workspace(caller.workspace_id).write() as tx:
            device = next((each for each in await own_devices(tx, caller) if each.id == device_id), None)
            if device is None:
                raise DeviceUnknown("You are not signed in on a device of this id.")
            await leave(tx, device, cause="signed_out", by=caller.device_id, now_ms=core.now_ms())
        return Response(status_code=204, headers=NO_STORE)

    return [
        Route(ME, me, methods=["GET"]),
        Route(DEVICES, devices, methods=["GET"]),
        Route(f"{DEVICES}/{{device}}", sign_out_device, methods=["DELETE"]),
    ]


async def own_devices(tx: Transaction, caller: Caller) -> list[Device]:
    """Return the devices that the caller's customer is signed in on now; a visitor's is the one it calls from."""
    if caller.customer_id is not None:
        return [pair.device for pair in await list_pairs(tx, caller.customer_id) if pair.is_signed_in]
    device = await get_device(tx, caller.device_id)
    return [device] if device is not None else []


async def models_of(core: Core, tx: Transaction, device_ids: Sequence[str]) -> Mapping[str, str]:
    """Return by id what devices say that they are."""
    found: dict[str, str] = {}
    for each in core.contributions(DeviceModels):
        found.update(await each.read(tx, device_ids))
    return found


def _row(
    device: Device, caller: Caller, channel: str, rotated: Mapping[str, int], models: Mapping[str, str]
) -> dict[str, Any]:
    """Return a device as its owner sees it; `platform` is the channel of its client app, `model` its own word."""
    return {
        "id": device.id,
        "is_this": device.id == caller.device_id,
        "platform": channel,
        "model": models.get(device.id, ""),
        "last_seen_ms": max(device.seen_ms, rotated.get(device.id, 0)),
        "created_ms": device.created_ms,
    }

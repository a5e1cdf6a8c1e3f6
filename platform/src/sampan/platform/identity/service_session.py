"""Use cases of a device's session as a visitor: begin one, and fall back to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from sampan.platform.component import Port
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.grants import Granted, Holder, current_subject, grant, start, switch
from sampan.platform.identity.problems import (
    ClientAppClosed,
    ClientAppUnknown,
    DeviceKeyTaken,
    DeviceRevoked,
)
from sampan.platform.identity.refresh_tokens import (
    RefreshToken,
    new_refresh_token,
)
from sampan.platform.identity.repository_client_apps import PART as CLIENT_APPS
from sampan.platform.identity.repository_client_apps import ClientApp
from sampan.platform.identity.repository_devices import Device, add_device, find_device, get_device, see_device
from sampan.platform.identity.repository_sessions import Session
from sampan.platform.identity.repository_subjects import create_subject, get_subject
from sampan.platform.identity.tiers import Tier
from sampan.platform.ids import new_id
from sampan.platform.logs import Log
from sampan.platform.ports import AttestPort

TRIES = 4
CLOSED = "This app is no longer served. Install its successor."
log = Log("identity")


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a device says when it begins a session; the keys are checked and their proof holds."""

    client_app: str
    signing_key: Mapping[str, str]
    thumbprint: str
    envelope_key: Mapping[str, str] | None
    attestation: str = ""
    network: str = ""


def open_client_app(core: Core, workspace_id: str, app_id: str) -> ClientApp:
    """Return a client app that takes sessions; raise `ClientAppUnknown` or `ClientAppClosed`."""
    apps: Mapping[str, ClientApp] = core.replica.view(workspace_id).parts[CLIENT_APPS]
    app = apps.get(app_id)
    if app is None:
        raise ClientAppUnknown("No client app has this id here. Ask the bank for the app's id.", field="client_app")
    if app.closed:
        raise ClientAppClosed(CLOSED)
    return app


def is_closed(core: Core, workspace_id: str, app_id: str) -> bool:
    """Return whether a client app was closed; one that this worker has not heard of yet was not."""
    apps: Mapping[str, ClientApp] = core.replica.view(workspace_id).parts[CLIENT_APPS]
    app = apps.get(app_id)
    return app is not None and app.closed


def refuse_closed(core: Core, workspace_id: str, app_id: str) -> None:
    """Raise `ClientAppClosed` when the client app was closed."""
    if is_closed(core, workspace_id, app_id):
        raise ClientAppClosed(CLOSED)


async def begin(core: Core, workspace_id: str, new: NewSession) -> Granted:
    """Begin a visitor's session on a new device, or on one whose key is known (its answer was lost, say).

    A customer who was signed in on the device is signed out. Raises `DeviceKeyTaken`, `DeviceRevoked`.
    """
    now_ms = core.now_ms()
    carries = await _attested(core, workspace_id, new)
    refresh = new_refresh_token()
    async with core.store.workspace(workspace_id).write() as tx:
        device = await find_device(tx, new.thumbprint)
        if device is None:
            device = await _register(tx, new, carries, now_ms)
        else:
            _refuse(device, new)
            if device.customer_id is not None:
                device = await leave(tx, device, cause="signed_out", by=device.id, now_ms=now_ms)
            await see_device(tx, device.id, envelope_key=new.envelope_key, carries=carries, now_ms=now_ms)
        session, holder = await start_visitor(tx, device, refresh, now_ms=now_ms)
    return grant(core, workspace_id, session, refresh, tier=holder.tier, epoch=holder.epoch, now_ms=now_ms)


async def sign_out(core: Core, workspace_id: str, device_id: str) -> Granted:
    """End the device's session and begin a visitor's; a customer's tokens on it are void.

    A closed client app's devices are signed out too, but begin no session: raises `ClientAppClosed` then.
    """
    now_ms = core.now_ms()
    refresh = new_refresh_token()
    started: tuple[Session, Holder] | None = None
    async with core.store.workspace(workspace_id).write() as tx:
        device = await usable_device(tx, device_id)
        device = await leave(tx, device, cause="signed_out", by=device.id, now_ms=now_ms)
        if not is_closed(core, workspace_id, device.client_app):
            started = await start_visitor(tx, device, refresh, now_ms=now_ms)
    if started is None:
        raise ClientAppClosed(f"You are signed out. {CLOSED}")
    session, holder = started
    return grant(core, workspace_id, session, refresh, tier=holder.tier, epoch=holder.epoch, now_ms=now_ms)


async def usable_device(tx: Transaction, device_id: str) -> Device:
    """Return a device that was not revoked; raise `DeviceRevoked`."""
    device = await get_device(tx, device_id)
    if device is None or device.revoked:
        raise DeviceRevoked("The bank revoked this device. Ask the bank.")
    return device


async def leave(tx: Transaction, device: Device, *, cause: str, by: str, now_ms: int, revoked: bool = False) -> Device:
    """End the device's session, void its tokens, and give it back its own subject."""
    epoch = await switch(
        tx,
        device,
        customer_id=None,
        subject=device.subject,
        before=await current_subject(tx, device),
        carries=Tier.VISITOR,
        cause=cause,
        by=by,
        now_ms=now_ms,
        revoked=revoked,
    )
    return replace(device, customer_id=None, epoch=epoch, revoked=device.revoked or revoked)


async def start_visitor(
    tx: Transaction, device: Device, refresh: RefreshToken, *, now_ms: int
) -> tuple[Session, Holder]:
    """Begin a session of the device's own subject."""
    subject = await get_subject(tx, device.subject)
    holder = Holder(subject.number, None, Tier.VISITOR, subject.epoch, Tier.VISITOR)
    return await start(tx, device, holder, refresh, now_ms=now_ms), holder


async def _attested(core: Core, workspace_id: str, new: NewSession) -> Tier:
    """Return what the device may carry at most: what the attestation port says, or everything without one."""
    if not any(port.protocol is AttestPort for port in core.contributions(Port)):
        return Tier.FULL
    label = await core.port(AttestPort).check(
        workspace_id=workspace_id,
        client_app=new.client_app,
        device_key=new.thumbprint.encode(),
        attestation=new.attestation,
    )
    return Tier.parse(label)


async def _register(tx: Transaction, new: NewSession, carries: Tier, now_ms: int) -> Device:
    device_id = new_id("dev")
    subject = await create_subject(
        tx, kind="device", owner_id=device_id, tier=Tier.VISITOR, by=device_id, now_ms=now_ms
    )
    device = Device(
        id=device_id,
        client_app=new.client_app,
        thumbprint=new.thumbprint,
        signing_key=new.signing_key,
        envelope_key=new.envelope_key,
        subject=subject,
        customer_id=None,
        carries=carries,
        epoch=0,
        revoked=False,
        network=new.network,
        created_ms=now_ms,
        seen_ms=now_ms,
    )
    await add_device(tx, device)
    return device


def _refuse(device: Device, new: NewSession) -> None:
    if device.revoked:
        raise DeviceRevoked("The bank revoked this device. Ask the bank.")
    if device.client_app != new.client_app:
        raise DeviceKeyTaken("Make a key of your own for this app; the one you sent belongs to another app's device.")

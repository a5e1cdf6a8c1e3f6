"""From a session to the tokens that a device gets for it. Shared by all use cases that begin or continue one."""

from msgspec import Struct

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.keyring import PART, Keyring
from sampan.platform.identity.refresh_tokens import RefreshToken
from sampan.platform.identity.repository_customers import get_customer
from sampan.platform.identity.repository_devices import Device, change_device
from sampan.platform.identity.repository_sessions import Session, begin_session, end_session
from sampan.platform.identity.repository_subjects import log_changes
from sampan.platform.identity.subjects import DeviceChanged
from sampan.platform.identity.tiers import Tier, effective_tier
from sampan.platform.identity.tokens import LIFETIME_MS, mint


class Granted(Struct, frozen=True):
    """The tokens of a session, and what they say."""

    device_id: str
    subject: int
    customer_id: str | None
    tier: Tier
    access_token: str
    refresh_token: str
    expires_in_seconds: int = LIFETIME_MS // 1000


class Holder(Struct, frozen=True):
    """Who a session is for: a customer's or a visitor's subject as it stands in the database."""

    subject: int
    customer_id: str | None
    tier: Tier
    epoch: int
    carries: Tier


def keyring_of(core: Core, workspace_id: str) -> Keyring:
    """Return the workspace's keys; raise `UnknownWorkspace`."""
    keyring: Keyring = core.replica.view(workspace_id).parts[PART]
    return keyring


async def start(tx: Transaction, device: Device, holder: Holder, refresh: RefreshToken, *, now_ms: int) -> Session:
    """Begin a session in place of any other of the device."""
    session = Session(
        family=refresh.family,
        device_id=device.id,
        client_app=device.client_app,
        thumbprint=device.thumbprint,
        subject=holder.subject,
        customer_id=holder.customer_id,
        carries=holder.carries,
        device_epoch=device.epoch,
        present=refresh.hash,
        used=b"",
        created_ms=now_ms,
        rotated_ms=now_ms,
    )
    await begin_session(tx, session)
    return session


async def switch(
    tx: Transaction,
    device: Device,
    *,
    customer_id: str | None,
    subject: int,
    before: int,
    carries: Tier,
    cause: str,
    by: str,
    now_ms: int,
    revoked: bool = False,
) -> int:
    """Give the device another subject, void all its tokens, and return its new epoch."""
    epoch = await change_device(tx, device.id, customer_id=customer_id, revoked=device.revoked or revoked)
    await end_session(tx, device.id)
    event = DeviceChanged(device.id, epoch, int(carries), cause, subject, before, by)
    await log_changes(tx, [event], now_ms=now_ms)
    return epoch


async def current_subject(tx: Transaction, device: Device) -> int:
    """Return the number that the device acts as now."""
    customer = await get_customer(tx, device.customer_id) if device.customer_id else None
    return customer.subject if customer else device.subject


def grant(
    core: Core, workspace_id: str, session: Session, refresh: RefreshToken, *, tier: Tier, epoch: int, now_ms: int
) -> Granted:
    """Return the tokens of a session whose subject has this tier and epoch now."""
    kid, key = keyring_of(core, workspace_id).signer(core.sealer, now_ms=now_ms)
    effective = effective_tier(tier, session.carries)
    access_token = mint(
        key=key,
        kid=kid,
        workspace_id=workspace_id,
        client_app=session.client_app,
        device_id=session.device_id,
        thumbprint=session.thumbprint,
        subject=session.subject,
        customer_id=session.customer_id,
        tier=effective,
        carries=session.carries,
        epoch=epoch,
        device_epoch=session.device_epoch,
        now_ms=now_ms,
    )
    return Granted(session.device_id, session.subject, session.customer_id, effective, access_token, refresh.text)

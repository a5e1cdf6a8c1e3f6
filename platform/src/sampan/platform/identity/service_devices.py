"""Use cases of a customer's devices, for the bank. Functions take the caller's transaction."""

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging
from sampan.platform.identity.problems import DeviceUnknown
from sampan.platform.identity.repository_devices import (
    LAST_SEEN,
    CustomerDevice,
    Device,
    DeviceFilter,
    SignIn,
    get_device,
    get_pair,
    owners_of,
    page_devices,
    page_pairs,
    set_pair_assurance,
)
from sampan.platform.identity.repository_sessions import rotated_at, set_session_carries
from sampan.platform.identity.repository_subjects import log_changes
from sampan.platform.identity.service_customers import present_customer
from sampan.platform.identity.service_session import leave
from sampan.platform.identity.subjects import DeviceChanged
from sampan.platform.identity.tiers import Tier


class SeenDevice(Struct, frozen=True):
    """A customer's device and when it was last heard of."""

    pair: CustomerDevice
    seen_ms: int


class KnownDevice(Struct, frozen=True):
    """A device, when it was last heard of, and who has signed in on it."""

    device: Device
    seen_ms: int
    owners: tuple[SignIn, ...] = ()


async def list_devices(
    tx: Transaction, wanted: DeviceFilter, paging: Paging, order: Order = LAST_SEEN
) -> Found[KnownDevice]:
    """Return a page of devices by when they last began a session; who signed in on them is left out."""
    found = await page_devices(tx, wanted, paging, order)
    rotated = await rotated_at(tx, [device.id for device in found.items])
    return found.shown(lambda device: KnownDevice(device, max(device.seen_ms, rotated.get(device.id, 0))))


async def known_device(tx: Transaction, device_id: str) -> KnownDevice:
    """Return a device with everybody who signed in on it; raise `DeviceUnknown`."""
    device = await get_device(tx, device_id)
    if device is None:
        raise DeviceUnknown("No device has this id here.")
    rotated = await rotated_at(tx, [device_id])
    owners = await owners_of(tx, device_id)
    return KnownDevice(device, max(device.seen_ms, rotated.get(device_id, 0)), tuple(owners))


async def devices_of(tx: Transaction, customer_id: str, paging: Paging) -> Found[SeenDevice]:
    """Return a page of the devices that a customer has signed in on, the latest sign-in first.

    Raises `CustomerUnknown`.
    """
    await present_customer(tx, customer_id)
    found = await page_pairs(tx, customer_id, paging)
    rotated = await rotated_at(tx, [pair.device.id for pair in found.items])
    return found.shown(lambda pair: SeenDevice(pair, max(pair.device.seen_ms, rotated.get(pair.device.id, 0))))


async def set_assurance(
    tx: Transaction, customer_id: str, device_id: str, tier: Tier, *, by: str, now_ms: int
) -> tuple[CustomerDevice, Tier]:
    """Set what a customer may carry on a device and return the pair and the assurance before.

    In force in under a second, up as well as down. Raises `CustomerUnknown`, `DeviceUnknown`.
    """
    customer = await present_customer(tx, customer_id)
    before = await _pair(tx, customer_id, device_id)
    await set_pair_assurance(tx, customer_id, device_id, tier)
    pair = await _pair(tx, customer_id, device_id)
    if pair.is_signed_in:
        device, carries = pair.device, pair.carries
        await set_session_carries(tx, device_id, carries, device.epoch)
        event = DeviceChanged(
            device_id, device.epoch, int(carries), "assurance", customer.subject, customer.subject, by
        )
        await log_changes(tx, [event], now_ms=now_ms)
    return pair, before.assurance


async def sign_out_device(tx: Transaction, customer_id: str, device_id: str, *, by: str, now_ms: int) -> Device:
    """Sign a customer out on one device; it goes on as a visitor. Raises `CustomerUnknown`, `DeviceUnknown`."""
    await present_customer(tx, customer_id)
    pair = await _pair(tx, customer_id, device_id)
    return await leave(tx, pair.device, cause="signed_out", by=by, now_ms=now_ms) if pair.is_signed_in else pair.device


async def revoke_device(tx: Transaction, device_id: str, *, by: str, now_ms: int) -> Device:
    """Refuse a device for good, whoever is signed in on it; its tokens are void. Raises `DeviceUnknown`."""
    device = await get_device(tx, device_id)
    if device is None:
        raise DeviceUnknown("No device has this id here.")
    return device if device.revoked else await leave(tx, device, cause="revoked", by=by, now_ms=now_ms, revoked=True)


async def _pair(tx: Transaction, customer_id: str, device_id: str) -> CustomerDevice:
    pair = await get_pair(tx, customer_id, device_id)
    if pair is None:
        raise DeviceUnknown("This customer never signed in on a device of this id.")
    return pair

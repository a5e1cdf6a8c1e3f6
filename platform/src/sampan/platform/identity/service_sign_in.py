"""Use cases of signing a customer in on a device, by phone and one-time code."""

import hmac
from dataclasses import dataclass

from msgspec.structs import replace

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.codes import (
    LIFETIME_MS,
    MAX_ATTEMPTS,
    code_seal,
    new_code,
    phone_number,
    phone_seal,
)
from sampan.platform.identity.grants import Granted, Holder, current_subject, grant, keyring_of, start, switch
from sampan.platform.identity.limits import (
    CODES_PER_ADDRESS,
    CODES_PER_DEVICE,
    CODES_PER_PHONE,
    TRIES_PER_ADDRESS,
    TRIES_PER_DEVICE,
    TRIES_PER_PHONE,
    count,
    network_of,
)
from sampan.platform.identity.personal import Personal
from sampan.platform.identity.problems import CodeWrong, NotACustomer
from sampan.platform.identity.refresh_tokens import RefreshToken, new_refresh_token
from sampan.platform.identity.repository_customers import Customer, find_by_phone
from sampan.platform.identity.repository_devices import Device, link_customer
from sampan.platform.identity.repository_sessions import Session, delete_code, put_code, take_attempt
from sampan.platform.identity.service_customers import NewCustomer, create_customer, prepare_customer
from sampan.platform.identity.service_session import open_client_app, refuse_closed, usable_device
from sampan.platform.identity.tiers import Tier
from sampan.platform.ports import SmsPort

CARRIES_BY_CODE = Tier.REGISTERED  # phone numbers are recycled: a code alone never gives more on a new device
WRONG = "The code does not fit. Check it, or ask for a new one."


@dataclass(frozen=True, slots=True)
class CodeSent:
    """How long the code holds, and from when another may be asked for."""

    expires_in_seconds: int = LIFETIME_MS // 1000


async def send_code(core: Core, workspace_id: str, caller: Caller, *, phone: str, lang: str, address: str) -> CodeSent:
    """Send a one-time code to a phone. Whether a customer has that number cannot be told from the answer.

    Raises `ClientAppClosed`, `PhoneInvalid`, `CodeLimit`, or what the `sms` port raises.
    """
    refuse_closed(core, workspace_id, caller.client_app)
    number = phone_number(phone)
    await count(core, workspace_id, CODES_PER_ADDRESS, network_of(address))
    await count(core, workspace_id, CODES_PER_DEVICE, caller.device_id)
    await count(core, workspace_id, CODES_PER_PHONE, number)
    code = new_code()
    secrets = keyring_of(core, workspace_id).secrets(core.sealer)
    phone_lookup = phone_seal(secrets.phone, number)
    seal = code_seal(secrets.code, phone_seal=phone_lookup, device_id=caller.device_id, code=code)
    expires_ms = core.now_ms() + LIFETIME_MS
    async with core.store.workspace(workspace_id).write() as tx:
        await usable_device(tx, caller.device_id)
        await put_code(tx, caller.device_id, phone_seal=phone_lookup, code_seal=seal, expires_ms=expires_ms)
    sms = core.port(SmsPort)
    await sms.send_code(workspace_id=workspace_id, phone=number, code=code, lang=lang)
    return CodeSent()


async def sign_in_by_code(
    core: Core, workspace_id: str, caller: Caller, *, phone: str, code: str, address: str
) -> Granted:
    """Sign the customer with this phone number in on the caller's device, and void the device's earlier tokens.

    A number without a customer makes a new registered one where the client app allows that.
    Raises `ClientAppClosed`, `CodeWrong`, `CodeLimit`, `NotACustomer`, `DeviceRevoked`.
    """
    refuse_closed(core, workspace_id, caller.client_app)
    number = phone_number(phone)
    # Before the phone's own count: whoever names ever new numbers must not use up the room for counters.
    await count(core, workspace_id, TRIES_PER_ADDRESS, network_of(address))
    await count(core, workspace_id, TRIES_PER_DEVICE, caller.device_id)
    await count(core, workspace_id, TRIES_PER_PHONE, number)
    now_ms = core.now_ms()
    secrets = keyring_of(core, workspace_id).secrets(core.sealer)
    lookup = phone_seal(secrets.phone, number)
    seal = code_seal(secrets.code, phone_seal=lookup, device_id=caller.device_id, code=code)
    newcomer = await _newcomer(core, workspace_id, caller.client_app, number, lookup)
    refresh = new_refresh_token()
    signed_in: tuple[Session, Holder] | None = None
    async with core.store.workspace(workspace_id).write() as tx:
        # A wrong code must not roll back: the attempt it took has to stay counted.
        expected = await take_attempt(tx, caller.device_id, phone_seal=lookup, max_attempts=MAX_ATTEMPTS, now_ms=now_ms)
        if expected is not None and hmac.compare_digest(expected, seal):
            device = await usable_device(tx, caller.device_id)
            await delete_code(tx, device.id)
            customer = await find_by_phone(tx, lookup) or await _create(tx, newcomer, device.id, now_ms)
            if customer is not None:
                signed_in = await sign_in(
                    tx, device, customer, refresh, assurance=CARRIES_BY_CODE, by=device.id, now_ms=now_ms
                )
    if expected is None or not hmac.compare_digest(expected, seal):
        raise CodeWrong(WRONG)
    if signed_in is None:
        raise NotACustomer("This number belongs to no customer of the bank. Become a customer first.")
    session, holder = signed_in
    return grant(core, workspace_id, session, refresh, tier=holder.tier, epoch=holder.epoch, now_ms=now_ms)


async def sign_in(
    tx: Transaction,
    device: Device,
    customer: Customer,
    refresh: RefreshToken,
    *,
    assurance: Tier,
    by: str,
    now_ms: int,
) -> tuple[Session, Holder]:
    """Switch the device to a customer whose identity was just proven.

    `assurance` counts for a pair of customer and device that is new; a known one keeps what the bank gave it.
    """
    before = await current_subject(tx, device)
    assured = await link_customer(tx, customer.id, device.id, assurance, now_ms=now_ms)
    carries = min(assured, device.carries)
    epoch = await switch(
        tx,
        device,
        customer_id=customer.id,
        subject=customer.subject,
        before=before,
        carries=carries,
        cause="signed_in",
        by=by,
        now_ms=now_ms,
    )
    holder = Holder(customer.subject, customer.id, customer.tier, customer.epoch, carries)
    device = replace(device, customer_id=customer.id, epoch=epoch)
    return await start(tx, device, holder, refresh, now_ms=now_ms), holder


async def _newcomer(core: Core, workspace_id: str, app_id: str, number: str, lookup: bytes) -> NewCustomer | None:
    """Prepare a customer outside of the transaction, when the number has none and the client app may make one."""
    if not open_client_app(core, workspace_id, app_id).registers_customers:
        return None
    async with core.store.workspace(workspace_id).read() as tx:
        if await find_by_phone(tx, lookup) is not None:
            return None
    return prepare_customer(
        core, workspace_id, bank_reference=None, tier=Tier.REGISTERED, personal=Personal(phone=number)
    )


async def _create(tx: Transaction, newcomer: NewCustomer | None, device_id: str, now_ms: int) -> Customer | None:
    return await create_customer(tx, newcomer, by=device_id, now_ms=now_ms) if newcomer else None

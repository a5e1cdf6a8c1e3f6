"""Use cases of the bank's customers. Functions take the caller's transaction, so that its audit row joins them."""

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sampan.platform.component import Forgets
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging
from sampan.platform.identity.grants import keyring_of
from sampan.platform.identity.personal import Personal, open_personal, seal_personal, tidy
from sampan.platform.identity.problems import (
    CustomerUnknown,
    PhoneTaken,
    ReferenceTaken,
    TierNotForCustomers,
)
from sampan.platform.identity.repository_customers import (
    Customer,
    SealedPersonal,
    add_customer,
    erase_customer,
    find_by_phone,
    find_by_reference,
    get_customer,
    get_personal,
    put_personal,
    set_reference,
)
from sampan.platform.identity.repository_devices import list_pairs
from sampan.platform.identity.repository_subjects import (
    OLDEST_CHANGES,
    create_subject,
    log_changes,
    page_changes,
    raise_subject_epoch,
    set_subject_tier,
)
from sampan.platform.identity.service_session import leave
from sampan.platform.identity.subjects import ERASED, EpochRaised, SubjectErased, TierChanged, from_entry
from sampan.platform.identity.tiers import CUSTOMER_TIERS, Tier
from sampan.platform.ids import new_id


class NewCustomer(Struct, frozen=True):
    """A customer ready to be stored: its personal data is sealed already."""

    id: str
    bank_reference: str | None
    tier: Tier
    personal: SealedPersonal


class Change(Struct, frozen=True):
    """One entry of a customer's history: its number in the log, when, and what."""

    n: int
    at_ms: int
    kind: str
    facts: dict[str, Any]


def prepare_customer(
    core: Core, workspace_id: str, *, bank_reference: str | None, tier: Tier, personal: Personal
) -> NewCustomer:
    """Check and seal a new customer, outside of any transaction.

    Raises `TierNotForCustomers`, `PhoneInvalid`, `PersonalTooLong`.
    """
    customer_id = new_id("cus")
    sealed = seal_for(core, workspace_id, customer_id, personal)
    return NewCustomer(customer_id, bank_reference, customer_tier(tier), sealed)


def seal_for(core: Core, workspace_id: str, customer_id: str, personal: Personal) -> SealedPersonal:
    """Check and seal personal data of a customer under a new key."""
    phone_key = keyring_of(core, workspace_id).secrets(core.sealer).phone
    return seal_personal(tidy(personal), core.sealer, workspace_id, customer_id, phone_key=phone_key)


def customer_tier(tier: Tier) -> Tier:
    """Return a tier that a customer may have; raise `TierNotForCustomers`."""
    if tier not in CUSTOMER_TIERS:
        raise TierNotForCustomers(
            "A customer is registered, e_account or full; a visitor is no customer.", field="tier"
        )
    return tier


async def create_customer(tx: Transaction, new: NewCustomer, *, by: str, now_ms: int) -> Customer:
    """Store a prepared customer; raise `ReferenceTaken` or `PhoneTaken`."""
    await _refuse_taken(tx, new.id, new.bank_reference, new.personal)
    subject = await create_subject(tx, kind="customer", owner_id=new.id, tier=new.tier, by=by, now_ms=now_ms)
    await add_customer(tx, new.id, subject=subject, bank_reference=new.bank_reference, now_ms=now_ms)
    await put_personal(tx, new.id, new.personal)
    return Customer(new.id, new.bank_reference, subject, new.tier, 0, now_ms, None)


async def present_customer(tx: Transaction, customer_id: str) -> Customer:
    """Return a customer who is not erased; raise `CustomerUnknown`."""
    customer = await get_customer(tx, customer_id)
    if customer is None or customer.erased_ms is not None:
        raise CustomerUnknown("No customer has this id here, or the customer was erased.")
    return customer


async def read_personal(core: Core, tx: Transaction, customer_id: str) -> Personal:
    """Return the personal data of a customer; raise `CustomerUnknown`."""
    stored = await get_personal(tx, customer_id)
    if stored is None:
        raise CustomerUnknown("No customer has this id here, or the customer was erased.")
    return open_personal(stored, core.sealer, tx.workspace_id, customer_id)


async def change_customer(
    tx: Transaction, customer_id: str, *, bank_reference: str | None = None, personal: SealedPersonal | None = None
) -> Customer:
    """Set the bank reference, or the whole of the personal data; what is None stays as it is.

    Raises `CustomerUnknown`, `ReferenceTaken`, `PhoneTaken`.
    """
    await present_customer(tx, customer_id)
    await _refuse_taken(tx, customer_id, bank_reference, personal)
    if bank_reference is not None:
        await set_reference(tx, customer_id, bank_reference)
    if personal is not None:
        await put_personal(tx, customer_id, personal)
    return await present_customer(tx, customer_id)


async def set_tier(
    tx: Transaction, customer_id: str, tier: Tier, *, by: str, reason: str = "", now_ms: int
) -> tuple[Customer, Tier]:
    """Set a customer's tier and return the customer and the tier before; in force in under a second.

    Raises `CustomerUnknown`, `TierNotForCustomers`.
    """
    customer = await present_customer(tx, customer_id)
    if customer_tier(tier) != customer.tier:
        await set_subject_tier(tx, customer.subject, int(tier))
        event = TierChanged(customer.subject, int(tier), int(customer.tier), by, reason)
        await log_changes(tx, [event], now_ms=now_ms)
    return await present_customer(tx, customer_id), customer.tier


async def sign_out_everywhere(tx: Transaction, customer_id: str, *, by: str, reason: str = "", now_ms: int) -> Customer:
    """End all sessions of a customer and void their tokens; the devices go on as visitors."""
    customer = await present_customer(tx, customer_id)
    await _leave_devices(tx, customer, by, now_ms)
    epoch = await raise_subject_epoch(tx, customer.subject)
    await log_changes(tx, [EpochRaised(customer.subject, epoch, by, reason)], now_ms=now_ms)
    return await present_customer(tx, customer_id)


async def erase(core: Core, tx: Transaction, customer_id: str, *, by: str, now_ms: int) -> Customer:
    """Destroy a customer's personal data and its key, and end all sessions. Ids and the subject number stay.

    What components keep of the customer goes by what they contribute as `Forgets`. Raises
    `CustomerUnknown`; a second time too.
    """
    customer = await present_customer(tx, customer_id)
    await _leave_devices(tx, customer, by, now_ms)
    epoch = await raise_subject_epoch(tx, customer.subject)
    await set_subject_tier(tx, customer.subject, ERASED)
    await erase_customer(tx, customer_id, now_ms=now_ms)
    for each in core.contributions(Forgets):
        await each.forget(tx, customer_id, customer.subject)
    await log_changes(tx, [SubjectErased(customer.subject, epoch, by)], now_ms=now_ms)
    return customer


async def history(tx: Transaction, customer_id: str, paging: Paging, order: Order = OLDEST_CHANGES) -> Found[Change]:
    """Return a page of what happened to a customer, from the log; works for erased ones too."""
    customer = await get_customer(tx, customer_id)
    if customer is None:
        raise CustomerUnknown("No customer has this id here.")
    found = await page_changes(tx, customer.subject, paging, order)
    return found.shown(lambda entry: Change(entry.n, entry.at_ms, entry.kind, _facts(asdict(from_entry(entry)))))


async def _leave_devices(tx: Transaction, customer: Customer, by: str, now_ms: int) -> None:
    for pair in await list_pairs(tx, customer.id):
        if pair.is_signed_in:
            await leave(tx, pair.device, cause="signed_out", by=by, now_ms=now_ms)


async def _refuse_taken(
    tx: Transaction, customer_id: str, bank_reference: str | None, personal: SealedPersonal | None
) -> None:
    owner = await find_by_reference(tx, bank_reference) if bank_reference is not None else None
    if owner is not None and owner.id != customer_id:
        raise ReferenceTaken("Another customer has this bank reference; change that one instead.", customer=owner.id)
    holder = await find_by_phone(tx, personal.phone_seal) if personal and personal.phone_seal else None
    if holder is not None and holder.id != customer_id:
        raise PhoneTaken("Another customer has this phone number; take it from that one first.", customer=holder.id)


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    """Return an event's fields as people read them: tiers by name, numbers of tiers nowhere."""
    named = {}
    for name, value in values.items():
        is_tier = name in ("tier", "carries") or (name == "before" and "tier" in values)
        named[name] = Tier(value).label if is_tier else value
    return named

"""The bank's API for customers and their devices. Every change has its audit row in its transaction.

Answers carry personal data only where the path says `personal`; audit rows never do.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.codes import phone_number, phone_seal
from sampan.platform.identity.grants import keyring_of
from sampan.platform.identity.import_lines import CSV, JSON_LINES, read_lines, reader_for
from sampan.platform.identity.own_api import models_of
from sampan.platform.identity.personal import Personal
from sampan.platform.identity.problems import CustomerUnknown
from sampan.platform.identity.repository_customers import (
    NEWEST,
    OLDEST,
    Customer,
    CustomerFilter,
    find_by_phone,
    get_customer,
    page_customers,
)
from sampan.platform.identity.repository_devices import LAST_SEEN, LONGEST_UNSEEN, DeviceFilter
from sampan.platform.identity.repository_subjects import NEWEST_CHANGES, OLDEST_CHANGES
from sampan.platform.identity.service_customers import (
    change_customer,
    create_customer,
    erase,
    history,
    prepare_customer,
    read_personal,
    seal_for,
    set_tier,
    sign_out_everywhere,
)
from sampan.platform.identity.service_devices import (
    devices_of,
    known_device,
    list_devices,
    revoke_device,
    set_assurance,
    sign_out_device,
)
from sampan.platform.identity.service_import import import_customers
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import NumberQuery
from sampan.platform.operators.console_paging import Page, Paged, listed, page
from sampan.platform.operators.identity_console_bodies import (
    AssuranceBody,
    CustomerAnswer,
    CustomerChange,
    CustomerTier,
    DeviceAnswer,
    DeviceDetail,
    HistoryEntry,
    ImportAnswer,
    KnownDeviceAnswer,
    NewCustomerBody,
    PersonalBody,
    PhoneBody,
    ReasonBody,
    TierBody,
)

IMPORT_FORM = {"requestBody": {"required": True, "content": {kind: {} for kind in (CSV, *JSON_LINES)}}}

NamedDevice = TypeVar("NamedDevice", bound=KnownDeviceAnswer)
Reader = Annotated[Actor, needs("customer:read")]
PersonalReader = Annotated[Actor, needs("customer:personal")]
Editor = Annotated[Actor, needs("customer:edit")]
TierSetter = Annotated[Actor, needs("customer:tier")]
SignerOut = Annotated[Actor, needs("customer:sign_out")]
Eraser = Annotated[Actor, needs("customer:erase")]


def _customer_filter(
    tier: CustomerTier | None = None,
    state: Annotated[Literal["present", "erased"] | None, Query(description="Erased ones have no tier.")] = None,
    from_ms: Annotated[NumberQuery, Query(description="Registered at this time or later.")] = None,
    until_ms: Annotated[NumberQuery, Query(description="Registered before this time.")] = None,
    bank_reference: str | None = None,
) -> CustomerFilter:
    return CustomerFilter(
        tier=Tier.parse(tier) if tier else None,
        is_erased=None if state is None else state == "erased",
        from_ms=from_ms,
        until_ms=until_ms,
        bank_reference=bank_reference,
    )


def _device_filter(
    client_app: str | None = None,
    customer: Annotated[str | None, Query(description="Signed in there now.")] = None,
    signed_in: bool | None = None,
    revoked: bool | None = None,
    from_ms: Annotated[NumberQuery, Query(description="Began its last session at this time or later.")] = None,
    until_ms: Annotated[NumberQuery, Query(description="Began its last session before this time.")] = None,
) -> DeviceFilter:
    return DeviceFilter(client_app, customer, signed_in, revoked, from_ms, until_ms)


def build(core: Core) -> APIRouter:
    """Return the router of customers and devices."""
    router = APIRouter(tags=["customers"])
    _add_reading(router, core)
    _add_changing(router, core)
    _add_devices(router, core)
    return router


def _add_reading(router: APIRouter, core: Core) -> None:
    @router.get("/customers")
    async def list_page(
        workspace: Workspace,
        _actor: Reader,
        paging: Paged,
        wanted: Annotated[CustomerFilter, Depends(_customer_filter)],
        sort: Literal["created", "-created"] = "-created",
    ) -> Page[CustomerAnswer]:
        """List customers, the latest registered first, or (`sort=created`) the first."""
        async with core.store.workspace(workspace).read() as tx:
            found = await page_customers(tx, wanted, paging, OLDEST if sort == "created" else NEWEST)
        return page(found, CustomerAnswer.of)

    @router.post("/customers/search")
    async def search(
        workspace: Workspace, _actor: PersonalReader, body: PhoneBody, paging: Paged
    ) -> Page[CustomerAnswer]:
        """Find the customer with this phone number."""
        seal = phone_seal(keyring_of(core, workspace).secrets(core.sealer).phone, phone_number(body.phone))
        async with core.store.workspace(workspace).read() as tx:
            found = await find_by_phone(tx, seal)
        return listed([CustomerAnswer.of(found)] if found else [], paging, key=lambda customer: customer.id)

    @router.get("/customers/{customer_id}")
    async def get_one(workspace: Workspace, _actor: Reader, customer_id: str) -> CustomerAnswer:
        """Return a customer without personal data; erased ones too."""
        async with core.store.workspace(workspace).read() as tx:
            found = await get_customer(tx, customer_id)
        if found is None:
            raise CustomerUnknown("No customer has this id here.")
        return CustomerAnswer.of(found)

    @router.get("/customers/{customer_id}/personal")
    async def get_personal(workspace: Workspace, actor: PersonalReader, customer_id: str) -> PersonalBody:
        """Return a customer's personal data; that somebody looked is audited."""
        async with core.store.workspace(workspace).write() as tx:
            personal = await read_personal(core, tx, customer_id)
            await record(tx, actor, "customer.read_personal", target=customer_id, now_ms=core.now_ms())
        return PersonalBody(
            name=personal.name, phone=personal.phone, email=personal.email, lang=personal.lang, extra=personal.extra
        )

    @router.get("/customers/{customer_id}/history")
    async def get_history(
        workspace: Workspace,
        _actor: Reader,
        customer_id: str,
        paging: Paged,
        sort: Literal["n", "-n"] = "n",
    ) -> Page[HistoryEntry]:
        """List what happened to a customer, oldest first: tiers, sign-ins, sign-outs, revocations."""
        async with core.store.workspace(workspace).read() as tx:
            found = await history(tx, customer_id, paging, OLDEST_CHANGES if sort == "n" else NEWEST_CHANGES)
        return page(found, HistoryEntry.of)


def _add_changing(router: APIRouter, core: Core) -> None:
    @router.post("/customers", status_code=201)
    async def create(workspace: Workspace, actor: Editor, body: NewCustomerBody) -> CustomerAnswer:
        """Enter a customer."""
        personal = Personal(**body.personal.model_dump())
        tier, now_ms = Tier.parse(body.tier), core.now_ms()
        new = prepare_customer(core, workspace, bank_reference=body.bank_reference, tier=tier, personal=personal)
        async with core.store.workspace(workspace).write() as tx:
            customer = await create_customer(tx, new, by=_by(actor), now_ms=now_ms)
            detail = {"tier": tier.label}
            await record(tx, actor, "customer.create", target=customer.id, detail=detail, now_ms=now_ms)
        return CustomerAnswer.of(customer)

    @router.post("/customers/import", openapi_extra=IMPORT_FORM)
    async def import_lines(workspace: Workspace, actor: Editor, request: Request) -> ImportAnswer:
        """Create or change customers by bank reference, one per line: CSV with a header, or JSON lines."""
        lines = read_lines(request.stream(), reader_for(request.headers.get("content-type", "")))

        async def note(tx: Transaction, outcome: str, customer: Customer) -> None:
            detail = {"outcome": outcome, "tier": customer.tier.label}
            await record(tx, actor, "customer.import", target=customer.id, detail=detail, now_ms=core.now_ms())

        return ImportAnswer.of(await import_customers(core, workspace, lines, by=_by(actor), note=note))

    @router.patch("/customers/{customer_id}")
    async def change(workspace: Workspace, actor: Editor, customer_id: str, body: CustomerChange) -> CustomerAnswer:
        """Set the bank reference, or the whole of the personal data."""
        sealed = None
        if body.personal is not None:
            sealed = seal_for(core, workspace, customer_id, Personal(**body.personal.model_dump()))
        async with core.store.workspace(workspace).write() as tx:
            customer = await change_customer(tx, customer_id, bank_reference=body.bank_reference, personal=sealed)
            detail = {"fields": sorted(body.model_dump(exclude_none=True))}
            await record(tx, actor, "customer.change", target=customer_id, detail=detail, now_ms=core.now_ms())
        return CustomerAnswer.of(customer)

    @router.put("/customers/{customer_id}/tier")
    async def put_tier(workspace: Workspace, actor: TierSetter, customer_id: str, body: TierBody) -> CustomerAnswer:
        """Set a customer's tier; in force on every device in under a second."""
        tier, now_ms = Tier.parse(body.tier), core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            customer, before = await set_tier(tx, customer_id, tier, by=_by(actor), reason=body.reason, now_ms=now_ms)
            detail = {"before": before.label, "tier": tier.label}
            await record(tx, actor, "customer.tier", target=customer_id, detail=detail, now_ms=now_ms)
        return CustomerAnswer.of(customer)

    @router.post("/customers/{customer_id}/erase")
    async def erase_one(workspace: Workspace, actor: Eraser, customer_id: str) -> CustomerAnswer:
        """Destroy a customer's personal data with its key; ids stay. It cannot be undone."""
        now_ms = core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            await erase(core, tx, customer_id, by=_by(actor), now_ms=now_ms)
            await record(tx, actor, "customer.erase", target=customer_id, now_ms=now_ms)
            customer = await get_customer(tx, customer_id)
        assert customer is not None  # noqa: S101 - the row stays
        return CustomerAnswer.of(customer)


def _add_devices(router: APIRouter, core: Core) -> None:
    @router.get("/customers/{customer_id}/devices")
    async def list_customers_devices(
        workspace: Workspace, _actor: Reader, customer_id: str, paging: Paged
    ) -> Page[DeviceAnswer]:
        """List the devices that a customer has signed in on, the latest sign-in first."""
        async with core.store.workspace(workspace).read() as tx:
            found = await devices_of(tx, customer_id, paging)
        return page(found, lambda item: DeviceAnswer.of(item.pair, item.seen_ms))

    @router.get("/devices")
    async def list_all_devices(
        workspace: Workspace,
        _actor: Reader,
        paging: Paged,
        wanted: Annotated[DeviceFilter, Depends(_device_filter)],
        sort: Literal["seen", "-seen"] = "-seen",
    ) -> Page[KnownDeviceAnswer]:
        """List devices by when they last began a session, the latest first."""
        async with core.store.workspace(workspace).read() as tx:
            found = await list_devices(tx, wanted, paging, LONGEST_UNSEEN if sort == "seen" else LAST_SEEN)
            models = await models_of(core, tx, [each.device.id for each in found.items])
        return page(found, lambda each: _named(KnownDeviceAnswer.of(each), models))

    @router.get("/devices/{device_id}")
    async def get_one_device(workspace: Workspace, _actor: Reader, device_id: str) -> DeviceDetail:
        """Return a device and who has signed in on it."""
        async with core.store.workspace(workspace).read() as tx:
            found = DeviceDetail.of(await known_device(tx, device_id))
            return _named(found, await models_of(core, tx, [device_id]))

    @router.put("/customers/{customer_id}/devices/{device_id}/assurance")
    async def put_assurance(
        workspace: Workspace, actor: TierSetter, customer_id: str, device_id: str, body: AssuranceBody
    ) -> DeviceAnswer:
        """Set what a customer may carry on a device; a one-time code alone gives `registered`."""
        tier, now_ms = Tier.parse(body.tier), core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            pair, before = await set_assurance(tx, customer_id, device_id, tier, by=_by(actor), now_ms=now_ms)
            detail = {"customer": customer_id, "before": before.label, "tier": tier.label}
            await record(tx, actor, "device.assurance", target=device_id, detail=detail, now_ms=now_ms)
        return DeviceAnswer.of(pair, pair.device.seen_ms)

    @router.post("/customers/{customer_id}/sign-out", status_code=204)
    async def sign_out_all(workspace: Workspace, actor: SignerOut, customer_id: str, body: ReasonBody) -> None:
        """End all sessions of a customer; the devices go on as visitors."""
        now_ms = core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            await sign_out_everywhere(tx, customer_id, by=_by(actor), reason=body.reason, now_ms=now_ms)
            await record(tx, actor, "customer.sign_out", target=customer_id, now_ms=now_ms)

    @router.post("/customers/{customer_id}/devices/{device_id}/sign-out", status_code=204)
    async def sign_out_one(workspace: Workspace, actor: SignerOut, customer_id: str, device_id: str) -> None:
        """Sign a customer out on one device."""
        now_ms = core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            await sign_out_device(tx, customer_id, device_id, by=_by(actor), now_ms=now_ms)
            detail = {"customer": customer_id}
            await record(tx, actor, "device.sign_out", target=device_id, detail=detail, now_ms=now_ms)

    @router.post("/devices/{device_id}/revoke", status_code=204)
    async def revoke(workspace: Workspace, actor: SignerOut, device_id: str) -> None:
        """Refuse a device for good, whoever is signed in on it."""
        now_ms = core.now_ms()
        async with core.store.workspace(workspace).write() as tx:
            await revoke_device(tx, device_id, by=_by(actor), now_ms=now_ms)
            await record(tx, actor, "device.revoke", target=device_id, now_ms=now_ms)


def _named(answer: NamedDevice, models: Mapping[str, str]) -> NamedDevice:
    """Return a device's answer with what the device says of itself."""
    return answer.model_copy(update={"model": models.get(answer.id, "")})


def _by(actor: Actor) -> str:
    return actor.via or actor.operator_id or actor.label

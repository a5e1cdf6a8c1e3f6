"""Rows of the devices and of the customers that signed in on them."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.tiers import Tier

devices = scoped_table(
    "devices",
    Column("id", String(40), primary_key=True),
    Column("client_app", String(64), nullable=False),
    Column("thumbprint", String(64), nullable=False),
    Column("signing_key", JSON, nullable=False),
    Column("envelope_key", JSON, nullable=True),
    Column("subject", BigInteger, nullable=False),
    Column("customer_id", String(40), nullable=True),
    Column("carries", SmallInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("network", String(40), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "thumbprint"),
    ForeignKeyConstraint(["workspace_id", "client_app"], ["client_apps.workspace_id", "client_apps.id"]),
    ForeignKeyConstraint(["workspace_id", "subject"], ["subjects.workspace_id", "subjects.number"]),
    Index("ix_devices_customer", "workspace_id", "customer_id"),
    Index("ix_devices_seen", "workspace_id", "seen_ms", "id"),
)
customer_devices = scoped_table(
    "customer_devices",
    Column("customer_id", String(40), primary_key=True),
    Column("device_id", String(40), primary_key=True),
    Column("assurance", SmallInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "device_id"], ["devices.workspace_id", "devices.id"]),
    ForeignKeyConstraint(["workspace_id", "customer_id"], ["customers.workspace_id", "customers.id"]),
    Index("ix_customer_devices_device", "workspace_id", "device_id"),
)


class Device(Struct, frozen=True):
    """One installation of a client app.

    `subject` is the device's own number, which it keeps as a visitor; `carries` the highest tier that the
    device itself may carry; `epoch` rises with every change that voids its tokens. `network` is the sealed network that
    it began in, the same for devices of one network; empty when that is not known.
    """

    id: str
    client_app: str
    thumbprint: str
    signing_key: Mapping[str, str]
    envelope_key: Mapping[str, str] | None
    subject: int
    customer_id: str | None
    carries: Tier
    epoch: int
    revoked: bool
    network: str
    created_ms: int
    seen_ms: int


class CustomerDevice(Struct, frozen=True):
    """A device that a customer has signed in on; `assurance` is what the two together may carry."""

    device: Device
    customer_id: str
    assurance: Tier
    first_ms: int
    last_ms: int

    @property
    def carries(self) -> Tier:
        """The highest tier of this customer on this device."""
        return min(self.assurance, self.device.carries)

    @property
    def is_signed_in(self) -> bool:
        """Whether the customer is signed in there now."""
        return self.device.customer_id == self.customer_id


class SignIn(Struct, frozen=True):
    """A customer who has signed in on a device; `assurance` is what the two together may carry."""

    customer_id: str
    assurance: Tier
    first_ms: int
    last_ms: int


class DeviceFilter(Struct, frozen=True):
    """Which devices; last session begun in a half-open range of milliseconds."""

    client_app: str | None = None
    customer_id: str | None = None
    is_signed_in: bool | None = None
    is_revoked: bool | None = None
    seen_from_ms: int | None = None
    seen_until_ms: int | None = None


LAST_SEEN = Order("-seen", (devices.c.seen_ms, devices.c.id), descending=True)
LONGEST_UNSEEN = Order("seen", (devices.c.seen_ms, devices.c.id))
_COLUMNS = [column for column in devices.c if column.name != "workspace_id"]


def _device(row: Any) -> Device:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    return Device(**{**values, "carries": Tier(values["carries"])})


async def add_device(tx: Transaction, device: Device) -> None:
    """Store a new device."""
    values = {column.name: getattr(device, column.name) for column in _COLUMNS}
    await tx.execute(insert(devices).values(workspace_id=tx.workspace_id, **{**values, "carries": int(device.carries)}))


async def get_device(tx: Transaction, device_id: str) -> Device | None:
    """Return one device."""
    row = await tx.execute(
        select(*_COLUMNS).where(devices.c.workspace_id == tx.workspace_id, devices.c.id == device_id)
    )
    found = row.one_or_none()
    return _device(found) if found else None


async def find_device(tx: Transaction, thumbprint: str) -> Device | None:
    """Return the device whose signing key has this thumbprint."""
    statement = select(*_COLUMNS).where(devices.c.workspace_id == tx.workspace_id, devices.c.thumbprint == thumbprint)
    row = (await tx.execute(statement)).one_or_none()
    return _device(row) if row else None


async def page_devices(
    tx: Transaction, wanted: DeviceFilter, paging: Paging, order: Order = LAST_SEEN
) -> Found[Device]:
    """Return a page of devices."""
    statement = select(*_COLUMNS).where(devices.c.workspace_id == tx.workspace_id)
    if wanted.client_app is not None:
        statement = statement.where(devices.c.client_app == wanted.client_app)
    if wanted.customer_id is not None:
        statement = statement.where(devices.c.customer_id == wanted.customer_id)
    if wanted.is_signed_in is not None:
        nobody = devices.c.customer_id.is_(None)
        statement = statement.where(devices.c.customer_id.is_not(None) if wanted.is_signed_in else nobody)
    if wanted.is_revoked is not None:
        statement = statement.where(devices.c.revoked.is_(wanted.is_revoked))
    if wanted.seen_from_ms is not None:
        statement = statement.where(devices.c.seen_ms >= wanted.seen_from_ms)
    if wanted.seen_until_ms is not None:
        statement = statement.where(devices.c.seen_ms < wanted.seen_until_ms)
    return await read_page(tx, statement, order, paging, _device)


async def has_devices(tx: Transaction, client_app: str) -> bool:
    """Whether any device of this client app exists."""
    statement = select(devices.c.id).where(
        devices.c.workspace_id == tx.workspace_id, devices.c.client_app == client_app
    )
    return (await tx.execute(statement.limit(1))).one_or_none() is not None


async def change_device(tx: Transaction, device_id: str, **changes: Any) -> int:
    """Change columns of a device, raise its epoch and return it."""
    statement = (
        update(devices)
        .where(devices.c.workspace_id == tx.workspace_id, devices.c.id == device_id)
        .values(epoch=devices.c.epoch + 1, **changes)
        .returning(devices.c.epoch)
    )
    return int((await tx.execute(statement)).scalar_one())


async def see_device(
    tx: Transaction, device_id: str, *, envelope_key: Mapping[str, str] | None, carries: Tier, now_ms: int
) -> None:
    """Note that the device began a session anew, with the envelope key and the attestation that it has now."""
    await tx.execute(
        update(devices)
        .where(devices.c.workspace_id == tx.workspace_id, devices.c.id == device_id)
        .values(seen_ms=now_ms, envelope_key=envelope_key, carries=int(carries))
    )


async def link_customer(tx: Transaction, customer_id: str, device_id: str, assurance: Tier, *, now_ms: int) -> Tier:
    """Note a sign-in and return the assurance of customer and device: `assurance` for a new pair, else as it was."""
    row = {"workspace_id": tx.workspace_id, "customer_id": customer_id, "device_id": device_id}
    new = {"assurance": int(assurance), "first_ms": now_ms, "last_ms": now_ms}
    if (await tx.execute(insert_or_ignore(tx, customer_devices).values(**row, **new))).rowcount:
        return assurance
    statement = _pair(tx, customer_id, device_id).values(last_ms=now_ms).returning(customer_devices.c.assurance)
    return Tier((await tx.execute(statement)).scalar_one())


async def set_pair_assurance(tx: Transaction, customer_id: str, device_id: str, assurance: Tier) -> None:
    """Set what a customer may carry on a device."""
    await tx.execute(_pair(tx, customer_id, device_id).values(assurance=int(assurance)))


async def get_pair(tx: Transaction, customer_id: str, device_id: str) -> CustomerDevice | None:
    """Return a device with what a customer may carry on it; None when they never signed in there."""
    found = await list_pairs(tx, customer_id, device_id=device_id)
    return found[0] if found else None


async def list_pairs(tx: Transaction, customer_id: str, *, device_id: str | None = None) -> list[CustomerDevice]:
    """Return the devices that a customer has signed in on, the latest sign-in first."""
    statement = _pairs(tx, customer_id).order_by(customer_devices.c.last_ms.desc(), devices.c.id)
    if device_id is not None:
        statement = statement.where(devices.c.id == device_id)
    return [_customer_device(row) for row in await tx.execute(statement)]


async def page_pairs(tx: Transaction, customer_id: str, paging: Paging) -> Found[CustomerDevice]:
    """Return a page of the devices that a customer has signed in on, the latest sign-in first."""
    order = Order("-signed_in", (customer_devices.c.last_ms, customer_devices.c.device_id), descending=True)
    return await read_page(tx, _pairs(tx, customer_id), order, paging, _customer_device)


async def owners_of(tx: Transaction, device_id: str) -> list[SignIn]:
    """Return who has signed in on a device, the latest first, at most 100."""
    c = customer_devices.c
    statement = (
        select(c.customer_id, c.assurance, c.first_ms, c.last_ms)
        .where(c.workspace_id == tx.workspace_id, c.device_id == device_id)
        .order_by(c.last_ms.desc(), c.customer_id)
        .limit(100)
    )
    return [
        SignIn(row.customer_id, Tier(row.assurance), row.first_ms, row.last_ms) for row in await tx.execute(statement)
    ]


def _pair(tx: Transaction, customer_id: str, device_id: str) -> Any:
    return update(customer_devices).where(
        customer_devices.c.workspace_id == tx.workspace_id,
        customer_devices.c.customer_id == customer_id,
        customer_devices.c.device_id == device_id,
    )


def _pairs(tx: Transaction, customer_id: str) -> Any:
    pair = customer_devices.c
    return (
        select(*_COLUMNS, pair.customer_id.label("owner_id"), pair.assurance, pair.first_ms, pair.last_ms)
        .join(customer_devices, and_(pair.workspace_id == tx.workspace_id, pair.device_id == devices.c.id))
        .where(devices.c.workspace_id == tx.workspace_id, pair.customer_id == customer_id)
    )


def _customer_device(row: Any) -> CustomerDevice:
    return CustomerDevice(_device(row), row.owner_id, Tier(row.assurance), row.first_ms, row.last_ms)

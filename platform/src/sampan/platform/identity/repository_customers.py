"""Rows of the customers, and the one table with their personal data."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    and_,
    delete,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.repository_subjects import subjects
from sampan.platform.identity.subjects import ERASED
from sampan.platform.identity.tiers import Tier

customers = scoped_table(
    "customers",
    Column("id", String(40), primary_key=True),
    Column("bank_reference", String(128), nullable=True),
    Column("subject", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("erased_ms", BigInteger, nullable=True),
    UniqueConstraint("workspace_id", "bank_reference"),
    UniqueConstraint("workspace_id", "subject"),
    ForeignKeyConstraint(["workspace_id", "subject"], ["subjects.workspace_id", "subjects.number"]),
    Index("ix_customers_created", "workspace_id", "created_ms", "id"),
)
personal_data = scoped_table(
    "personal_data",
    Column("customer_id", String(40), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("phone_seal", LargeBinary(32), nullable=True),
    UniqueConstraint("workspace_id", "phone_seal"),
    ForeignKeyConstraint(["workspace_id", "customer_id"], ["customers.workspace_id", "customers.id"]),
)


class Customer(Struct, frozen=True):
    """A customer without anything personal. `tier` of an erased one is the lowest; `erased_ms` tells."""

    id: str
    bank_reference: str | None
    subject: int
    tier: Tier
    epoch: int
    created_ms: int
    erased_ms: int | None


class CustomerFilter(Struct, frozen=True):
    """Which customers; registered in a half-open range of milliseconds. With a tier, none that are erased."""

    tier: Tier | None = None
    is_erased: bool | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    bank_reference: str | None = None


class SealedPersonal(Struct, frozen=True):
    """Personal data as stored: sealed under the customer's own key, which is wrapped by the master key."""

    wrapped_key: bytes
    sealed: bytes
    phone_seal: bytes | None


OLDEST = Order("created", (customers.c.created_ms, customers.c.id))
NEWEST = Order("-created", (customers.c.created_ms, customers.c.id), descending=True)
_COLUMNS = (
    customers.c.id,
    customers.c.bank_reference,
    customers.c.subject,
    subjects.c.tier,
    subjects.c.epoch,
    customers.c.created_ms,
    customers.c.erased_ms,
)


def _customer(row: Any) -> Customer:
    tier = Tier.VISITOR if row.tier == ERASED else Tier(row.tier)
    return Customer(row.id, row.bank_reference, row.subject, tier, row.epoch, row.created_ms, row.erased_ms)


def _select(tx: Transaction) -> Any:
    on = and_(subjects.c.workspace_id == tx.workspace_id, subjects.c.number == customers.c.subject)
    return select(*_COLUMNS).join(subjects, on).where(customers.c.workspace_id == tx.workspace_id)


async def get_customer(tx: Transaction, customer_id: str) -> Customer | None:
    """Return one customer, erased ones too."""
    row = (await tx.execute(_select(tx).where(customers.c.id == customer_id))).one_or_none()
    return _customer(row) if row else None


async def find_by_reference(tx: Transaction, bank_reference: str) -> Customer | None:
    """Return the customer with this bank reference."""
    row = (await tx.execute(_select(tx).where(customers.c.bank_reference == bank_reference))).one_or_none()
    return _customer(row) if row else None


async def find_by_phone(tx: Transaction, phone_seal: bytes) -> Customer | None:
    """Return the customer whose phone number has this keyed hash."""
    on = and_(personal_data.c.workspace_id == tx.workspace_id, personal_data.c.customer_id == customers.c.id)
    statement = _select(tx).join(personal_data, on).where(personal_data.c.phone_seal == phone_seal)
    row = (await tx.execute(statement)).one_or_none()
    return _customer(row) if row else None


async def page_customers(
    tx: Transaction, wanted: CustomerFilter, paging: Paging, order: Order = OLDEST
) -> Found[Customer]:
    """Return a page of customers."""
    statement = _select(tx)
    if wanted.tier is not None:
        statement = statement.where(subjects.c.tier == int(wanted.tier))
    if wanted.is_erased is not None:
        absent = customers.c.erased_ms.is_not(None)
        statement = statement.where(absent if wanted.is_erased else customers.c.erased_ms.is_(None))
    if wanted.from_ms is not None:
        statement = statement.where(customers.c.created_ms >= wanted.from_ms)
    if wanted.until_ms is not None:
        statement = statement.where(customers.c.created_ms < wanted.until_ms)
    if wanted.bank_reference is not None:
        statement = statement.where(customers.c.bank_reference == wanted.bank_reference)
    return await read_page(tx, statement, order, paging, _customer)


async def add_customer(
    tx: Transaction, customer_id: str, *, subject: int, bank_reference: str | None, now_ms: int
) -> None:
    """Store a new customer."""
    values = {"id": customer_id, "bank_reference": bank_reference, "subject": subject, "created_ms": now_ms}
    await tx.execute(insert(customers).values(workspace_id=tx.workspace_id, **values))


async def set_reference(tx: Transaction, customer_id: str, bank_reference: str) -> None:
    """Set the bank reference."""
    await tx.execute(
        update(customers)
        .where(customers.c.workspace_id == tx.workspace_id, customers.c.id == customer_id)
        .values(bank_reference=bank_reference)
    )


async def get_personal(tx: Transaction, customer_id: str) -> SealedPersonal | None:
    """Return the sealed personal data; None for an erased customer."""
    columns = (personal_data.c.wrapped_key, personal_data.c.sealed, personal_data.c.phone_seal)
    statement = select(*columns).where(
        personal_data.c.workspace_id == tx.workspace_id, personal_data.c.customer_id == customer_id
    )
    row = (await tx.execute(statement)).one_or_none()
    return SealedPersonal(row.wrapped_key, row.sealed, row.phone_seal) if row else None


async def put_personal(tx: Transaction, customer_id: str, personal: SealedPersonal) -> None:
    """Store the sealed personal data in place of what was there."""
    row = {"workspace_id": tx.workspace_id, "customer_id": customer_id}
    values = {"wrapped_key": personal.wrapped_key, "sealed": personal.sealed, "phone_seal": personal.phone_seal}
    known = (
        update(personal_data)
        .where(personal_data.c.workspace_id == tx.workspace_id, personal_data.c.customer_id == customer_id)
        .values(**values)
    )
    if (await tx.execute(known)).rowcount == 0:
        await tx.execute(insert_or_ignore(tx, personal_data).values(**row, **values))


async def erased_among(tx: Transaction, customer_ids: Collection[str]) -> frozenset[str]:
    """Return those of these customers who were erased."""
    statement = select(customers.c.id).where(
        customers.c.workspace_id == tx.workspace_id,
        customers.c.id.in_(sorted(customer_ids)),
        customers.c.erased_ms.is_not(None),
    )
    return frozenset(row.id for row in await tx.execute(statement))


async def erase_customer(tx: Transaction, customer_id: str, *, now_ms: int) -> None:
    """Destroy the personal data with its key, and the bank reference; the row with its number stays."""
    await tx.execute(
        delete(personal_data).where(
            personal_data.c.workspace_id == tx.workspace_id, personal_data.c.customer_id == customer_id
        )
    )
    await tx.execute(
        update(customers)
        .where(customers.c.workspace_id == tx.workspace_id, customers.c.id == customer_id)
        .values(bank_reference=None, erased_ms=now_ms)
    )

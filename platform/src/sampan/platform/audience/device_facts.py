"""The facts of devices and customers who are not calling now, read from their rows: for explaining and estimating."""

from typing import Any

from msgspec import Struct
from sqlalchemy import and_, func, select

from sampan.platform.audience.claims import read_claims
from sampan.platform.audience.facts import Claims, Facts
from sampan.platform.audience.known import NO_CLAIMS, facts_of
from sampan.platform.audience.problems import SubjectUnknown
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.repository_customers import customers
from sampan.platform.identity.repository_devices import customer_devices, devices
from sampan.platform.identity.subjects import LOG as SUBJECTS
from sampan.platform.identity.subjects import SubjectStates
from sampan.platform.identity.tiers import Tier, effective_tier
from sampan.platform.workspaces.replica import WorkspaceView

PARTS = 256
_ID_LENGTH = 36


class KnownDevice(Struct, frozen=True):
    """A device's row as far as rules go: `carries` is what it and whoever is signed in may carry."""

    id: str
    client_app: str
    subject: int
    customer_id: str | None
    carries: Tier


async def facts_of_device(
    tx: Transaction, view: WorkspaceView, device_id: str, *, now_ms: int, claims: Claims | None = None
) -> Facts:
    """Return what is known of a device: its last claims, unless others are given. Raises `SubjectUnknown`."""
    row = (await tx.execute(_select(tx).where(devices.c.id == device_id))).one_or_none()
    if row is None:
        raise SubjectUnknown("No device of this id here.", field="device")
    if claims is None:
        claims = (await read_claims(tx, [device_id])).get(device_id, NO_CLAIMS)
    return _facts(tx, view, _known(row), now_ms, claims)


async def tier_not_carried(tx: Transaction, view: WorkspaceView, device_id: str) -> Tier | None:
    """Return the tier of whoever is signed in on a device that may carry only a lower one; else None."""
    row = (await tx.execute(_select(tx).where(devices.c.id == device_id))).one_or_none()
    if row is None or row.customer_subject is None:
        return None
    device = _known(row)
    own = _tier_of(view, device)
    return own if device.carries < own else None


async def facts_of_customer(
    tx: Transaction, view: WorkspaceView, customer_id: str, *, now_ms: int, claims: Claims = NO_CLAIMS
) -> Facts:
    """Return what is known of a customer on no device in particular. Raises `SubjectUnknown`."""
    statement = select(customers.c.subject).where(
        customers.c.workspace_id == tx.workspace_id, customers.c.id == customer_id, customers.c.erased_ms.is_(None)
    )
    subject = (await tx.execute(statement)).scalar_one_or_none()
    if subject is None:
        raise SubjectUnknown("No customer of this id here, or the customer was erased.", field="customer")
    return _facts(tx, view, KnownDevice("", "", subject, customer_id, Tier.FULL), now_ms, claims)


async def count_active(tx: Transaction, *, since_ms: int) -> int:
    """Return how many devices began a session since a moment."""
    statement = select(func.count()).select_from(devices).where(*_active(tx, since_ms))
    return int((await tx.execute(statement)).scalar_one())


async def sample_active(tx: Transaction, view: WorkspaceView, *, since_ms: int, now_ms: int, parts: int) -> list[Facts]:
    """Return the facts of `parts` of 256 of the active devices, chosen by the random end of their ids."""
    statement = _select(tx).where(*_active(tx, since_ms))
    if parts < PARTS:
        ends = [f"{part:02x}" for part in range(parts)]
        statement = statement.where(func.substr(devices.c.id, _ID_LENGTH - 1, 2).in_(ends))
    found = [_known(row) for row in await tx.execute(statement)]
    claims = await read_claims(tx, [device.id for device in found])
    return [_facts(tx, view, device, now_ms, claims.get(device.id, NO_CLAIMS)) for device in found]


def _active(tx: Transaction, since_ms: int) -> tuple[Any, ...]:
    return devices.c.workspace_id == tx.workspace_id, devices.c.seen_ms >= since_ms, devices.c.revoked.is_(False)


def _select(tx: Transaction) -> Any:
    columns = (
        devices.c.id,
        devices.c.client_app,
        devices.c.subject,
        devices.c.customer_id,
        devices.c.carries,
        customers.c.subject.label("customer_subject"),
        customer_devices.c.assurance,
    )
    own = and_(customers.c.workspace_id == tx.workspace_id, customers.c.id == devices.c.customer_id)
    pair = and_(
        customer_devices.c.workspace_id == tx.workspace_id,
        customer_devices.c.customer_id == devices.c.customer_id,
        customer_devices.c.device_id == devices.c.id,
    )
    return (
        select(*columns)
        .select_from(devices.outerjoin(customers, own).outerjoin(customer_devices, pair))
        .where(devices.c.workspace_id == tx.workspace_id)
    )


def _known(row: Any) -> KnownDevice:
    if row.customer_subject is None:
        return KnownDevice(row.id, row.client_app, row.subject, None, Tier.VISITOR)
    carries = min(row.carries, row.assurance if row.assurance is not None else row.carries)
    return KnownDevice(row.id, row.client_app, row.customer_subject, row.customer_id, Tier(carries))


def _facts(tx: Transaction, view: WorkspaceView, device: KnownDevice, now_ms: int, claims: Claims) -> Facts:
    tier = effective_tier(_tier_of(view, device), device.carries)
    who = (tx.workspace_id, device.client_app, device.id, device.subject, device.customer_id)
    return facts_of(view, Caller(*who, tier, 0, 0, ""), now_ms=now_ms, claims=claims)


def _tier_of(view: WorkspaceView, device: KnownDevice) -> Tier:
    states: SubjectStates = view.followed[SUBJECTS]
    return states.tier_of(device.subject) or Tier.VISITOR

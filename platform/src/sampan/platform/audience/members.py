"""From ids to subject numbers: customers, bank references and devices."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.identity.repository_customers import customers
from sampan.platform.identity.repository_devices import devices

IDS_PER_READ = 2000


class Column(StrEnum):
    """What ids are of."""

    CUSTOMER = "customer"
    BANK_REFERENCE = "bank_reference"
    DEVICE = "device"


async def numbers_of(tx: Transaction, column: Column, ids: Collection[str]) -> dict[str, int]:
    """Return the subject number of each id that is known here; erased customers are not."""
    found: dict[str, int] = {}
    wanted: Sequence[str] = list(ids)
    for start in range(0, len(wanted), IDS_PER_READ):
        for row in await tx.execute(_select(tx, column, wanted[start : start + IDS_PER_READ])):
            found[row.id] = row.subject
    return found


def _select(tx: Transaction, column: Column, ids: Sequence[str]) -> Any:
    if column is Column.DEVICE:
        return select(devices.c.id, devices.c.subject).where(
            devices.c.workspace_id == tx.workspace_id, devices.c.id.in_(ids)
        )
    key = customers.c.id if column is Column.CUSTOMER else customers.c.bank_reference
    return select(key.label("id"), customers.c.subject).where(
        customers.c.workspace_id == tx.workspace_id, key.in_(ids), customers.c.erased_ms.is_(None)
    )

"""Numbers by day of customers, from their rows. Days are UTC."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Table, func, select

from sampan.platform.engines.database import Transaction
from sampan.platform.identity.repository_customers import customers
from sampan.platform.identity.repository_devices import customer_devices
from sampan.platform.operators.attention import DailySeries

DAY_MS = 24 * 3600 * 1000


async def new_customers(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
    """Return how many customers were entered."""
    return await _by_day(tx, customers, customers.c.created_ms, first, end)


async def sign_ins(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
    """Return on how many devices a customer signed in last on that day."""
    return await _by_day(tx, customer_devices, customer_devices.c.last_ms, first, end)


async def _by_day(tx: Transaction, table: Table, moment: Column[Any], first: int, end: int) -> dict[int, int]:
    day = (moment // DAY_MS).label("day")
    statement = (
        select(day, func.count().label("number"))
        .where(table.c.workspace_id == tx.workspace_id, moment >= first * DAY_MS, moment < end * DAY_MS)
        .group_by(day)
    )
    return {row.day: row.number for row in await tx.execute(statement)}


SERIES = (
    DailySeries("new_customers", "新客户", "New customers", new_customers),
    DailySeries("sign_ins", "最近登录", "Last sign-ins", sign_ins),
)

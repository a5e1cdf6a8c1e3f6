"""The outbox: events of a component are rows of a log, written in the transaction of the change they tell of.

A dispatcher reads them behind a cursor per workspace and consumer, and hands each to the consumer's handler:
at least once, in the order of the log. So a handler is idempotent; the workspace and the number name the
event for that. A handler that raises holds up its own consumer in that workspace alone, is tried again with
growing pauses, and shows in the metrics and in `list_cursors`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from msgspec import Struct
from sqlalchemy import BigInteger, Column, Integer, String, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import Entry, append
from sampan.platform.engines.tables import scoped_table

OUTBOX = "outbox"
MAX_ERROR_CHARACTERS = 500

outbox_cursors = scoped_table(
    "outbox_cursors",
    Column("consumer", String(64), primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry_at_ms", BigInteger, nullable=False),
    Column("last_error", String(MAX_ERROR_CHARACTERS), nullable=False),
)


class Event(Struct, frozen=True):
    """One event as a handler gets it; `(workspace_id, n)` is the same at every delivery."""

    workspace_id: str
    n: int
    at_ms: int
    event_type: str
    payload: Mapping[str, Any]


class Consumer(Struct, frozen=True):
    """Who wants which events. A new consumer gets every event from the first one on.

    `handle` is cancelled after 10 s; what takes longer belongs into a job.
    """

    name: str
    event_types: frozenset[str]
    handle: Callable[[Event], Awaitable[None]]


class ConsumerState(Struct, frozen=True):
    """How far a consumer is in one workspace, and what holds it up."""

    consumer: str
    n: int
    attempts: int
    retry_at_ms: int
    last_error: str


async def emit(tx: Transaction, event_type: str, payload: Mapping[str, Any], *, now_ms: int) -> int:
    """Tell of a change made in `tx`, if it commits; return the event's number."""
    numbers = await append(tx, OUTBOX, [Entry(event_type, orjson.dumps(payload))], now_ms=now_ms)
    tx.wake()
    return numbers[0]


async def list_cursors(tx: Transaction) -> list[ConsumerState]:
    """Return how far each consumer is in the workspace."""
    statement = (
        select(
            outbox_cursors.c.consumer,
            outbox_cursors.c.n,
            outbox_cursors.c.attempts,
            outbox_cursors.c.retry_at_ms,
            outbox_cursors.c.last_error,
        )
        .where(outbox_cursors.c.workspace_id == tx.workspace_id)
        .order_by(outbox_cursors.c.consumer)
    )
    return [
        ConsumerState(row.consumer, row.n, row.attempts, row.retry_at_ms, row.last_error)
        for row in await tx.execute(statement)
    ]

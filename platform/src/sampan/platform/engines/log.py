"""The log engine: ordered, gap-free entries, numbered under the log's row lock in the caller's transaction.

A database sequence numbers in the order of allocation, not of commit, and loses numbers on roll-back, so a
reader that remembers "I have seen 41" would skip entries. Here the head row is locked until the caller
commits: number order is commit order, and a roll-back gives its numbers back.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import scoped_table

log_heads = scoped_table(
    "log_heads",
    Column("log", String(64), primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("head", BigInteger, nullable=False),
)
log_entries = scoped_table(
    "log_entries",
    Column("log", String(64), primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    ForeignKeyConstraint(["workspace_id", "log"], ["log_heads.workspace_id", "log_heads.log"]),
)


class Entry(Struct, frozen=True):
    """What a writer hands over: a kind that readers switch on, and a body of UTF-8 JSON."""

    kind: str
    body: bytes


class LogEntry(Struct, frozen=True):
    """One entry as a reader sees it; `n` starts at 1 and has no gaps."""

    n: int
    at_ms: int
    kind: str
    body: bytes


class Cursor(Struct, frozen=True, order=True):
    """A place in a log. Travels as `"<incarnation>.<n>"`, compared incarnation first."""

    incarnation: int
    n: int

    def __str__(self) -> str:
        return f"{self.incarnation}.{self.n}"


FIRST_INCARNATION = 1


async def take_numbers(tx: Transaction, log: str, count: int) -> int:
    """Lock the log's head until the transaction ends and return the first of `count` new numbers."""
    statement = (
        update(log_heads)
        .where(log_heads.c.workspace_id == tx.workspace_id, log_heads.c.log == log)
        .values(head=log_heads.c.head + count)
        .returning(log_heads.c.head)
    )
    head = (await tx.execute(statement)).scalar_one_or_none()
    if head is None:
        await _create_head(tx, log)
        head = (await tx.execute(statement)).scalar_one()
    return int(head) - count + 1


async def append(tx: Transaction, log: str, entries: Sequence[Entry], *, now_ms: int) -> range:
    """Append entries in order and return their numbers; visible to readers when the transaction commits."""
    if not entries:
        return range(0)
    first = await take_numbers(tx, log, len(entries))
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "log": log,
            "n": n,
            "at_ms": now_ms,
            "kind": entry.kind,
            "body": entry.body,
        }
        for n, entry in enumerate(entries, start=first)
    ]
    await tx.execute(insert(log_entries), rows)
    return range(first, first + len(entries))


async def read(tx: Transaction, log: str, *, after: int, limit: int) -> list[LogEntry]:
    """Return up to `limit` entries that follow number `after`, in order."""
    statement = (
        select(log_entries.c.n, log_entries.c.at_ms, log_entries.c.kind, log_entries.c.body)
        .where(
            log_entries.c.workspace_id == tx.workspace_id,
            log_entries.c.log == log,
            log_entries.c.n > after,
        )
        .order_by(log_entries.c.n)
        .limit(limit)
    )
    return [LogEntry(row.n, row.at_ms, row.kind, row.body) for row in await tx.execute(statement)]


async def head(tx: Transaction, log: str) -> Cursor:
    """Return the place of the last committed entry; number 0 for a log without entries."""
    statement = select(log_heads.c.incarnation, log_heads.c.head).where(
        log_heads.c.workspace_id == tx.workspace_id, log_heads.c.log == log
    )
    row = (await tx.execute(statement)).one_or_none()
    return Cursor(row.incarnation, row.head) if row else Cursor(FIRST_INCARNATION, 0)


async def _create_head(tx: Transaction, log: str) -> None:
    values = {"workspace_id": tx.workspace_id, "log": log, "incarnation": FIRST_INCARNATION, "head": 0}
    await tx.execute(insert_or_ignore(tx, log_heads).values(values))


def insert_or_ignore(tx: Transaction, table: Table) -> Any:
    """Return an INSERT that leaves an existing row of the same key alone."""
    return insert_or(tx, table).on_conflict_do_nothing()


def insert_or(tx: Transaction, table: Table) -> Any:
    """Return an INSERT of the database's own dialect, to which `on_conflict_do_update` can be added."""
    if tx.dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)

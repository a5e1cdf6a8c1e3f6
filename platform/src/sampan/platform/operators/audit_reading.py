"""Reading the audit: pages by filter, all rows in order for a check, and the check itself."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Row, Select, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import head as log_head
from sampan.platform.engines.paging import MAX_LIMIT, Found, Order, Paging, read_page, read_rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import AUDIT_LOG, audit_rows
from sampan.platform.operators.audit_chain import AuditRow, ChainCheck, Head, Problem

if TYPE_CHECKING:
    from sampan.platform.core import Core

ROWS_PER_PAGE = 1000
NEWEST = Order("-n", (audit_rows.c.n,), descending=True)
OLDEST = Order("n", (audit_rows.c.n,))
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BEFORE_ALL = -(2**62)  # rows that somebody numbered below 1 must not escape the check
MAX_CSV_ROWS = 100_000
CSV_COLUMNS = (
    "n", "at_ms", "actor_kind", "person_id", "operator_id", "via", "action", "target", "detail", "hash",
)  # fmt: skip
_COLUMNS = [audit_rows.c[name] for name in AuditRow.__slots__]


class AuditFilter(Struct, frozen=True):
    """Which rows; times are a half-open range of milliseconds. `actor` is a person, operator or token id.

    `after_n` leaves out rows up to this number, for whoever keeps rows elsewhere and fetches what is new.
    """

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    after_n: int | None = None


class Verification(Struct, frozen=True):
    """The outcome of a check; `head` is the last row that was read."""

    head: Head
    checked: int
    witnesses: int
    problems: Sequence[Problem]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


async def page_rows(tx: Transaction, wanted: AuditFilter, paging: Paging, order: Order = NEWEST) -> Found[AuditRow]:
    """Return a page of rows."""
    return await read_page(tx, _matching(tx, wanted), order, paging, _row)


async def rows_after(tx: Transaction, n: int, limit: int = ROWS_PER_PAGE) -> list[AuditRow]:
    """Return the rows that follow number `n`, in order."""
    statement = (
        select(*_COLUMNS)
        .where(audit_rows.c.workspace_id == tx.workspace_id, audit_rows.c.n > n)
        .order_by(audit_rows.c.n)
        .limit(limit)
    )
    return [_row(row) for row in await tx.execute(statement)]


async def pages_after(tx: Transaction, n: int) -> AsyncIterator[list[AuditRow]]:
    """Yield all rows that follow number `n`, in order, page by page."""
    while page := await rows_after(tx, n):
        yield page
        n = page[-1].n


async def verify(core: "Core", workspace_id: str, *, witnesses: Iterable[Head] = ()) -> Verification:
    """Check the whole chain of a workspace against itself, the log's head and the witnessed heads."""
    seen: Mapping[int, str] = {head.n: head.hash for head in witnesses if head.n}
    check = ChainCheck(workspace_id, seen)
    async with core.store.workspace(workspace_id).read() as tx:
        expected = await log_head(tx, AUDIT_LOG)
        async for page in pages_after(tx, BEFORE_ALL):
            await asyncio.to_thread(check.feed, page)
    problems = check.finish(expected_n=expected.n)
    return Verification(check.head, check.checked, len(seen), problems)


async def read_audit(
    core: "Core", workspace_id: str, actor: Actor, wanted: AuditFilter, paging: Paging, order: Order = NEWEST
) -> Found[AuditRow]:
    """Return a page of rows to somebody who may read the audit."""
    actor.require("audit:read")
    async with core.store.workspace(workspace_id).read() as tx:
        return await page_rows(tx, wanted, paging, order)


async def audit_csv(core: "Core", workspace_id: str, actor: Actor, wanted: AuditFilter) -> AsyncIterator[str]:
    """Yield matching rows as CSV, newest first, at most `MAX_CSV_ROWS`; a cut is said in the last line."""
    actor.require("audit:read")
    yield csv_text([CSV_COLUMNS])
    cursor: str | None = None
    for _ in range(MAX_CSV_ROWS // MAX_LIMIT):
        # A transaction per page: a slow download must not hold a reader's snapshot for its whole time.
        async with core.store.workspace(workspace_id).read() as tx:
            statement = _matching(tx, wanted)
            rows, cursor = await read_rows(tx, statement, NEWEST, Paging(cursor, MAX_LIMIT), _row)
        yield csv_text([_cells(row) for row in rows])
        if cursor is None:
            return
    yield csv_text([["cut", f"more than {MAX_CSV_ROWS} rows: narrow the time range"]])


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Return CSV lines (RFC 4180); a cell that a spreadsheet would run as a formula gets an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([[_harmless(cell) for cell in line] for line in lines])
    return buffer.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _row(row: Row[Any]) -> AuditRow:
    return AuditRow(**{name: getattr(row, name) for name in AuditRow.__slots__})


def _cells(row: AuditRow) -> list[object]:
    values = [getattr(row, name) for name in CSV_COLUMNS]
    values[CSV_COLUMNS.index("detail")] = row.detail.decode()
    return values


def _matching(tx: Transaction, wanted: AuditFilter) -> Select[Any]:
    statement = select(*_COLUMNS).where(audit_rows.c.workspace_id == tx.workspace_id)
    if wanted.actor is not None:
        statement = statement.where(
            (audit_rows.c.person_id == wanted.actor)
            | (audit_rows.c.operator_id == wanted.actor)
            | (audit_rows.c.via == wanted.actor)
        )
    if wanted.action is not None:
        statement = statement.where(audit_rows.c.action == wanted.action)
    if wanted.target is not None:
        statement = statement.where(audit_rows.c.target == wanted.target)
    if wanted.after_n is not None:
        statement = statement.where(audit_rows.c.n > wanted.after_n)
    if wanted.from_ms is not None:
        statement = statement.where(audit_rows.c.at_ms >= wanted.from_ms)
    if wanted.until_ms is not None:
        statement = statement.where(audit_rows.c.at_ms < wanted.until_ms)
    return statement

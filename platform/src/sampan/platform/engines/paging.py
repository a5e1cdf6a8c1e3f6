"""Pages of long lists, by the place of the last row instead of an offset: the last page costs what the first does.

A cursor is opaque to callers: the name of the sorting and the last row's values of its columns. It opens nothing that
the caller could not list anyway, since every statement is bound to its workspace whatever the cursor says.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import orjson
from msgspec import Struct
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_

from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Invalid

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_COUNTED = 100_000
MAX_STEPS = 20
_BIGGEST = 2**63 - 1
Record = TypeVar("Record")
Shown = TypeVar("Shown")


class BadCursor(Invalid):
    """The cursor is not one that this list gave out for this sorting."""

    code: ClassVar[str] = "bad_cursor"


class Paging(Struct, frozen=True):
    """Which page is wanted: the one after `cursor`, of at most `limit` items."""

    cursor: str | None = None
    limit: int = DEFAULT_LIMIT


class Found(Struct, Generic[Record], frozen=True):
    """One page; `total` counts all pages up to `MAX_COUNTED`, and is None where nobody counted."""

    items: list[Record]
    next_cursor: str | None
    total: int | None

    def shown(self, view: Callable[[Record], Shown]) -> "Found[Shown]":
        """Return the page with every item in another form."""
        return Found([view(item) for item in self.items], self.next_cursor, self.total)


class Order(Struct, frozen=True):
    """A sorting by columns that are never NULL and together unique, all in one direction."""

    name: str
    columns: tuple[ColumnElement[Any], ...]
    descending: bool = False


async def read_page(
    tx: Transaction, statement: Select[Any], order: Order, paging: Paging, record: Callable[[Any], Record]
) -> Found[Record]:
    """Return the page of `statement`, which has neither order nor limit; raise `BadCursor`."""
    items, following = await read_rows(tx, statement, order, paging, record)
    return Found(items, following, await count_rows(tx, statement))


async def read_rows(
    tx: Transaction, statement: Select[Any], order: Order, paging: Paging, record: Callable[[Any], Record]
) -> tuple[list[Record], str | None]:
    """Return a page's items and where the next one begins, uncounted."""
    places = [column.label(f"place_{n}") for n, column in enumerate(order.columns)]
    wanted = statement.add_columns(*places)
    if paging.cursor is not None:
        wanted = wanted.where(_beyond(order, decode_cursor(paging.cursor, order)))
    direction = [column.desc() if order.descending else column.asc() for column in order.columns]
    rows = (await tx.execute(wanted.order_by(*direction).limit(paging.limit + 1))).all()
    shown = rows[: paging.limit]
    following = None
    if len(rows) > paging.limit:
        following = encode_cursor(order.name, [getattr(shown[-1], place.name) for place in places])
    return [record(row) for row in shown], following


async def read_seen(
    tx: Transaction,
    statement: Select[Any],
    order: Order,
    paging: Paging,
    record: Callable[[Any], Record],
    may_see: Callable[[Record], bool],
) -> Found[Record]:
    """Return a page of those rows that `may_see` lets through, for rules that no WHERE can say; uncounted.

    At most `MAX_STEPS` times `MAX_LIMIT` rows are looked at; a page may so be short although a next one follows.
    """
    seen: list[Record] = []
    cursor, names = paging.cursor, [f"place_{n}" for n in range(len(order.columns))]
    for _ in range(MAX_STEPS):
        rows, cursor = await read_rows(tx, statement, order, Paging(cursor, MAX_LIMIT), lambda row: row)
        for n, row in enumerate(rows):
            if not may_see(found := record(row)):
                continue
            seen.append(found)
            if len(seen) == paging.limit:
                is_last = n == len(rows) - 1 and cursor is None
                here = encode_cursor(order.name, [getattr(row, name) for name in names])
                return Found(seen, None if is_last else here, None)
        if cursor is None:
            break
    return Found(seen, cursor, None)


async def count_rows(tx: Transaction, statement: Select[Any]) -> int:
    """Return how many rows the statement gives, `MAX_COUNTED` for that many or more."""
    rows = statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True).limit(MAX_COUNTED)
    return int((await tx.execute(select(func.count()).select_from(rows.subquery()))).scalar_one())


def page_of(items: Sequence[Record], paging: Paging, *, key: Callable[[Record], str]) -> Found[Record]:
    """Return a page of a list that is in memory anyway, sorted by its unique text `key`; raise `BadCursor`."""
    ordered = sorted(items, key=key)
    after = ordered
    if paging.cursor is not None:
        (last,) = decode_values(paging.cursor, "key", (str,))
        after = [item for item in ordered if key(item) > last]
    shown = after[: paging.limit]
    following = encode_cursor("key", [key(shown[-1])]) if len(after) > len(shown) else None
    return Found(shown, following, len(ordered))


def encode_cursor(name: str, values: Sequence[Any]) -> str:
    """Return the cursor that leads behind the row with these values."""
    return urlsafe_b64encode(orjson.dumps([name, *values])).decode().rstrip("=")


def decode_cursor(cursor: str, order: Order) -> list[Any]:
    """Return the values of a cursor of this sorting; raise `BadCursor`."""
    return decode_values(cursor, order.name, tuple(column.type.python_type for column in order.columns))


def decode_values(cursor: str, name: str, kinds: tuple[type, ...]) -> list[Any]:
    """Return the values of a cursor of this name with values of these kinds; raise `BadCursor`."""
    try:
        content = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise _bad() from None
    if not isinstance(content, list) or content[:1] != [name] or len(content) != len(kinds) + 1:
        raise _bad()
    values = content[1:]
    if any(type(value) is not kind for value, kind in zip(values, kinds, strict=True)):
        raise _bad()
    if any(isinstance(value, int) and abs(value) > _BIGGEST for value in values):
        raise _bad()
    return values


def _beyond(order: Order, values: Sequence[Any]) -> ColumnElement[bool]:
    place = tuple_(*order.columns)
    last = tuple_(*(literal(value, column.type) for value, column in zip(values, order.columns, strict=True)))
    return place < last if order.descending else place > last


def _bad() -> BadCursor:
    return BadCursor(
        "This cursor is not from this list with this sorting. Leave it out to begin with the first page.",
        field="query.cursor",
    )

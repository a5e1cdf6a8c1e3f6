"""Rows of the catalogue: records, and all the SQL."""

from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    Row,
    String,
    Text,
    delete,
    or_,
    select,
    update,
)

from sampan.miniapps.catalogue import Category, Entry
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table

entries = scoped_table(
    "catalogue_entries",
    Column("app_id", String(128), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("is_listed", Boolean, nullable=False),
    Column("see_tier", String(16), nullable=False),
    Column("open_tier", String(16), nullable=False),
    Column("category", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "app_id"], ["apps.workspace_id", "apps.app_id"]),
    ForeignKeyConstraint(
        ["workspace_id", "category"], ["catalogue_categories.workspace_id", "catalogue_categories.id"]
    ),
)
categories = scoped_table(
    "catalogue_categories",
    Column("id", String(32), primary_key=True),
    Column("name_zh", String(100), nullable=False),
    Column("name_en", String(100), nullable=False),
    Column("position", Integer, nullable=False),
)
_E, _G = entries.c, categories.c
_FIELDS = (
    "app_id",
    "is_listed",
    "see_tier",
    "open_tier",
    "category",
    "position",
    "name_zh",
    "name_en",
    "text_zh",
    "text_en",
)


class EntryFilter(Struct, frozen=True):
    """Which entries; `search` is a part of the app id or of a name."""

    is_listed: bool | None = None
    category: str | None = None
    search: str | None = None


async def list_entries(tx: Transaction) -> list[Entry]:
    """Return all entries, by app id."""
    statement = select(*(_E[name] for name in _FIELDS)).where(_E.workspace_id == tx.workspace_id)
    return [_entry(row) for row in await tx.execute(statement.order_by(_E.app_id))]


async def page_entries(tx: Transaction, wanted: EntryFilter, paging: Paging) -> Found[Entry]:
    """Return a page of entries, by app id."""
    statement = select(*(_E[name] for name in _FIELDS)).where(_E.workspace_id == tx.workspace_id)
    if wanted.is_listed is not None:
        statement = statement.where(_E.is_listed.is_(wanted.is_listed))
    if wanted.category is not None:
        statement = statement.where(_E.category == wanted.category)
    if wanted.search is not None:
        named = (_E.app_id, _E.name_zh, _E.name_en)
        statement = statement.where(or_(*(column.icontains(wanted.search, autoescape=True) for column in named)))
    return await read_page(tx, statement, Order("app", (_E.app_id,)), paging, _entry)


async def find_entry(tx: Transaction, app_id: str) -> Entry | None:
    """Return an app's entry, or None."""
    statement = select(*(_E[name] for name in _FIELDS)).where(_E.workspace_id == tx.workspace_id, _E.app_id == app_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _entry(row)


async def entry_revision(tx: Transaction, app_id: str) -> str:
    """Return the number of the entry's last change, `0` before the first."""
    statement = select(_E.revision).where(_E.workspace_id == tx.workspace_id, _E.app_id == app_id)
    return str((await tx.execute(statement)).scalar_one_or_none() or 0)


async def put_entry(tx: Transaction, entry: Entry, *, now_ms: int) -> None:
    """Store an entry in place of the app's present one."""
    values: dict[str, Any] = {**entry.as_json(), "changed_ms": now_ms}
    await tx.execute(insert_or_ignore(tx, entries).values(workspace_id=tx.workspace_id, revision=0, **values))
    await tx.execute(
        update(entries)
        .where(_E.workspace_id == tx.workspace_id, _E.app_id == entry.app_id)
        .values(revision=_E.revision + 1, **values)
    )


async def list_categories(tx: Transaction) -> list[Category]:
    """Return the headings in their order."""
    statement = select(_G.id, _G.name_zh, _G.name_en, _G.position).where(_G.workspace_id == tx.workspace_id)
    rows = await tx.execute(statement.order_by(_G.position, _G.id))
    return [Category(row.id, row.name_zh, row.name_en, row.position) for row in rows]


async def put_category(tx: Transaction, category: Category) -> None:
    """Store a heading in place of the one with its id."""
    values = {"name_zh": category.name_zh, "name_en": category.name_en, "position": category.position}
    await tx.execute(insert_or_ignore(tx, categories).values(workspace_id=tx.workspace_id, id=category.id, **values))
    await tx.execute(
        update(categories).where(_G.workspace_id == tx.workspace_id, _G.id == category.id).values(**values)
    )


async def is_category_used(tx: Transaction, category_id: str) -> bool:
    """Whether an entry stands under the heading."""
    statement = select(_E.app_id).where(_E.workspace_id == tx.workspace_id, _E.category == category_id).limit(1)
    return (await tx.execute(statement)).one_or_none() is not None


async def remove_category(tx: Transaction, category_id: str) -> bool:
    """Remove a heading; return whether it was there."""
    statement = delete(categories).where(_G.workspace_id == tx.workspace_id, _G.id == category_id)
    return bool((await tx.execute(statement)).rowcount)


def _entry(row: Row[Any]) -> Entry:
    return Entry(**{name: getattr(row, name) for name in _FIELDS})

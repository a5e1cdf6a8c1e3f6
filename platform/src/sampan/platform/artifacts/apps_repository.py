"""Publishers, apps and testers: records, and all the SQL."""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from sampan.platform.artifacts.tables import apps, publishers, testers
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page


class Publisher(Struct, frozen=True):
    """A team of mini-app developers; owns apps and signing keys."""

    id: str
    name: str
    created_ms: int
    created_by: str


class App(Struct, frozen=True):
    """One artefact that has versions; ids are never reused, so an archived app keeps its row."""

    app_id: str
    kind: str
    publisher_id: str
    created_ms: int
    created_by: str
    archived_ms: int | None


class Tester(Struct, frozen=True):
    """A device or a customer that may open trial versions of an app; `kind` is `device` or `customer`."""

    app_id: str
    kind: str
    subject_id: str
    added_ms: int
    added_by: str


class Reach(Struct, frozen=True):
    """What a reader may see: everything, or these publishers and apps. Stands in the WHERE of every list."""

    everything: bool
    publishers: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()

    def condition(self) -> ColumnElement[bool] | None:
        """Return the condition on `apps`, or None when nothing is left out."""
        if self.everything:
            return None
        return or_(apps.c.publisher_id.in_(sorted(self.publishers)), apps.c.app_id.in_(sorted(self.apps)))


class AppFilter(Struct, frozen=True):
    """Which apps; `search` is a part of the id."""

    kind: str | None = None
    publisher: str | None = None
    is_archived: bool | None = None
    search: str | None = None


BY_ID = Order("app", (apps.c.app_id,))
NEWEST = Order("-created", (apps.c.created_ms, apps.c.app_id), descending=True)
_APP_COLUMNS = (
    apps.c.app_id,
    apps.c.kind,
    apps.c.publisher_id,
    apps.c.created_ms,
    apps.c.created_by,
    apps.c.archived_ms,
)


async def insert_publisher(tx: Transaction, publisher: Publisher) -> bool:
    """Store a publisher; return False when the name is taken."""
    statement = insert_or_ignore(tx, publishers).values(
        workspace_id=tx.workspace_id,
        id=publisher.id,
        name=publisher.name,
        created_ms=publisher.created_ms,
        created_by=publisher.created_by,
    )
    return bool((await tx.execute(statement)).rowcount)


async def find_publisher(tx: Transaction, publisher_id: str) -> Publisher | None:
    """Return one publisher, or None."""
    found = await list_publishers(tx, [publisher_id])
    return found[0] if found else None


async def list_publishers(tx: Transaction, ids: Collection[str] | None = None) -> list[Publisher]:
    """Return the publishers with these ids, or all, by name."""
    statement = select(publishers.c.id, publishers.c.name, publishers.c.created_ms, publishers.c.created_by).where(
        publishers.c.workspace_id == tx.workspace_id
    )
    if ids is not None:
        statement = statement.where(publishers.c.id.in_(sorted(ids)))
    rows = await tx.execute(statement.order_by(publishers.c.name))
    return [_publisher(row) for row in rows]


async def insert_app(tx: Transaction, app: App) -> bool:
    """Store an app; return False when the id is taken, archived ones included."""
    statement = insert_or_ignore(tx, apps).values(
        workspace_id=tx.workspace_id,
        app_id=app.app_id,
        kind=app.kind,
        publisher_id=app.publisher_id,
        created_ms=app.created_ms,
        created_by=app.created_by,
        archived_ms=app.archived_ms,
    )
    return bool((await tx.execute(statement)).rowcount)


async def find_app(tx: Transaction, app_id: str) -> App | None:
    """Return one app, or None. Whether the reader may know of it is for `apps_service.visible_app`."""
    statement = select(*_APP_COLUMNS).where(apps.c.workspace_id == tx.workspace_id, apps.c.app_id == app_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _app(row)


async def page_publishers(
    tx: Transaction, paging: Paging, *, ids: Collection[str] | None = None, search: str | None = None
) -> Found[Publisher]:
    """Return a page of the publishers with these ids, or of all, by name."""
    p = publishers.c
    statement = select(p.id, p.name, p.created_ms, p.created_by).where(p.workspace_id == tx.workspace_id)
    if ids is not None:
        statement = statement.where(p.id.in_(sorted(ids)))
    if search is not None:
        statement = statement.where(p.name.icontains(search, autoescape=True))
    return await read_page(tx, statement, Order("name", (p.name, p.id)), paging, _publisher)


async def page_apps(tx: Transaction, reach: Reach, wanted: AppFilter, paging: Paging, order: Order) -> Found[App]:
    """Return a page of the apps within reach."""
    statement = select(*_APP_COLUMNS).where(apps.c.workspace_id == tx.workspace_id)
    if (limit := reach.condition()) is not None:
        statement = statement.where(limit)
    if wanted.kind is not None:
        statement = statement.where(apps.c.kind == wanted.kind)
    if wanted.publisher is not None:
        statement = statement.where(apps.c.publisher_id == wanted.publisher)
    if wanted.is_archived is not None:
        present = apps.c.archived_ms.is_(None)
        statement = statement.where(apps.c.archived_ms.is_not(None) if wanted.is_archived else present)
    if wanted.search is not None:
        statement = statement.where(apps.c.app_id.icontains(wanted.search, autoescape=True))
    return await read_page(tx, statement, order, paging, _app)


async def page_testers(tx: Transaction, app_id: str, paging: Paging) -> Found[Tester]:
    """Return a page of the testers of an app."""
    t = testers.c
    statement = select(t.app_id, t.kind, t.subject_id, t.added_ms, t.added_by).where(
        t.workspace_id == tx.workspace_id, t.app_id == app_id
    )
    return await read_page(tx, statement, Order("id", (t.kind, t.subject_id)), paging, _tester)


async def mark_app_archived(tx: Transaction, app_id: str, *, now_ms: int) -> None:
    """Note that an app is archived; for ever."""
    await tx.execute(
        update(apps).where(apps.c.workspace_id == tx.workspace_id, apps.c.app_id == app_id).values(archived_ms=now_ms)
    )


async def list_testers(tx: Transaction, app_id: str | None = None) -> list[Tester]:
    """Return the testers of one app, or of all."""
    t = testers.c
    statement = select(t.app_id, t.kind, t.subject_id, t.added_ms, t.added_by).where(t.workspace_id == tx.workspace_id)
    if app_id is not None:
        statement = statement.where(t.app_id == app_id)
    rows = await tx.execute(statement.order_by(t.app_id, t.kind, t.subject_id))
    return [_tester(row) for row in rows]


async def drop_tester(tx: Transaction, subject_id: str) -> bool:
    """Take a customer or a device out of all lists of testers; return whether it stood in one."""
    t = testers.c
    statement = delete(testers).where(t.workspace_id == tx.workspace_id, t.subject_id == subject_id)
    return (await tx.execute(statement)).rowcount > 0


async def replace_testers(tx: Transaction, app_id: str, wanted: Sequence[Tester]) -> None:
    """Store exactly these testers of an app."""
    await tx.execute(delete(testers).where(testers.c.workspace_id == tx.workspace_id, testers.c.app_id == app_id))
    if wanted:
        rows = [
            {
                "workspace_id": tx.workspace_id,
                "app_id": each.app_id,
                "kind": each.kind,
                "subject_id": each.subject_id,
                "added_ms": each.added_ms,
                "added_by": each.added_by,
            }
            for each in wanted
        ]
        await tx.execute(insert(testers), rows)


def _tester(row: Row[Any]) -> Tester:
    return Tester(row.app_id, row.kind, row.subject_id, row.added_ms, row.added_by)


def _publisher(row: Row[Any]) -> Publisher:
    return Publisher(row.id, row.name, row.created_ms, row.created_by)


def _app(row: Row[Any]) -> App:
    return App(row.app_id, row.kind, row.publisher_id, row.created_ms, row.created_by, row.archived_ms)

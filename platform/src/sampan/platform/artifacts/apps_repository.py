"""Publishers, apps and testers: records, and all the SQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, delete, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from sampan.platform.artifacts.tables import apps, publishers, testers
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore


@dataclass(frozen=True, slots=True)
class Publisher:
    """A team of mini-app developers; owns apps and signing keys."""

    id: str
    name: str
    created_ms: int
    created_by: str


@dataclass(frozen=True, slots=True)
class App:
    """One artefact that has versions; ids are never reused, so an archived app keeps its row."""

    app_id: str
    kind: str
    publisher_id: str
    created_ms: int
    created_by: str
    archived_ms: int | None


@dataclass(frozen=True, slots=True)
class Tester:
    """A device or a customer that may open trial versions of an app; `kind` is `device` or `customer`."""

    app_id: str
    kind: str
    subject_id: str
    added_ms: int
    added_by: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What a reader may see: everything, or these publishers and apps. Stands in the WHERE of every list."""

    everything: bool
    publishers: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()

    def condition(self) -> ColumnElement[bool] | None:
        """Return the condition on `apps`, or None when nothing is left out."""
        if self.everything:
            return None
        return or_(apps.c.publisher_id.in_(sorted(self.publishers)), apps.c.app_id.in_(sorted(self.apps)))


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
    return [Publisher(row.id, row.name, row.created_ms, row.created_by) for row in rows]


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


async def list_apps(tx: Transaction, reach: Reach) -> list[App]:
    """Return the apps within reach, by id."""
    conditions = [apps.c.workspace_id == tx.workspace_id]
    if (limit := reach.condition()) is not None:
        conditions.append(limit)
    statement = select(*_APP_COLUMNS).where(and_(*conditions)).order_by(apps.c.app_id)
    return [_app(row) for row in await tx.execute(statement)]


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
    return [Tester(r.app_id, r.kind, r.subject_id, r.added_ms, r.added_by) for r in rows]


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


def _app(row: Row[Any]) -> App:
    return App(row.app_id, row.kind, row.publisher_id, row.created_ms, row.created_by, row.archived_ms)

"""Rows of the client apps: the super-apps of a workspace."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import JSON, BigInteger, Boolean, Column, String, delete, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.workspaces.replica import SnapshotPart

PART = "client_apps"
client_apps = scoped_table(
    "client_apps",
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("bundle_ids", JSON, nullable=False),
    Column("minimum_versions", JSON, nullable=False),
    Column("registers_customers", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)


class ClientApp(Struct, frozen=True):
    """One super-app.

    `bundle_ids` and `minimum_versions` are by platform (`ios`, `android`, `harmony`, `web`). Without
    `registers_customers` only customers whom the bank created can sign in; a closed app takes no sessions.
    """

    id: str
    name: str
    channel: str
    bundle_ids: Mapping[str, str]
    minimum_versions: Mapping[str, str]
    registers_customers: bool
    closed: bool
    created_ms: int


_COLUMNS = [column for column in client_apps.c if column.name != "workspace_id"]


def _record(row: Any) -> ClientApp:
    return ClientApp(*(getattr(row, column.name) for column in _COLUMNS))


async def add_client_app(tx: Transaction, app: ClientApp) -> bool:
    """Store a client app; False when its id is taken."""
    values = {"workspace_id": tx.workspace_id, **{column.name: getattr(app, column.name) for column in _COLUMNS}}
    return (await tx.execute(insert_or_ignore(tx, client_apps).values(values))).rowcount == 1


async def update_client_app(tx: Transaction, app_id: str, changes: Mapping[str, Any]) -> bool:
    """Change columns of a client app; False when there is none."""
    statement = (
        update(client_apps)
        .where(client_apps.c.workspace_id == tx.workspace_id, client_apps.c.id == app_id)
        .values(dict(changes))
    )
    return (await tx.execute(statement)).rowcount == 1


async def delete_client_app(tx: Transaction, app_id: str) -> None:
    """Delete a client app; the database refuses when devices of it exist."""
    await tx.execute(
        delete(client_apps).where(client_apps.c.workspace_id == tx.workspace_id, client_apps.c.id == app_id)
    )


async def get_client_app(tx: Transaction, app_id: str) -> ClientApp | None:
    """Return one client app."""
    statement = select(*_COLUMNS).where(client_apps.c.workspace_id == tx.workspace_id, client_apps.c.id == app_id)
    row = (await tx.execute(statement)).one_or_none()
    return _record(row) if row else None


async def list_client_apps(tx: Transaction) -> list[ClientApp]:
    """Return all client apps by id."""
    statement = select(*_COLUMNS).where(client_apps.c.workspace_id == tx.workspace_id).order_by(client_apps.c.id)
    return [_record(row) for row in await tx.execute(statement)]


async def page_client_apps(tx: Transaction, paging: Paging) -> Found[ClientApp]:
    """Return a page of client apps by id."""
    statement = select(*_COLUMNS).where(client_apps.c.workspace_id == tx.workspace_id)
    return await read_page(tx, statement, Order("id", (client_apps.c.id,)), paging, _record)


snapshot_part = SnapshotPart(PART, list_client_apps, lambda apps: {app.id: app for app in apps})

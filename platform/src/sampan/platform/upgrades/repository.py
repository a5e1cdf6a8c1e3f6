"""Rows of upgrades, and all SQL on them."""

import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, String, Text, delete, insert, select, tuple_, update

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table

app_upgrades = scoped_table(
    "app_upgrades",
    Column("client_app", String(64), primary_key=True),
    Column("build", BigInteger, primary_key=True, autoincrement=False),
    Column("version", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("text", Text, nullable=False),
    Column("withdrawn", String(2000), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "client_app"], ["client_apps.workspace_id", "client_apps.id"]),
)
_U = app_upgrades.c
NEWEST = Order("-build", (_U.build,), descending=True)


class Mode(StrEnum):
    """How customers are told: a bar that can be put off, or a page that nothing gets past."""

    REMINDER = "reminder"
    FORCED = "forced"


class Upgrade(Struct, frozen=True):
    """A version of a client app that customers are led to.

    `url` is where the store has it; `text` says by language (`zh`, `en`) what is new. `withdrawn` is why nobody is led
    to it any more, or empty.
    """

    client_app: str
    build: int
    version: str
    mode: Mode
    url: str
    text: Mapping[str, str]
    withdrawn: str
    made_by: str
    created_ms: int
    changed_ms: int

    def told(self) -> dict[str, Any]:
        """Return what clients are told of it."""
        return {
            "version": self.version,
            "build": self.build,
            "mode": str(self.mode),
            "url": self.url,
            "text": dict(self.text),
        }

    def digest(self) -> str:
        """Return the digest of what clients are told: a release is approved for exactly this."""
        return digest(canonical_json(self.told()))


_COLUMNS = tuple(_U[name] for name in Upgrade.__struct_fields__)


async def add_upgrade(tx: Transaction, upgrade: Upgrade) -> None:
    """Store a new upgrade."""
    await tx.execute(insert(app_upgrades).values(workspace_id=tx.workspace_id, **_values(upgrade)))


async def put_upgrade(tx: Transaction, upgrade: Upgrade) -> None:
    """Store what became of an upgrade."""
    where = (_U.workspace_id == tx.workspace_id, _U.client_app == upgrade.client_app, _U.build == upgrade.build)
    await tx.execute(update(app_upgrades).where(*where).values(_values(upgrade)))


async def delete_upgrade(tx: Transaction, client_app: str, build: int) -> None:
    """Delete an upgrade."""
    where = (_U.workspace_id == tx.workspace_id, _U.client_app == client_app, _U.build == build)
    await tx.execute(delete(app_upgrades).where(*where))


async def find_upgrades(tx: Transaction, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], Upgrade]:
    """Return those of the (client app, build) pairs that are there, by pair."""
    if not wanted:
        return {}
    statement = select(*_COLUMNS).where(
        _U.workspace_id == tx.workspace_id, tuple_(_U.client_app, _U.build).in_(sorted(wanted))
    )
    found = [_upgrade(row) for row in await tx.execute(statement)]
    return {(each.client_app, each.build): each for each in found}


async def page_upgrades(tx: Transaction, client_app: str, paging: Paging) -> Found[Upgrade]:
    """Return a page of a client app's upgrades, the highest build first."""
    statement = select(*_COLUMNS).where(_U.workspace_id == tx.workspace_id, _U.client_app == client_app)
    return await read_page(tx, statement, NEWEST, paging, _upgrade)


def _values(upgrade: Upgrade) -> dict[str, Any]:
    values = {name: getattr(upgrade, name) for name in Upgrade.__struct_fields__}
    return values | {"text": canonical_json(dict(upgrade.text)).decode()}


def _upgrade(row: Any) -> Upgrade:
    fields = {name: getattr(row, name) for name in Upgrade.__struct_fields__}
    return Upgrade(**fields | {"mode": Mode(row.mode), "text": json.loads(row.text)})

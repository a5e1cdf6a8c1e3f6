"""Rows of switches and of their editions, and all SQL on them."""

from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    func,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.switches.definition import Definition, from_text, to_text

switches = scoped_table(
    "switches",
    Column("key", String(100), primary_key=True),
    Column("salt", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("definition", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("ix_switches_changed", "workspace_id", "changed_ms", "key"),
)
switch_editions = scoped_table(
    "switch_editions",
    Column("key", String(100), primary_key=True),
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("definition", Text, nullable=False),
    Column("cause", String(2000), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "key"], ["switches.workspace_id", "switches.key"]),
)
BY_KEY = Order("key", (switches.c.key,))
LAST_CHANGED = Order("-changed", (switches.c.changed_ms, switches.c.key), descending=True)
LATEST = Order("-edition", (switch_editions.c.edition,), descending=True)


class SwitchState(StrEnum):
    """Where a switch stands: only an active one is served."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Switch(Struct, frozen=True):
    """A switch as stored. `edition` rises with every change; `salt` decides places and never changes."""

    key: str
    salt: str
    state: SwitchState
    definition: Definition
    edition: int
    made_by: str
    created_ms: int
    changed_ms: int


class Edition(Struct, frozen=True):
    """What a switch was, who made it so, and why."""

    edition: int
    state: SwitchState
    definition: Definition
    cause: str
    made_by: str
    at_ms: int


_COLUMNS = tuple(column for column in switches.c if column.name != "workspace_id")
_EDITION = tuple(getattr(switch_editions.c, name) for name in Edition.__struct_fields__)


async def put_switch(tx: Transaction, switch: Switch, *, cause: str, made_by: str) -> None:
    """Store a new switch, or the next edition of one, and keep the edition."""
    text = to_text(switch.definition)
    if switch.edition == 1:
        values = {name: getattr(switch, name) for name in Switch.__struct_fields__} | {"definition": text}
        await tx.execute(insert(switches).values(workspace_id=tx.workspace_id, **values))
    else:
        statement = (
            update(switches)
            .where(
                switches.c.workspace_id == tx.workspace_id,
                switches.c.key == switch.key,
                switches.c.edition == switch.edition - 1,
            )
            .values(state=switch.state, definition=text, edition=switch.edition, changed_ms=switch.changed_ms)
            .returning(switches.c.key)
        )
        (await tx.execute(statement)).one()
    await tx.execute(
        insert(switch_editions).values(
            workspace_id=tx.workspace_id,
            key=switch.key,
            edition=switch.edition,
            state=switch.state,
            definition=text,
            cause=cause,
            made_by=made_by,
            at_ms=switch.changed_ms,
        )
    )


async def get_switch(tx: Transaction, key: str) -> Switch | None:
    """Return a switch."""
    statement = select(*_COLUMNS).where(switches.c.workspace_id == tx.workspace_id, switches.c.key == key)
    row = (await tx.execute(statement)).one_or_none()
    return _switch(row) if row else None


async def list_switches(tx: Transaction, *states: SwitchState) -> list[Switch]:
    """Return all switches in these states, by key."""
    statement = select(*_COLUMNS).where(switches.c.workspace_id == tx.workspace_id, switches.c.state.in_(states))
    return [_switch(row) for row in await tx.execute(statement.order_by(switches.c.key))]


async def served_switches(tx: Transaction) -> list[tuple[str, str]]:
    """Return the definition, as stored, and the salt of every active switch, by key."""
    statement = (
        select(switches.c.definition, switches.c.salt)
        .where(switches.c.workspace_id == tx.workspace_id, switches.c.state == SwitchState.ACTIVE)
        .order_by(switches.c.key)
    )
    return [(row.definition, row.salt) for row in await tx.execute(statement)]


async def page_switches(
    tx: Transaction, paging: Paging, order: Order, *, state: SwitchState | None = None, search: str | None = None
) -> Found[Switch]:
    """Return a page of switches; `search` is a part of the key."""
    statement = select(*_COLUMNS).where(switches.c.workspace_id == tx.workspace_id)
    if state is not None:
        statement = statement.where(switches.c.state == state)
    if search:
        statement = statement.where(switches.c.key.contains(search, autoescape=True))
    return await read_page(tx, statement, order, paging, _switch)


async def count_switches(tx: Transaction) -> tuple[int, int]:
    """Return how many switches there are, and the sum of their editions, which rises with every change of one."""
    statement = select(func.count(switches.c.key), func.coalesce(func.sum(switches.c.edition), 0)).where(
        switches.c.workspace_id == tx.workspace_id
    )
    row: Any = (await tx.execute(statement)).one()
    return int(row[0]), int(row[1])


async def page_editions(tx: Transaction, key: str, paging: Paging) -> Found[Edition]:
    """Return a page of what a switch was, the present edition first."""
    statement = select(*_EDITION).where(switch_editions.c.workspace_id == tx.workspace_id, switch_editions.c.key == key)
    return await read_page(tx, statement, LATEST, paging, _edition)


async def get_edition(tx: Transaction, key: str, edition: int) -> Edition | None:
    """Return one edition of a switch."""
    statement = select(*_EDITION).where(
        switch_editions.c.workspace_id == tx.workspace_id,
        switch_editions.c.key == key,
        switch_editions.c.edition == edition,
    )
    row = (await tx.execute(statement)).one_or_none()
    return _edition(row) if row else None


def _switch(row: Any) -> Switch:
    return Switch(
        row.key,
        row.salt,
        SwitchState(row.state),
        from_text(row.definition),
        row.edition,
        row.made_by,
        row.created_ms,
        row.changed_ms,
    )


def _edition(row: Any) -> Edition:
    state, definition = SwitchState(row.state), from_text(row.definition)
    return Edition(row.edition, state, definition, row.cause, row.made_by, row.at_ms)

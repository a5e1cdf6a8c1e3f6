"""Rows of switches and of their editions, and all SQL on them."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Select,
    String,
    Text,
    func,
    insert,
    select,
    tuple_,
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
    Column("last_edition", Integer, nullable=False),
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
MOST_PAIRS = 200
BY_KEY = Order("key", (switches.c.key,))
LAST_CHANGED = Order("-changed", (switches.c.changed_ms, switches.c.key), descending=True)
LATEST = Order("-edition", (switch_editions.c.edition,), descending=True)


class SwitchState(StrEnum):
    """Where a switch, or an edition of one, stands: only an active one is served to all.

    `proposed` is an edition that only releases give, to those whom they mean; no switch is.
    """

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"
    PROPOSED = "proposed"


class Switch(Struct, frozen=True):
    """A switch as stored. `edition` rises with every change; `salt` decides places and never changes.

    `last_edition` is the highest number that was given out; a proposed edition has one before it is the present one.
    """

    key: str
    salt: str
    state: SwitchState
    definition: Definition
    edition: int
    last_edition: int
    made_by: str
    created_ms: int
    changed_ms: int


class ServedRow(Struct, frozen=True):
    """What is served of a switch: the definition as stored, which edition that is, and the salt of places."""

    key: str
    edition: int
    text: str
    salt: str


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
        await _update(tx, switch, switch.edition - 1, last_edition=switch.edition)
    edition = Edition(switch.edition, switch.state, switch.definition, cause, made_by, switch.changed_ms)
    await _add_edition(tx, switch.key, edition)


async def put_proposal(tx: Transaction, switch: Switch, edition: Edition) -> None:
    """Keep an edition that is not served by itself; its number is the next after the last."""
    statement = (
        update(switches)
        .where(
            switches.c.workspace_id == tx.workspace_id,
            switches.c.key == switch.key,
            switches.c.last_edition == edition.edition - 1,
        )
        .values(last_edition=edition.edition)
        .returning(switches.c.key)
    )
    (await tx.execute(statement)).one()
    await _add_edition(tx, switch.key, edition)


async def take_proposal(tx: Transaction, switch: Switch, *, cause: str) -> None:
    """Make a kept edition the present one; `switch` is what it is then."""
    await _update(tx, switch, switch.last_edition, last_edition=switch.last_edition)
    where = (
        switch_editions.c.workspace_id == tx.workspace_id,
        switch_editions.c.key == switch.key,
        switch_editions.c.edition == switch.edition,
    )
    await tx.execute(
        update(switch_editions).where(*where).values(state=switch.state, cause=cause, at_ms=switch.changed_ms)
    )


async def _update(tx: Transaction, switch: Switch, expected_last: int, *, last_edition: int) -> None:
    statement = (
        update(switches)
        .where(
            switches.c.workspace_id == tx.workspace_id,
            switches.c.key == switch.key,
            switches.c.last_edition == expected_last,
        )
        .values(
            state=switch.state,
            definition=to_text(switch.definition),
            edition=switch.edition,
            last_edition=last_edition,
            changed_ms=switch.changed_ms,
        )
        .returning(switches.c.key)
    )
    (await tx.execute(statement)).one()


async def _add_edition(tx: Transaction, key: str, edition: Edition) -> None:
    values = {name: getattr(edition, name) for name in Edition.__struct_fields__}
    values["definition"] = to_text(edition.definition)
    await tx.execute(insert(switch_editions).values(workspace_id=tx.workspace_id, key=key, **values))


async def get_switch(tx: Transaction, key: str) -> Switch | None:
    """Return a switch."""
    statement = select(*_COLUMNS).where(switches.c.workspace_id == tx.workspace_id, switches.c.key == key)
    row = (await tx.execute(statement)).one_or_none()
    return _switch(row) if row else None


async def list_switches(tx: Transaction, *states: SwitchState) -> list[Switch]:
    """Return all switches in these states, by key."""
    statement = select(*_COLUMNS).where(switches.c.workspace_id == tx.workspace_id, switches.c.state.in_(states))
    return [_switch(row) for row in await tx.execute(statement.order_by(switches.c.key))]


async def served_switches(tx: Transaction) -> list[ServedRow]:
    """Return what is served of every active switch, by key."""
    statement = (
        select(switches.c.key, switches.c.edition, switches.c.definition, switches.c.salt)
        .where(switches.c.workspace_id == tx.workspace_id, switches.c.state == SwitchState.ACTIVE)
        .order_by(switches.c.key)
    )
    return [ServedRow(row.key, row.edition, row.definition, row.salt) for row in await tx.execute(statement)]


async def edition_texts(tx: Transaction, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the definitions, as stored, of those of the (key, edition) pairs that are there."""
    found: dict[tuple[str, int], str] = {}
    pairs = sorted(wanted)
    for start in range(0, len(pairs), MOST_PAIRS):
        statement = select(switch_editions.c.key, switch_editions.c.edition, switch_editions.c.definition).where(
            switch_editions.c.workspace_id == tx.workspace_id,
            tuple_(switch_editions.c.key, switch_editions.c.edition).in_(pairs[start : start + MOST_PAIRS]),
        )
        found |= {(row.key, row.edition): row.definition for row in await tx.execute(statement)}
    return found


async def waiting_editions(tx: Transaction) -> list[tuple[str, Edition]]:
    """Return the proposed editions that are newer than what is served, each with its key."""
    joined = (
        (switch_editions.c.workspace_id == switches.c.workspace_id)
        & (switch_editions.c.key == switches.c.key)
        & (switch_editions.c.edition > switches.c.edition)
    )
    statement = (
        select(switch_editions.c.key, *_EDITION)
        .join(switches, joined)
        .where(
            switch_editions.c.workspace_id == tx.workspace_id,
            switches.c.workspace_id == tx.workspace_id,
            switch_editions.c.state == SwitchState.PROPOSED,
        )
    )
    return [(row.key, _edition(row)) for row in await tx.execute(statement)]


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
    """Return a page of what a switch was, the present edition first; what was only proposed is not among it."""
    statement = _editions(tx, key).where(switch_editions.c.state != SwitchState.PROPOSED)
    return await read_page(tx, statement, LATEST, paging, _edition)


async def page_proposals(tx: Transaction, key: str, paging: Paging, *, after: int) -> Found[Edition]:
    """Return a page of what is proposed and newer than an edition, the newest first."""
    statement = _editions(tx, key).where(
        switch_editions.c.state == SwitchState.PROPOSED, switch_editions.c.edition > after
    )
    return await read_page(tx, statement, LATEST, paging, _edition)


async def edition_before(tx: Transaction, key: str, edition: int) -> Edition | None:
    """Return what a switch was before it became an edition."""
    statement = (
        _editions(tx, key)
        .where(switch_editions.c.state != SwitchState.PROPOSED, switch_editions.c.edition < edition)
        .order_by(switch_editions.c.edition.desc())
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    return _edition(row) if row else None


async def get_edition(tx: Transaction, key: str, edition: int) -> Edition | None:
    """Return one edition of a switch."""
    statement = select(*_EDITION).where(
        switch_editions.c.workspace_id == tx.workspace_id,
        switch_editions.c.key == key,
        switch_editions.c.edition == edition,
    )
    row = (await tx.execute(statement)).one_or_none()
    return _edition(row) if row else None


def _editions(tx: Transaction, key: str) -> Select[Any]:
    return select(*_EDITION).where(switch_editions.c.workspace_id == tx.workspace_id, switch_editions.c.key == key)


def _switch(row: Any) -> Switch:
    return Switch(
        row.key,
        row.salt,
        SwitchState(row.state),
        from_text(row.definition),
        row.edition,
        row.last_edition,
        row.made_by,
        row.created_ms,
        row.changed_ms,
    )


def _edition(row: Any) -> Edition:
    state, definition = SwitchState(row.state), from_text(row.definition)
    return Edition(row.edition, state, definition, row.cause, row.made_by, row.at_ms)

"""Operators, roles, grants and bonds: a person's account in one workspace and what it may do there."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    String,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from sampan.platform.crypto.canonical import canonical_json, parse_canonical
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.operators.permissions import BuiltInRole
from sampan.platform.operators.person_rows import persons

BOND_MS = 7 * 24 * 3600 * 1000

operators = scoped_table(
    "operators",
    Column("id", String(64), primary_key=True),
    Column("person_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("setup_allowed_until_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "person_id"),
    ForeignKeyConstraint(["person_id"], [persons.c.id]),
    CheckConstraint("state IN ('active', 'disabled')", name="state"),
)
roles = scoped_table(
    "roles",
    Column("name", String(64), primary_key=True),
    Column("built_in", Boolean, nullable=False),
    Column("permissions", LargeBinary, nullable=False),
)
grants = scoped_table(
    "grants",
    Column("id", String(64), primary_key=True),
    Column("operator_id", String(64), nullable=False),
    Column("role", String(64), nullable=False),
    Column("client_app", String(64)),
    Column("publisher", String(64)),
    Column("app", String(200)),
    Column("created_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "operator_id"], ["operators.workspace_id", "operators.id"]),
    ForeignKeyConstraint(["workspace_id", "role"], ["roles.workspace_id", "roles.name"]),
    Index("ix_grants_operator", "workspace_id", "operator_id"),
)
bonds = scoped_table(
    "bonds",
    Column("by_person_id", String(64), primary_key=True),
    Column("person_id", String(64), primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
    Column("reason", String(32), nullable=False),
)


class OperatorState(StrEnum):
    """Whether the account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Operator(Struct, frozen=True):
    """A person's account in this workspace; a set-up link may be issued until `setup_allowed_until_ms`."""

    id: str
    person_id: str
    state: OperatorState
    setup_allowed_until_ms: int


class OperatorFilter(Struct, frozen=True):
    """Which operators; `search` is a part of the person's name or address."""

    state: OperatorState | None = None
    role: str | None = None
    search: str | None = None


class Role(Struct, frozen=True):
    """A named set of permissions; a built-in one takes them from the declarations, not from the row."""

    name: str
    built_in: bool
    permissions: frozenset[str]


class GrantRow(Struct, frozen=True):
    """A role given to an operator, everywhere or for one client app, publisher or mini-app."""

    id: str
    operator_id: str
    role: str
    client_app: str | None
    publisher: str | None
    app: str | None


_OPERATOR = [operators.c[name] for name in Operator.__struct_fields__]
_GRANT = [grants.c[name] for name in GrantRow.__struct_fields__]


async def operator_by_id(tx: Transaction, operator_id: str) -> Operator | None:
    """Return the operator of this workspace."""
    return await _one_operator(tx, operators.c.id == operator_id)


async def operator_of_person(tx: Transaction, person_id: str) -> Operator | None:
    """Return the person's account in this workspace."""
    return await _one_operator(tx, operators.c.person_id == person_id)


async def list_operators(tx: Transaction) -> list[Operator]:
    """Return all operators of the workspace, oldest first."""
    statement = select(*_OPERATOR).where(operators.c.workspace_id == tx.workspace_id).order_by(operators.c.id)
    return [_operator(row) for row in await tx.execute(statement)]


async def page_operators(tx: Transaction, wanted: OperatorFilter, paging: Paging) -> Found[Operator]:
    """Return a page of the workspace's operators, oldest first; only through the people door."""
    statement = (
        select(*_OPERATOR)
        .join(persons, persons.c.id == operators.c.person_id)
        .where(operators.c.workspace_id == tx.workspace_id)
    )
    if wanted.state is not None:
        statement = statement.where(operators.c.state == wanted.state)
    if wanted.search is not None:
        named = (persons.c.name, persons.c.email)
        statement = statement.where(or_(*(column.icontains(wanted.search, autoescape=True) for column in named)))
    if wanted.role is not None:
        holders = select(grants.c.operator_id).where(
            grants.c.workspace_id == tx.workspace_id, grants.c.role == wanted.role
        )
        statement = statement.where(operators.c.id.in_(holders))
    return await read_page(tx, statement, Order("id", (operators.c.id,)), paging, _operator)


async def add_operator(
    tx: Transaction, *, operator_id: str, person_id: str, setup_allowed_until_ms: int, now_ms: int
) -> None:
    """Insert an active operator."""
    await tx.execute(
        insert(operators).values(
            workspace_id=tx.workspace_id,
            id=operator_id,
            person_id=person_id,
            state=OperatorState.ACTIVE,
            setup_allowed_until_ms=setup_allowed_until_ms,
            created_ms=now_ms,
        )
    )


async def set_operator_state(tx: Transaction, operator_id: str, state: OperatorState) -> bool:
    """Switch the account; False when it was so already."""
    statement = (
        update(operators)
        .where(operators.c.workspace_id == tx.workspace_id, operators.c.id == operator_id, operators.c.state != state)
        .values(state=state)
    )
    return (await tx.execute(statement)).rowcount == 1


async def allow_setup(tx: Transaction, operator_id: str, *, until_ms: int) -> None:
    """Let a set-up link be issued until then; 0 ends it."""
    await tx.execute(
        update(operators)
        .where(operators.c.workspace_id == tx.workspace_id, operators.c.id == operator_id)
        .values(setup_allowed_until_ms=until_ms)
    )


async def active_persons(tx: Transaction, person_ids: Iterable[str]) -> frozenset[str]:
    """Return those of the persons who have an active account here."""
    statement = select(operators.c.person_id).where(
        operators.c.workspace_id == tx.workspace_id,
        operators.c.state == OperatorState.ACTIVE,
        operators.c.person_id.in_(list(person_ids)),
    )
    return frozenset((await tx.execute(statement)).scalars())


async def add_built_in_roles(tx: Transaction) -> None:
    """Insert the built-in roles that are not there yet."""
    for role in BuiltInRole:
        row = {"workspace_id": tx.workspace_id, "name": str(role), "built_in": True, "permissions": b"[]"}
        await tx.execute(insert_or_ignore(tx, roles).values(row))


async def list_roles(tx: Transaction) -> list[Role]:
    """Return the workspace's roles by name."""
    statement = (
        select(roles.c.name, roles.c.built_in, roles.c.permissions)
        .where(roles.c.workspace_id == tx.workspace_id)
        .order_by(roles.c.name)
    )
    return [
        Role(row.name, row.built_in, frozenset(parse_canonical(row.permissions))) for row in await tx.execute(statement)
    ]


async def role_by_name(tx: Transaction, name: str) -> Role | None:
    """Return the role."""
    return next((role for role in await list_roles(tx) if role.name == name), None)


async def put_custom_role(tx: Transaction, name: str, permissions: Iterable[str]) -> None:
    """Create the custom role or replace its permissions."""
    body = canonical_json(sorted(permissions))
    row = {"workspace_id": tx.workspace_id, "name": name, "built_in": False, "permissions": body}
    await tx.execute(insert_or_ignore(tx, roles).values(row))
    await tx.execute(
        update(roles)
        .where(roles.c.workspace_id == tx.workspace_id, roles.c.name == name, roles.c.built_in.is_(False))
        .values(permissions=body)
    )


async def grants_of(tx: Transaction, operator_ids: Sequence[str]) -> list[GrantRow]:
    """Return the grants of these operators, oldest first."""
    statement = (
        select(*_GRANT)
        .where(grants.c.workspace_id == tx.workspace_id, grants.c.operator_id.in_(operator_ids))
        .order_by(grants.c.id)
    )
    return [GrantRow(**row._mapping) for row in await tx.execute(statement)]


async def add_grant(tx: Transaction, grant: GrantRow, *, now_ms: int) -> None:
    """Insert a grant."""
    values = {name: getattr(grant, name) for name in GrantRow.__struct_fields__}
    await tx.execute(insert(grants).values(workspace_id=tx.workspace_id, created_ms=now_ms, **values))


async def remove_grant(tx: Transaction, operator_id: str, grant_id: str) -> bool:
    """Delete a grant; False when there is none."""
    statement = delete(grants).where(
        grants.c.workspace_id == tx.workspace_id, grants.c.operator_id == operator_id, grants.c.id == grant_id
    )
    return (await tx.execute(statement)).rowcount == 1


async def count_active_admins(tx: Transaction) -> int:
    """Return how many active operators have the role `admin` without a limit."""
    statement = (
        select(func.count(operators.c.id.distinct()))
        .select_from(operators)
        .join(
            grants,
            (grants.c.workspace_id == tx.workspace_id) & (grants.c.operator_id == operators.c.id),
        )
        .where(
            operators.c.workspace_id == tx.workspace_id,
            operators.c.state == OperatorState.ACTIVE,
            grants.c.role == BuiltInRole.ADMIN,
            grants.c.client_app.is_(None),
            grants.c.publisher.is_(None),
            grants.c.app.is_(None),
        )
    )
    return int((await tx.execute(statement)).scalar_one())


async def persons_with_role(tx: Transaction, role: str) -> list[str]:
    """Return the persons whose accounts have the role."""
    statement = (
        select(operators.c.person_id)
        .distinct()
        .select_from(operators)
        .join(grants, (grants.c.workspace_id == tx.workspace_id) & (grants.c.operator_id == operators.c.id))
        .where(operators.c.workspace_id == tx.workspace_id, grants.c.role == role)
    )
    return list((await tx.execute(statement)).scalars())


async def has_other_workspaces(tx: Transaction, person_id: str) -> bool:
    """Whether the person has accounts elsewhere; only through the people door."""
    statement = (
        select(operators.c.id)
        .where(operators.c.person_id == person_id, operators.c.workspace_id != tx.workspace_id)
        .limit(1)
    )
    return (await tx.execute(statement)).first() is not None


async def bond(tx: Transaction, by_person_ids: Iterable[str], person_id: str, *, reason: str, now_ms: int) -> None:
    """Keep `person_id` from pairing with each of the others for seven days, counted anew from now."""
    for by_person_id in by_person_ids:
        if by_person_id == person_id:
            continue
        key = {"workspace_id": tx.workspace_id, "by_person_id": by_person_id, "person_id": person_id}
        values = {"until_ms": now_ms + BOND_MS, "reason": reason}
        await tx.execute(insert_or_ignore(tx, bonds).values(**key, **values))
        await tx.execute(
            update(bonds)
            .where(
                bonds.c.workspace_id == tx.workspace_id,
                bonds.c.by_person_id == by_person_id,
                bonds.c.person_id == person_id,
            )
            .values(**values)
        )


async def bonded_until_ms(tx: Transaction, person_id: str, others: Sequence[str], *, now_ms: int) -> int | None:
    """Return when the last bond between `person_id` and any of the others ends; None when there is none."""
    statement = select(func.max(bonds.c.until_ms)).where(
        bonds.c.workspace_id == tx.workspace_id,
        bonds.c.until_ms > now_ms,
        or_(
            (bonds.c.by_person_id == person_id) & bonds.c.person_id.in_(others),
            (bonds.c.person_id == person_id) & bonds.c.by_person_id.in_(others),
        ),
    )
    found = (await tx.execute(statement)).scalar_one()
    return None if found is None else int(found)


async def _one_operator(tx: Transaction, condition: ColumnElement[bool]) -> Operator | None:
    statement = select(*_OPERATOR).where(operators.c.workspace_id == tx.workspace_id, condition)
    row = (await tx.execute(statement)).one_or_none()
    return _operator(row) if row else None


def _operator(row: Row[Any]) -> Operator:
    values = {name: getattr(row, name) for name in Operator.__struct_fields__}
    return Operator(**{**values, "state": OperatorState(row.state)})

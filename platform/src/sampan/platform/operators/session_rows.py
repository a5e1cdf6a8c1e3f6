"""Sessions of people, machine tokens and set-up links: all three are secrets of which only a hash is stored."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Row,
    String,
    UniqueConstraint,
    and_,
    delete,
    insert,
    not_,
    or_,
    select,
    update,
)

from sampan.platform.crypto.canonical import canonical_json, parse_canonical
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.operators.operator_rows import OperatorState, operators
from sampan.platform.operators.person_rows import persons

SESSION_PREFIX = "sps_"
MACHINE_PREFIX = "spm_"
SETUP_PREFIX = "spu_"

sessions = scoped_table(
    "operator_sessions",
    Column("id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("operator_id", String(64), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("factor_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "token_hash"),
    ForeignKeyConstraint(["workspace_id", "operator_id"], ["operators.workspace_id", "operators.id"]),
    Index("ix_operator_sessions_person", "person_id"),
)
machine_tokens = scoped_table(
    "machine_tokens",
    Column("id", String(64), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("operator_id", String(64), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("permissions", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    UniqueConstraint("workspace_id", "token_hash"),
    ForeignKeyConstraint(["workspace_id", "operator_id"], ["operators.workspace_id", "operators.id"]),
)
setup_links = scoped_table(
    "setup_links",
    Column("token_hash", String(64), primary_key=True),
    Column("operator_id", String(64), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("by_host", Boolean, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "operator_id"], ["operators.workspace_id", "operators.id"]),
    ForeignKeyConstraint(["person_id"], [persons.c.id]),
)


class SessionKind(StrEnum):
    """How the session's secret travels: a browser's cookie, or a header of the command line."""

    COOKIE = "cookie"
    BEARER = "bearer"


class Session(Struct, frozen=True):
    """One sign-in; `factor_ms` is when the second factor was last given."""

    id: str
    operator_id: str
    person_id: str
    kind: SessionKind
    created_ms: int
    seen_ms: int
    factor_ms: int
    expires_ms: int


class MachineToken(Struct, frozen=True):
    """A token for programs: at most its owner's permissions, and only the named ones."""

    id: str
    operator_id: str
    person_id: str
    name: str
    permissions: frozenset[str]
    created_ms: int
    expires_ms: int
    revoked_ms: int | None


class SetupLink(Struct, frozen=True):
    """The right to choose a password and enrol a second factor, once; `by_host`: issued on the server itself."""

    operator_id: str
    person_id: str
    totp_sealed: bytes
    by_host: bool
    expires_ms: int


_SESSION = [sessions.c[name] for name in Session.__struct_fields__]
_TOKEN = [machine_tokens.c[name] for name in MachineToken.__struct_fields__]
_LINK = [setup_links.c[name] for name in SetupLink.__struct_fields__]


def new_secret(prefix: str) -> str:
    """Return a new secret of 256 random bits; the prefix tells its use and lets secret scanners find it."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return what the database keeps of a secret. The secret is random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def add_session(tx: Transaction, session: Session, token_hash: str) -> None:
    """Insert a session."""
    values = {name: getattr(session, name) for name in Session.__struct_fields__}
    await tx.execute(insert(sessions).values(workspace_id=tx.workspace_id, token_hash=token_hash, **values))


async def session_by_hash(tx: Transaction, token_hash: str) -> Session | None:
    """Return the session of an active operator."""
    statement = (
        select(*_SESSION)
        .select_from(sessions)
        .join(operators, (operators.c.workspace_id == tx.workspace_id) & (operators.c.id == sessions.c.operator_id))
        .where(
            sessions.c.workspace_id == tx.workspace_id,
            sessions.c.token_hash == token_hash,
            operators.c.state == OperatorState.ACTIVE,
        )
    )
    row = (await tx.execute(statement)).one_or_none()
    return _session(row) if row else None


async def sessions_of(tx: Transaction, operator_id: str) -> list[Session]:
    """Return the operator's sessions, newest first."""
    statement = (
        select(*_SESSION)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.operator_id == operator_id)
        .order_by(sessions.c.id.desc())
    )
    return [_session(row) for row in await tx.execute(statement)]


async def touch_session(tx: Transaction, session_id: str, *, seen_ms: int) -> None:
    """Note that the session was used."""
    await tx.execute(
        update(sessions)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.id == session_id)
        .values(seen_ms=seen_ms)
    )


async def confirm_session(tx: Transaction, session_id: str, *, factor_ms: int) -> bool:
    """Note that the second factor was given; False when the session ended meanwhile."""
    statement = (
        update(sessions)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.id == session_id)
        .values(factor_ms=factor_ms)
    )
    return (await tx.execute(statement)).rowcount == 1


async def end_session(tx: Transaction, operator_id: str, session_id: str) -> bool:
    """Delete one session of the operator."""
    statement = delete(sessions).where(
        sessions.c.workspace_id == tx.workspace_id,
        sessions.c.operator_id == operator_id,
        sessions.c.id == session_id,
    )
    return (await tx.execute(statement)).rowcount == 1


async def end_sessions_of_operator(tx: Transaction, operator_id: str) -> int:
    """Delete all sessions of the operator in this workspace."""
    statement = delete(sessions).where(
        sessions.c.workspace_id == tx.workspace_id, sessions.c.operator_id == operator_id
    )
    return (await tx.execute(statement)).rowcount


async def end_sessions_of_person(tx: Transaction, person_id: str, *, but: str = "") -> int:
    """Delete all sessions of the person except `but`, in all workspaces; only through the people door."""
    statement = delete(sessions).where(sessions.c.person_id == person_id, sessions.c.id != but)
    return (await tx.execute(statement)).rowcount


async def drop_dead_sessions(tx: Transaction, operator_id: str, *, now_ms: int, idle_ms: int) -> None:
    """Delete the operator's sessions that are over."""
    await tx.execute(
        delete(sessions).where(
            sessions.c.workspace_id == tx.workspace_id,
            sessions.c.operator_id == operator_id,
            or_(sessions.c.expires_ms <= now_ms, sessions.c.seen_ms <= now_ms - idle_ms),
        )
    )


async def add_machine_token(tx: Transaction, token: MachineToken, token_hash: str) -> None:
    """Insert a machine token."""
    values = {name: getattr(token, name) for name in MachineToken.__struct_fields__}
    values["permissions"] = canonical_json(sorted(token.permissions))
    await tx.execute(insert(machine_tokens).values(workspace_id=tx.workspace_id, token_hash=token_hash, **values))


async def machine_token_by_hash(tx: Transaction, token_hash: str) -> MachineToken | None:
    """Return the token when its owner is active."""
    statement = (
        select(*_TOKEN)
        .select_from(machine_tokens)
        .join(
            operators,
            (operators.c.workspace_id == tx.workspace_id) & (operators.c.id == machine_tokens.c.operator_id),
        )
        .where(
            machine_tokens.c.workspace_id == tx.workspace_id,
            machine_tokens.c.token_hash == token_hash,
            operators.c.state == OperatorState.ACTIVE,
        )
    )
    row = (await tx.execute(statement)).one_or_none()
    return _token(row) if row else None


async def list_machine_tokens(tx: Transaction, *, operator_ids: Iterable[str] | None = None) -> list[MachineToken]:
    """Return the tokens of these operators, or of all, newest first."""
    statement = select(*_TOKEN).where(machine_tokens.c.workspace_id == tx.workspace_id)
    if operator_ids is not None:
        statement = statement.where(machine_tokens.c.operator_id.in_(list(operator_ids)))
    return [_token(row) for row in await tx.execute(statement.order_by(machine_tokens.c.id.desc()))]


async def page_machine_tokens(
    tx: Transaction, paging: Paging, *, owners: Iterable[Collection[str]], is_active: bool | None, now_ms: int
) -> Found[MachineToken]:
    """Return a page of the tokens whose operator is in each of `owners`, newest first."""
    statement = select(*_TOKEN).where(machine_tokens.c.workspace_id == tx.workspace_id)
    for operator_ids in owners:
        statement = statement.where(machine_tokens.c.operator_id.in_(list(operator_ids)))
    active = and_(machine_tokens.c.revoked_ms.is_(None), machine_tokens.c.expires_ms > now_ms)
    if is_active is not None:
        statement = statement.where(active if is_active else not_(active))
    order = Order("-id", (machine_tokens.c.id,), descending=True)
    return await read_page(tx, statement, order, paging, _token)


async def machine_token_by_id(tx: Transaction, token_id: str) -> MachineToken | None:
    """Return the token."""
    statement = select(*_TOKEN).where(machine_tokens.c.workspace_id == tx.workspace_id, machine_tokens.c.id == token_id)
    row = (await tx.execute(statement)).one_or_none()
    return _token(row) if row else None


async def revoke_machine_token(tx: Transaction, token_id: str, *, now_ms: int) -> bool:
    """End the token; False when it was ended before."""
    statement = (
        update(machine_tokens)
        .where(
            machine_tokens.c.workspace_id == tx.workspace_id,
            machine_tokens.c.id == token_id,
            machine_tokens.c.revoked_ms.is_(None),
        )
        .values(revoked_ms=now_ms)
    )
    return (await tx.execute(statement)).rowcount == 1


async def add_setup_link(tx: Transaction, link: SetupLink, token_hash: str) -> None:
    """Insert a set-up link; the operator's earlier ones end."""
    await tx.execute(
        delete(setup_links).where(
            setup_links.c.workspace_id == tx.workspace_id, setup_links.c.operator_id == link.operator_id
        )
    )
    values = {name: getattr(link, name) for name in SetupLink.__struct_fields__}
    await tx.execute(insert(setup_links).values(workspace_id=tx.workspace_id, token_hash=token_hash, **values))


async def setup_link_by_hash(tx: Transaction, token_hash: str) -> SetupLink | None:
    """Return the link."""
    statement = select(*_LINK).where(
        setup_links.c.workspace_id == tx.workspace_id, setup_links.c.token_hash == token_hash
    )
    row = (await tx.execute(statement)).one_or_none()
    return SetupLink(**row._mapping) if row else None


async def spend_setup_link(tx: Transaction, token_hash: str) -> bool:
    """Delete the link; False when it was spent before."""
    statement = delete(setup_links).where(
        setup_links.c.workspace_id == tx.workspace_id, setup_links.c.token_hash == token_hash
    )
    return (await tx.execute(statement)).rowcount == 1


async def drop_setup_links(tx: Transaction, operator_id: str) -> None:
    """End all set-up links of the operator."""
    await tx.execute(
        delete(setup_links).where(
            setup_links.c.workspace_id == tx.workspace_id, setup_links.c.operator_id == operator_id
        )
    )


def _session(row: Row[Any]) -> Session:
    return Session(**{**row._mapping, "kind": SessionKind(row.kind)})


def _token(row: Row[Any]) -> MachineToken:
    values = {name: getattr(row, name) for name in MachineToken.__struct_fields__}
    return MachineToken(**{**values, "permissions": frozenset(parse_canonical(row.permissions))})

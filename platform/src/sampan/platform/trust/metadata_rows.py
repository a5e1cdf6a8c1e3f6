"""Rows of signed bodies: written once, before anything is exposed, keyed (workspace, profile, role, version).

Two bodies under one version can never exist, because this key is the table's primary key.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, String, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from sampan.offline_packages.roles import to_ms
from sampan.offline_packages.signed_bytes import read_metadata
from sampan.platform.crypto.digest import digest
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict

trust_metadata = scoped_table(
    "trust_metadata",
    Column("profile", String(16), primary_key=True),
    Column("role", String(220), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
NOT_IN_SNAPSHOT = ("root", "snapshot", "timestamp")


class VersionTaken(Conflict):
    """Another signed body stands under this version already."""

    code = "trust_version_taken"
    title = "This version of the role exists already"


@dataclass(frozen=True, slots=True)
class RoleMetadata:
    """One signed body as stored: `body` are its exact bytes, `sha256` their digest in hexadecimal."""

    profile: str
    role: str
    version: int
    body: bytes
    sha256: str
    expires_ms: int
    created_ms: int


async def store_body(tx: Transaction, profile: str, role: str, body: bytes, *, now_ms: int) -> RoleMetadata:
    """Store a signed body for ever; raise `VersionTaken` when its version exists."""
    signed = read_metadata(body).signed
    record = RoleMetadata(
        profile, role, signed.version, body, digest(body).partition(":")[2], to_ms(signed.expires), now_ms
    )
    values = {
        "workspace_id": tx.workspace_id,
        "profile": profile,
        "role": role,
        "version": record.version,
        "body": body,
        "sha256": record.sha256,
        "expires_ms": record.expires_ms,
        "created_ms": now_ms,
    }
    try:
        await tx.execute(insert(trust_metadata).values(values))
    except IntegrityError as problem:
        raise VersionTaken(
            f"{role} version {record.version} of tree {profile} is signed already. Sign the next version.",
            role=role,
            version=record.version,
        ) from problem
    return record


async def latest_body(tx: Transaction, profile: str, role: str) -> RoleMetadata | None:
    """Return the highest stored version of a role, or None."""
    statement = _select().where(_of(tx, profile, role)).order_by(trust_metadata.c.version.desc()).limit(1)
    row = (await tx.execute(statement)).one_or_none()
    return _record(row) if row else None


async def latest_digest(tx: Transaction, profile: str, role: str) -> tuple[int, str] | None:
    """Return version and digest (hexadecimal) of the highest stored version of a role, or None."""
    columns = trust_metadata.c
    statement = select(columns.version, columns.sha256).where(_of(tx, profile, role))
    row = (await tx.execute(statement.order_by(columns.version.desc()).limit(1))).one_or_none()
    return (row.version, row.sha256) if row else None


async def stored_body(tx: Transaction, profile: str, role: str, version: int) -> RoleMetadata:
    """Return one stored version, which the caller knows to exist."""
    statement = _select().where(_of(tx, profile, role), trust_metadata.c.version == version)
    return _record((await tx.execute(statement)).one())


async def bodies_from(tx: Transaction, profile: str, role: str, first_version: int) -> list[RoleMetadata]:
    """Return a role's versions from `first_version` on, in order."""
    statement = _select().where(_of(tx, profile, role), trust_metadata.c.version >= first_version)
    return [_record(row) for row in await tx.execute(statement.order_by(trust_metadata.c.version))]


async def snapshot_versions(tx: Transaction, profile: str) -> dict[str, int]:
    """Return the highest stored version of every role that a snapshot lists."""
    statement = (
        select(trust_metadata.c.role, func.max(trust_metadata.c.version).label("version"))
        .where(
            trust_metadata.c.workspace_id == tx.workspace_id,
            trust_metadata.c.profile == profile,
            trust_metadata.c.role.not_in(NOT_IN_SNAPSHOT),
        )
        .group_by(trust_metadata.c.role)
    )
    return {row.role: row.version for row in await tx.execute(statement)}


async def superseded_versions(tx: Transaction, profile: str, role: str, *, before_ms: int, limit: int) -> list[int]:
    """Return the lowest versions of a role that another one replaced before this time."""
    columns = trust_metadata.c
    then = select(func.max(columns.version)).where(_of(tx, profile, role), columns.created_ms < before_ms)
    statement = select(columns.version).where(_of(tx, profile, role), columns.version < then.scalar_subquery())
    return [row.version for row in await tx.execute(statement.order_by(columns.version).limit(limit))]


async def delete_bodies(tx: Transaction, profile: str, role: str, versions: Collection[int]) -> None:
    """Remove versions of a role for ever; never the highest one, which the next version is counted from."""
    await tx.execute(delete(trust_metadata).where(_of(tx, profile, role), trust_metadata.c.version.in_(versions)))


@dataclass(frozen=True, slots=True)
class RoleLife:
    """When the highest version of a role expires."""

    profile: str
    role: str
    version: int
    expires_ms: int


async def role_lives(tx: Transaction, profile: str, *, without: Collection[str] = ()) -> list[RoleLife]:
    """Return version and expiry of the highest body of every role of a tree, bodies left out."""
    highest = (
        select(trust_metadata.c.role, func.max(trust_metadata.c.version).label("version"))
        .where(trust_metadata.c.workspace_id == tx.workspace_id, trust_metadata.c.profile == profile)
        .group_by(trust_metadata.c.role)
        .subquery()
    )
    statement = (
        select(trust_metadata.c.role, trust_metadata.c.version, trust_metadata.c.expires_ms)
        .join(
            highest,
            (highest.c.role == trust_metadata.c.role) & (highest.c.version == trust_metadata.c.version),
        )
        .where(trust_metadata.c.workspace_id == tx.workspace_id, trust_metadata.c.profile == profile)
        .order_by(trust_metadata.c.role)
    )
    rows = await tx.execute(statement)
    return [RoleLife(profile, row.role, row.version, row.expires_ms) for row in rows if row.role not in without]


@dataclass(frozen=True, slots=True)
class BodyLine:
    """One line of a role's history."""

    role: str
    version: int
    sha256: str
    expires_ms: int
    created_ms: int


async def body_history(tx: Transaction, profile: str, role: str, paging: Paging) -> Found[BodyLine]:
    """Return a page of the versions of a role, newest first, bodies left out."""
    columns = trust_metadata.c
    statement = select(columns.role, columns.version, columns.sha256, columns.expires_ms, columns.created_ms).where(
        _of(tx, profile, role)
    )
    order = Order("-version", (columns.version,), descending=True)
    return await read_page(tx, statement, order, paging, _line)


def _line(row: Any) -> BodyLine:
    return BodyLine(row.role, row.version, row.sha256, row.expires_ms, row.created_ms)


def _of(tx: Transaction, profile: str, role: str) -> Any:
    columns = trust_metadata.c
    return (columns.workspace_id == tx.workspace_id) & (columns.profile == profile) & (columns.role == role)


def _select() -> Any:
    columns = trust_metadata.c
    return select(
        columns.profile,
        columns.role,
        columns.version,
        columns.body,
        columns.sha256,
        columns.expires_ms,
        columns.created_ms,
    )


def _record(row: Any) -> RoleMetadata:
    return RoleMetadata(row.profile, row.role, row.version, row.body, row.sha256, row.expires_ms, row.created_ms)

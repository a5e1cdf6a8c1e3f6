"""Rows of the running sessions (one refresh family per device) and of the one-time codes."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.identity.tiers import Tier

sessions = scoped_table(
    "sessions",
    Column("family", LargeBinary(16), primary_key=True),
    Column("device_id", String(40), nullable=False),
    Column("client_app", String(64), nullable=False),
    Column("thumbprint", String(64), nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("customer_id", String(40), nullable=True),
    Column("carries", SmallInteger, nullable=False),
    Column("device_epoch", Integer, nullable=False),
    Column("present", LargeBinary(32), nullable=False),
    Column("used", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("rotated_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "device_id"),
    ForeignKeyConstraint(["workspace_id", "device_id"], ["devices.workspace_id", "devices.id"]),
    Index("ix_sessions_customer", "workspace_id", "customer_id"),
)
one_time_codes = scoped_table(
    "one_time_codes",
    Column("device_id", String(40), primary_key=True),
    Column("phone_seal", LargeBinary(32), nullable=False),
    Column("code_seal", LargeBinary(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "device_id"], ["devices.workspace_id", "devices.id"]),
)


class Session(Struct, frozen=True):
    """What a device is signed in as. `present` and `used` are hashes of refresh secrets; see `refresh_tokens`."""

    family: bytes
    device_id: str
    client_app: str
    thumbprint: str
    subject: int
    customer_id: str | None
    carries: Tier
    device_epoch: int
    present: bytes
    used: bytes
    created_ms: int
    rotated_ms: int


_COLUMNS = [column for column in sessions.c if column.name != "workspace_id"]


def _session(row: Any) -> Session:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    return Session(**{**values, "carries": Tier(values["carries"])})


async def begin_session(tx: Transaction, session: Session) -> None:
    """Store a session in place of any other of the device."""
    await end_session(tx, session.device_id)
    values = {column.name: getattr(session, column.name) for column in _COLUMNS}
    await tx.execute(
        insert(sessions).values(workspace_id=tx.workspace_id, **{**values, "carries": int(session.carries)})
    )


async def get_sessions(tx: Transaction, families: Collection[bytes]) -> dict[bytes, Session]:
    """Return the sessions of these refresh families, locked until the transaction ends."""
    statement = (
        select(*_COLUMNS)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.family.in_(families))
        .with_for_update()
    )
    return {row.family: _session(row) for row in await tx.execute(statement)}


async def rotate_sessions(tx: Transaction, rotated: Collection[Session]) -> None:
    """Store the present and used hashes of sessions that `get_sessions` read in this transaction."""
    statement = (
        update(sessions)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.family == bindparam("of_family"))
        .values(present=bindparam("new_present"), used=bindparam("new_used"), rotated_ms=bindparam("new_ms"))
    )
    values = [
        {"of_family": item.family, "new_present": item.present, "new_used": item.used, "new_ms": item.rotated_ms}
        for item in rotated
    ]
    if values:
        await tx.execute(statement, values)


async def end_session(tx: Transaction, device_id: str) -> None:
    """Forget the refresh family of a device, so that nothing continues it."""
    await tx.execute(
        delete(sessions).where(sessions.c.workspace_id == tx.workspace_id, sessions.c.device_id == device_id)
    )


async def set_session_carries(tx: Transaction, device_id: str, carries: Tier, device_epoch: int) -> None:
    """Change what the running session of a device may carry."""
    await tx.execute(
        update(sessions)
        .where(sessions.c.workspace_id == tx.workspace_id, sessions.c.device_id == device_id)
        .values(carries=int(carries), device_epoch=device_epoch)
    )


async def rotated_at(tx: Transaction, device_ids: list[str]) -> dict[str, int]:
    """Return when each of these devices refreshed its session last, in milliseconds."""
    statement = select(sessions.c.device_id, sessions.c.rotated_ms).where(
        sessions.c.workspace_id == tx.workspace_id, sessions.c.device_id.in_(device_ids)
    )
    return {row.device_id: row.rotated_ms for row in await tx.execute(statement)}


async def put_code(tx: Transaction, device_id: str, *, phone_seal: bytes, code_seal: bytes, expires_ms: int) -> None:
    """Keep a one-time code for a device in place of an earlier one."""
    values = {"phone_seal": phone_seal, "code_seal": code_seal, "attempts": 0, "expires_ms": expires_ms}
    row = {"workspace_id": tx.workspace_id, "device_id": device_id}
    if (await tx.execute(insert_or_ignore(tx, one_time_codes).values(**row, **values))).rowcount == 0:
        await tx.execute(
            update(one_time_codes)
            .where(one_time_codes.c.workspace_id == tx.workspace_id, one_time_codes.c.device_id == device_id)
            .values(**values)
        )


async def take_attempt(
    tx: Transaction, device_id: str, *, phone_seal: bytes, max_attempts: int, now_ms: int
) -> bytes | None:
    """Count an attempt and return the code's seal; None when there is no code, or no attempt, left."""
    statement = (
        update(one_time_codes)
        .where(
            one_time_codes.c.workspace_id == tx.workspace_id,
            one_time_codes.c.device_id == device_id,
            one_time_codes.c.phone_seal == phone_seal,
            one_time_codes.c.attempts < max_attempts,
            one_time_codes.c.expires_ms > now_ms,
        )
        .values(attempts=one_time_codes.c.attempts + 1)
        .returning(one_time_codes.c.code_seal)
    )
    seal: bytes | None = (await tx.execute(statement)).scalar_one_or_none()
    return seal


async def delete_code(tx: Transaction, device_id: str) -> None:
    """Use a code up."""
    await tx.execute(
        delete(one_time_codes).where(
            one_time_codes.c.workspace_id == tx.workspace_id, one_time_codes.c.device_id == device_id
        )
    )

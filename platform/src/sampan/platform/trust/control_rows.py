"""Rows of control files: the present one of each app, with the serial that only rises."""

from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, insert, select, update

from sampan.offline_packages.control import Control, parse_control
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.tables import scoped_table

control_docs = scoped_table(
    "control_docs",
    Column("app_id", String(200), primary_key=True),
    Column("incarnation", Integer, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)


class ControlRecord(Struct, frozen=True):
    """The control file of an app: its exact bytes, and what they say."""

    body: bytes
    control: Control


async def control_of(tx: Transaction, app_id: str) -> ControlRecord | None:
    """Return an app's control file as stored, or None before the first."""
    statement = select(control_docs.c.body).where(_mine(tx), control_docs.c.app_id == app_id)
    body = (await tx.execute(statement)).scalar_one_or_none()
    return ControlRecord(body, parse_control(body, app_id)) if body is not None else None


async def all_controls(tx: Transaction) -> dict[str, bytes]:
    """Return the exact bytes of every app's control file."""
    statement = select(control_docs.c.app_id, control_docs.c.body).where(_mine(tx))
    return {row.app_id: row.body for row in await tx.execute(statement)}


async def save_control(tx: Transaction, control: Control, *, is_new: bool, now_ms: int) -> None:
    """Store an app's next control file."""
    serial = control.order
    values = {"incarnation": serial.incarnation, "n": serial.n, "body": control.to_bytes(), "changed_ms": now_ms}
    if is_new:
        values |= {"workspace_id": tx.workspace_id, "app_id": control.app}
        await tx.execute(insert(control_docs).values(values))
    else:
        await tx.execute(update(control_docs).where(_mine(tx), control_docs.c.app_id == control.app).values(values))


def _mine(tx: Transaction) -> Any:
    return control_docs.c.workspace_id == tx.workspace_id

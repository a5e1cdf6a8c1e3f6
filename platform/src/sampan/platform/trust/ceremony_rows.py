"""Rows of the ceremonies: what was asked for, and the bodies that wait for officers' signatures.

At most one root and one targets body wait per tree. A request stays open until a stored body carries it out.
"""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, Column, LargeBinary, String, insert, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import NotFound
from sampan.platform.ids import new_id

trust_requests = scoped_table(
    "trust_requests",
    Column("id", String(40), primary_key=True),
    Column("profile", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
trust_pending = scoped_table(
    "trust_pending",
    Column("id", String(40), primary_key=True),
    Column("profile", String(16), nullable=False),
    Column("role", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)


class RequestKind(StrEnum):
    """What officers are asked to sign for; the first four change root, the others targets."""

    START = "start"
    OFFICERS = "officers"
    SNAPSHOT_KEY = "snapshot_key"
    TIMESTAMP_KEY = "timestamp_key"
    RENEW_ROOT = "renew_root"
    APP = "app"
    APP_KEYS = "app_keys"
    CONTROL_KEY = "control_key"
    RENEW_TARGETS = "renew_targets"

    @property
    def changes_root(self) -> bool:
        """Whether a new root carries this out."""
        return self in {
            RequestKind.START,
            RequestKind.OFFICERS,
            RequestKind.SNAPSHOT_KEY,
            RequestKind.TIMESTAMP_KEY,
            RequestKind.RENEW_ROOT,
        }


class State(StrEnum):
    """`open` waits; the others are final: carried out, replaced by a newer body, or taken back."""

    OPEN = "open"
    DONE = "done"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


class PendingUnknown(NotFound):
    """No body of this id waits for signatures."""

    code = "trust_pending_unknown"
    title = "Nothing of this id waits for signatures"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request asks for; keys go by their ids."""

    app: str = ""
    publisher: str = ""
    countersigner: str = ""
    key: str = ""
    officers: tuple[str, ...] = ()


class Request(Struct, frozen=True):
    """One thing asked of the officers. `body` is the app's body that must appear together with it, or empty."""

    id: str
    profile: str
    kind: RequestKind
    facts: Facts
    body: bytes
    state: State
    asked_by: str
    created_ms: int
    changed_ms: int


class Pending(Struct, frozen=True):
    """A body that waits, with the signatures collected so far."""

    id: str
    profile: str
    role: str
    version: int
    body: bytes
    state: State
    created_ms: int
    changed_ms: int


async def add_request(
    tx: Transaction,
    profile: str,
    kind: RequestKind,
    facts: Facts,
    *,
    asked_by: str,
    now_ms: int,
    body: bytes = b"",
) -> Request:
    """Write down what is asked for."""
    request = Request(new_id("trq"), profile, kind, facts, body, State.OPEN, asked_by, now_ms, now_ms)
    values = {
        "workspace_id": tx.workspace_id,
        "id": request.id,
        "profile": profile,
        "kind": kind,
        "facts": msgspec.json.encode(facts),
        "body": body,
        "state": request.state,
        "asked_by": asked_by,
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }
    await tx.execute(insert(trust_requests).values(values))
    return request


async def open_requests(tx: Transaction, profile: str) -> list[Request]:
    """Return what a tree's officers have not signed for yet, oldest first."""
    columns = trust_requests.c
    statement = _requests().where(
        columns.workspace_id == tx.workspace_id, columns.profile == profile, columns.state == State.OPEN
    )
    return [_request(row) for row in await tx.execute(statement.order_by(columns.id))]


async def request_named(tx: Transaction, request_id: str) -> Request:
    """Return a request; raise `PendingUnknown`."""
    columns = trust_requests.c
    statement = _requests().where(columns.workspace_id == tx.workspace_id, columns.id == request_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise PendingUnknown("There is no such request; see `sampan trust pending`.")
    return _request(row)


async def close_requests(tx: Transaction, request_ids: list[str], state: State, *, now_ms: int) -> None:
    """Set the final state of requests."""
    columns = trust_requests.c
    statement = update(trust_requests).where(columns.workspace_id == tx.workspace_id, columns.id.in_(request_ids))
    await tx.execute(statement.values(state=state, changed_ms=now_ms))


async def add_pending(tx: Transaction, profile: str, role: str, version: int, body: bytes, *, now_ms: int) -> Pending:
    """Let a body wait for signatures."""
    pending = Pending(new_id("trp"), profile, role, version, body, State.OPEN, now_ms, now_ms)
    values = {
        "workspace_id": tx.workspace_id,
        "id": pending.id,
        "profile": profile,
        "role": role,
        "version": version,
        "body": body,
        "state": pending.state,
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }
    await tx.execute(insert(trust_pending).values(values))
    return pending


async def waiting(tx: Transaction, profile: str | None = None) -> list[Pending]:
    """Return the bodies that wait for signatures, root before targets."""
    columns = trust_pending.c
    statement = _pending().where(columns.workspace_id == tx.workspace_id, columns.state == State.OPEN)
    if profile is not None:
        statement = statement.where(columns.profile == profile)
    return [_body(row) for row in await tx.execute(statement.order_by(columns.profile, columns.role))]


async def pending_named(tx: Transaction, pending_id: str) -> Pending:
    """Return a body, waiting or not; raise `PendingUnknown`."""
    columns = trust_pending.c
    statement = _pending().where(columns.workspace_id == tx.workspace_id, columns.id == pending_id)
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise PendingUnknown("No such body waits for signatures; see `sampan trust pending`.")
    return _body(row)


async def pending_history(tx: Transaction, profile: str, paging: Paging) -> Found[Pending]:
    """Return a page of the bodies that waited or wait, newest first."""
    columns = trust_pending.c
    statement = _pending().where(columns.workspace_id == tx.workspace_id, columns.profile == profile)
    return await read_page(tx, statement, Order("-id", (columns.id,), descending=True), paging, _body)


async def save_pending(tx: Transaction, pending: Pending, *, body: bytes, state: State, now_ms: int) -> None:
    """Store collected signatures or a final state."""
    columns = trust_pending.c
    statement = update(trust_pending).where(columns.workspace_id == tx.workspace_id, columns.id == pending.id)
    await tx.execute(statement.values(body=body, state=state, changed_ms=now_ms))


def _requests() -> Any:
    columns = trust_requests.c
    return select(
        columns.id,
        columns.profile,
        columns.kind,
        columns.facts,
        columns.body,
        columns.state,
        columns.asked_by,
        columns.created_ms,
        columns.changed_ms,
    )


def _request(row: Any) -> Request:
    return Request(
        id=row.id,
        profile=row.profile,
        kind=RequestKind(row.kind),
        facts=msgspec.json.decode(row.facts, type=Facts),
        body=row.body,
        state=State(row.state),
        asked_by=row.asked_by,
        created_ms=row.created_ms,
        changed_ms=row.changed_ms,
    )


def _pending() -> Any:
    columns = trust_pending.c
    return select(
        columns.id,
        columns.profile,
        columns.role,
        columns.version,
        columns.body,
        columns.state,
        columns.created_ms,
        columns.changed_ms,
    )


def _body(row: Any) -> Pending:
    return Pending(
        row.id, row.profile, row.role, row.version, row.body, State(row.state), row.created_ms, row.changed_ms
    )

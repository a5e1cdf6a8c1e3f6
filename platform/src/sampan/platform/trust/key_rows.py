"""Rows of the key register: each public key once, for one purpose, compared by its raw bytes."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import BigInteger, Column, String, UniqueConstraint, insert, select, update

from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import Conflict, NotFound

trust_keys = scoped_table(
    "trust_keys",
    Column("key_id", String(64), primary_key=True),
    Column("algorithm", String(16), nullable=False),
    Column("raw_hex", String(300), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("profile", String(16), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("label", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "raw_hex"),
)


class Purpose(StrEnum):
    """What a key is for, for ever."""

    OFFICER = "officer"
    PUBLISHER = "publisher"
    ADOPTION = "adoption"
    REVIEW = "review"
    INTAKE = "intake"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"
    CONTROL = "control"


class KeyState(StrEnum):
    """`suspended`: nothing that it signs is accepted; `retired`: replaced, kept so that it is never used again."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class KeyUnknown(NotFound):
    """No public key of this id is registered in the workspace."""

    code = "trust_key_unknown"
    title = "The key is not registered"


class KeyRegistered(Conflict):
    """The very same public key stands in the register already."""

    code = "trust_key_registered"
    field = "pem"
    title = "The key is registered already"


class KeyRecord(Struct, frozen=True):
    """One registered public key. An empty `profile` means every tree; `owner` is a person or a publisher."""

    key_id: str
    key: PublicKey
    purpose: Purpose
    profile: str
    owner: str
    label: str
    state: KeyState
    reason: str
    created_ms: int
    changed_ms: int

    is_server_key: ClassVar[frozenset[Purpose]] = frozenset(
        {Purpose.REVIEW, Purpose.INTAKE, Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL}
    )


async def add_key(
    tx: Transaction, key: PublicKey, purpose: Purpose, *, profile: str, owner: str, label: str, now_ms: int
) -> KeyRecord:
    """Register a key; raise `KeyRegistered` when its bytes stand there already, whatever for."""
    known = await key_by_raw(tx, key.raw)
    if known is not None:
        raise KeyRegistered(
            f"This key is registered as {known.purpose} of {known.owner or 'the server'}, and a key has one purpose. "
            "Make a new one with `sampan keygen`.",
            key=known.key_id,
        )
    record = KeyRecord(key_id(key), key, purpose, profile, owner, label, KeyState.ACTIVE, "", now_ms, now_ms)
    values = {
        "workspace_id": tx.workspace_id,
        "key_id": record.key_id,
        "algorithm": key.algorithm,
        "raw_hex": key.raw.hex(),
        "purpose": purpose,
        "profile": profile,
        "owner": owner,
        "label": label,
        "state": record.state,
        "reason": "",
        "created_ms": now_ms,
        "changed_ms": now_ms,
    }
    await tx.execute(insert(trust_keys).values(values))
    return record


async def key_named(tx: Transaction, name: str) -> KeyRecord:
    """Return a key by its id; raise `KeyUnknown`."""
    found = (await tx.execute(_select().where(_mine(tx), trust_keys.c.key_id == name))).one_or_none()
    if found is None:
        raise KeyUnknown(f"No key {name[:12]!r} is registered here; see `sampan trust keys`.", key=name[:64])
    return _record(found)


async def key_by_raw(tx: Transaction, raw: bytes) -> KeyRecord | None:
    """Return the key with these raw bytes, or None."""
    found = (await tx.execute(_select().where(_mine(tx), trust_keys.c.raw_hex == raw.hex()))).one_or_none()
    return _record(found) if found else None


async def list_keys(
    tx: Transaction,
    *,
    purpose: Purpose | None = None,
    profile: str | None = None,
    state: KeyState | None = None,
    owner: str | None = None,
) -> list[KeyRecord]:
    """Return the registered keys, oldest first, narrowed by what is given."""
    statement = _select().where(_mine(tx)).order_by(trust_keys.c.created_ms, trust_keys.c.key_id)
    wanted = {"purpose": purpose, "profile": profile, "state": state, "owner": owner}
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(trust_keys.c[column] == value)
    return [_record(row) for row in await tx.execute(statement)]


async def page_keys(
    tx: Transaction,
    paging: Paging,
    *,
    purpose: Purpose | None = None,
    profile: str | None = None,
    state: KeyState | None = None,
    owner: str | None = None,
) -> Found[KeyRecord]:
    """Return a page of the registered keys, oldest first, narrowed by what is given."""
    statement = _select().where(_mine(tx))
    wanted = {"purpose": purpose, "profile": profile, "state": state, "owner": owner}
    for column, value in wanted.items():
        if value is not None:
            statement = statement.where(trust_keys.c[column] == value)
    order = Order("created", (trust_keys.c.created_ms, trust_keys.c.key_id))
    return await read_page(tx, statement, order, paging, _record)


async def keys_of_owners(tx: Transaction, purpose: Purpose, owners: Collection[str]) -> list[KeyRecord]:
    """Return the keys of one purpose of these owners, oldest first."""
    statement = (
        _select()
        .where(_mine(tx), trust_keys.c.purpose == purpose, trust_keys.c.owner.in_(sorted(owners)))
        .order_by(trust_keys.c.created_ms, trust_keys.c.key_id)
    )
    return [_record(row) for row in await tx.execute(statement)]


async def inactive_key_ids(tx: Transaction) -> frozenset[str]:
    """Return the ids of all suspended and retired keys: nothing signed by them is accepted any more."""
    statement = select(trust_keys.c.key_id).where(_mine(tx), trust_keys.c.state != KeyState.ACTIVE)
    return frozenset((await tx.execute(statement)).scalars())


async def set_key_state(tx: Transaction, name: str, state: KeyState, *, reason: str, now_ms: int) -> None:
    """Change the state of a key."""
    statement = update(trust_keys).where(_mine(tx), trust_keys.c.key_id == name)
    await tx.execute(statement.values(state=state, reason=reason, changed_ms=now_ms))


def _mine(tx: Transaction) -> Any:
    return trust_keys.c.workspace_id == tx.workspace_id


def _select() -> Any:
    return select(
        trust_keys.c.key_id,
        trust_keys.c.algorithm,
        trust_keys.c.raw_hex,
        trust_keys.c.purpose,
        trust_keys.c.profile,
        trust_keys.c.owner,
        trust_keys.c.label,
        trust_keys.c.state,
        trust_keys.c.reason,
        trust_keys.c.created_ms,
        trust_keys.c.changed_ms,
    )


def _record(row: Any) -> KeyRecord:
    return KeyRecord(
        key_id=row.key_id,
        key=PublicKey(row.algorithm, bytes.fromhex(row.raw_hex)),
        purpose=Purpose(row.purpose),
        profile=row.profile,
        owner=row.owner,
        label=row.label,
        state=KeyState(row.state),
        reason=row.reason,
        created_ms=row.created_ms,
        changed_ms=row.changed_ms,
    )

"""Rows of the keys that identity signs and looks up with; private parts are sealed before they come here."""

from msgspec import Struct
from sqlalchemy import BigInteger, Column, LargeBinary, String, delete, insert, select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table

token_keys = scoped_table(
    "identity_token_keys",
    Column("kid", String(64), primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("signs_from_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
secrets = scoped_table("identity_secrets", Column("sealed", LargeBinary, nullable=False))


class KeyRow(Struct, frozen=True):
    """One signing key: 32 raw public bytes and the sealed private key."""

    kid: str
    public: bytes
    sealed: bytes
    signs_from_ms: int


async def list_keys(tx: Transaction) -> list[KeyRow]:
    """Return all keys of the workspace, the one that signs last at the end."""
    statement = (
        select(token_keys.c.kid, token_keys.c.public, token_keys.c.sealed, token_keys.c.signs_from_ms)
        .where(token_keys.c.workspace_id == tx.workspace_id)
        .order_by(token_keys.c.signs_from_ms, token_keys.c.created_ms, token_keys.c.kid)
    )
    return [KeyRow(row.kid, row.public, row.sealed, row.signs_from_ms) for row in await tx.execute(statement)]


async def add_key(tx: Transaction, key: KeyRow, *, now_ms: int) -> None:
    """Store a new key."""
    values = {
        "workspace_id": tx.workspace_id,
        "kid": key.kid,
        "public": key.public,
        "sealed": key.sealed,
        "signs_from_ms": key.signs_from_ms,
        "created_ms": now_ms,
    }
    await tx.execute(insert(token_keys).values(values))


async def delete_keys(tx: Transaction, kids: list[str]) -> None:
    """Forget keys; tokens that they signed are refused from the next snapshot on."""
    await tx.execute(delete(token_keys).where(token_keys.c.workspace_id == tx.workspace_id, token_keys.c.kid.in_(kids)))


async def add_secret(tx: Transaction, sealed: bytes) -> None:
    """Store the workspace's secret unless it has one."""
    await tx.execute(insert_or_ignore(tx, secrets).values(workspace_id=tx.workspace_id, sealed=sealed))


async def get_secret(tx: Transaction) -> bytes | None:
    """Return the workspace's sealed secret."""
    statement = select(secrets.c.sealed).where(secrets.c.workspace_id == tx.workspace_id)
    return (await tx.execute(statement)).scalar_one_or_none()

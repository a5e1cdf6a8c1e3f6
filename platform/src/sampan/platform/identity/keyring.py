"""The keys of one workspace in memory, and the access tokens that were verified with them lately.

A snapshot part. Private keys stay sealed until first used. The cache of verified tokens belongs to the keys:
when a key goes, every token that was verified with it is forgotten too.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct, field

from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.seal import Sealer, derive
from sampan.platform.engines.database import Transaction
from sampan.platform.identity.jwk import base64url
from sampan.platform.identity.repository_keys import KeyRow, get_secret, list_keys
from sampan.platform.identity.tokens import Claims
from sampan.platform.workspaces.replica import SnapshotPart

PART = "token_keys"
CACHED_TOKENS = 20_000

Value = TypeVar("Value")


class RecentTokens(Generic[Value]):
    """A bounded map in two generations: full means the older half is dropped, with no work per look-up."""

    __slots__ = ("_old", "_size", "_young")

    def __init__(self, size: int = CACHED_TOKENS) -> None:
        self._size = size
        self._young: dict[bytes, Value] = {}
        self._old: dict[bytes, Value] = {}

    def get(self, token: bytes) -> Value | None:
        """Return what is kept for these very bytes."""
        found = self._young.get(token)
        if found is None:
            found = self._old.get(token)
            if found is not None:
                self.put(token, found)
        return found

    def put(self, token: bytes, value: Value) -> None:
        """Keep a value."""
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[token] = value

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())


class Secrets(Struct, frozen=True):
    """Keys derived from the workspace's secret, one for each purpose."""

    phone: bytes
    code: bytes
    refresh: bytes


class Keyring(Struct):
    """Verifying keys by id, and the signing key of the moment."""

    workspace_id: str
    rows: tuple[KeyRow, ...]
    sealed_secret: bytes
    public: Mapping[str, Ed25519PublicKey]
    recent: RecentTokens[Claims] = field(default_factory=RecentTokens)
    _opened: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    _secrets: Secrets | None = None

    def find(self, kid: str) -> Ed25519PublicKey | None:
        """Return the verifying key of this id."""
        return self.public.get(kid)

    def signer(self, sealer: Sealer, *, now_ms: int) -> tuple[str, Ed25519PrivateKey]:
        """Return id and private key of the newest key that signs already."""
        row = [row for row in self.rows if row.signs_from_ms <= now_ms][-1]
        key = self._opened.get(row.kid)
        if key is None:
            key = PrivateKey.from_pkcs8(sealer.open(row.sealed, key_context(self.workspace_id, row.kid))).handle()
            self._opened[row.kid] = key
        return row.kid, key

    def secrets(self, sealer: Sealer) -> Secrets:
        """Return the keys for phone look-up, one-time codes and refresh tokens."""
        if self._secrets is None:
            secret = sealer.open(self.sealed_secret, secret_context(self.workspace_id))
            names = ("phone", "code", "refresh")
            self._secrets = Secrets(*(derive(secret, f"identity/{name}") for name in names))
        return self._secrets

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK set (RFC 7517, RFC 8037)."""
        fixed = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
        return {"keys": [{**fixed, "kid": row.kid, "x": base64url(row.public)} for row in self.rows]}


def key_context(workspace_id: str, kid: str) -> str:
    """Where the sealed signing key belongs."""
    return f"{workspace_id}/identity/token-key/{kid}"


def secret_context(workspace_id: str) -> str:
    """Where the sealed secret belongs."""
    return f"{workspace_id}/identity/secret"


async def _load(tx: Transaction) -> tuple[str, list[KeyRow], bytes | None]:
    return tx.workspace_id, await list_keys(tx), await get_secret(tx)


def _compile(loaded: tuple[str, list[KeyRow], bytes | None]) -> Keyring:
    workspace_id, rows, secret = loaded
    public = {row.kid: Ed25519PublicKey.from_public_bytes(row.public) for row in rows}
    return Keyring(workspace_id, tuple(rows), secret or b"", public)


snapshot_part = SnapshotPart(PART, _load, _compile)

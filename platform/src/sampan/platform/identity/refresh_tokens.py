"""Refresh tokens: opaque, single use, and safe to repeat when the answer was lost. Pure rules.

A token is base64url of `family (16 bytes) || secret (32 bytes)`. The server keeps only SHA-256 of the present
secret, and of those used in the last 60 seconds. The next secret is HMAC-SHA-256 of the present one under a
key of the workspace: whoever repeats a token within those 60 seconds gets the very same successor, and the
server needs to keep no secret for it.
"""

import hashlib
import hmac
import secrets
from enum import Enum

from msgspec import Struct

from sampan.platform.identity.jwk import base64url, from_base64url
from sampan.platform.identity.problems import RefreshRefused

REPEAT_MS = 60_000
FAMILY_BYTES = 16
SECRET_BYTES = 32
HASH_BYTES = 32
STAMP_BYTES = 8
IDLE_MS = 90 * 86_400_000
MAX_REPEATABLE = 16
REFUSED = "Begin a new session with POST /client/v1/session, then sign in again."


class RefreshToken(Struct, frozen=True):
    """A token taken apart; `secret` is never stored or logged."""

    family: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"<RefreshToken of {self.family.hex()}>"

    @property
    def hash(self) -> bytes:
        """What the server keeps of the secret."""
        return hashlib.sha256(self.secret).digest()

    @property
    def text(self) -> str:
        """The token as it travels."""
        return base64url(self.family + self.secret)

    def successor(self, key: bytes) -> "RefreshToken":
        """Return the next token of the family; the same every time."""
        return RefreshToken(self.family, hmac.digest(key, self.family + self.secret, "sha256"))


class Use(Enum):
    """What presenting a token amounts to."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSE = "reuse"


def new_refresh_token() -> RefreshToken:
    """Return the first token of a new family."""
    return RefreshToken(secrets.token_bytes(FAMILY_BYTES), secrets.token_bytes(SECRET_BYTES))


def read_refresh_token(text: str) -> RefreshToken:
    """Take a token apart; raise `RefreshRefused` when it is none."""
    try:
        data = from_base64url(text)
    except ValueError:
        data = b""
    if len(data) != FAMILY_BYTES + SECRET_BYTES:
        raise RefreshRefused(REFUSED)
    return RefreshToken(data[:FAMILY_BYTES], data[FAMILY_BYTES:])


def judge(token: RefreshToken, *, present: bytes, used: bytes, now_ms: int) -> Use:
    """Return what presenting `token` is, given the present hash and the packed recently used ones."""
    if hmac.compare_digest(token.hash, present):
        return Use.ROTATE
    hashes = [seal for seal, used_ms in _unpack(used) if now_ms - used_ms <= REPEAT_MS]
    return Use.REPEAT if token.hash in hashes else Use.REUSE


def remember(used: bytes, token: RefreshToken, *, now_ms: int) -> bytes:
    """Return the packed list of used hashes with `token` added and those over their time left out."""
    kept = [(seal, used_ms) for seal, used_ms in _unpack(used) if now_ms - used_ms <= REPEAT_MS]
    kept = [*kept, (token.hash, now_ms)][-MAX_REPEATABLE:]
    return b"".join(seal + used_ms.to_bytes(STAMP_BYTES) for seal, used_ms in kept)


def _unpack(used: bytes) -> list[tuple[bytes, int]]:
    size = HASH_BYTES + STAMP_BYTES
    items = [used[start : start + size] for start in range(0, len(used), size)]
    return [(item[:HASH_BYTES], int.from_bytes(item[HASH_BYTES:])) for item in items]

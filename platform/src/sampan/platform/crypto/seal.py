"""Small secrets at rest: AES-256-GCM (NIST SP 800-38D) under keys derived by HKDF (RFC 5869).

A sealed value is `version byte || key tag (4) || nonce (12) || ciphertext and tag`. Its *context*, a string
that names the place it belongs to (`"demo/totp/opr_0192..."`), is authenticated with it, so a value copied to
another row does not open there. Nonces are random: keep one key under 2**32 values, which is one reason why
customers get keys of their own.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sampan.platform.crypto.problems import SealBroken

KEY_BYTES = 32
_VERSION = b"\x01"
_TAG_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _TAG_BYTES + _NONCE_BYTES


def derive(secret: bytes, purpose: str, *, size_bytes: int = KEY_BYTES, salt: bytes | None = None) -> bytes:
    """Return a key for one purpose (HKDF-SHA256); different purposes give independent keys."""
    return HKDF(hashes.SHA256(), size_bytes, salt, f"sampan/{purpose}".encode()).derive(secret)


def mac(key: bytes, purpose: str, data: bytes) -> bytes:
    """Return HMAC-SHA256 of `data` under a key derived for this purpose: 32 bytes."""
    return hmac.digest(derive(key, purpose), data, "sha256")


def mac_is_good(key: bytes, purpose: str, data: bytes, value: bytes) -> bool:
    """Whether `value` is the MAC of `data`, compared in constant time."""
    return hmac.compare_digest(mac(key, purpose, data), value)


class Sealer:
    """Seals with one master key; still opens what the retired ones sealed."""

    def __init__(self, master_key: bytes, *, retired: tuple[bytes, ...] = ()) -> None:
        for key in (master_key, *retired):
            if len(key) != KEY_BYTES:
                raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._ciphers: dict[bytes, AESGCM] = {}
        for key in (*reversed(retired), master_key):
            self._tag = derive(key, "seal/tag", size_bytes=_TAG_BYTES)
            self._ciphers[self._tag] = AESGCM(derive(key, "seal/key"))

    def __repr__(self) -> str:
        return f"<Sealer {self._tag.hex()}>"

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Return the sealed bytes; they open only with the same context."""
        head = _VERSION + self._tag
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._tag].encrypt(nonce, plaintext, head + context.encode())
        return head + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return the plaintext; raise `SealBroken` when a bit, the key or the context differs."""
        head, nonce = sealed[: 1 + _TAG_BYTES], sealed[1 + _TAG_BYTES : _HEAD_BYTES]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != _VERSION or cipher is None or len(nonce) != _NONCE_BYTES:
            raise SealBroken("The value was sealed with another master key, or is no sealed value at all.")
        try:
            return cipher.decrypt(nonce, sealed[_HEAD_BYTES:], head + context.encode())
        except InvalidTag as problem:
            raise SealBroken("The sealed value was changed, or belongs to another place.") from problem

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is under the present master key, not a retired one."""
        return sealed[1 : 1 + _TAG_BYTES] == self._tag

    def new_key(self, context: str) -> tuple[bytes, bytes]:
        """Make a key (one per customer, say) and return it with its wrapped form, which is what is stored."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, self.wrap(key, context)

    def wrap(self, key: bytes, context: str) -> bytes:
        """Return a key sealed for storage; a wrapped key never opens as a sealed value, nor the reverse."""
        return self.seal(key, f"key:{context}")

    def unwrap(self, wrapped: bytes, context: str) -> "Sealer":
        """Open a wrapped key and return the sealer under it; destroying the wrapped form erases the lot."""
        return Sealer(self.open(wrapped, f"key:{context}"))

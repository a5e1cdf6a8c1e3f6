"""The device's P-256 key and the proofs that it makes (RFC 9449; docs/protocols/session.md)."""

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sampan.platform.errors import Invalid

_COORDINATE_BYTES = 32


class KeyFileUnfit(Invalid):
    """The file holds no P-256 private key."""

    code = "device_key_file_unfit"


class DeviceKey:
    """A key in a file of the device's folder. A phone keeps it in its secure element; this one only plays a phone."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        numbers = private.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Return the key in an unencrypted PKCS#8 file; raise `KeyFileUnfit`."""
        try:
            private = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as problem:
            raise KeyFileUnfit("This is no unencrypted private key in PEM.") from problem
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise KeyFileUnfit("A device's key is a P-256 key.")
        return cls(private)

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Return the key in `path`, made at the first call."""
        if path.exists():
            return cls.from_pem(path.read_bytes())
        key = cls(ec.generate_private_key(ec.SECP256R1()))
        key.keep_in(path)
        return key

    def keep_in(self, path: Path) -> None:
        """Store the key, whole or not at all, for this account alone."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def proof(self, method: str, url: str, *, now_ms: int, access_token: str | None = None) -> str:
        """Return a fresh proof for one call, at the server's time."""
        claims = {"htm": method, "htu": url, "iat": now_ms / 1000, "jti": secrets.token_urlsafe(16)}
        if access_token is not None:
            claims["ath"] = _base64url(hashlib.sha256(access_token.encode()).digest())
        return jwt.encode(claims, self._private, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk})


def _coordinate(number: int) -> str:
    return _base64url(number.to_bytes(_COORDINATE_BYTES))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

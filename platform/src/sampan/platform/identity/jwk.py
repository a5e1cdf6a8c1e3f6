"""Device keys as JWK (RFC 7517, RFC 7518 section 6.2, RFC 8037) and their thumbprints (RFC 7638).

Only public keys of one curve each are taken, written in one way, so that one key has one thumbprint.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.identity.problems import DeviceKeyUnfit

COORDINATE_BYTES = 32
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes; raise ValueError for anything but their one unpadded spelling."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Base64Error, UnicodeEncodeError) as problem:
        raise ValueError("not base64url") from problem
    if base64url(data) != text:
        raise ValueError("not the one unpadded spelling of these bytes in base64url")
    return data


def signing_key(jwk: object) -> EllipticCurvePublicKey:
    """Return the P-256 public key of a JWK; raise `DeviceKeyUnfit`, also when a private member is present."""
    members = _public(jwk, "signing")
    if members.get("kty") != "EC" or members.get("crv") != "P-256":
        raise DeviceKeyUnfit("Send the signing key as a P-256 JWK: kty EC, crv P-256, x, y.", field="device_keys")
    x, y = (int.from_bytes(_coordinate(members, name)) for name in ("x", "y"))
    try:
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        raise DeviceKeyUnfit("The signing key's point is not on the curve P-256.", field="device_keys") from None


def signing_jwk(jwk: object) -> dict[str, str]:
    """Return the JWK reduced to its four required members, after checking it; raise `DeviceKeyUnfit`."""
    signing_key(jwk)
    members = _public(jwk, "signing")
    return {name: members[name] for name in ("crv", "kty", "x", "y")}


def envelope_jwk(jwk: object) -> dict[str, str]:
    """Return the envelope key (P-256 or X25519) reduced to its required members; raise `DeviceKeyUnfit`."""
    members = _public(jwk, "envelope")
    if members.get("kty") == "OKP" and members.get("crv") == "X25519":
        X25519PublicKey.from_public_bytes(_coordinate(members, "x"))
        return {name: members[name] for name in ("crv", "kty", "x")}
    return signing_jwk(jwk)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint (RFC 7638) of a JWK that holds only its required members."""
    return base64url(hashlib.sha256(canonical_json(dict(jwk))).digest())


def public_jwk(key: EllipticCurvePublicKey) -> dict[str, str]:
    """Return the JWK of a P-256 public key, required members only."""
    numbers = key.public_numbers()
    x, y = (base64url(value.to_bytes(COORDINATE_BYTES)) for value in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _public(jwk: object, name: str) -> Mapping[str, Any]:
    if not isinstance(jwk, Mapping):
        raise DeviceKeyUnfit(f"Send the {name} key as a JWK object.", field="device_keys")
    if PRIVATE_MEMBERS & jwk.keys():
        raise DeviceKeyUnfit(f"The {name} key carries its private part. Make a new key and never send that.")
    return jwk


def _coordinate(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    try:
        data = from_base64url(value) if isinstance(value, str) else b""
    except ValueError:
        data = b""
    if len(data) != COORDINATE_BYTES:
        raise DeviceKeyUnfit(f"The key's {name} must be {COORDINATE_BYTES} bytes in base64url.", field="device_keys")
    return data

"""Signing keys by algorithm id: `ed25519` (RFC 8032) and `es256` (ECDSA P-256 with SHA-256, FIPS 186-5).

A key is for one algorithm for ever. Whoever verifies says which algorithm the message claims, and a claim
that differs from the key's own algorithm is refused: the message never chooses. Signatures are raw bytes
everywhere (64 of them, `r || s` for ECDSA, as in JWS); DER appears only at the edge to TUF and X.509.
Another algorithm (`sm2-sm3`) plugs in with `register`; nothing else here changes for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sampan.platform.crypto.pem import to_pem
from sampan.platform.crypto.problems import (
    AlgorithmNotAllowed,
    AlgorithmUnknown,
    KeyUnreadable,
    SignatureWrong,
)

_COORDINATE_BYTES = 32


class Algorithm(Protocol):
    """One way to sign. `Any` stands for the provider's own key objects."""

    id: str

    def generate(self) -> Any:
        """Return a new private key."""

    def public_of(self, private: Any) -> Any:
        """Return the public half."""

    def raw(self, public: Any) -> bytes:
        """Return the public key's own bytes, by which keys are compared."""

    def from_raw(self, raw: bytes) -> Any:
        """Return the public key of these bytes; raise ValueError when they are none."""

    def sign(self, private: Any, data: bytes) -> bytes:
        """Return the raw signature."""

    def verify(self, public: Any, data: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over `data`."""

    def spki(self, public: Any) -> bytes:
        """Return the public key as SPKI DER."""

    def pkcs8(self, private: Any) -> bytes:
        """Return the private key as unencrypted PKCS#8 DER."""

    def owns_public(self, loaded: Any) -> bool:
        """Whether a loaded public key is of this algorithm."""

    def owns_private(self, loaded: Any) -> bool:
        """Whether a loaded private key is of this algorithm."""


class _Pyca:
    """What Ed25519 and ECDSA share: the DER forms that `cryptography` writes."""

    def public_of(self, private: Any) -> Any:
        return private.public_key()

    def spki(self, public: Any) -> bytes:
        return bytes(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))

    def pkcs8(self, private: Any) -> bytes:
        return bytes(
            private.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


class Ed25519(_Pyca):
    """RFC 8032 Ed25519; raw public key of 32 bytes."""

    id = "ed25519"

    def generate(self) -> ed25519.Ed25519PrivateKey:
        """Make a new private key."""
        return ed25519.Ed25519PrivateKey.generate()

    def raw(self, public: ed25519.Ed25519PublicKey) -> bytes:
        """Return the 32 bytes of RFC 8032."""
        return public.public_bytes_raw()

    def from_raw(self, raw: bytes) -> ed25519.Ed25519PublicKey:
        """Load the 32 bytes of RFC 8032; raise ValueError when they are none."""
        return ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def sign(self, private: ed25519.Ed25519PrivateKey, data: bytes) -> bytes:
        """Return the 64 signature bytes."""
        return private.sign(data)

    def verify(self, public: ed25519.Ed25519PublicKey, data: bytes, signature: bytes) -> bool:
        """Whether the signature is good."""
        try:
            public.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def owns_public(self, loaded: object) -> bool:
        """Whether a loaded public key object is of this algorithm."""
        return isinstance(loaded, ed25519.Ed25519PublicKey)

    def owns_private(self, loaded: object) -> bool:
        """Whether a loaded private key object is of this algorithm."""
        return isinstance(loaded, ed25519.Ed25519PrivateKey)


class Es256(_Pyca):
    """ECDSA on P-256 with SHA-256; raw public key is the uncompressed point of 65 bytes (SEC 1)."""

    id = "es256"

    def generate(self) -> ec.EllipticCurvePrivateKey:
        """Make a new private key."""
        return ec.generate_private_key(ec.SECP256R1())

    def raw(self, public: ec.EllipticCurvePublicKey) -> bytes:
        """Return the uncompressed point, 65 bytes."""
        return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

    def from_raw(self, raw: bytes) -> ec.EllipticCurvePublicKey:
        """Load an uncompressed point; raise ValueError when it is not on the curve."""
        if len(raw) != 1 + 2 * _COORDINATE_BYTES:
            raise ValueError("a P-256 point has 65 bytes")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)

    def sign(self, private: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        """Return `r || s`, 64 bytes."""
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")

    def verify(self, public: ec.EllipticCurvePublicKey, data: bytes, signature: bytes) -> bool:
        """Whether the signature is good."""
        if len(signature) != 2 * _COORDINATE_BYTES:
            return False
        r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
        s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
        try:
            public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def owns_public(self, loaded: object) -> bool:
        """Whether a loaded public key object is of this algorithm."""
        return isinstance(loaded, ec.EllipticCurvePublicKey) and isinstance(loaded.curve, ec.SECP256R1)

    def owns_private(self, loaded: object) -> bool:
        """Whether a loaded private key object is of this algorithm."""
        return isinstance(loaded, ec.EllipticCurvePrivateKey) and isinstance(loaded.curve, ec.SECP256R1)


_ALGORITHMS: dict[str, Algorithm] = {}


def register(algorithm: Algorithm) -> None:
    """Plug an algorithm in under its id; an id is given away once."""
    if algorithm.id in _ALGORITHMS:
        raise ValueError(f"algorithm id {algorithm.id!r} is taken")
    _ALGORITHMS[algorithm.id] = algorithm


def algorithm_ids() -> tuple[str, ...]:
    """Return the ids of all algorithms that can sign and verify here."""
    return tuple(_ALGORITHMS)


def algorithm(algorithm_id: str) -> Algorithm:
    """Return the algorithm of this id; raise `AlgorithmUnknown`."""
    try:
        return _ALGORITHMS[algorithm_id]
    except KeyError:
        known = ", ".join(_ALGORITHMS)
        raise AlgorithmUnknown(
            f"There is no signature algorithm {algorithm_id!r} here; use one of {known}.",
            algorithm=algorithm_id,
        ) from None


register(Ed25519())
register(Es256())


@dataclass(frozen=True)
class PublicKey:
    """A public key: its algorithm and its raw bytes. Two keys are equal when both are."""

    algorithm: str
    raw: bytes

    def __post_init__(self) -> None:
        _ = self._handle  # refuses bytes that are no key, here and not at the first use

    @cached_property
    def _handle(self) -> Any:
        found = algorithm(self.algorithm)
        try:
            return found.from_raw(self.raw)
        except ValueError as problem:
            raise KeyUnreadable(f"These bytes are no {self.algorithm} public key.") from problem

    def verify(self, data: bytes, signature: bytes, *, algorithm: str) -> None:
        """Return when `signature` is good; `algorithm` is the id that the message claims.

        Raises `AlgorithmNotAllowed` when the claim is not this key's algorithm, else `SignatureWrong`.
        """
        if algorithm != self.algorithm:
            raise AlgorithmNotAllowed(
                f"The signature claims {algorithm}, but its key is for {self.algorithm} alone.",
                claimed=algorithm,
                allowed=self.algorithm,
            )
        if not _ALGORITHMS[self.algorithm].verify(self._handle, data, signature):
            raise SignatureWrong("The signature does not verify with this key.")

    def spki(self) -> bytes:
        """Return the SubjectPublicKeyInfo DER (RFC 5280)."""
        return _ALGORITHMS[self.algorithm].spki(self._handle)

    def pem(self) -> str:
        """Return the SPKI PEM, which is how public keys travel."""
        return to_pem(self.spki(), "PUBLIC KEY")

    @classmethod
    def from_pem(cls, pem: str | bytes) -> "PublicKey":
        """Read an SPKI PEM; raise `KeyUnreadable`, or `AlgorithmUnknown` for a key of another kind."""
        data = pem.encode() if isinstance(pem, str) else pem
        try:
            loaded = serialization.load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise KeyUnreadable("This is no public key in PEM form (BEGIN PUBLIC KEY).") from problem
        return cls.of_handle(loaded)

    @classmethod
    def of_handle(cls, loaded: object) -> "PublicKey":
        """Wrap a provider's public key object."""
        found = _owner(lambda each: each.owns_public(loaded))
        return cls(found.id, found.raw(loaded))


@dataclass(frozen=True, eq=False)
class PrivateKey:
    """A private key; it never shows itself in a repr, and leaves the process only encrypted or sealed."""

    algorithm: str
    _handle: Any = field(repr=False)

    @classmethod
    def generate(cls, algorithm_id: str = "ed25519") -> "PrivateKey":
        """Make a new key with the system's random source."""
        return cls(algorithm_id, algorithm(algorithm_id).generate())

    @cached_property
    def public(self) -> PublicKey:
        """The public half."""
        found = _ALGORITHMS[self.algorithm]
        return PublicKey(self.algorithm, found.raw(found.public_of(self._handle)))

    def sign(self, data: bytes) -> bytes:
        """Return the raw signature (64 bytes for the built-in algorithms)."""
        return _ALGORITHMS[self.algorithm].sign(self._handle, data)

    def handle(self) -> Any:
        """Return the provider's key object, for PyJWT and TUF, which want it."""
        return self._handle

    def pkcs8(self) -> bytes:
        """Return the bare PKCS#8 DER. Only for `seal` and the encrypted file; never write it out as it is."""
        return _ALGORITHMS[self.algorithm].pkcs8(self._handle)

    @classmethod
    def from_pkcs8(cls, der: bytes) -> "PrivateKey":
        """Read bare PKCS#8 DER, as it comes out of a seal."""
        try:
            loaded = serialization.load_der_private_key(der, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise KeyUnreadable("These bytes are no private key in PKCS#8 form.") from problem
        return cls(_owner(lambda each: each.owns_private(loaded)).id, loaded)


def same_key(one: PublicKey, other: PublicKey) -> bool:
    """Whether two keys are one key, by raw bytes, whatever names or ids they go under."""
    return one.raw == other.raw


def _owner(owns: Callable[[Algorithm], bool]) -> Algorithm:
    for each in _ALGORITHMS.values():
        if owns(each):
            return each
    known = ", ".join(_ALGORITHMS)
    raise AlgorithmUnknown(f"The key is for an algorithm that is not known here; use one of {known}.")

"""The bridge to The Update Framework: our keys as securesystemslib keys and signers, and back.

TUF names keys by a digest of their description; that name is our public key id everywhere. A key of any
type and scheme but the ones below is refused on the way in, however many schemes the library knows.
"""

import functools
from typing import cast

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey

from sampan.platform.crypto.keys import PrivateKey, PublicKey, algorithm
from sampan.platform.crypto.problems import AlgorithmUnknown, KeyUnreadable

_SCHEMES = {"ed25519": ("ed25519", "ed25519"), "es256": ("ecdsa", "ecdsa-sha2-nistp256")}
KEYS_REMEMBERED = 4096
_ALGORITHM_OF = {scheme: name for name, scheme in _SCHEMES.items()}


def to_tuf_key(key: PublicKey) -> Key:
    """Return the key as TUF metadata lists it."""
    if key.algorithm not in _SCHEMES:
        raise AlgorithmUnknown(f"Stock TUF clients cannot verify {key.algorithm}; it needs a tree of its own.")
    handle = cast(PublicKeyTypes, algorithm(key.algorithm).from_raw(key.raw))
    return SSlibKey.from_crypto(handle, scheme=_SCHEMES[key.algorithm][1])


def from_tuf_key(key: Key) -> PublicKey:
    """Return our key for one that TUF metadata lists; raise `AlgorithmUnknown` or `KeyUnreadable`."""
    name = _ALGORITHM_OF.get((key.keytype, key.scheme))
    if name is None:
        raise AlgorithmUnknown(f"A key of type {key.keytype}/{key.scheme} is not accepted in this tree.")
    public = key.keyval.get("public")
    if not isinstance(public, str):
        raise KeyUnreadable("A key in the metadata has no public part.")
    return _public_key(name, public)


@functools.lru_cache(KEYS_REMEMBERED)
def key_id(key: PublicKey) -> str:
    """Return the public id of a key: 64 hexadecimal digits, the same name TUF metadata uses."""
    return to_tuf_key(key).keyid


def tuf_signer(key: PrivateKey) -> Signer:
    """Return a signer for python-tuf's `Metadata.sign`."""
    handle = cast(PrivateKeyTypes, key.handle())
    return CryptoSigner(handle, cast(SSlibKey, to_tuf_key(key.public)))


@functools.lru_cache(KEYS_REMEMBERED)
def _public_key(name: str, public: str) -> PublicKey:
    found = PublicKey(name, _hex(public)) if name == "ed25519" else PublicKey.from_pem(public)
    if found.algorithm != name:
        raise KeyUnreadable(f"A key in the metadata says {name} but is {found.algorithm}.")
    return found


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as problem:
        raise KeyUnreadable("A key in the metadata is not hexadecimal.") from problem

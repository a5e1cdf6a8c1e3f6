"""Digests with their algorithm in front: `sha256:<hex>` and `sm3:<hex>`."""

import re

from cryptography.hazmat.primitives import hashes

_ALGORITHMS: dict[str, type[hashes.HashAlgorithm]] = {"sha256": hashes.SHA256, "sm3": hashes.SM3}
DIGEST = re.compile(r"(sha256|sm3):[0-9a-f]{64}")


class Hasher:
    """One running digest; `update` releases the interpreter lock for large chunks."""

    def __init__(self, algorithm: str = "sha256") -> None:
        self.algorithm = algorithm
        self._hash = hashes.Hash(_ALGORITHMS[algorithm]())
        self.update = self._hash.update

    def digest(self) -> str:
        """Close the digest and return it as `<algorithm>:<hex>`."""
        return f"{self.algorithm}:{self._hash.finalize().hex()}"


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of `data` as `<algorithm>:<hex>`."""
    hasher = Hasher(algorithm)
    hasher.update(data)
    return hasher.digest()


def is_digest(text: str) -> bool:
    """Whether `text` is a well-formed digest of a known algorithm."""
    return DIGEST.fullmatch(text) is not None

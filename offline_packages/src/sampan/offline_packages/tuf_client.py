"""python-tuf's client at the edge: our fetching put in, its errors turned into coded refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tuf.api import exceptions as tuf_errors
from tuf.api.metadata import Targets
from tuf.ngclient import FetcherInterface

from sampan.offline_packages.fetching import Fetch, FetchFailed
from sampan.offline_packages.trust_errors import (
    BytesDiffer,
    DelegationUnsafe,
    Expired,
    NotListed,
    NotSigned,
    RolledBack,
    TooLong,
    TrustRefused,
    Unreachable,
)
from sampan.platform.crypto.tuf_keys import from_tuf_key
from sampan.platform.errors import SampanError


class TufFetcher(FetcherInterface):
    """Our callable in python-tuf's shape; nothing but its own errors comes out."""

    def __init__(self, fetch: Fetch) -> None:
        self._call = fetch
        self._max_length = 0

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Download with the limit passed on to the callable; python-tuf enforces it too."""
        self._max_length = max_length
        with super().download_file(url, max_length) as file:
            yield file

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            yield from self._call(url, self._max_length)
        except FetchFailed as problem:
            if problem.status is None:
                raise tuf_errors.DownloadError(str(problem)) from problem
            raise tuf_errors.DownloadHTTPError(str(problem), problem.status) from problem
        except OSError as problem:
            raise tuf_errors.DownloadError(str(problem)) from problem


_REFUSALS: tuple[tuple[type[Exception], type[SampanError], str], ...] = (
    (tuf_errors.ExpiredMetadataError, Expired, "The metadata has expired"),
    (tuf_errors.BadVersionNumberError, RolledBack, "The metadata is older than what was seen, or mixed"),
    (tuf_errors.UnsignedMetadataError, NotSigned, "The metadata lacks signatures"),
    (tuf_errors.LengthOrHashMismatchError, BytesDiffer, "The bytes are not the signed ones"),
    (tuf_errors.RepositoryError, TrustRefused, "The metadata is refused"),
    (tuf_errors.DownloadLengthMismatchError, TooLong, "The server sent more than it may"),
    (tuf_errors.DownloadError, Unreachable, "The tree cannot be fetched"),
)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn whatever python-tuf raises about what it was served into a coded refusal; disk errors stay what they are."""
    try:
        yield
    except (SampanError, OSError):
        raise
    except Exception as problem:
        for kind, refusal, sentence in _REFUSALS:
            if isinstance(problem, kind):
                raise refusal(f"{sentence}: {problem}") from problem
        raise TrustRefused(f"The metadata is refused: {type(problem).__name__}") from problem


def check_delegation(targets: Targets, role: str, paths: list[str], threshold: int) -> None:
    """Raise `DelegationUnsafe` unless the role has exactly its paths and as many different keys as it needs.

    Three keys with threshold two would let two publisher keys pass without the review, and one key under two
    names would let one party count twice.
    """
    roles = (targets.delegations.roles if targets.delegations else None) or {}
    found = roles.get(role)
    if found is None:
        raise NotListed(f"The tree has no role {role}.", role=role)
    try:
        keys = {from_tuf_key(targets.get_key(keyid)).raw for keyid in found.keyids}
    except (SampanError, ValueError) as problem:
        raise DelegationUnsafe(f"The delegation of {role} lists a key that is not acceptable.") from problem
    if found.threshold != threshold or len(keys) != threshold or len(found.keyids) != threshold:
        raise DelegationUnsafe(f"{role} must have exactly {threshold} different keys and need all of them.")
    if found.paths != paths or not found.terminating:
        raise DelegationUnsafe(f"{role} must cover {paths[0]} and nothing else, and end the search.")

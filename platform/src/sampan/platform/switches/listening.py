"""The key with which a page listens for news of switches: an EventSource sends no headers, so it stands in the URL.

It is no token: it opens nothing but the news that something changed, in one workspace, for a day or two. The stock web
client keeps the URL with its answers and uses it again until it gets new ones, therefore it holds for as long as the
answers' ETag does: both change with the day.
"""

from hashlib import blake2b

from sampan.platform.errors import Unauthorized

DAY_MS = 24 * 3600 * 1000
_OWNER_BYTES, _SEAL_BYTES = 8, 16


class ListenKeyInvalid(Unauthorized):
    """The key in the address of an OFREP event stream is not one of ours, or too old; a fresh answer has another."""

    code = "listen_key_invalid"


class ListenKeys:
    """Makes and reads the keys of one workspace."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, owner: str, day: int) -> str:
        """Return the key of whoever `owner` names, which stays secret, on this day."""
        hidden = blake2b(owner.encode(), digest_size=_OWNER_BYTES, key=self._secret, person=b"owner").hexdigest()
        return self._sealed(f"{day}.{hidden}")

    def owner_of(self, key: str, day: int) -> str:
        """Return the hidden name of the owner of a key of today or yesterday; raise `ListenKeyInvalid`."""
        made, _, rest = key.partition(".")
        hidden, _, _seal = rest.partition(".")
        if not (made.isascii() and made.isdecimal() and len(made) < 10) or self._sealed(f"{made}.{hidden}") != key:
            raise _invalid()
        if not day - 1 <= int(made) <= day:
            raise _invalid()
        return hidden

    def _sealed(self, text: str) -> str:
        seal = blake2b(text.encode(), digest_size=_SEAL_BYTES, key=self._secret, person=b"seal").hexdigest()
        return f"{text}.{seal}"


def _invalid() -> ListenKeyInvalid:
    return ListenKeyInvalid("Ask for all switches again; the answer names a fresh address to listen at.")

"""Offer tickets: a MAC over a device and all that it was offered: release, app, sequence, digest.

Reports about a release count only with its ticket, so nobody can vote on a release that it was never offered, nor
report of one app in the name of another.

A ticket is one AES block: `AES(key, tag(device) XOR tag(offer))`, the tags being keyed BLAKE2b (RFC
7693) of 16 bytes under a key of their own. AES on single blocks is a pseudo-random function here, not a cipher
of messages; the tags keep anyone from choosing its input. Its worth is speed: the tickets of all offers in one
sync answer are one call, where one hash for each cost a third of the answer.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from msgspec import Struct

from sampan.platform.crypto.seal import derive

BLOCK_BYTES = 16
TICKET_CHARACTERS = 2 * BLOCK_BYTES


class Offered(Struct, frozen=True):
    """What a release offers: which version of which app, and the package's digest."""

    release_id: str
    app: str
    sequence: int
    digest: str

    def text(self) -> str:
        """Return what the offer's tag is made of: names hold no line ends, so no two offers have the same."""
        return f"{self.release_id}\n{self.sequence}\n{self.digest}\n{self.app}"


def ticket_purpose(workspace_id: str) -> str:
    """Return the purpose under which `core.secret` gives a workspace's ticket key."""
    return f"ticket/{workspace_id}"


class Tickets:
    """Makes and checks the tickets of one workspace. Not for use by two threads at once."""

    def __init__(self, key: bytes) -> None:
        self._tag_key = derive(key, "ticket/tag")
        self._encryptor = Cipher(AES(derive(key, "ticket/block")), ECB()).encryptor()  # noqa: S305 - see the module

    def tag(self, text: str) -> bytes:
        """Return the 16-byte tag of a device id, or of an offer's text."""
        return hashlib.blake2b(text.encode("utf-8", "replace"), key=self._tag_key, digest_size=BLOCK_BYTES).digest()

    def many(self, device_id: str, offers: int, count: int) -> str:
        """Return one device's tickets for `count` offers, 32 hexadecimal characters each, one after the other.

        `offers` is the offers' tags, joined and read as one big-endian number: joined once, used per request.
        """
        device = int.from_bytes(self.tag(device_id) * count)
        return self._encryptor.update((device ^ offers).to_bytes(BLOCK_BYTES * count)).hex()

    def one(self, device_id: str, offered: Offered) -> str:
        """Return one device's ticket for one offer."""
        return self.many(device_id, int.from_bytes(self.tag(offered.text())), 1)

    def is_good(self, ticket: str, device_id: str, offered: Offered) -> bool:
        """Whether this workspace gave `ticket` to this device for this offer."""
        wanted = self.one(device_id, offered)
        return hmac.compare_digest(wanted.encode(), ticket.encode("utf-8", "replace"))

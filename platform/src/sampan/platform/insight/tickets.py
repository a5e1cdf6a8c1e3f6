"""Offer tickets: a MAC over (device, release, digest) that only a device that was offered something holds.

Reports about a release count only with its ticket, so nobody can vote on a release that it was never offered.

A ticket is one AES block: `AES(key, tag(device) XOR tag(release, digest))`, the tags being keyed BLAKE2b (RFC
7693) of 16 bytes under a key of their own. AES on single blocks is a pseudo-random function here, not a cipher
of messages; the tags keep anyone from choosing its input. Its worth is speed: the tickets of all offers in one
sync answer are one call, where one hash for each cost a third of the answer.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from sampan.platform.crypto.seal import derive

BLOCK_BYTES = 16
TICKET_CHARACTERS = 2 * BLOCK_BYTES


def ticket_purpose(workspace_id: str) -> str:
    """Return the purpose under which `core.secret` gives a workspace's ticket key."""
    return f"ticket/{workspace_id}"


class Tickets:
    """Makes and checks the tickets of one workspace. Not for use by two threads at once."""

    def __init__(self, key: bytes) -> None:
        self._tag_key = derive(key, "ticket/tag")
        self._encryptor = Cipher(AES(derive(key, "ticket/block")), ECB()).encryptor()  # noqa: S305 - see the module

    def tag(self, text: str) -> bytes:
        """Return the 16-byte tag of a device id, or of `release_text`."""
        return hashlib.blake2b(text.encode("utf-8", "replace"), key=self._tag_key, digest_size=BLOCK_BYTES).digest()

    def many(self, device_id: str, releases: int, count: int) -> str:
        """Return one device's tickets for `count` releases, 32 hexadecimal characters each, one after the other.

        `releases` is the releases' tags, joined and read as one big-endian number: joined once, used per request.
        """
        device = int.from_bytes(self.tag(device_id) * count)
        return self._encryptor.update((device ^ releases).to_bytes(BLOCK_BYTES * count)).hex()

    def one(self, device_id: str, release_id: str, digest: str) -> str:
        """Return one device's ticket for one release."""
        return self.many(device_id, int.from_bytes(self.tag(release_text(release_id, digest))), 1)

    def is_good(self, ticket: str, *, device_id: str, release_id: str, digest: str) -> bool:
        """Whether this workspace gave `ticket` to this device for this release and digest."""
        wanted = self.one(device_id, release_id, digest)
        return hmac.compare_digest(wanted.encode(), ticket.encode("utf-8", "replace"))


def release_text(release_id: str, digest: str) -> str:
    """Return what a release's tag is made of."""
    return f"{release_id}\n{digest}"

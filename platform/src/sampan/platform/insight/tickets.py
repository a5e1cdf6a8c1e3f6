"""Offer tickets: a MAC over (device, release, digest) that only a device that was offered something holds.

Reports about a release count only with its ticket, so nobody can vote on a release that it was never offered.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

TICKET_BYTES = 15


def ticket_purpose(workspace_id: str) -> str:
    """Return the purpose under which `core.secret` gives a workspace's ticket key."""
    return f"ticket/{workspace_id}"


def ticket_state(key: bytes, release_id: str, digest: str) -> "hashlib.blake2b":
    """Return the keyed hash of everything but the device; copy it per device (keyed BLAKE2b, RFC 7693)."""
    text = f"{release_id}\n{digest}\n".encode()
    return hashlib.blake2b(text, key=key, digest_size=TICKET_BYTES, person=b"sampan-ticket")


def ticket_text(state: "hashlib.blake2b", device_id: bytes) -> bytes:
    """Return the ticket of one device: 20 characters of base64url."""
    mac = state.copy()
    mac.update(device_id)
    return urlsafe_b64encode(mac.digest())


def ticket_is_good(key: bytes, ticket: str, *, device_id: str, release_id: str, digest: str) -> bool:
    """Whether this workspace gave `ticket` to this device for this release and digest."""
    wanted = ticket_text(ticket_state(key, release_id, digest), device_id.encode())
    return hmac.compare_digest(wanted, ticket.encode("utf-8", "replace"))

"""How often sessions and one-time codes may be asked for, by whom. Counted before the work is done."""

from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from sampan.platform.core import Core
from sampan.platform.engines.keys import workspace_key
from sampan.platform.errors import TooMany
from sampan.platform.identity.problems import CodeLimit, SessionLimit

MINUTE_MS = 60_000


class Limit(Struct, frozen=True):
    """At most `most` in a window; `says` tells the caller what to do."""

    name: str
    most: int
    window_ms: int
    error: type[TooMany]
    says: str


# Mobile carriers put thousands of customers behind one address, so that one is generous.
SESSIONS_PER_ADDRESS = Limit("session-ip", 3000, 10 * MINUTE_MS, SessionLimit, "Try again in a few minutes.")
SESSIONS_PER_APP = Limit("session-app", 60_000, MINUTE_MS, SessionLimit, "Try again in a minute.")
CODES_PER_PHONE = Limit("code-phone", 5, 60 * MINUTE_MS, CodeLimit, "Use the code that was sent, or try in an hour.")
CODES_PER_DEVICE = Limit("code-device", 10, 60 * MINUTE_MS, CodeLimit, "Try again in an hour.")
CODES_PER_ADDRESS = Limit("code-ip", 300, 10 * MINUTE_MS, CodeLimit, "Try again in a few minutes.")
TRIES_PER_DEVICE = Limit("try-device", 30, 60 * MINUTE_MS, CodeLimit, "Try again in an hour.")
TRIES_PER_ADDRESS = Limit("try-ip", 600, 10 * MINUTE_MS, CodeLimit, "Try again in a few minutes.")
TRIES_PER_PHONE = Limit("try-phone", 20, 60 * MINUTE_MS, CodeLimit, "Too many codes were tried. Try again in an hour.")


async def count(core: Core, workspace_id: str, limit: Limit, who: str) -> None:
    """Count one more; raise the limit's error when that is one too many."""
    seal = blake2b(who.encode(), digest_size=16).hexdigest()
    key = workspace_key(workspace_id, "limit", limit.name, seal)
    if await core.counters.increment(key, window_ms=limit.window_ms, now_ms=core.now_ms()) > limit.most:
        raise limit.error(limit.says, retry_after_seconds=limit.window_ms // 1000)


def network_of(address: str) -> str:
    """Return whom an address stands for: itself, or for IPv6 its /64, which one household has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return parsed.exploded[:19]
    return str(parsed)


def sealed_network(core: Core, workspace_id: str, address: str) -> str:
    """Return a name for the network around a public address (/24, for IPv6 /48) that tells nobody which it is.

    Empty for addresses of this machine and of private networks: they are a proxy's, and say nothing of the device.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if not parsed.is_global:
        return ""
    prefix = parsed.packed[: 6 if isinstance(parsed, IPv6Address) else 3]
    return blake2b(prefix, key=core.secret(f"network/{workspace_id}"), digest_size=16).hexdigest()

"""Lock-out: how many attempts at a secret one account and one source have in a quarter of an hour.

An attempt is taken *before* the work, so attempts at the same time cannot share one. Counters that fail
stop signing in: nothing here falls open.
"""

import hashlib
import ipaddress
from typing import TYPE_CHECKING, ClassVar

from sampan.platform.engines.keys import Key, system_key
from sampan.platform.errors import TooMany

if TYPE_CHECKING:
    from sampan.platform.core import Core

WINDOW_MS = 15 * 60 * 1000
PER_ACCOUNT = 10
PER_SOURCE = 50


class LockedOut(TooMany):
    """Too many attempts for this account, or from this address."""

    code: ClassVar[str] = "locked_out"


async def take_attempt(core: "Core", *, account: str, source: str) -> None:
    """Count one attempt; raise `LockedOut` over the limit, or the counters' own error when they fail."""
    now_ms = core.now_ms()
    by_source = await core.counters.increment(_key("source", _network(source)), window_ms=WINDOW_MS, now_ms=now_ms)
    if by_source > PER_SOURCE:
        raise _locked("this address")
    by_account = await core.counters.increment(_key("account", account), window_ms=WINDOW_MS, now_ms=now_ms)
    if by_account > PER_ACCOUNT:
        raise _locked("this account")


async def forgive(core: "Core", *, account: str) -> None:
    """Start the account's count anew after a success; the source's goes on, or one good account would hide a scan."""
    await core.counters.reset(_key("account", account))


def _locked(what: str) -> LockedOut:
    return LockedOut(
        f"Too many attempts for {what}. Wait a quarter of an hour, then try again.",
        retry_after_seconds=WINDOW_MS // 1000,
    )


def _key(kind: str, name: str) -> Key:
    return system_key("sign-in", kind, hashlib.sha256(name.encode()).hexdigest())


def network_of_source(source: str) -> str:
    """Return what counts as one source, as a digest: an IPv4 address, or the /64 that one IPv6 household gets."""
    return hashlib.sha256(_network(source).encode()).hexdigest()


def _network(source: str) -> str:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))

"""How many connections one address may hold, so that one machine cannot take all that this process can keep open.

Counted is who is at the other end: a trusted proxy holds everybody's connections and is not counted, it has limits of
its own. Nor is this machine itself. An IPv6 household has a /64 whole and counts as one.
"""

from collections import Counter
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from sampan.platform.logs import Log

EVERYBODY = "*"
LOG_EVERY_SECONDS = 60.0
Network = IPv4Network | IPv6Network
log = Log("http")


class Crowd:
    """The connections of one process, by address. `trusted` is the setting `trusted_proxies`; 0 sets no bound."""

    def __init__(self, most: int, trusted: str) -> None:
        self._most = most
        self._held: Counter[str] = Counter()
        self._is_everybody_trusted = EVERYBODY in _entries(trusted)
        self._trusted = [found for entry in _entries(trusted) if (found := _network(entry)) is not None]
        self._told_at = -LOG_EVERY_SECONDS

    def enter(self, address: str, *, now: float) -> str | None:
        """Count one more connection and return under which name; None when the address holds too many already.

        `now` is a monotonic time in seconds; an empty name means that nothing was counted.
        """
        name = self._name(address)
        if name and self._held[name] >= self._most:
            if now - self._told_at >= LOG_EVERY_SECONDS:
                self._told_at = now
                log.warning("too_many_connections", address=name, most=self._most)
            return None
        if name:
            self._held[name] += 1
        return name

    def leave(self, name: str) -> None:
        """Count one connection less."""
        if name:
            self._held[name] -= 1
            if self._held[name] <= 0:
                del self._held[name]

    def _name(self, address: str) -> str:
        if not self._most or self._is_everybody_trusted:
            return ""
        try:
            parsed = ip_address(address)
        except ValueError:
            return ""  # a Unix socket: only a proxy of this machine can be there
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if parsed.is_loopback or any(parsed in network for network in self._trusted):
            return ""
        return str(parsed) if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


def _entries(trusted: str) -> list[str]:
    return [entry.strip() for entry in trusted.split(",") if entry.strip()]


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None

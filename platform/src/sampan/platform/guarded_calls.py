"""Calls that the server makes for others, to addresses which they name: never into its own network.

A name is resolved here, every address it has is checked, and the connection goes to an address that was checked; what
the name means a moment later changes nothing. Redirects are never followed. Only hosts that the operator listed, each
with its port, may lead to private addresses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sampan.platform.errors import Forbidden, Invalid, SampanError
from sampan.platform.name_lookups import NameLookups

if TYPE_CHECKING:
    import ssl

    import httpcore2

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
MAX_RESPONSE_BYTES = 4 * 2**20
MAX_CONNECTIONS = 200
TRIED_ADDRESSES = 3
_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_lookups = NameLookups()  # one for the process: its bound is on threads


class BadAddress(Invalid):
    """The address is not an absolute https one without user and password."""

    code = "bad_address"


class AddressForbidden(Forbidden):
    """The name leads into a network that no call of this kind may reach."""

    code = "address_forbidden"


class UpstreamFailed(SampanError):
    """The other server could not be reached, or did not answer in time or within the bounds."""

    status = 502
    code = "upstream_failed"
    title = "The other server did not answer"


@dataclass(frozen=True, slots=True)
class Destination:
    """A parsed address: where to, and what stands behind the host."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def place(self) -> tuple[str, int]:
        """Host and port, as the settings list them."""
        return self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        usual = 443 if self.scheme == "https" else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other server said; the body is decoded by nobody."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def parse_destination(url: str, *, allows_http: bool = False) -> Destination:
    """Return the parts of an absolute address; raise `BadAddress`."""
    if any(ord(character) <= 0x20 or ord(character) >= 0x7F for character in url) or "\\" in url:
        raise _bad()
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as problem:
        raise _bad() from problem
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in (("https", "http") if allows_http else ("https",)) or not host or "@" in parts.netloc:
        raise _bad()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port, path)


def is_public(address: str) -> bool:
    """Whether an address lies in the public internet, whatever form it hides in (mapped, 6to4, Teredo, NAT64)."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found in _NAT64_LOCAL or not int(found) >> 96:  # the latter: IPv4-compatible, long abandoned
            return (mapped := found.ipv4_mapped) is not None and is_public(str(mapped))
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _NAT64:
            inner = IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if found.is_site_local:  # abandoned, but routed inside of old networks
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved and not found.is_unspecified


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Return every address of a name, as the system resolves it; names below `localhost` are this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return ["127.0.0.1"]
    return await _lookups(host, port)


class GuardedCalls:
    """Makes the calls; one for the process. `private_hosts` are hosts and ports that may lead to private addresses."""

    def __init__(
        self,
        *,
        private_hosts: Iterable[tuple[str, int]] = (),
        resolve: Resolve = resolve_by_system,
        trusts: "ssl.SSLContext | None" = None,
    ) -> None:
        self._private_hosts = frozenset(private_hosts)
        self._resolve = resolve
        self._trusts = trusts
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def call(
        self, to: Destination, method: str, headers: Mapping[str, str], body: bytes, *, seconds: float = TOTAL_SECONDS
    ) -> Answer:
        """Make one request; raise `AddressForbidden`, `UpstreamFailed` or `NamesBusy`."""
        import httpcore2

        sent = [(b"host", to.authority.encode()), *((k.encode(), v.encode()) for k, v in headers.items())]
        url = httpcore2.URL(scheme=to.scheme.encode(), host=to.host.encode(), port=to.port, target=to.path.encode())
        connect = min(CONNECT_SECONDS, seconds / 2)  # the library closes what its own time-out interrupts
        timeout = {"connect": connect, "read": seconds, "write": seconds, "pool": CONNECT_SECONDS}
        request = httpcore2.Request(method, url, headers=sent, content=body, extensions={"timeout": timeout})
        try:
            async with asyncio.timeout(seconds):
                response = await self._connections().handle_async_request(request)
                try:
                    return await _read(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpcore2.TimeoutException) as problem:
            raise UpstreamFailed("The other server did not answer in time.", reason="timeout") from problem
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError) as problem:
            raise UpstreamFailed(f"{to.host} could not be reached.", reason="unreachable") from problem

    async def addresses_of(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses that a connection to this name may use.

        Raises `AddressForbidden`, `UpstreamFailed`, and `NamesBusy` when too many names wait for their servers.
        """
        try:
            found = await self._resolve(host, port)
        except TimeoutError as problem:
            raise UpstreamFailed(f"The name {host} could not be looked up in time.", reason="timeout") from problem
        except (OSError, UnicodeError) as problem:  # the latter: a name that DNS cannot write
            raise _unknown(host) from problem
        if not found:
            raise _unknown(host)
        if (host, port) not in self._private_hosts and not all(is_public(address) for address in found):
            raise AddressForbidden(f"{host} leads into a network that apps cannot reach.")
        return found

    async def close(self) -> None:
        """Close the connections that are kept."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    def _connections(self) -> "httpcore2.AsyncConnectionPool":
        if self._pool is None:
            self._pool = _make_pool(self, self._trusts)
        return self._pool


def _make_pool(calls: GuardedCalls, trusts: "ssl.SSLContext | None") -> "httpcore2.AsyncConnectionPool":
    """Return a pool whose every new connection asks `calls` first; its library is slow to import, so not before."""
    import httpcore2

    class Guarded(httpcore2.AsyncNetworkBackend):
        def __init__(self) -> None:
            self._inner = httpcore2.AnyIOBackend()

        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,  # noqa: ASYNC109 - the library's own signature
            local_address: str | None = None,
            socket_options: "Iterable[httpcore2.SOCKET_OPTION] | None" = None,
        ) -> httpcore2.AsyncNetworkStream:
            problem: Exception | None = None
            for address in (await calls.addresses_of(host, port))[:TRIED_ADDRESSES]:
                try:
                    return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                    problem = failed
            assert problem is not None  # noqa: S101 - there is at least one address
            raise problem

    return httpcore2.AsyncConnectionPool(
        trusts,
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=20,
        keepalive_expiry=15.0,
        network_backend=Guarded(),
    )


async def _read(response: "httpcore2.Response") -> Answer:
    parts, size = [], 0
    async for part in response.aiter_stream():
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            raise UpstreamFailed(f"The answer is over {MAX_RESPONSE_BYTES} bytes.", reason="too_large")
        parts.append(part)
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers]
    return Answer(response.status, headers, b"".join(parts))


def _bad() -> BadAddress:
    return BadAddress("Give an absolute https address with a host name, without user and password.", field="url")


def _unknown(host: str) -> UpstreamFailed:
    return UpstreamFailed(f"There is no server named {host}.", reason="unknown_name")

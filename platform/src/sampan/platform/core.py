"""The core: what every use case gets handed, built once by `app.py`. Holds no rule of its own."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from sampan.platform.component import Component, Contribution, Port, contributions
from sampan.platform.crypto.seal import Sealer
from sampan.platform.engines.bus import Bus
from sampan.platform.engines.cache import Cache, Counters, Nonces
from sampan.platform.engines.objects import Objects
from sampan.platform.settings import Settings
from sampan.platform.workspaces.replica import Replica
from sampan.platform.workspaces.store import Store

PortType = TypeVar("PortType")
Shared = TypeVar("Shared")


def system_clock_ms() -> int:
    """Return the time as integer milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class Core(Struct):
    """Engines, memory and contributions of one server process.

    `secret(purpose)` returns 32 bytes derived from the master key, the same in every process of a deployment;
    a purpose that belongs to a workspace must name it.
    """

    settings: Settings
    components: Sequence[Component]
    store: Store
    objects: Objects
    bus: Bus
    cache: Cache
    counters: Counters
    nonces: Nonces
    sealer: Sealer
    replica: Replica
    secret: Callable[[str], bytes]
    now_ms: Callable[[], int] = system_clock_ms
    on_stop: list[Callable[[], None]] = field(default_factory=list)  # run when the server begins to stop
    on_close: list[Callable[[], Awaitable[None]]] = field(default_factory=list)  # run at the end, before the engines go
    _ports: dict[type, Any] = field(default_factory=dict)
    _shared: dict[type, Any] = field(default_factory=dict)

    def contributions(self, kind: type[Contribution]) -> tuple[Contribution, ...]:
        """Return every contributed value of the type `kind`."""
        return contributions(self.components, kind)

    def shared(self, kind: type[Shared], build: "Callable[[Core], Shared]") -> Shared:
        """Return this process's one `kind`, built when it is first asked for."""
        if kind not in self._shared:
            self._shared[kind] = build(self)
        found: Shared = self._shared[kind]
        return found

    def port(self, protocol: type[PortType]) -> PortType:
        """Return the implementation of a port; its absence was refused at start."""
        if protocol not in self._ports:
            builders = [port.build for port in self.contributions(Port) if port.protocol is protocol]
            self._ports[protocol] = builders[-1](self)
        found: PortType = self._ports[protocol]
        return found

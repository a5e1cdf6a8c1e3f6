"""The bus: a short message wakes whoever waits for a key, in this process or, with a fleet, in every one.

A message is a hint and may be lost; the one poll a second (data.md) is the truth. So publishing never
waits, never fails because of a listener, and drops (counted) when listeners do not keep up.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from sampan.platform.engines.keys import Key, checked
from sampan.platform.logs import Log
from sampan.platform.metrics import BUS_DROPPED, BUS_FAILED

MAX_PENDING = 10_000
MAX_PAYLOAD_BYTES = 64 * 1024

Callback = Callable[[bytes], None]


class Bus(Protocol):
    """Wake-ups by key. All methods are called on the event loop."""

    def publish(self, key: Key, payload: bytes = b"") -> None:
        """Send at most 64 KiB to the present listeners of `key`, soon, in the order of publishing."""

    def subscribe(self, key: Key, callback: Callback) -> Callable[[], None]:
        """Call `callback(payload)` for each message; return the function that ends this, harmless twice."""

    async def close(self) -> None:
        """End all subscriptions and drop what is still pending."""


class LocalBus:
    """The bus of one process."""

    def __init__(self, *, max_pending: int = MAX_PENDING) -> None:
        self._listeners: dict[Key, dict[int, Callback]] = {}
        self._max_pending = max_pending
        self._pending: list[tuple[Key, bytes]] = []
        self._next_id = 0
        self._log = Log("bus")

    def publish(self, key: Key, payload: bytes = b"") -> None:
        """See `Bus.publish`."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a bus message carries at most {MAX_PAYLOAD_BYTES} bytes; send an id instead")
        if checked(key) not in self._listeners:
            return
        if len(self._pending) >= self._max_pending:
            BUS_DROPPED.inc()
            return
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._pending.append((key, payload))

    def subscribe(self, key: Key, callback: Callback) -> Callable[[], None]:
        """See `Bus.subscribe`."""
        self._next_id += 1
        listener_id = self._next_id
        self._listeners.setdefault(checked(key), {})[listener_id] = callback

        def unsubscribe() -> None:
            listeners = self._listeners.get(key, {})
            listeners.pop(listener_id, None)
            if not listeners:
                self._listeners.pop(key, None)

        return unsubscribe

    async def close(self) -> None:
        """See `Bus.close`."""
        self._listeners.clear()
        self._pending.clear()

    def _deliver(self) -> None:
        pending, self._pending = self._pending, []
        for key, payload in pending:
            for listener_id in list(self._listeners.get(key, ())):
                callback = self._listeners.get(key, {}).get(listener_id)
                if callback is None:  # a listener before this one ended the subscription
                    continue
                try:
                    callback(payload)
                except Exception:  # one listener's fault is not the next one's
                    BUS_FAILED.inc()
                    self._log.exception("bus_listener_failed", bus_key=key)

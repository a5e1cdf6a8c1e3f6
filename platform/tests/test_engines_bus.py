"""The contract of the bus. Another implementation is one parameter more in `bus`."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from sampan.platform.engines.bus import MAX_PAYLOAD_BYTES, Bus, LocalBus
from sampan.platform.engines.keys import BadKey, Key, workspace_key
from sampan.platform.metrics import REGISTRY

pytestmark = pytest.mark.anyio

KEY = workspace_key("demo", "revision")
OTHER = workspace_key("other", "revision")


@pytest.fixture(params=["local"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    assert request.param == "local"
    bus = LocalBus()
    yield bus
    await bus.close()


class Listener:
    """Remembers what it heard and lets a test wait for the n-th message."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._arrived = asyncio.Event()

    def __call__(self, payload: bytes) -> None:
        self.heard.append(payload)
        self._arrived.set()

    async def wait(self, count: int) -> list[bytes]:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                await self._arrived.wait()
                self._arrived.clear()
        return self.heard


async def test_every_listener_hears_every_message_in_order(bus: Bus) -> None:
    listeners = [Listener(), Listener()]
    for listener in listeners:
        bus.subscribe(KEY, listener)
    for number in range(100):
        bus.publish(KEY, b"%d" % number)
    for listener in listeners:
        assert await listener.wait(100) == [b"%d" % number for number in range(100)]


async def test_publishing_does_not_call_listeners_before_it_returns(bus: Bus) -> None:
    listener = Listener()
    bus.subscribe(KEY, listener)
    bus.publish(KEY)
    assert listener.heard == []
    assert await listener.wait(1) == [b""]


async def test_another_workspace_hears_nothing(bus: Bus) -> None:
    ours, theirs = Listener(), Listener()
    bus.subscribe(KEY, ours)
    bus.subscribe(OTHER, theirs)
    bus.publish(KEY, b"ours")
    await ours.wait(1)
    bus.publish(OTHER, b"theirs")
    assert await theirs.wait(1) == [b"theirs"]
    assert ours.heard == [b"ours"]


async def test_an_ended_subscription_hears_nothing_more(bus: Bus) -> None:
    gone, stays = Listener(), Listener()
    unsubscribe = bus.subscribe(KEY, gone)
    bus.subscribe(KEY, stays)
    bus.publish(KEY, b"1")
    unsubscribe()
    unsubscribe()
    bus.publish(KEY, b"2")
    await stays.wait(2)
    assert gone.heard == []


async def test_one_callback_may_subscribe_twice(bus: Bus) -> None:
    listener = Listener()
    first = bus.subscribe(KEY, listener)
    bus.subscribe(KEY, listener)
    first()
    bus.publish(KEY, b"once")
    assert await listener.wait(1) == [b"once"]


async def test_a_listener_may_unsubscribe_others_and_publish_from_within(bus: Bus) -> None:
    gone, last = Listener(), Listener()
    ends: list[Callable[[], None]] = []

    def first(payload: bytes) -> None:
        ends[0]()
        if payload == b"start":
            bus.publish(OTHER, b"from within")

    bus.subscribe(KEY, first)
    ends.append(bus.subscribe(KEY, gone))
    bus.subscribe(OTHER, last)
    before = REGISTRY.get_sample_value("sampan_bus_listener_failures_total")
    bus.publish(KEY, b"start")
    assert await last.wait(1) == [b"from within"]
    assert gone.heard == []
    assert REGISTRY.get_sample_value("sampan_bus_listener_failures_total") == before


async def test_a_listener_that_raises_stops_nobody_and_is_counted(bus: Bus) -> None:
    def raises(_: bytes) -> None:
        raise RuntimeError("listener")

    before = REGISTRY.get_sample_value("sampan_bus_listener_failures_total") or 0
    listener = Listener()
    bus.subscribe(KEY, raises)
    bus.subscribe(KEY, listener)
    bus.publish(KEY, b"1")
    bus.publish(KEY, b"2")
    assert await listener.wait(2) == [b"1", b"2"]
    assert REGISTRY.get_sample_value("sampan_bus_listener_failures_total") == before + 2


async def test_what_is_not_a_key_or_too_large_is_refused(bus: Bus) -> None:
    with pytest.raises(BadKey):
        bus.publish(Key("revision"))
    with pytest.raises(BadKey):
        bus.subscribe(Key("revision"), Listener())
    with pytest.raises(ValueError, match="at most"):
        bus.publish(KEY, b"x" * (MAX_PAYLOAD_BYTES + 1))


async def test_after_close_nobody_hears(bus: Bus) -> None:
    listener, later = Listener(), Listener()
    bus.subscribe(KEY, listener)
    bus.publish(KEY, b"x")
    await bus.close()
    bus.subscribe(OTHER, later)
    bus.publish(OTHER, b"y")
    await later.wait(1)
    assert listener.heard == []


async def test_more_messages_than_fit_are_dropped_and_counted() -> None:
    bus, listener = LocalBus(max_pending=3), Listener()
    bus.subscribe(KEY, listener)
    before = REGISTRY.get_sample_value("sampan_bus_dropped_total") or 0
    for number in range(5):
        bus.publish(KEY, b"%d" % number)
    assert await listener.wait(3) == [b"0", b"1", b"2"]
    assert REGISTRY.get_sample_value("sampan_bus_dropped_total") == before + 2
    bus.publish(KEY, b"room again")
    await listener.wait(4)
    await bus.close()

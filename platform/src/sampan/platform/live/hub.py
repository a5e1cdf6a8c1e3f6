"""The one fan-out of a process: who listens in which workspace, and what they are told.

A listener belongs to an audience: devices hear when the revision moves, the console also hears what changed, and
clients of switches what the floor of switches sends them. Nothing
is kept for those who are away: an event says that something is new, and where to ask; the answer is elsewhere.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from sampan.platform.core import Core
from sampan.platform.engines.telling import live_key, tell, told_of
from sampan.platform.errors import SampanError, Unavailable
from sampan.platform.live.frames import HEARTBEAT, frame
from sampan.platform.live.listener import Listener

HEARTBEAT_SECONDS = 15.0
MAX_LISTENERS = 20_000
KEPT_FOR_PEOPLE = 500  # of these: a crowd of devices does not keep the console from hearing what happens
SHARE = 0.75  # of what is left, for the devices of one workspace among several: banks do not crowd each other out
MAX_PER_OWNER = 4
AT_ONCE = 500  # listeners between which other requests get their turn
REVISION = "revision"


class LiveFull(Unavailable):
    """This process holds as many streams as it can; the client polls meanwhile."""

    code = "live_full"


class Audience(StrEnum):
    """Who listens."""

    DEVICES = "devices"
    CONSOLE = "console"
    SWITCHES = "switches"


class Hub:
    """See the module. All methods are called on the event loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._listeners: dict[tuple[str, Audience], dict[Listener, None]] = {}
        self._owners: dict[tuple[str, str], list[Listener]] = {}
        self._revisions: dict[str, str] = {}
        self._subscriptions: dict[str, Callable[[], None]] = {}
        self._count = 0
        self._is_stopping = False
        core.replica.listeners.append(self._on_view)
        core.on_stop.append(self.stop)

    def __len__(self) -> int:
        return self._count

    def revision_frame(self, workspace_id: str) -> tuple[str, bytes]:
        """Return the workspace's present revision, and the event that tells it."""
        revision = str(self._core.replica.view(workspace_id).revision)
        return revision, frame(REVISION, {"revision": revision}, event_id=revision)

    def add(self, audience: Audience, listener: Listener) -> None:
        """Take a listener in; its owner's oldest stream ends when it has too many. Raise `LiveFull`."""
        if self._is_full(audience, listener.workspace_id) or self._is_stopping:
            raise LiveFull(
                "This server holds too many streams. Sync from time to time instead.", retry_after_seconds=30
            )
        workspace_id = listener.workspace_id
        own = self._owners.setdefault((workspace_id, listener.owner), [])
        if len(own) >= MAX_PER_OWNER:
            oldest = own[0]
            oldest.gone() if oldest.end_reason else oldest.end("replaced")
        own.append(listener)
        self._listeners.setdefault((workspace_id, audience), {})[listener] = None
        self._revisions.setdefault(workspace_id, self.revision_frame(workspace_id)[0])
        self._count += 1
        if audience is Audience.CONSOLE and workspace_id not in self._subscriptions:
            on_told = self._teller(workspace_id)
            self._subscriptions[workspace_id] = self._core.bus.subscribe(live_key(workspace_id), on_told)

    def _is_full(self, audience: Audience, workspace_id: str) -> bool:
        if audience is Audience.CONSOLE:
            return self._count >= MAX_LISTENERS
        room = MAX_LISTENERS - KEPT_FOR_PEOPLE
        share = room if len(self._core.replica.workspaces) < 2 else int(room * SHARE)
        own = sum(len(self._listeners.get((workspace_id, each), ())) for each in (Audience.DEVICES, Audience.SWITCHES))
        return self._count >= room or own >= share

    def remove(self, audience: Audience, listener: Listener) -> None:
        """Let a listener go."""
        workspace_id = listener.workspace_id
        own = self._owners[workspace_id, listener.owner]
        own.remove(listener)
        if not own:
            del self._owners[workspace_id, listener.owner]
        listeners = self._listeners[workspace_id, audience]
        del listeners[listener]
        self._count -= 1
        if not listeners:
            del self._listeners[workspace_id, audience]
            if audience is Audience.CONSOLE:
                self._subscriptions.pop(workspace_id)()

    def publish(self, workspace_id: str, audience: Audience, topic: str, data: Mapping[str, Any]) -> None:
        """Tell the audience's listeners who want the topic; encoded once for all."""
        self._send(workspace_id, audience, frame(topic, data), topic, data)

    def send(self, workspace_id: str, audience: Audience, event: bytes) -> None:
        """Send all of an audience a whole event."""
        self._send(workspace_id, audience, event, "", {})

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.beat()

    async def beat(self) -> None:
        """Send every listener a sign of life, and end the streams of those who may listen no longer."""
        everybody = [listener for group in self._listeners.values() for listener in group]
        for number, listener in enumerate(everybody, 1):
            try:
                await listener.check()
            except SampanError as refusal:
                listener.end(refusal.code)
            else:
                listener.beat(HEARTBEAT)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def stop(self) -> None:
        """End all streams: the server stops, and clients find another one."""
        self._is_stopping = True
        for group in list(self._listeners.values()):
            for listener in list(group):
                listener.end("stopping")

    def _on_view(self, workspace_id: str) -> None:
        """Tell both audiences when the revision moved; a view may be new without that."""
        if workspace_id not in self._revisions or workspace_id not in self._core.replica.workspaces:
            return
        revision, event = self.revision_frame(workspace_id)
        if self._revisions[workspace_id] == revision:
            return
        self._revisions[workspace_id] = revision
        for audience in (Audience.DEVICES, Audience.CONSOLE):
            self._send(workspace_id, audience, event, REVISION, {})

    def _teller(self, workspace_id: str) -> Callable[[bytes], None]:
        def on_told(payload: bytes) -> None:
            told = told_of(payload)
            self.publish(workspace_id, Audience.CONSOLE, told.topic, told.data)

        return on_told

    def _send(self, workspace_id: str, audience: Audience, event: bytes, topic: str, data: Mapping[str, Any]) -> None:
        for listener in list(self._listeners.get((workspace_id, audience), ())):
            if listener.wants(topic, data):
                listener.push(event)


def hub_of(core: Core) -> Hub:
    """Return the process's fan-out."""
    return core.shared(Hub, Hub)


def publish(core: Core, workspace_id: str, topic: str, data: Mapping[str, Any]) -> None:
    """Tell the people who watch the workspace in the console, in every process; for floors and components above."""
    tell(core.bus, workspace_id, topic, data)

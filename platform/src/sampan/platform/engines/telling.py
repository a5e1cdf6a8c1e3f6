"""What watchers of a workspace are told at once: a topic and small data, by way of the bus. A hint; it may be lost."""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from sampan.platform.engines.bus import Bus
from sampan.platform.engines.keys import Key, workspace_key


class Told(msgspec.Struct, frozen=True):
    """One thing that was told."""

    topic: str
    data: dict[str, Any]


def live_key(workspace_id: str) -> Key:
    """Return the key under which a workspace's watchers listen."""
    return workspace_key(workspace_id, "live")


def tell(bus: Bus, workspace_id: str, topic: str, data: Mapping[str, Any]) -> None:
    """Tell whoever watches the workspace, in every process."""
    bus.publish(live_key(workspace_id), orjson.dumps({"topic": topic, "data": data}))


def told_of(payload: bytes) -> Told:
    """Return what a message of the bus tells."""
    return msgspec.json.decode(payload, type=Told)

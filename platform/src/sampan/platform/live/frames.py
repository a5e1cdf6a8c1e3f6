"""Server-sent events as bytes (WHATWG HTML, 9.2). Pure; a frame is made once for however many listeners."""

from collections.abc import Mapping
from typing import Any

import orjson

HEARTBEAT = b":\n\n"


def frame(event: str, data: Mapping[str, Any], *, event_id: str = "") -> bytes:
    """Return one event; JSON has no line breaks of its own, so the data is one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return head.encode() + f"event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


def farewell(reason: str) -> bytes:
    """Return the last event of a stream; `reason` is an error code, or `stopping`, `replaced`, `slow`."""
    return frame("end", {"reason": reason})

"""How many events one device may send in a minute, so that no device fills the queue that all share."""

from collections import Counter
from dataclasses import dataclass, field

from sampan.platform.errors import TooMany

WINDOW_MS = 60_000
MOST_EVENTS = 6_000  # more than a client keeps: one that was away for long sends everything at once


class EventsTooFast(TooMany):
    """The device sent as many events as it may in a minute; it keeps the others and sends them later."""

    code = "events_too_fast"


@dataclass(slots=True)
class Pace:
    """Counts events by device and minute; one per process, empty again with each minute."""

    _minute: int = 0
    _sent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, workspace_id: str, device_id: str, count: int, *, now_ms: int) -> None:
        """Count events before anything is done with them; raise `EventsTooFast`, which counts none of them."""
        minute = now_ms // WINDOW_MS
        if minute != self._minute:
            self._minute = minute
            self._sent.clear()
        key = (workspace_id, device_id)
        if self._sent[key] + count > MOST_EVENTS:
            left = -(-((minute + 1) * WINDOW_MS - now_ms) // 1000)
            raise EventsTooFast(
                f"At most {MOST_EVENTS:,} events a minute; keep these and send them later.", retry_after_seconds=left
            )
        self._sent[key] += count

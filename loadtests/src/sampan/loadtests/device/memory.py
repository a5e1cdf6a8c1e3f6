"""What the device remembers between rounds: where sync stands, its tickets, and events that were not taken yet.

One file, replaced whole at each change, so that a kill leaves the old or the new one. Event numbers rise by one
for ever and are written down before they are sent, so that none is ever used for two events.
"""

from pathlib import Path
from typing import Any

import msgspec

from sampan.offline_packages.atomic_files import Step, no_step, read_or_none, write_atomically

EVENTS_PER_REQUEST = 500
MAX_EVENTS_KEPT = 5_000


class Ticket(msgspec.Struct):
    """What the device was offered last of one app; `stage` is the furthest one it has reported."""

    kind: str
    release: str
    ticket: str
    sequence: int
    digest: str
    stage: str = ""


class Facts(msgspec.Struct):
    """The file."""

    revision_seen: str = ""
    apps_etag: str = ""
    sync_etag: str = ""
    tickets: dict[str, Ticket] = msgspec.field(default_factory=dict)
    kinds: dict[str, str] = msgspec.field(default_factory=dict)
    damaged: list[str] = msgspec.field(default_factory=list)
    minimums: dict[str, int] = msgspec.field(default_factory=dict)
    next_seq: int = 1
    events: list[dict[str, Any]] = msgspec.field(default_factory=list)
    dropped_events: int = 0


class Memory:
    """The facts of one device and the events on their way; durable when a method returns."""

    def __init__(self, folder: Path, *, step: Step = no_step) -> None:
        self._path = folder / "memory.json"
        self._step = step
        data = read_or_none(self._path)
        self.facts = msgspec.json.decode(data, type=Facts) if data else Facts()

    def save(self) -> None:
        """Store the facts."""
        write_atomically(self._path, msgspec.json.encode(self.facts), step=self._step, name="memory")

    def note(self, kind: str, *, at_ms: int, attrs: dict[str, Any] | None = None, **names: Any) -> None:
        """Number an event and keep it until the server has taken it; the oldest give way, and are counted."""
        event = {"seq": self.facts.next_seq, "type": kind, "at": at_ms, **names, "attrs": attrs or {}}
        self.facts.next_seq += 1
        self.facts.events.append(event)
        surplus = len(self.facts.events) - MAX_EVENTS_KEPT
        if surplus > 0:
            del self.facts.events[:surplus]
            self.facts.dropped_events += surplus
        self.save()

    def stage(self, app_id: str, stage: str, *, at_ms: int, **attrs: Any) -> None:
        """Report how far the delivery of an app has come, with the ticket of its offer."""
        held = self.facts.tickets.get(app_id)
        if held is None or held.stage == stage:
            return
        held.stage = stage
        self.note(
            f"delivery.{stage}",
            at_ms=at_ms,
            attrs=attrs,
            app=app_id,
            sequence=held.sequence,
            release=held.release,
            digest=held.digest,
            ticket=held.ticket,
        )

    def batch(self) -> list[dict[str, Any]]:
        """Return the oldest events, as many as fit one request."""
        return self.facts.events[:EVENTS_PER_REQUEST]

    def taken(self, batch: list[dict[str, Any]], accepted_through: int, gaps: list[tuple[int, int]]) -> None:
        """Forget the events of a batch that the server has; those it still misses stay."""
        sent = {event["seq"] for event in batch}

        def is_missing(seq: int) -> bool:
            return seq > accepted_through and any(first <= seq <= last for first, last in gaps)

        self.facts.events = [each for each in self.facts.events if each["seq"] not in sent or is_missing(each["seq"])]
        self.save()

    def drop(self, batch: list[dict[str, Any]]) -> None:
        """Give up a batch that the server cannot read; it is counted."""
        sent = {event["seq"] for event in batch}
        self.facts.events = [each for each in self.facts.events if each["seq"] not in sent]
        self.facts.dropped_events += len(batch)
        self.save()

"""Tags in memory: one bitmap of subject numbers per tag, which follows the log "tags".

Entries say what changed, as bitmaps, so applying one twice changes nothing. A tag is there, perhaps empty, from its
creation to its deletion; conditions on one that is not there are unknown. The bitmaps are Roaring bitmaps in their
portable form (Lemire and others, "Roaring Bitmaps: Implementation of an Optimized Software Library", 2018).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from pyroaring import BitMap

from sampan.platform.engines.log import Entry, LogEntry

LOG = "tags"
SUBJECTS_PER_ENTRY = 200_000  # a bitmap of that many is at most 400 kB


class TagCreated(msgspec.Struct, frozen=True, tag="created", tag_field="kind"):
    """A new tag without members."""

    name: str


class TagDeleted(msgspec.Struct, frozen=True, tag="deleted", tag_field="kind"):
    """The tag is gone."""

    name: str


class TagChanged(msgspec.Struct, frozen=True, tag="changed", tag_field="kind"):
    """Subjects lose or get the tag, in this order; with `cleared` all lose it first. Bitmaps, serialised."""

    name: str
    removed: bytes = b""
    added: bytes = b""
    cleared: bool = False


class SubjectForgotten(msgspec.Struct, frozen=True, tag="forgotten", tag_field="kind"):
    """A subject was erased: it loses every tag."""

    subject: int


TagEvent = TagCreated | TagDeleted | TagChanged | SubjectForgotten
_DECODER: msgspec.json.Decoder[TagEvent] = msgspec.json.Decoder(TagEvent)


def to_entry(event: TagEvent) -> Entry:
    """Return the log entry of an event."""
    return Entry(str(event.__struct_config__.tag), msgspec.json.encode(event))


def from_entry(entry: LogEntry) -> TagEvent:
    """Return the event of a log entry."""
    return _DECODER.decode(entry.body)


def changes(
    name: str, *, added: BitMap | None = None, removed: BitMap | None = None, cleared: bool = False
) -> Iterator[TagEvent]:
    """Yield the events of one change, each small enough for a row of the log."""
    if cleared:
        yield TagChanged(name, cleared=True)
    for piece in _pieces(removed):
        yield TagChanged(name, removed=piece)
    for piece in _pieces(added):
        yield TagChanged(name, added=piece)


class TagStates:
    """The members of every tag of one workspace. A mapping of the rules' facts: names to subject numbers."""

    def __init__(self, members: Iterable[tuple[str, BitMap]] = ()) -> None:
        self.members: dict[str, BitMap] = dict(members)

    def apply(self, entries: Sequence[LogEntry]) -> None:
        """Take the next entries of the log, in order."""
        for entry in entries:
            self.take(from_entry(entry))

    def take(self, event: TagEvent) -> frozenset[str]:
        """Take one event and return the names of the tags that it is about."""
        match event:
            case SubjectForgotten():
                found = frozenset(self.of(event.subject))
                for name in found:
                    self.members[name].discard(event.subject)
                return found
            case TagCreated():
                self.members.setdefault(event.name, BitMap())
            case TagDeleted():
                self.members.pop(event.name, None)
            case TagChanged() if event.name in self.members:
                members = self.members[event.name]
                if event.cleared:
                    members.clear()
                if event.removed:
                    members -= BitMap.deserialize(event.removed)
                if event.added:
                    members |= BitMap.deserialize(event.added)
                self.members[event.name] = members
        return frozenset({event.name})

    def of(self, subject: int) -> list[str]:
        """Return the names of the subject's tags, sorted."""
        return sorted(name for name, members in self.members.items() if subject in members)


def pack(members: BitMap) -> bytes:
    """Return the stored form of a bitmap, at its smallest."""
    members.run_optimize()
    serialize: Callable[[], bytes] = members.serialize
    return serialize()


def _pieces(members: BitMap | None) -> Iterator[bytes]:
    if members is None:
        return
    for start in range(0, len(members), SUBJECTS_PER_ENTRY):
        yield pack(BitMap(members[start : start + SUBJECTS_PER_ENTRY]))

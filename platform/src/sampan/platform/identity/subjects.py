"""The state of every subject in memory: dense arrays that follow the log "subjects".

The data plane checks each token against them, so a change of tier, a sign-out or a revocation is in force as
soon as its log entry has arrived. Entries carry absolute values, so applying one twice changes nothing. What
devices changed is held as long as a token from before the change could still be presented; and the last
`HELD_AT_LEAST` changes always, because a clock that once ran ahead would let go of everything too early.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec
from msgspec import Struct, field

from sampan.platform.engines.log import Entry, LogEntry
from sampan.platform.identity.tiers import Tier
from sampan.platform.identity.tokens import LIFETIME_MS

LOG = "subjects"
HELD_MS = LIFETIME_MS + 120_000  # a token's life, and room for clocks that differ
HELD_AT_LEAST = 50_000
MAX_SUBJECT = 2**32 - 1
UNKNOWN = 255
ERASED = 254


class SubjectCreated(msgspec.Struct, frozen=True, tag="created", tag_field="kind"):
    """A new subject; `id` is the customer's or the device's."""

    subject: int
    tier: int
    id: str
    by: str


class TierChanged(msgspec.Struct, frozen=True, tag="tier", tag_field="kind"):
    """A customer's tier changed."""

    subject: int
    tier: int
    before: int
    by: str
    reason: str = ""


class EpochRaised(msgspec.Struct, frozen=True, tag="epoch", tag_field="kind"):
    """All tokens of the subject that carry a lower epoch are void."""

    subject: int
    epoch: int
    by: str
    reason: str = ""


class SubjectErased(msgspec.Struct, frozen=True, tag="erased", tag_field="kind"):
    """A customer's personal data and key were destroyed; the number is never given out again."""

    subject: int
    epoch: int
    by: str


class DeviceChanged(msgspec.Struct, frozen=True, tag="device", tag_field="kind"):
    """Tokens of the device below `epoch` are void; those at or above it carry at most `carries`.

    `cause` is `signed_in`, `signed_out`, `revoked`, `assurance` or `token_reused`; `subject` is the
    device's subject after the change and `before` the one before it.
    """

    device: str
    epoch: int
    carries: int
    cause: str
    subject: int
    before: int
    by: str


SubjectEvent = SubjectCreated | TierChanged | EpochRaised | SubjectErased | DeviceChanged
_DECODER: msgspec.json.Decoder[SubjectEvent] = msgspec.json.Decoder(SubjectEvent)


def to_entry(event: SubjectEvent) -> Entry:
    """Return the log entry of an event; it never holds personal data."""
    return Entry(str(event.__struct_config__.tag), msgspec.json.encode(event))


def from_entry(entry: LogEntry) -> SubjectEvent:
    """Return the event of a log entry."""
    return _DECODER.decode(entry.body)


class HeldDevice(Struct, frozen=True):
    """A recent change of a device: the lowest epoch that still holds, and what it may carry now."""

    epoch: int
    carries: Tier
    changed_ms: int


class SubjectStates(Struct):
    """Tier and epoch by subject number, and the recently changed devices."""

    tiers: bytearray = field(default_factory=bytearray)
    epochs: "array[int]" = field(default_factory=lambda: array("I"))
    devices: dict[str, HeldDevice] = field(default_factory=dict)
    newest_ms: int = 0

    def tier_of(self, subject: int) -> Tier | None:
        """Return the tier of a subject; None for one that is erased or not known here yet."""
        value = self.tiers[subject] if 0 <= subject < len(self.tiers) else UNKNOWN
        return Tier(value) if value < ERASED else None

    def set_subject(self, subject: int, tier: int, epoch: int) -> None:
        """Take over the state of one subject."""
        missing = subject + 1 - len(self.tiers)
        if missing > 0:
            self.tiers.extend(bytes([UNKNOWN]) * missing)
            self.epochs.frombytes(bytes(self.epochs.itemsize * missing))
        self.tiers[subject] = tier
        self.epochs[subject] = epoch

    def hold_device(self, device_id: str, held: HeldDevice) -> None:
        """Take over the change of one device, unless a later one is held already."""
        known = self.devices.get(device_id)
        if known is None or known.epoch <= held.epoch:
            self.devices.pop(device_id, None)  # so that the order of the dict stays the order of time
            self.devices[device_id] = held
        self.newest_ms = max(self.newest_ms, held.changed_ms)

    def apply(self, entries: Sequence[LogEntry]) -> None:
        """Take the next entries of the log, in order."""
        for entry in entries:
            self._apply(from_entry(entry), entry.at_ms)
        self._let_go()

    def _apply(self, event: SubjectEvent, at_ms: int) -> None:
        match event:
            case SubjectCreated():
                self.set_subject(event.subject, event.tier, 0)
            case TierChanged():
                self.set_subject(event.subject, event.tier, self._epoch(event.subject))
            case EpochRaised():
                self.set_subject(event.subject, self._tier(event.subject), event.epoch)
            case SubjectErased():
                self.set_subject(event.subject, ERASED, event.epoch)
            case DeviceChanged():
                self.hold_device(event.device, HeldDevice(event.epoch, Tier(event.carries), at_ms))
        self.newest_ms = max(self.newest_ms, at_ms)

    def _tier(self, subject: int) -> int:
        return self.tiers[subject] if subject < len(self.tiers) else UNKNOWN

    def _epoch(self, subject: int) -> int:
        return self.epochs[subject] if subject < len(self.epochs) else 0

    def _let_go(self) -> None:
        spare = max(0, len(self.devices) - HELD_AT_LEAST)
        for device_id in _before(islice(self.devices.items(), spare), self.newest_ms - HELD_MS):
            del self.devices[device_id]


def _before(devices: Iterable[tuple[str, HeldDevice]], moment_ms: int) -> list[str]:
    gone: list[str] = []
    for device_id, held in devices:
        if held.changed_ms >= moment_ms:
            break  # they stand in the order of time
        gone.append(device_id)
    return gone

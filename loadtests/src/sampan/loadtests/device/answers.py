"""What sync and events answer, as far as the device reads it; unknown members are ignored (docs/protocols/sync.md)."""

from typing import Annotated

import msgspec

# What does not fit an event could not be reported; such an answer is none.
Name = Annotated[str, msgspec.Meta(max_length=200)]
PublicId = Annotated[str, msgspec.Meta(max_length=40)]
Url = Annotated[str, msgspec.Meta(max_length=2000)]
Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Offer(msgspec.Struct, frozen=True):
    """One hint."""

    action: Name
    kind: Name
    id: Name
    sequence: Sequence = 0
    digest: Name = ""
    version: Name = ""
    release: PublicId = ""
    ticket: Name = ""
    url: Url = ""
    update: Name = ""
    reason: Name = ""
    wifi_only: bool = False
    predownload: bool = False
    minimum: Sequence = 0


class StackOffer(msgspec.Struct, frozen=True):
    """The hotfixes that one version should have."""

    app: Name
    sequence: Sequence
    patches: list[Name]
    digest: Name
    n: Sequence = 0
    release: PublicId = ""
    ticket: Name = ""


class Item(msgspec.Struct, frozen=True):
    """One app of the catalogue."""

    id: Name
    may_open: bool = True


class Apps(msgspec.Struct, frozen=True):
    """The catalogue; without `items` it is unchanged."""

    etag: Name = ""
    items: list[Item] | None = None


class SyncAnswer(msgspec.Struct, frozen=True):
    """The answer of `POST /client/v1/sync`."""

    revision: Name
    next_check_seconds: int
    offers: list[Offer]
    apps: Apps | None = None
    unsure: bool = False
    hotfixes: list[StackOffer] = []

    def listed(self) -> list[str] | None:
        """Return the apps that may open here, or None when the catalogue is unchanged."""
        if self.apps is None or self.apps.items is None:
            return None
        return [item.id for item in self.apps.items if item.may_open]


class RefusedEvent(msgspec.Struct, frozen=True):
    """An event that the server will not have; its number counts as taken."""

    seq: int
    code: str


class EventsAnswer(msgspec.Struct, frozen=True):
    """The answer of `POST /client/v1/events`."""

    accepted_through: int
    gaps: list[tuple[int, int]]
    refused: list[RefusedEvent] = []

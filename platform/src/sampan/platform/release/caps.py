"""A cap: a release goes to so many customers and no more, and after a time to nobody new. Pure.

It is a hard limit, no estimate: a place belongs to a customer, or to a device on which nobody is signed in, and is
given once (`cap_rows`). The first customer who signs in on such a device takes its place over: it is his from then on,
and nobody else's who uses the device. Who has a place keeps it through all stages of the release.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sampan.platform.audience.facts import Facts
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import LogEntry
from sampan.platform.errors import Invalid
from sampan.platform.workspaces.replica import FollowedLog

MAX_CUSTOMERS = 100_000  # every worker remembers who has a place
HANDED = "release_places"


class Cap(Struct, frozen=True, forbid_unknown_fields=True):
    """To how many a release goes at most; from `until_ms` on, nobody new is offered it."""

    customers: Annotated[int, Meta(ge=1, le=MAX_CUSTOMERS)]
    until_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class BadCap(Invalid):
    """The cap of a release is not of the described form."""

    code = "bad_cap"
    field = "cap"


def read_cap(value: object) -> Cap | None:
    """Return the cap that a person wrote, None for none; raise `BadCap` at the member that is wrong."""
    if value is None:
        return None
    try:
        return msgspec.convert(value, Cap)
    except msgspec.ValidationError as problem:
        sentence, _at, place = str(problem).partition(" - at `$")
        raise BadCap(f"Correct the cap: {sentence}.", field=f"cap{place.rstrip('`')}") from problem


def written(cap: Cap | None) -> dict[str, Any] | None:
    """Return the cap as it is stored and shown."""
    return None if cap is None else {"customers": cap.customers, "until_ms": cap.until_ms}


def is_over(cap: Cap, now_ms: int) -> bool:
    """Return whether nobody new gets a place any more, however many are free."""
    return cap.until_ms is not None and now_ms >= cap.until_ms


def subjects_of(facts: Facts) -> tuple[str, ...]:
    """Return under which ids the caller may hold a place: the first is the one under which it would get one.

    A place that the device got before anybody signed in on it goes over to who signs in.
    """
    return (facts.customer, facts.device) if facts.customer is not None else (facts.device,)


class Handed:
    """What a worker keeps of places that were handed on: the log's number says it all."""

    def apply(self, entries: Sequence[LogEntry]) -> None:
        """Take nothing: the log has no entries."""


async def _load(_tx: Transaction) -> Handed:
    return Handed()


followed_log = FollowedLog(HANDED, _load)

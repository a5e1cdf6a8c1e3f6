"""Deliverable kinds: what a release can roll out. Components contribute them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor

if TYPE_CHECKING:
    from sampan.platform.core import Core


class Deliverable(Struct, frozen=True):
    """One releasable version. `digest` is the package digest; `url` is where devices fetch it, from the root path."""

    id: str
    sequence: int
    version: str
    digest: str
    size_bytes: int
    min_host: int
    url: str


class DeliverableKind(Struct, frozen=True):
    """A kind of deliverable.

    `find` returns those of the asked (id, sequence) pairs that are published and not killed; all of them in one
    read, because the snapshot is compiled from it. `kill` marks a version as forbidden, with a reason code and a
    note. `is_controlled` says whether devices obey a control file.
    """

    name: str
    find: Callable[[Transaction, Collection[tuple[str, int]]], Awaitable[Mapping[tuple[str, int], Deliverable]]]
    kill: "Callable[[Core, Transaction, str, int, str, Actor, str], Awaitable[None]]"
    is_controlled: bool = True

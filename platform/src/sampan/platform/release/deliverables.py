"""Deliverable kinds: what a release can roll out. Components contribute them."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Invalid
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Actor

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.operators.change_rows import DiffLine
    from sampan.platform.release.repository import Release

OFFERS = "releases"


def app_of(deliverable_id: str) -> str:
    """Return the app that permissions on a deliverable are about: `<app>@<sequence>` is a part of an app."""
    return deliverable_id.partition("@")[0]


def version_meant(deliverable_id: str, sequence: int) -> tuple[str, int]:
    """Return of which app and version devices tell: number 0 of `<app>@<sequence>` is that version as it is."""
    app, _, own = deliverable_id.partition("@")
    return (app, int(own)) if own and not sequence else (deliverable_id, sequence)


class GateImpossible(Invalid):
    """Devices do not report on this kind of deliverable, so a gate would have nothing to compare."""

    code = "gate_impossible"
    field = "stages"


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
    note; `before_kill` does beforehand what takes long, since all writes wait for a transaction that writes.
    `is_controlled` says whether devices obey a control file. `seen_by` tells which tiers see the deliverable, None
    when nobody settled it.

    What is no package but a value has no `url`; it never stands among the offers of sync, and `part` names the
    snapshot part of its own component that is compiled from its releases. Such a kind may further have: `check`, which
    refuses a plan that it cannot carry out; `lines`, what approvers read of the version itself; `approve`, a permission
    that approvers need besides; `completed` and `roll_back`, which take effect in place of an offer; `standing`, by id
    the sequence that everybody has without a release: releases up to it give nothing, nor do those of ids left out;
    `back_lines`, what approvers read of a version to go back to; `before`, which goes with `roll_back`: the sequence
    that everybody had before a version, None for none. One person may go back to it without having it approved.
    Without `roll_back`, `standing` is what one person may always go back to, and nothing is offered for it.
    `write_control` puts what devices obey of it into the app's control file, in place of what is offerable; such a kind
    marks its releases as exposed itself.
    """

    name: str
    find: Callable[[Transaction, Collection[tuple[str, int]]], Awaitable[Mapping[tuple[str, int], Deliverable]]]
    kill: "Callable[[Core, Transaction, str, int, str, Actor, str], Awaitable[None]]"
    before_kill: "Callable[[Core, str, str, int], Awaitable[None]] | None" = None
    is_controlled: bool = True
    part: str = OFFERS
    check: "Callable[[Transaction, Release], Awaitable[None]] | None" = None
    lines: "Callable[[Transaction, Release], Awaitable[Sequence[DiffLine]]] | None" = None
    approve: str = ""
    completed: "Callable[[Core, Transaction, Release, Actor], Awaitable[None]] | None" = None
    roll_back: "Callable[[Core, Transaction, Release, Deliverable, Actor], Awaitable[None]] | None" = None
    standing: Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, int]]] | None = None
    back_lines: "Callable[[Transaction, str, int], Awaitable[Sequence[DiffLine]]] | None" = None
    before: Callable[[Transaction, str, int], Awaitable[int | None]] | None = None
    seen_by: Callable[[Transaction, str], Awaitable[frozenset[Tier] | None]] | None = None
    write_control: "Callable[[Core, Transaction, Actor, str], Awaitable[None]] | None" = None


class CapImpossible(Invalid):
    """Places are counted where packages are offered; a value has none to give."""

    code = "cap_impossible"
    field = "cap"


def refuse_places(release: "Release") -> None:
    """Raise `CapImpossible`: places are counted among the offers of sync alone."""
    if release.cap is not None:
        raise CapImpossible("A release of this kind counts no places: leave the limit out, and take a percentage.")


def refuse_what_values_lack(release: "Release") -> None:
    """Raise `GateImpossible` or `CapImpossible`: devices report on packages alone, and sync alone counts places."""
    refuse_places(release)
    for number, stage in enumerate(release.stages):
        if stage.gate is not None:
            raise GateImpossible(
                f"Devices report on packages alone: leave the gate of stage {number + 1} out, and let a person or time"
                " move the release on.",
                field=f"stages[{number}].gate",
            )

"""What wants a person: each floor and component tells its own; overview and notices show them to the right people.

A matter says by which permission somebody can deal with it, so nobody is told of what they could not even see.
Nothing here knows what a release or a review is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sampan.platform.engines.database import Transaction
from sampan.platform.operators.actor import Actor

if TYPE_CHECKING:
    from sampan.platform.core import Core

MOST_OF_A_SOURCE = 200


class Severity(StrEnum):
    """How bad it is to leave a matter: `error` harms now, `warning` will, `info` only waits."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that waits for a person.

    `key` names it for as long as it lasts; `link` is its place in the console. Whoever has `permission` for `scope`
    can deal with it, but not the persons of `not_for`: they made it, or did their part.
    """

    key: str
    kind: str
    severity: Severity
    permission: str
    zh: str
    en: str
    link: str
    since_ms: int
    scope: Mapping[str, str] = field(default_factory=dict)
    not_for: frozenset[str] = frozenset()

    def concerns(self, actor: Actor) -> bool:
        """Whether the actor could deal with it."""
        return actor.person_id not in self.not_for and actor.may(self.permission, **self.scope)


@dataclass(frozen=True, slots=True)
class Attention:
    """Contributed: a source of matters. `look` returns those of the transaction's workspace, at most
    `MOST_OF_A_SOURCE`, the longest waiting first."""

    name: str
    look: "Callable[[Core, Transaction], Awaitable[Sequence[Matter]]]"


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One thing of the platform that is well or is not; numbers that a page shows stand in `facts`."""

    name: str
    severity: Severity
    zh: str
    en: str
    facts: Mapping[str, int | str | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """Contributed: how a floor or component is in the transaction's workspace; no line means nothing to say."""

    name: str
    look: "Callable[[Core, Transaction], Awaitable[Sequence[HealthLine]]]"


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Contributed: a number for each day, for charts.

    `count` takes two days since the epoch (UTC), a half-open range, and returns the days that have any.
    """

    name: str
    zh: str
    en: str
    count: Callable[[Transaction, int, int], Awaitable[Mapping[int, int]]]


async def matters_of(core: "Core", tx: Transaction) -> list[Matter]:
    """Return all matters of the workspace, the worst first, then the longest waiting."""
    found = [matter for source in core.contributions(Attention) for matter in await source.look(core, tx)]
    order = list(Severity)[::-1]
    return sorted(found, key=lambda matter: (order.index(matter.severity), matter.since_ms, matter.key))


async def health_of(core: "Core", tx: Transaction) -> list[HealthLine]:
    """Return what every floor and component says of itself."""
    return [line for part in core.contributions(Health) for line in await part.look(core, tx)]

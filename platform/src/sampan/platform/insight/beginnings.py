"""When a release began to reach more devices: told by the floor above, which knows releases; insight does not."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sampan.platform.engines.database import Transaction


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Contributed: `read` returns, by release id, the moments from which a release was offered to more devices."""

    read: Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, Sequence[int]]]]

"""Doing a thing twice: a command that finds its work done changes nothing, and is no failure."""

from collections.abc import Callable
from typing import Any

from sampan.platform.cli.api import ServerRefused


def unless_done(
    act: Callable[[], Any], refusal: str, look: Callable[[], Any], is_done: Callable[[Any], bool]
) -> tuple[dict[str, Any], bool]:
    """Act, and return the answer and True; when the act is refused because it was done before, what there is."""
    try:
        return act(), True
    except ServerRefused as problem:
        seen = look() if problem.code == refusal else None
        if seen is None or not is_done(seen):
            raise
        return {**seen, "already": True}, False

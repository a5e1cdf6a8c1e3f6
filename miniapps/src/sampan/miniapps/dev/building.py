"""How the last look at the developer's folder went: told by the workbench's thread, asked by the page that runs."""

from collections.abc import Sequence
from typing import Any


class Building:
    """The version that is in the shell, and what keeps the folder's present state from becoming the next one."""

    def __init__(self) -> None:
        self._state: tuple[int, tuple[str, ...]] = (0, ())  # replaced whole: two threads look at it

    def broke(self, lines: Sequence[str]) -> None:
        """Note why the folder cannot be published as it is."""
        self._state = (self._state[0], tuple(lines))

    def came(self, version: int) -> None:
        """Note that a version is in the shell."""
        self._state = (version, ())

    def told(self) -> dict[str, Any]:
        """Return what the page asks for: `broken` is empty when all is well."""
        version, lines = self._state
        return {"version": version, "broken": list(lines)}

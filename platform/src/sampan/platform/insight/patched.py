"""Versions whose files were changed after they were installed: what devices tell of them is kept apart, too."""

from collections.abc import Callable

from msgspec import Struct

from sampan.platform.workspaces.replica import WorkspaceView


class PatchedVersions(Struct, frozen=True):
    """Contributed: `find` returns the id and number under which a changed version is counted, by its digest.

    It takes the workspace's view, the app, the sequence and the digest that an event names; None for what it does
    not know.
    """

    find: Callable[[WorkspaceView, str, int, str], tuple[str, int] | None]

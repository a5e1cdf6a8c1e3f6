"""The first root of trust of each tree, which clients have baked in; it never changes once it is there."""

from sampan.platform.core import Core
from sampan.platform.errors import Unavailable
from sampan.platform.trust.metadata_rows import bodies_from

ROOT = "root"


class TreeNotStarted(Unavailable):
    """The workspace's trust tree has no root yet; its officers start it with a ceremony."""

    code = "tree_not_started"


class Roots:
    """Remembers the first roots of this process's workspaces."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._found: dict[tuple[str, str], bytes] = {}

    async def first(self, workspace_id: str, profile: str) -> bytes:
        """Return the bytes of version 1 of root.json; raise `UnknownWorkspace` or `TreeNotStarted`."""
        self._core.replica.view(workspace_id)
        root = self._found.get((workspace_id, profile))
        if root is None:
            async with self._core.store.workspace(workspace_id).read() as tx:
                bodies = await bodies_from(tx, profile, ROOT, 1)
            if not bodies or bodies[0].version != 1:
                raise TreeNotStarted(
                    "The trust tree of this workspace is not started. Its officers run sampan officer start.",
                    retry_after_seconds=10,
                )
            root = self._found[workspace_id, profile] = bodies[0].body
        return root

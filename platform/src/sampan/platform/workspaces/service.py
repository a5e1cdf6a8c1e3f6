"""Use cases of workspaces: make one, list them."""

from msgspec import Struct
from sqlalchemy import BigInteger, Column, String, select

from sampan.platform.component import WorkspaceSetup
from sampan.platform.core import Core
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import global_table
from sampan.platform.errors import Invalid
from sampan.platform.hosts import HostNames
from sampan.platform.ids import WORKSPACE_ID
from sampan.platform.workspaces.guard import SystemDoor
from sampan.platform.workspaces.revisions import raise_revision

workspaces = global_table(
    "workspaces",
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
WORKSPACES_DOOR = SystemDoor(
    "workspaces",
    "workspaces themselves stand above workspaces",
    reads=frozenset({workspaces}),
    writes=frozenset({workspaces}),
)


class BadWorkspaceId(Invalid):
    """The text cannot name a workspace."""

    code = "bad_workspace_id"


class ReservedWorkspaceId(Invalid):
    """A workspace of this id could not be reached: the host that it would have means something else."""

    code = "reserved_workspace_id"


class Workspace(Struct, frozen=True):
    """One bank, or one environment of it."""

    id: str
    name: str
    created_ms: int


async def create_workspace(core: Core, workspace_id: str, name: str) -> None:
    """Make a workspace with what every floor needs in it; an existing one gets only what it lacks."""
    if WORKSPACE_ID.fullmatch(workspace_id) is None:
        raise BadWorkspaceId(
            "A workspace id is 3 to 32 characters: lower-case letters, digits and hyphens, starting with a letter.",
            field="workspace",
        )
    if HostNames.of(core.settings).hides_workspace(workspace_id):
        raise ReservedWorkspaceId(
            f"No workspace can be called {workspace_id}: the host of that name is the apps', the console's or the "
            "server's own. Choose another id.",
            field="workspace",
        )
    async with core.store.system(WORKSPACES_DOOR).write() as tx:
        values = {"id": workspace_id, "name": name, "created_ms": core.now_ms()}
        await tx.execute(insert_or_ignore(tx, workspaces).values(values))
    door = core.store.workspace(workspace_id)
    async with door.write() as tx:
        await raise_revision(tx)
    for setup in core.contributions(WorkspaceSetup):
        await setup.run(core, door)
    await core.replica.poll()


async def list_workspaces(core: Core) -> list[Workspace]:
    """Return all workspaces by id."""
    async with core.store.system(WORKSPACES_DOOR).read() as tx:
        statement = select(workspaces.c.id, workspaces.c.name, workspaces.c.created_ms).order_by(workspaces.c.id)
        return [Workspace(row.id, row.name, row.created_ms) for row in await tx.execute(statement)]

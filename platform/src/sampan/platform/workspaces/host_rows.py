"""Rows of the hosts that workspaces have of their own, and the process's `Hosts`, kept up to date from them."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import BigInteger, Column, String, delete, select

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.hosts import HostNames, Hosts
from sampan.platform.workspaces.guard import SystemDoor
from sampan.platform.workspaces.replica import SnapshotPart
from sampan.platform.workspaces.revisions import raise_revision

PART = "hosts"
workspace_hosts = scoped_table(
    "workspace_hosts",
    Column("host", String(253), primary_key=True),
    Column("added_ms", BigInteger, nullable=False),
    Column("added_by", String(64), nullable=False),
)
HOSTS_DOOR = SystemDoor(
    "hosts", "a host names one workspace of the whole deployment", reads=frozenset({workspace_hosts})
)


class StoredHost(Struct, frozen=True):
    """A host that names its workspace."""

    host: str
    added_ms: int
    added_by: str


async def list_hosts(tx: Transaction) -> list[StoredHost]:
    """Return the workspace's own hosts, by name."""
    h = workspace_hosts.c
    statement = select(h.host, h.added_ms, h.added_by).where(h.workspace_id == tx.workspace_id).order_by(h.host)
    return [StoredHost(row.host, row.added_ms, row.added_by) for row in await tx.execute(statement)]


async def is_taken(core: Core, host: str) -> bool:
    """Whether a workspace of this deployment, no matter which, has the host."""
    async with core.store.system(HOSTS_DOOR).read() as tx:
        found = await tx.execute(select(workspace_hosts.c.host).where(workspace_hosts.c.host == host))
        return found.first() is not None


async def add_host(tx: Transaction, host: StoredHost) -> bool:
    """Store a host; False when the workspace has it already."""
    values = {"host": host.host, "added_ms": host.added_ms, "added_by": host.added_by}
    added = await tx.execute(insert_or_ignore(tx, workspace_hosts).values(workspace_id=tx.workspace_id, **values))
    await raise_revision(tx, PART)
    return bool(added.rowcount)


async def remove_host(tx: Transaction, host: str) -> bool:
    """Remove a host; return whether it was there."""
    h = workspace_hosts.c
    removed = await tx.execute(delete(workspace_hosts).where(h.workspace_id == tx.workspace_id, h.host == host))
    await raise_revision(tx, PART)
    return bool(removed.rowcount)


def hosts_of(core: Core) -> Hosts:
    """Return the process's hosts; they follow the stored ones as the replica reads them."""
    return core.shared(Hosts, _build)


def _build(core: Core) -> Hosts:
    hosts = Hosts(HostNames.of(core.settings))

    def take_over(_workspace_id: str = "") -> None:
        views = {name: core.replica.view(name) for name in core.replica.workspaces}
        claims = [(added_ms, name, host) for name, view in views.items() for host, added_ms in view.parts.get(PART, ())]
        # Two may have asked at the same moment: the earlier one has it, in every process.
        hosts.store({host: name for _added_ms, name, host in sorted(claims, reverse=True)})

    core.replica.listeners.append(take_over)
    take_over()
    return hosts


def _compile(rows: Sequence[StoredHost]) -> tuple[tuple[str, int], ...]:
    return tuple((row.host, row.added_ms) for row in rows)


part = SnapshotPart(PART, list_hosts, _compile)

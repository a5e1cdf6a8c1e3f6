"""Rows of the trees: what is made, what is exposed, and the lease of the one publisher job per tree.

`changed` counts what happened to a tree and `exposed_changed` says up to where it is visible, so a change that
comes while the job works is never forgotten. Every step of the job names its fencing number; a job whose
lease was taken over meanwhile finds another number and stops.
"""

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, Column, LargeBinary, String, or_, select, update

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.tables import scoped_table
from sampan.platform.workspaces.guard import SystemDoor

trust_trees = scoped_table(
    "trust_trees",
    Column("profile", String(16), primary_key=True),
    Column("changed", BigInteger, nullable=False),
    Column("made_timestamp", BigInteger, nullable=False),
    Column("made_root", BigInteger, nullable=False),
    Column("made_changed", BigInteger, nullable=False),
    Column("exposed_timestamp", BigInteger, nullable=False),
    Column("exposed_root", BigInteger, nullable=False),
    Column("exposed_changed", BigInteger, nullable=False),
    Column("exposed_versions", LargeBinary, nullable=False),
    Column("exposed_ms", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_holder", String(80), nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
)
TREES_DOOR = SystemDoor(
    "publisher job",
    "finds the trees of all workspaces whose changes or signatures are due",
    reads=frozenset({trust_trees}),
)
LEASE_MS = 30_000
_COUNTERS = (
    "changed",
    "made_timestamp",
    "made_root",
    "made_changed",
    "exposed_timestamp",
    "exposed_root",
    "exposed_changed",
    "exposed_ms",
    "fence",
    "lease_until_ms",
)


class LeaseLost(Exception):
    """Another job took the tree over: this one must not write another byte."""


class Lease(Struct, frozen=True):
    """The right to publish a tree; `fence` rises with every new holder."""

    profile: str
    holder: str
    fence: int


class Tree(Struct, frozen=True):
    """One tree's row. `made_*` is what the highest stored timestamp covers, `exposed_*` what clients can see."""

    workspace_id: str
    profile: str
    changed: int
    made_timestamp: int
    made_root: int
    made_changed: int
    exposed_timestamp: int
    exposed_root: int
    exposed_changed: int
    exposed_versions: dict[str, int]
    exposed_ms: int
    fence: int
    lease_holder: str
    lease_until_ms: int


async def create_tree(tx: Transaction, profile: str) -> None:
    """Make the row of a tree unless it exists."""
    values = dict.fromkeys(_COUNTERS, 0)
    row = {"workspace_id": tx.workspace_id, "profile": profile, "exposed_versions": b"{}", "lease_holder": "", **values}
    await tx.execute(insert_or_ignore(tx, trust_trees).values(row))


async def mark_changed(tx: Transaction, profile: str) -> None:
    """Count a change that the publisher job must make visible."""
    await tx.execute(update(trust_trees).where(_of(tx, profile)).values(changed=trust_trees.c.changed + 1))


async def tree_row(tx: Transaction, profile: str) -> Tree:
    """Return a tree's row; it exists since the workspace was made."""
    return _tree((await tx.execute(_select().where(_of(tx, profile)))).one())


async def all_trees(tx: Transaction) -> list[Tree]:
    """Return the trees of all workspaces; for the system door alone."""
    return [_tree(row) for row in await tx.execute(_select())]


async def take_lease(tx: Transaction, profile: str, holder: str, *, now_ms: int) -> Lease | None:
    """Take the tree's lease with the next fencing number, or return None while another holds it."""
    statement = (
        update(trust_trees)
        .where(_of(tx, profile), or_(trust_trees.c.lease_until_ms <= now_ms, trust_trees.c.lease_holder == holder))
        .values(fence=trust_trees.c.fence + 1, lease_holder=holder, lease_until_ms=now_ms + LEASE_MS)
        .returning(trust_trees.c.fence)
    )
    fence = (await tx.execute(statement)).scalar_one_or_none()
    return Lease(profile, holder, fence) if fence is not None else None


async def keep_lease(tx: Transaction, lease: Lease, *, now_ms: int) -> None:
    """Lengthen the lease; raise `LeaseLost` when another job holds the tree now."""
    await _under_lease(tx, lease, lease_until_ms=now_ms + LEASE_MS)


async def give_lease_back(tx: Transaction, lease: Lease) -> None:
    """End the lease, so that the next job need not wait for it to run out."""
    await _under_lease(tx, lease, lease_holder="", lease_until_ms=0)


async def record_made(tx: Transaction, lease: Lease, *, timestamp: int, root: int, changed: int) -> None:
    """Remember what the timestamp that this transaction stores will expose."""
    await _under_lease(tx, lease, made_timestamp=timestamp, made_root=root, made_changed=changed)


async def record_exposed(tx: Transaction, lease: Lease, made: Tree, versions: dict[str, int], *, now_ms: int) -> None:
    """Remember that clients can see what `made` says."""
    await _under_lease(
        tx,
        lease,
        exposed_timestamp=made.made_timestamp,
        exposed_root=made.made_root,
        exposed_changed=made.made_changed,
        exposed_versions=msgspec.json.encode(versions),
        exposed_ms=now_ms,
    )


async def _under_lease(tx: Transaction, lease: Lease, **values: object) -> None:
    statement = update(trust_trees).where(_of(tx, lease.profile), trust_trees.c.fence == lease.fence)
    if (await tx.execute(statement.values(**values).returning(trust_trees.c.fence))).one_or_none() is None:
        raise LeaseLost(f"another job publishes tree {lease.profile} since fence {lease.fence}")


def _of(tx: Transaction, profile: str) -> Any:
    return (trust_trees.c.workspace_id == tx.workspace_id) & (trust_trees.c.profile == profile)


def _select() -> Any:
    columns = [trust_trees.c[name] for name in _COUNTERS]
    return select(
        trust_trees.c.workspace_id,
        trust_trees.c.profile,
        trust_trees.c.exposed_versions,
        trust_trees.c.lease_holder,
        *columns,
    )


def _tree(row: Any) -> Tree:
    values = dict(row._mapping)
    values["exposed_versions"] = msgspec.json.decode(row.exposed_versions, type=dict[str, int])
    return Tree(**values)

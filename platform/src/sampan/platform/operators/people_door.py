"""The system door to persons, who stand above the workspaces, together with what must commit beside them."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy import select

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import log_heads
from sampan.platform.operators.audit import audit_rows
from sampan.platform.operators.change_rows import change_approvals
from sampan.platform.operators.operator_rows import OperatorState, bonds, grants, operators, roles
from sampan.platform.operators.person_rows import persons
from sampan.platform.operators.session_rows import sessions, setup_links
from sampan.platform.workspaces.guard import SystemDoor
from sampan.platform.workspaces.service import Workspace, workspaces
from sampan.platform.workspaces.store import ScopedTransaction

if TYPE_CHECKING:
    from sampan.platform.core import Core

TABLES = frozenset({persons, operators, roles, grants, bonds, sessions, setup_links, audit_rows, log_heads})
ALSO_READ = frozenset({change_approvals, workspaces})
PEOPLE_DOOR = SystemDoor(
    "people",
    "a person has one password for all workspaces; signing in and setting up write it beside a workspace's audit row",
    reads=TABLES | ALSO_READ,
    writes=TABLES,
)


@contextlib.asynccontextmanager
async def read_people(core: "Core", workspace_id: str) -> AsyncIterator[ScopedTransaction]:
    """Open a read transaction that sees persons; scoped repositories in it still bind `workspace_id`."""
    async with core.store.system(PEOPLE_DOOR).read() as tx:
        yield replace(tx, workspace_id=workspace_id)


@contextlib.asynccontextmanager
async def write_people(core: "Core", workspace_id: str) -> AsyncIterator[ScopedTransaction]:
    """Open a write transaction that may change persons and, bound to `workspace_id`, the tables beside them."""
    async with core.store.system(PEOPLE_DOOR).write() as tx:
        yield replace(tx, workspace_id=workspace_id)


async def workspaces_of_person(tx: Transaction, person_id: str) -> list[Workspace]:
    """Return the workspaces where the person has an active account, by id; only through the people door."""
    statement = (
        select(workspaces.c.id, workspaces.c.name, workspaces.c.created_ms)
        .join(operators, operators.c.workspace_id == workspaces.c.id)
        .where(operators.c.person_id == person_id, operators.c.state == OperatorState.ACTIVE)
        .order_by(workspaces.c.id)
    )
    return [Workspace(row.id, row.name, row.created_ms) for row in await tx.execute(statement)]

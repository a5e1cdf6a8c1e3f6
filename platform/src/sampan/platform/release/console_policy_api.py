"""The policy of syncing, for people."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.release.sync_policy import CHECK_SECONDS


class SyncPolicyIn(BaseModel, extra="forbid"):
    """Another interval."""

    sync_check_seconds: int


class SyncPolicyOut(BaseModel):
    """How often devices ask what they should have."""

    sync_check_seconds: int = Field(description="A device asks again after so many seconds, at the latest.")
    least: int
    most: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["releases"])

    @router.get("/sync/policy", dependencies=[needs("release:read")])
    async def get_sync_policy(workspace_id: Workspace) -> SyncPolicyOut:
        """Return how often devices ask."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _out(await CHECK_SECONDS.read(tx))

    @router.put("/sync/policy")
    async def put_sync_policy(
        workspace_id: Workspace, actor: Annotated[Actor, needs(CHECK_SECONDS.permission)], body: SyncPolicyIn
    ) -> SyncPolicyOut:
        """Let devices ask more often, or more seldom; each hears of it with its next answer."""
        return _out(await CHECK_SECONDS.put(core, workspace_id, actor, body.sync_check_seconds))

    return router


def _out(seconds: int) -> SyncPolicyOut:
    return SyncPolicyOut(sync_check_seconds=seconds, least=CHECK_SECONDS.least, most=CHECK_SECONDS.most)

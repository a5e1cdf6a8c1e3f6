"""What operators ask of insight: who holds which version."""

from fastapi import APIRouter
from pydantic import BaseModel

from sampan.platform.core import Core
from sampan.platform.insight.reach import Reader, require_app
from sampan.platform.insight.repository import held_versions
from sampan.platform.operators.console_auth import Workspace
from sampan.platform.operators.console_paging import Page, Paged, listed


class HeldVersion(BaseModel):
    """How many devices said at their last sync that they hold a version."""

    kind: str
    sequence: int
    devices: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["insight"])

    @router.get("/insight/inventory/{artefact_id}")
    async def inventory(workspace_id: Workspace, actor: Reader, artefact_id: str, paging: Paged) -> Page[HeldVersion]:
        """List how many devices hold each version of a mini-app or another artefact, the highest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, artefact_id)
            held = await held_versions(tx, artefact_id)
        found = [HeldVersion(kind=item.kind, sequence=item.sequence, devices=item.devices) for item in held]
        return listed(found, paging, key=lambda each: f"{each.kind} {2**53 - each.sequence:016}")

    return router

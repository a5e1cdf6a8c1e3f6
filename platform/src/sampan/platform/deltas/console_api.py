"""The matrix of an app's deltas: from which version to which, how large, and what they save."""

from fastapi import APIRouter
from pydantic import BaseModel

from sampan.platform.core import Core
from sampan.platform.deltas.rows import Delta, read_deltas
from sampan.platform.insight.reach import Reader, require_app
from sampan.platform.operators.console_auth import Workspace
from sampan.platform.operators.console_paging import Page, Paged, listed


class DeltaOut(BaseModel):
    """One delta; sizes in bytes. `files_bytes` is what the changed files have, `whole_bytes` the deflated archive."""

    base_sequence: int
    target_sequence: int
    is_served: bool
    delta_bytes: int
    files_bytes: int
    whole_bytes: int
    make_ms: int
    made_ms: int


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["apps"])

    @router.get("/apps/{app}/deltas")
    async def deltas(workspace_id: Workspace, actor: Reader, app: str, paging: Paged) -> Page[DeltaOut]:
        """List the deltas between an app's versions, the newest target first, also those that save too little."""
        async with core.store.workspace(workspace_id).read() as tx:
            await require_app(tx, actor, app)
            found = await read_deltas(tx, app)
        return listed([_out(each) for each in found], paging, key=_order)

    return router


def _out(delta: Delta) -> DeltaOut:
    return DeltaOut(**{name: getattr(delta, name) for name in DeltaOut.model_fields})


def _order(delta: DeltaOut) -> str:
    return f"{2**53 - delta.target_sequence:016} {2**53 - delta.base_sequence:016}"

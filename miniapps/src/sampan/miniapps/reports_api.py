"""Customers' reports about apps, below /console/api/v1."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from sampan.miniapps.app_reports import AppReport, page_reports
from sampan.platform.core import Core
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import Milliseconds
from sampan.platform.operators.console_paging import Page, Paged, page


class ReportView(BaseModel):
    """One report; the device, so that the service desk can help."""

    id: str
    app: str
    reason: str
    text: str
    device: str
    created_ms: Milliseconds


def build_routes(core: Core) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["reports"])

    @router.get("/reports", dependencies=[needs("report:read")])
    async def list_all(
        workspace_id: Workspace, paging: Paged, app: Annotated[str | None, Query(max_length=128)] = None
    ) -> Page[ReportView]:
        """List customers' reports about apps, the newest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            return page(await page_reports(tx, paging, app_id=app), _view)

    return router


def _view(report: AppReport) -> ReportView:
    return ReportView(
        id=report.id,
        app=report.app_id,
        reason=report.reason,
        text=report.text,
        device=report.device_id,
        created_ms=report.created_ms,
    )

"""Customers' reports about apps, below /console/api/v1."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from sampan.miniapps.app_reports import AppReport, handle, page_reports, reopen
from sampan.platform.core import Core
from sampan.platform.errors import NotFound
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import Body, Milliseconds, Note, PublicId
from sampan.platform.operators.console_paging import Page, Paged, page

HANDLE = "report:handle"
Handler = Annotated[Actor, needs(HANDLE)]


class ReportUnknown(NotFound):
    """No report of this id in this workspace."""

    code = "report_unknown"


class ReportView(BaseModel):
    """One report; the device, so that the service desk can help."""

    id: str
    app: str
    reason: str
    text: str
    device: str
    created_ms: Milliseconds
    handled_ms: Milliseconds | None
    handled_by: str
    handled_note: str


class HandledIn(Body):
    """What was done about a report."""

    note: Note = ""


def build_routes(core: Core) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["reports"])

    @router.get("/reports", dependencies=[needs("report:read")])
    async def list_all(
        workspace_id: Workspace,
        paging: Paged,
        app: Annotated[str | None, Query(max_length=128)] = None,
        handled: Annotated[bool | None, Query(description="Only those that were handled, or that were not.")] = None,
    ) -> Page[ReportView]:
        """List customers' reports about apps, the newest first."""
        async with core.store.workspace(workspace_id).read() as tx:
            return page(await page_reports(tx, paging, app_id=app, is_handled=handled), _view)

    @router.put("/reports/{report}/handled")
    async def mark(workspace_id: Workspace, actor: Handler, report: PublicId, body: HandledIn) -> ReportView:
        """Mark a report as handled, with what was done; one that was handled before stays as it is."""
        now_ms = core.now_ms()
        async with core.store.workspace(workspace_id).write() as tx:
            found = await handle(tx, report, by=actor.operator_id, note=body.note, now_ms=now_ms)
            if found is None:
                raise ReportUnknown("There is no report of this id.")
            await record(tx, actor, "report.handled", target=report, detail={"app": found.app_id}, now_ms=now_ms)
        return _view(found)

    @router.delete("/reports/{report}/handled")
    async def unmark(workspace_id: Workspace, actor: Handler, report: PublicId) -> ReportView:
        """Take the mark away: the report waits again."""
        async with core.store.workspace(workspace_id).write() as tx:
            found = await reopen(tx, report)
            if found is None:
                raise ReportUnknown("There is no report of this id.")
            detail = {"app": found.app_id}
            await record(tx, actor, "report.reopened", target=report, detail=detail, now_ms=core.now_ms())
        return _view(found)

    return router


def _view(report: AppReport) -> ReportView:
    return ReportView(
        id=report.id,
        app=report.app_id,
        reason=report.reason,
        text=report.text,
        device=report.device_id,
        created_ms=report.created_ms,
        handled_ms=report.handled_ms,
        handled_by=report.handled_by,
        handled_note=report.handled_note,
    )

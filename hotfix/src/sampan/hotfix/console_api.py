"""Hotfixes for people and for the command line: typed bodies, one use case each."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from sampan.hotfix import reviewing, submitting, withdrawing
from sampan.hotfix.console_bodies import (
    HotfixBaseOut,
    HotfixDetailOut,
    HotfixDiffOut,
    HotfixIn,
    HotfixOut,
    WithdrawIn,
    base_out,
    detail_out,
    hotfix_out,
)
from sampan.offline_packages.hotfix import MAX_NUMBER
from sampan.platform.artifacts.apps_service import READ
from sampan.platform.artifacts.console_comparison import DiffLineOut, FilePath
from sampan.platform.artifacts.console_requests import ApproveIn, RejectIn
from sampan.platform.artifacts.console_versions import Reader, Reviewer, Sequence, Submitter
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Confirmed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="Number of the hotfix of this version.")]
On = Annotated[
    int | None,
    Query(ge=0, le=MAX_NUMBER, description="Hotfix to build on; 0: the version; left out: the newest released one."),
]
VERSION = "/apps/{app}/versions/{sequence}"
ONE = f"{VERSION}/hotfixes/{{n}}"
BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


class RawBytes(Response):
    """Bytes to be saved."""

    media_type = "application/octet-stream"


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["hotfixes"])
    _add_publisher_routes(router, core)
    _add_reader_routes(router, core)
    _add_reviewer_routes(router, core)
    return router


def _add_publisher_routes(router: APIRouter, core: Core) -> None:
    @router.get(f"{VERSION}/hotfix-base")
    async def hotfix_base(
        workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence, on: On = None
    ) -> HotfixBaseOut:
        """Return what the version's next hotfix is made on: its number, and the hotfixes that are applied below it."""
        return base_out(await reviewing.base_for(core, workspace_id, actor, app, sequence, on=on))

    @router.post(f"{VERSION}/hotfixes", status_code=201)
    async def submit_hotfix(
        workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence, body: HotfixIn
    ) -> HotfixDetailOut:
        """Submit a hotfix of a published version; sending the very same again brings its signed bodies up to date."""
        made = await submitting.submit_hotfix(core, workspace_id, actor, app, sequence, body.sent())
        return detail_out(await reviewing.get_hotfix(core, workspace_id, actor, app, sequence, made.n))

    @router.post(f"{ONE}/withdraw")
    async def withdraw_hotfix(
        workspace_id: Workspace,
        actor: Annotated[Actor, needs(READ, scoped=True)],
        app: str,
        sequence: Sequence,
        n: Number,
        body: WithdrawIn,
    ) -> HotfixDetailOut:
        """Withdraw a hotfix and what depends on it; devices leave it at their next contact. One person may."""
        await withdrawing.withdraw_hotfix(core, workspace_id, actor, app, sequence, n, cause=body.cause)
        return detail_out(await reviewing.get_hotfix(core, workspace_id, actor, app, sequence, n))


def _add_reader_routes(router: APIRouter, core: Core) -> None:
    @router.get(f"{VERSION}/hotfixes")
    async def list_hotfixes(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, paging: Paged
    ) -> Page[HotfixOut]:
        """List the hotfixes of a version, the newest first."""
        return page(await reviewing.list_hotfixes(core, workspace_id, actor, app, sequence, paging), hotfix_out)

    @router.get(ONE)
    async def get_hotfix(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, n: Number
    ) -> HotfixDetailOut:
        """Return a hotfix with its document, findings and history."""
        return detail_out(await reviewing.get_hotfix(core, workspace_id, actor, app, sequence, n))

    @router.get(f"{ONE}/diff")
    async def hotfix_diff(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, n: Number, path: FilePath
    ) -> HotfixDiffOut:
        """Show what a hotfix changes in one of its files."""
        found = await reviewing.diff_of_file(core, workspace_id, actor, app, sequence, n, path)
        lines = [
            DiffLineOut(change=each.change, old_line=each.old_line, line=each.line, text=each.text)
            for each in found.text.lines
        ]
        text = found.text
        return HotfixDiffOut(
            path=path, lines=lines, is_cut=text.is_cut, refusal=text.refusal, patch=found.patch, taken=found.taken
        )

    @router.get(f"{ONE}/content", response_class=RawBytes, responses={200: BYTES})
    async def hotfix_content(
        workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence, n: Number
    ) -> Response:
        """Return the content of the files that a hotfix changes, in the order of its document."""
        found = await reviewing.content_of(core, workspace_id, actor, app, sequence, n)
        return RawBytes(found, headers={"x-content-type-options": "nosniff"})


def _add_reviewer_routes(router: APIRouter, core: Core) -> None:
    @router.post(f"{ONE}/approve")
    async def approve_hotfix(
        workspace_id: Workspace,
        actor: Reviewer,
        _confirmed: Confirmed,
        app: str,
        sequence: Sequence,
        n: Number,
        body: ApproveIn,
    ) -> HotfixDetailOut:
        """Approve exactly what has this review digest (takes a recent second factor); it becomes visible."""
        await reviewing.approve_hotfix(core, workspace_id, actor, app, sequence, n, seen=body.digest)
        return detail_out(await reviewing.get_hotfix(core, workspace_id, actor, app, sequence, n))

    @router.post(f"{ONE}/reject")
    async def reject_hotfix(
        workspace_id: Workspace, actor: Reviewer, app: str, sequence: Sequence, n: Number, body: RejectIn
    ) -> HotfixDetailOut:
        """Refuse a hotfix for good, and say why."""
        await reviewing.reject_hotfix(
            core, workspace_id, actor, app, sequence, n, seen=body.digest, comment=body.comment
        )
        return detail_out(await reviewing.get_hotfix(core, workspace_id, actor, app, sequence, n))

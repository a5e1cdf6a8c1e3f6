"""Versions, their review and renewals for people and for the command line: typed bodies, one use case each."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from sampan.platform.artifacts import (
    apps_service,
    content_service,
    renewal_service,
    resequence_service,
    resign_service,
    review_service,
    submit_service,
    trial_links,
)
from sampan.platform.artifacts.console_requests import (
    ApproveIn,
    BodiesIn,
    CommentIn,
    Note,
    RejectIn,
    RenewalIn,
    ResequenceIn,
    VersionIn,
)
from sampan.platform.artifacts.console_views import (
    CommentOut,
    NextSequence,
    RenewalOut,
    VersionDetailOut,
    VersionOut,
    comment_out,
    detail_out,
    renewal_out,
    version_out,
)
from sampan.platform.artifacts.states import VersionState
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Confirmed, Workspace, needs
from sampan.platform.operators.console_paging import Page, Paged, page

INDEX = {"content": {"application/json": {"schema": {"type": "object"}}}}


class JsonBytes(Response):
    """JSON that is sent as it is stored."""

    media_type = "application/json"


class Attachment(StreamingResponse):
    """An archive to be saved; its file is closed when the client goes away, too."""

    media_type = "application/zip"

    async def stream_response(self, send: Send) -> None:
        """Send the chunks of a generator and close it."""
        try:
            await super().stream_response(send)
        finally:
            if isinstance(self.body_iterator, AsyncGenerator):
                await self.body_iterator.aclose()


Reader = Annotated[Actor, needs(apps_service.READ, scoped=True)]
Submitter = Annotated[Actor, needs(submit_service.SUBMIT, scoped=True)]
Reviewer = Annotated[Actor, needs(review_service.REVIEW, scoped=True)]
Commenter = Annotated[Actor, needs(review_service.COMMENT, scoped=True)]
Waiting = Annotated[bool, Query(description="What waits for its app's review slot, too.")]
Sequence = Annotated[int, Path(ge=1, le=2**53 - 1)]


def add_version_routes(router: APIRouter, core: Core) -> None:
    """Add the publisher's routes: submit, sign anew, take back, ask."""

    @router.get("/apps/{app}/versions")
    async def list_versions(
        workspace_id: Workspace,
        actor: Reader,
        app: str,
        paging: Paged,
        state: Annotated[list[VersionState] | None, Query(description="Repeat for more than one.")] = None,
        trial: bool | None = None,
    ) -> Page[VersionOut]:
        """List the versions of an app, highest sequence first."""
        found = await review_service.list_versions(core, workspace_id, actor, app, paging, states=state, trial=trial)
        return page(found, version_out)

    @router.get("/apps/{app}/next-sequence")
    async def next_sequence(workspace_id: Workspace, actor: Reader, app: str) -> NextSequence:
        """Return the sequence that the next version may take."""
        return NextSequence(sequence=await submit_service.next_sequence(core, workspace_id, actor, app))

    @router.post("/apps/{app}/versions", status_code=201)
    async def submit_version(workspace_id: Workspace, actor: Submitter, app: str, body: VersionIn) -> VersionOut:
        """Submit a version from an upload; sending the very same again answers the same version."""
        found = await submit_service.submit_version(core, workspace_id, actor, app, body.upload, body.submission())
        return version_out(found)

    @router.get("/apps/{app}/versions/{sequence}")
    async def get_version(workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence) -> VersionDetailOut:
        """Return a version with bodies, findings, comments and history."""
        detail = await review_service.get_version(core, workspace_id, actor, app, sequence)
        return detail_out(
            detail,
            trial_link=trial_links.deep_link(workspace_id, app, sequence),
            trial_url=trial_links.web_link(core.settings, workspace_id, app, sequence),
        )

    @router.post("/apps/{app}/versions/{sequence}/bodies")
    async def resign(
        workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence, body: BodiesIn
    ) -> VersionOut:
        """Replace the signed bodies of a waiting version; nothing is uploaded."""
        return version_out(await resign_service.resign(core, workspace_id, actor, app, sequence, body.raw()))

    @router.post("/apps/{app}/versions/{sequence}/resequence", status_code=201)
    async def resequence(
        workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence, body: ResequenceIn
    ) -> VersionOut:
        """Submit the same files under the sequence of the index; nothing is uploaded."""
        found = await resequence_service.resequence(core, workspace_id, actor, app, sequence, body.submission())
        return version_out(found)

    @router.post("/apps/{app}/versions/{sequence}/withdraw")
    async def withdraw(
        workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence, body: Note
    ) -> VersionOut:
        """Take a version back; the next in line comes into review."""
        return version_out(await submit_service.withdraw(core, workspace_id, actor, app, sequence, note=body.note))

    @router.post("/apps/{app}/versions/{sequence}/recheck")
    async def recheck(workspace_id: Workspace, actor: Submitter, app: str, sequence: Sequence) -> VersionOut:
        """Run the automatic checks again, after the bank's policy changed."""
        return version_out(await submit_service.recheck(core, workspace_id, actor, app, sequence))


def add_content_routes(router: APIRouter, core: Core) -> None:
    """Add the routes that give out a version's very bytes."""

    @router.get("/apps/{app}/versions/{sequence}/index", response_class=JsonBytes, responses={200: INDEX})
    async def index(workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence) -> Response:
        """Return the content index as it is signed."""
        found = await content_service.get_index(core, workspace_id, actor, app, sequence)
        return Response(found, media_type="application/json")

    @router.get("/apps/{app}/versions/{sequence}/package", response_class=Attachment)
    async def package(workspace_id: Workspace, actor: Reader, app: str, sequence: Sequence) -> Response:
        """Return the archive as it is signed."""
        found = await content_service.get_archive(core, workspace_id, actor, app, sequence)
        headers = {
            "content-disposition": f'attachment; filename="{found.name}"',
            "content-length": str(found.size_bytes),
            "x-content-type-options": "nosniff",
        }
        return Attachment(found.chunks, headers=headers)


def add_review_routes(router: APIRouter, core: Core) -> None:
    """Add the reviewer's routes."""

    @router.get("/reviews")
    async def reviews(
        workspace_id: Workspace, actor: Reviewer, paging: Paged, waiting: Waiting = False
    ) -> Page[VersionOut]:
        """List what is under review, as far as you may review it, the longest waiting first."""
        states = review_service.QUEUE if waiting else review_service.UNDER_REVIEW
        return page(await review_service.reviews(core, workspace_id, actor, paging, states), version_out)

    @router.post("/apps/{app}/versions/{sequence}/approve")
    async def approve(
        workspace_id: Workspace,
        actor: Reviewer,
        _confirmed: Confirmed,
        app: str,
        sequence: Sequence,
        body: ApproveIn,
    ) -> VersionOut:
        """Approve exactly what has this review digest (takes a recent second factor); it becomes visible."""
        return version_out(await review_service.approve(core, workspace_id, actor, app, sequence, digest=body.digest))

    @router.post("/apps/{app}/versions/{sequence}/reject")
    async def reject(
        workspace_id: Workspace, actor: Reviewer, app: str, sequence: Sequence, body: RejectIn
    ) -> VersionOut:
        """Refuse a version for good, and say why."""
        found = await review_service.reject(
            core, workspace_id, actor, app, sequence, digest=body.digest, comment=body.comment
        )
        return version_out(found)

    @router.post("/apps/{app}/versions/{sequence}/bring-forward")
    async def bring_forward(
        workspace_id: Workspace, actor: Reviewer, app: str, sequence: Sequence, body: Note
    ) -> VersionOut:
        """Take a waiting version into review at once; the one under review waits again."""
        return version_out(await review_service.bring_forward(core, workspace_id, actor, app, sequence, note=body.note))

    @router.post("/apps/{app}/versions/{sequence}/comments", status_code=201)
    async def comment(
        workspace_id: Workspace, actor: Commenter, app: str, sequence: Sequence, body: CommentIn
    ) -> CommentOut:
        """Say something about a version, or about a line of one of its files."""
        made = await review_service.add_comment(
            core, workspace_id, actor, app, sequence, text=body.text, file=body.file, line=body.line
        )
        return comment_out(made)


def add_renewal_routes(router: APIRouter, core: Core) -> None:
    """Add the routes of candidates without a package."""

    async def shown(workspace_id: str, actor: Actor, app: str, renewal_id: str) -> RenewalOut:
        return renewal_out(*await renewal_service.get_renewal(core, workspace_id, actor, app, renewal_id))

    @router.get("/apps/{app}/renewals")
    async def list_renewals(workspace_id: Workspace, actor: Reader, app: str, paging: Paged) -> Page[RenewalOut]:
        """List the renewals of an app, newest first."""
        found = await renewal_service.list_renewals(core, workspace_id, actor, app, paging)
        return page(found, lambda each: renewal_out(*each))

    @router.post("/apps/{app}/renewals", status_code=201)
    async def submit_renewal(workspace_id: Workspace, actor: Submitter, app: str, body: RenewalIn) -> RenewalOut:
        """Send signed bodies that renew the app's role for a year, or empty it for ever."""
        made = await renewal_service.submit_renewal(core, workspace_id, actor, app, kind=body.kind, bodies=body.raw())
        return await shown(workspace_id, actor, app, made.id)

    @router.post("/apps/{app}/renewals/{renewal}/approve")
    async def approve_renewal(
        workspace_id: Workspace,
        actor: Reviewer,
        _confirmed: Confirmed,
        app: str,
        renewal: str,
        body: ApproveIn,
    ) -> RenewalOut:
        """Approve exactly these bodies (takes a recent second factor)."""
        await renewal_service.approve_renewal(core, workspace_id, actor, app, renewal, digest=body.digest)
        return await shown(workspace_id, actor, app, renewal)

    @router.post("/apps/{app}/renewals/{renewal}/reject")
    async def reject_renewal(
        workspace_id: Workspace, actor: Reviewer, app: str, renewal: str, body: RejectIn
    ) -> RenewalOut:
        """Refuse a renewal."""
        await renewal_service.reject_renewal(
            core, workspace_id, actor, app, renewal, digest=body.digest, comment=body.comment
        )
        return await shown(workspace_id, actor, app, renewal)

    @router.post("/apps/{app}/renewals/{renewal}/withdraw")
    async def withdraw_renewal(workspace_id: Workspace, actor: Submitter, app: str, renewal: str) -> RenewalOut:
        """Take a renewal back."""
        await renewal_service.withdraw_renewal(core, workspace_id, actor, app, renewal)
        return await shown(workspace_id, actor, app, renewal)

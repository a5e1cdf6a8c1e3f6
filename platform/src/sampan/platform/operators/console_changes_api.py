"""Console routes: change requests of every kind."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from sampan.platform.operators.change_errors import UnknownChangeKind
from sampan.platform.operators.change_rows import ChangeFilter, ChangeState
from sampan.platform.operators.change_views import view, views, visible_change, visible_changes
from sampan.platform.operators.changes import ChangeKind, approve, edit, kind_named, propose, reject, withdraw
from sampan.platform.operators.console_auth import (
    Confirmed,
    Signed,
    TheCore,
    WithSession,
    Workspace,
    require_confirmed,
)
from sampan.platform.operators.console_bodies import (
    Body,
    ChangeView,
    DigestText,
    IdQuery,
    Note,
    PublicId,
    TextQuery,
)
from sampan.platform.operators.console_paging import Page, Paged, listed
from sampan.platform.operators.permissions import Permission

if TYPE_CHECKING:
    from sampan.platform.core import Core


class NewChange(Body):
    """A change of a kind that may be proposed by hand."""

    kind: Annotated[str, StringConstraints(max_length=64)]
    target: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    payload: dict[str, Any]
    note: Note = ""


class Approve(Body):
    """The digest of exactly what the approver saw."""

    digest: DigestText


class Reject(Body):
    """Why not."""

    reason: Note = ""


class Edit(Body):
    """The digest of what the maker saw, and the new payload."""

    digest: DigestText
    payload: dict[str, Any]
    note: Note | None = None


class KindView(BaseModel):
    """A kind of change."""

    name: str
    propose: str
    approve: str
    approvers: int
    by_hand: bool


def build(_core: "Core") -> APIRouter:
    """Return the routes below /changes."""
    router = APIRouter(tags=["changes"])
    one = "/changes/{change_id}"
    add = router.add_api_route
    add("/changes", get_changes, methods=["GET"], summary="List change requests")
    add("/changes", post_changes, methods=["POST"], status_code=201, summary="Propose a change by hand")
    add("/changes/kinds", get_kinds, methods=["GET"], summary="List kinds of change")
    add(one, get_change, methods=["GET"], summary="Show a change request")
    add(one, put_change, methods=["PUT"], summary="Edit the own change request")
    add(f"{one}/approve", post_approve, methods=["POST"], summary="Approve")
    add(f"{one}/reject", post_reject, methods=["POST"], summary="Reject")
    add(f"{one}/withdraw", post_withdraw, methods=["POST"], summary="Withdraw the own change request")
    return router


async def get_changes(
    core: TheCore,
    workspace: Workspace,
    actor: Signed,
    paging: Paged,
    state: ChangeState | None = None,
    kind: TextQuery = None,
    target: TextQuery = None,
    maker: IdQuery = None,
) -> Page[ChangeView]:
    """List the change requests that the caller may see, newest first; `maker` is a person's id."""
    wanted = ChangeFilter(state, kind, target, maker)
    found = await visible_changes(core, workspace, actor, wanted, paging)
    shown = await views(core, workspace, found.items)
    return Page(items=shown, next_cursor=found.next_cursor, total=found.total)


async def get_kinds(core: TheCore, actor: Signed, paging: Paged) -> Page[KindView]:
    """List the kinds of change and who proposes and approves them."""
    del actor
    found = [
        KindView(
            name=kind.name, propose=kind.propose, approve=kind.approve, approvers=kind.approvers, by_hand=kind.by_hand
        )
        for kind in core.contributions(ChangeKind)
    ]
    return listed(found, paging, key=lambda kind: kind.name)


async def post_changes(core: TheCore, workspace: Workspace, found: WithSession, body: NewChange) -> ChangeView:
    """Propose a change whose kind needs no route of its own."""
    kind = kind_named(core, body.kind)
    if not kind.by_hand:
        raise UnknownChangeKind(f"{body.kind} is proposed by a route of its own; see the API document.")
    if any(item.name == kind.propose and item.dangerous for item in core.contributions(Permission)):
        require_confirmed(core, found)
    change = await propose(
        core, workspace, found.actor, kind=body.kind, target=body.target, payload=body.payload, note=body.note
    )
    return await view(core, workspace, change)


async def get_change(core: TheCore, workspace: Workspace, actor: Signed, change_id: PublicId) -> ChangeView:
    """Show a change request with its readable diff and the digest that an approval must name."""
    return await view(core, workspace, await visible_change(core, workspace, actor, change_id))


async def put_change(core: TheCore, workspace: Workspace, actor: Signed, change_id: PublicId, body: Edit) -> ChangeView:
    """Replace the payload; all approvals are void."""
    change = await edit(core, workspace, actor, change_id, digest=body.digest, payload=body.payload, note=body.note)
    return await view(core, workspace, change)


async def post_approve(
    core: TheCore, workspace: Workspace, actor: Confirmed, change_id: PublicId, body: Approve
) -> ChangeView:
    """Approve exactly this digest; the last approval needed applies the change."""
    return await view(core, workspace, await approve(core, workspace, actor, change_id, digest=body.digest))


async def post_reject(
    core: TheCore, workspace: Workspace, actor: Signed, change_id: PublicId, body: Reject
) -> ChangeView:
    """Refuse a change for good."""
    return await view(core, workspace, await reject(core, workspace, actor, change_id, reason=body.reason))


async def post_withdraw(core: TheCore, workspace: Workspace, actor: Signed, change_id: PublicId) -> ChangeView:
    """Take the own change request back."""
    return await view(core, workspace, await withdraw(core, workspace, actor, change_id))

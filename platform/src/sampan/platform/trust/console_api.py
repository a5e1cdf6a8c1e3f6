"""The trust routes below /console/api/v1: trees, keys, what waits for officers' signatures."""

from typing import Annotated

from fastapi import APIRouter

from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_views import view as change_view
from sampan.platform.operators.changes import propose
from sampan.platform.operators.console_auth import TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import ChangeView, PublicId, TextQuery
from sampan.platform.operators.console_paging import Page, Paged, listed, page
from sampan.platform.trust import asking, ceremonies, key_register
from sampan.platform.trust import console_views as views
from sampan.platform.trust.ceremony_rows import PendingUnknown, pending_history
from sampan.platform.trust.key_rows import KeyState, Purpose, page_keys
from sampan.platform.trust.metadata_rows import body_history
from sampan.platform.trust.overview import tree_status, tree_statuses
from sampan.platform.trust.profiles import PROFILES, profile_named
from sampan.platform.trust.starting import propose_start

Reader = Annotated[Actor, needs("trust:read")]
Signer = Annotated[Actor, needs("trust:sign")]
Manager = Annotated[Actor, needs("trust:manage")]
Suspender = Annotated[Actor, needs("trust:suspend")]


def build_routes(_core: Core) -> APIRouter:
    """Return the router with all routes of the trust floor."""
    router = APIRouter(tags=["trust"], prefix="/trust")
    add = router.add_api_route
    tree, key = "/trees/{profile}", "/keys/{key}"
    add("/trees", get_trees, methods=["GET"], summary="State of all trees")
    add(tree, get_tree, methods=["GET"], summary="State of one tree")
    add(f"{tree}/history", get_history, methods=["GET"], summary="What officers signed or were asked to")
    add(f"{tree}/roles/{{role}}/history", get_role_history, methods=["GET"], summary="Versions of a role")
    add(f"{tree}/start", post_start, methods=["POST"], status_code=202, summary="Propose a tree's first officers")
    add(f"{tree}/officers", post_officers, methods=["POST"], status_code=202, summary="Ask for other officers")
    add(f"{tree}/renewals", post_renewal, methods=["POST"], status_code=202, summary="Ask for another year")
    add(f"{tree}/rotations", post_rotation, methods=["POST"], status_code=202, summary="Make a new server key")
    add("/apps/{app}/keys", post_app_keys, methods=["POST"], status_code=202, summary="Ask for an app's other keys")
    add("/keys", get_keys, methods=["GET"], summary="List public keys")
    add("/keys", post_key, methods=["POST"], status_code=201, summary="Register a public key")
    add(f"{key}/suspend", post_suspend, methods=["POST"], summary="Suspend a key at once")
    add(f"{key}/resume", post_resume, methods=["POST"], status_code=202, summary="Propose to resume a key")
    add("/pending", get_pending, methods=["GET"], summary="What waits for officers' signatures")
    add("/pending/{pending_id}", get_one_pending, methods=["GET"], summary="One body that waits")
    add("/pending/{pending_id}/signatures", post_signature, methods=["POST"], summary="Hand a signature in")
    add("/requests/{request_id}", delete_request, methods=["DELETE"], summary="Take a request back")
    return router


async def get_trees(core: TheCore, workspace: Workspace, _actor: Reader, paging: Paged) -> Page[views.TreeView]:
    """List versions and ends of every role of every tree, and what is due."""
    async with core.store.workspace(workspace).read() as tx:
        found = [views.tree_view(each) for each in await tree_statuses(tx, now_ms=core.now_ms())]
    return listed(found, paging, key=lambda tree: tree.profile)


async def get_tree(core: TheCore, workspace: Workspace, _actor: Reader, profile: views.ProfilePath) -> views.TreeView:
    """Return the state of one tree."""
    name = profile_named(profile).name
    async with core.store.workspace(workspace).read() as tx:
        return views.tree_view(await tree_status(tx, name, now_ms=core.now_ms()))


async def get_history(
    core: TheCore, workspace: Workspace, _actor: Reader, profile: views.ProfilePath, paging: Paged
) -> Page[views.PendingLine]:
    """List the root and targets bodies that waited or wait, newest first."""
    name = profile_named(profile).name
    async with core.store.workspace(workspace).read() as tx:
        return page(await pending_history(tx, name, paging), views.pending_line)


async def get_role_history(
    core: TheCore,
    workspace: Workspace,
    _actor: Reader,
    profile: views.ProfilePath,
    role: views.RolePath,
    paging: Paged,
) -> Page[views.BodyView]:
    """List the stored versions of a role, newest first."""
    name = profile_named(profile).name
    async with core.store.workspace(workspace).read() as tx:
        return page(await body_history(tx, name, role, paging), views.body_view)


async def post_start(
    core: TheCore, workspace: Workspace, actor: Manager, profile: views.ProfilePath, body: views.Officers
) -> ChangeView:
    """Propose the first officers of a tree; a second person approves, then two of them sign."""
    change = await propose_start(core, workspace, actor, profile=profile, officers=body.officers, note=body.note)
    return await change_view(core, workspace, change)


async def post_officers(
    core: TheCore, workspace: Workspace, actor: Manager, profile: views.ProfilePath, body: views.Officers
) -> views.AskedView:
    """Ask for other officers: two of the present and two of the new ones sign root and targets."""
    async with core.store.workspace(workspace).write() as tx:
        return views.asked_view(await asking.change_officers(core, tx, profile, body.officers, actor))


async def post_renewal(
    core: TheCore, workspace: Workspace, actor: Manager, profile: views.ProfilePath, body: views.Renewal
) -> views.AskedView:
    """Ask the officers for another year of root or targets."""
    async with core.store.workspace(workspace).write() as tx:
        return views.asked_view(await asking.renew(core, tx, profile, body.role, actor))


async def post_rotation(
    core: TheCore, workspace: Workspace, actor: Manager, profile: views.ProfilePath, body: views.Rotation
) -> views.AskedView:
    """Make a new key of the server; for snapshot, timestamp and control the officers are asked at once."""
    asked = await asking.rotate_server_key(core, workspace, actor, profile=profile, purpose=body.purpose)
    return views.asked_view(asked)


async def post_app_keys(
    core: TheCore, workspace: Workspace, actor: Manager, app: views.AppPath, body: views.AppKeys
) -> views.AskedView:
    """Ask for another publisher or adoption key of an app; see the description of `body`."""
    async with core.store.workspace(workspace).write() as tx:
        asked = await asking.change_app_keys(core, tx, app, body.profile, body.publisher_key, body.body.encode(), actor)
    return views.asked_view(asked)


async def get_keys(
    core: TheCore,
    workspace: Workspace,
    _actor: Reader,
    paging: Paged,
    purpose: Purpose | None = None,
    profile: views.ProfileName | None = None,
    state: KeyState | None = None,
    owner: TextQuery = None,
) -> Page[views.KeyView]:
    """List the registered public keys, oldest first."""
    async with core.store.workspace(workspace).read() as tx:
        found = await page_keys(tx, paging, purpose=purpose, profile=profile, state=state, owner=owner)
    return page(found, views.key_view)


async def post_key(core: TheCore, workspace: Workspace, actor: Manager, body: views.NewKey) -> views.KeyView:
    """Register the public key of an officer, a publisher or the bank's adoption."""
    record = await key_register.register_key(
        core,
        workspace,
        actor,
        pem=body.pem,
        purpose=body.purpose,
        profile=body.profile,
        owner=body.owner,
        label=body.label,
    )
    return views.key_view(record)


async def post_suspend(
    core: TheCore, workspace: Workspace, actor: Suspender, key: views.KeyPath, body: views.Why
) -> views.KeyView:
    """Refuse from now on what the key signs; one person suffices."""
    return views.key_view(await key_register.suspend_key(core, workspace, actor, key=key, reason=body.reason))


async def post_resume(
    core: TheCore, workspace: Workspace, actor: Manager, key: views.KeyPath, body: views.Why
) -> ChangeView:
    """Propose that a suspended key may sign again; a second person approves."""
    payload = {"reason": body.reason}
    change = await propose(core, workspace, actor, kind=key_register.RESUME, target=key, payload=payload)
    return await change_view(core, workspace, change)


async def get_pending(core: TheCore, workspace: Workspace, _actor: Reader, paging: Paged) -> Page[views.WaitingView]:
    """List the bodies that wait, with their exact text, in every tree; root before targets."""
    return listed(await _pending(core, workspace), paging, key=lambda waiting: f"{waiting.profile}/{waiting.role}")


async def get_one_pending(
    core: TheCore, workspace: Workspace, _actor: Reader, pending_id: PublicId
) -> views.WaitingView:
    """Return one body that waits."""
    for waiting in await _pending(core, workspace):
        if waiting.id == pending_id:
            return waiting
    raise PendingUnknown("No such body waits for signatures; see `sampan trust pending`.")


async def _pending(core: Core, workspace_id: str) -> list[views.WaitingView]:
    async with core.store.workspace(workspace_id).read() as tx:
        found = [each for profile in PROFILES for each in await ceremonies.waiting_bodies(tx, profile)]
    return [views.waiting_view(each) for each in found]


async def post_signature(
    core: TheCore, workspace: Workspace, actor: Signer, pending_id: PublicId, body: views.NewSignature
) -> views.SignedView:
    """Hand in an officer's signature; with the last one needed the body takes effect."""
    signed = await ceremonies.sign_pending(
        core, workspace, actor, pending_id=pending_id, key=body.key, signature=body.signature
    )
    return views.signed_view(signed)


async def delete_request(
    core: TheCore, workspace: Workspace, actor: Manager, request_id: PublicId
) -> list[views.RebuiltView]:
    """Take a request back; what waits is made anew without it."""
    async with core.store.workspace(workspace).write() as tx:
        return [views.rebuilt_view(each) for each in await asking.cancel(core, tx, request_id, actor)]

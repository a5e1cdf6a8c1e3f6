"""Console routes: accounts, roles and grants. What elevates answers 202 with the change request that waits."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from sampan.platform.operators import people
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.change_views import view
from sampan.platform.operators.changes import propose
from sampan.platform.operators.console_auth import Signed, TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import (
    Body,
    ChangeView,
    Email,
    GrantBody,
    GrantView,
    Milliseconds,
    Note,
    PermissionName,
    PersonName,
    PublicId,
    RoleName,
    TextQuery,
)
from sampan.platform.operators.console_paging import Page, Paged, listed, page
from sampan.platform.operators.enrolment import issue_setup_link
from sampan.platform.operators.operator_rows import OperatorFilter, OperatorState, list_roles
from sampan.platform.operators.people_changes import ROLE
from sampan.platform.operators.permissions import Permission, of_built_in_role

if TYPE_CHECKING:
    from sampan.platform.core import Core

Reader = Annotated[Actor, needs("operator:read")]
Proposer = Annotated[Actor, needs("operator:propose")]
Disabler = Annotated[Actor, needs("operator:disable")]
CustomRole = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
Grants = Annotated[list[GrantBody], Field(min_length=1, max_length=50)]


class NewOperator(Body):
    """A person to be given an account; `existing` means somebody who signs in to another workspace already."""

    email: Email
    name: PersonName
    grants: Grants
    existing: bool = False
    note: Note = ""


class MoreGrants(Body):
    """Roles to be added."""

    grants: Grants
    note: Note = ""


class Why(Body):
    """Why this is asked for."""

    note: Note = ""


class RoleBody(Body):
    """The permissions that the role has, as the caller saw them, and those that it shall have."""

    before: list[PermissionName] = Field(max_length=500)
    after: list[PermissionName] = Field(max_length=500)
    note: Note = ""


class OperatorView(BaseModel):
    """An account of this workspace."""

    id: str
    person: str
    name: str
    email: str
    state: str
    is_set_up: bool
    setup_allowed_until_ms: Milliseconds
    grants: list[GrantView]


class RoleView(BaseModel):
    """A role and what it allows."""

    name: str
    built_in: bool
    permissions: list[str]


class PermissionView(BaseModel):
    """A declared permission."""

    name: str
    zh: str
    en: str
    dangerous: bool


class LinkView(BaseModel):
    """A set-up link, shown this once."""

    link: str
    expires_ms: Milliseconds


def build(_core: "Core") -> APIRouter:
    """Return the routes below /operators, /roles and /permissions."""
    router = APIRouter(tags=["people"])
    one = "/operators/{operator_id}"
    add = router.add_api_route
    add("/operators", get_operators, methods=["GET"], summary="List accounts")
    add("/operators", post_operators, methods=["POST"], status_code=202, summary="Propose an account")
    add(f"{one}/grants", post_grants, methods=["POST"], status_code=202, summary="Propose grants")
    add(f"{one}/grants/{{grant_id}}", delete_grant, methods=["DELETE"], status_code=204, summary="Remove a grant")
    add(f"{one}/disable", post_disable, methods=["POST"], status_code=204, summary="Disable an account")
    add(f"{one}/enable", post_enable, methods=["POST"], status_code=202, summary="Propose to enable an account")
    add(f"{one}/reset", post_reset, methods=["POST"], status_code=202, summary="Propose to reset an account")
    add(f"{one}/setup-link", post_setup_link, methods=["POST"], status_code=201, summary="Issue a set-up link")
    add("/roles", get_roles, methods=["GET"], summary="List roles")
    add("/roles/{name}", put_role, methods=["PUT"], status_code=202, summary="Make or change a role")
    add("/permissions", get_permissions, methods=["GET"], summary="List permissions")
    return router


async def get_operators(
    core: TheCore,
    workspace: Workspace,
    actor: Reader,
    paging: Paged,
    state: OperatorState | None = None,
    role: Annotated[RoleName | None, Query(description="Only accounts that have this role, however limited.")] = None,
    search: Annotated[TextQuery, Query(description="Part of the name or the address.")] = None,
) -> Page[OperatorView]:
    """List accounts of the workspace, oldest first."""
    wanted = OperatorFilter(state, role, search)
    return page(await people.page_people(core, workspace, actor, wanted, paging), _operator_view)


def _operator_view(account: people.Account) -> OperatorView:
    operator, person, grants = account
    return OperatorView(
        id=operator.id,
        person=person.id,
        name=person.name,
        email=person.email,
        state=str(operator.state),
        is_set_up=person.is_set_up,
        setup_allowed_until_ms=operator.setup_allowed_until_ms,
        grants=[
            GrantView(
                id=grant.id,
                role=grant.role,
                client_app=grant.client_app,
                publisher=grant.publisher,
                app=grant.app,
            )
            for grant in grants
        ],
    )


async def post_operators(core: TheCore, workspace: Workspace, actor: Proposer, body: NewOperator) -> ChangeView:
    """Propose an account; another administrator approves it."""
    change = await people.propose_operator(
        core,
        workspace,
        actor,
        email=body.email,
        name=body.name,
        grants=[grant.model_dump(exclude_none=True) for grant in body.grants],
        existing=body.existing,
        note=body.note,
    )
    return await view(core, workspace, change)


async def post_grants(
    core: TheCore, workspace: Workspace, actor: Proposer, operator_id: PublicId, body: MoreGrants
) -> ChangeView:
    """Propose roles; another administrator approves them."""
    grants = [grant.model_dump(exclude_none=True) for grant in body.grants]
    change = await people.propose_grants(core, workspace, actor, operator_id, grants=grants, note=body.note)
    return await view(core, workspace, change)


async def delete_grant(
    core: TheCore, workspace: Workspace, actor: Disabler, operator_id: PublicId, grant_id: PublicId
) -> None:
    """Remove a grant at once."""
    await people.remove_grant(core, workspace, actor, operator_id, grant_id)


async def post_disable(core: TheCore, workspace: Workspace, actor: Disabler, operator_id: PublicId) -> None:
    """Disable an account at once; its sessions and machine tokens end."""
    await people.disable(core, workspace, actor, operator_id)


async def post_enable(
    core: TheCore, workspace: Workspace, actor: Proposer, operator_id: PublicId, body: Why
) -> ChangeView:
    """Propose that a disabled account may be used again."""
    return await view(
        core, workspace, await people.propose_enabling(core, workspace, actor, operator_id, note=body.note)
    )


async def post_reset(
    core: TheCore, workspace: Workspace, actor: Proposer, operator_id: PublicId, body: Why
) -> ChangeView:
    """Propose that the person may choose a new password and second factor."""
    return await view(core, workspace, await people.propose_reset(core, workspace, actor, operator_id, note=body.note))


async def post_setup_link(core: TheCore, workspace: Workspace, actor: Proposer, operator_id: PublicId) -> LinkView:
    """Issue the link of a new account or of an approved reset; hand it to the person, and to nobody else."""
    issued = await issue_setup_link(core, workspace, actor, operator_id)
    return LinkView(link=issued.secret, expires_ms=issued.expires_ms)


async def get_roles(core: TheCore, workspace: Workspace, actor: Reader, paging: Paged) -> Page[RoleView]:
    """List the workspace's roles."""
    del actor
    declared = core.contributions(Permission)
    async with core.store.workspace(workspace).read() as tx:
        found = await list_roles(tx)
    shown = [
        RoleView(
            name=role.name,
            built_in=role.built_in,
            permissions=sorted(of_built_in_role(declared, role.name) if role.built_in else role.permissions),
        )
        for role in found
    ]
    return listed(shown, paging, key=lambda role: role.name)


async def put_role(
    core: TheCore, workspace: Workspace, actor: Proposer, name: CustomRole, body: RoleBody
) -> ChangeView:
    """Make or change a custom role; taking permissions away happens at once, adding waits for approval."""
    payload = {"before": sorted(set(body.before)), "after": sorted(set(body.after))}
    change = await propose(core, workspace, actor, kind=ROLE.name, target=name, payload=payload, note=body.note)
    return await view(core, workspace, change)


async def get_permissions(core: TheCore, actor: Signed, paging: Paged) -> Page[PermissionView]:
    """List all declared permissions."""
    del actor
    found = core.contributions(Permission)
    shown = [PermissionView(name=one.name, zh=one.zh, en=one.en, dangerous=one.dangerous) for one in found]
    return listed(shown, paging, key=lambda permission: permission.name)

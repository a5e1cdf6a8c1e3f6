"""The catalogue and the policy for people: typed bodies, one use case each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from sampan.miniapps import ordering, service
from sampan.miniapps.catalogue import Category, Entry
from sampan.miniapps.policy import AppPolicy, read_policy
from sampan.miniapps.repository import EntryFilter
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import Body, TextQuery, example
from sampan.platform.operators.console_paging import Page, Paged, listed, page

TierName = Literal["visitor", "registered", "e_account", "full"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Name = Annotated[str, StringConstraints(max_length=100)]
Words = Annotated[str, StringConstraints(max_length=2000)]
Position = Annotated[int, Field(ge=0, le=1_000_000)]
Reader = Annotated[Actor, needs("catalogue:read")]
Editor = Annotated[Actor, needs(service.EDIT, scoped=True)]


class EntryIn(Body):
    """What shall change; members that are left out stay as they are."""

    model_config = example(
        {
            "listed": True,
            "see_tier": "visitor",
            "open_tier": "registered",
            "category": "daily",
            "note": "Opens on 1 March",
        }
    )

    listed: bool | None = None
    see_tier: TierName | None = None
    open_tier: TierName | None = None
    category: Slug | None = None
    position: Position | None = None
    name_zh: Name | None = None
    name_en: Name | None = None
    text_zh: Words | None = None
    text_en: Words | None = None
    note: Words = ""


class EntryOut(BaseModel):
    """An app's place in the catalogue."""

    app: str
    listed: bool
    see_tier: TierName
    open_tier: TierName
    category: str
    position: int
    name_zh: str
    name_en: str
    text_zh: str
    text_en: str


class ProposedOut(BaseModel):
    """The change request; `applied` says that it took effect at once because it widens nothing."""

    change: str
    digest: str
    applied: bool


class CategoryIn(Body):
    """A heading."""

    name_zh: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    name_en: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    position: Position = 0


class OrderIn(Body):
    """Every app under the heading, the first one first."""

    model_config = example({"apps": ["bank.demo.bills", "bank.demo.coupons"]})

    apps: list[Annotated[str, StringConstraints(max_length=200)]] = Field(max_length=10_000)


class CategoryOut(CategoryIn):
    """A heading with its id."""

    id: str


class Texts(BaseModel):
    """One text in both languages."""

    zh: str
    en: str


class ItemOut(BaseModel):
    """An app as customers of a tier get it; `icon` is the digest of a file of the trust tree."""

    id: str
    name: Texts
    text: Texts
    category: str
    icon: str
    may_open: bool


class PolicyOut(Body):
    """What the bank asks of every package; sizes in bytes."""

    allowed_domains: list[Annotated[str, StringConstraints(max_length=253)]] = Field(max_length=1000)
    locales: list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]] = Field(max_length=20)
    max_package_bytes: Annotated[int, Field(ge=1, le=2**31)]
    max_file_bytes: Annotated[int, Field(ge=1, le=2**31)]
    max_files: Annotated[int, Field(ge=1, le=60_000)]


class PolicyIn(PolicyOut):
    """The whole new policy."""

    note: Words = ""


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["catalogue"])
    _add_entry_routes(router, core)
    _add_category_routes(router, core)
    _add_policy_routes(router, core)
    return router


def _add_entry_routes(router: APIRouter, core: Core) -> None:
    @router.get("/catalogue")
    async def list_entries(
        workspace_id: Workspace,
        actor: Reader,
        paging: Paged,
        is_listed: Annotated[bool | None, Query(alias="listed")] = None,
        category: Slug | None = None,
        search: TextQuery = None,
    ) -> Page[EntryOut]:
        """List the catalogue as operators edit it, by app id; `search` is a part of the id or of a name."""
        wanted = EntryFilter(is_listed, category, search)
        return page(await service.page_entries(core, workspace_id, actor, wanted, paging), _entry_out)

    @router.get("/catalogue/preview/{tier}")
    async def preview(workspace_id: Workspace, actor: Reader, tier: TierName, paging: Paged) -> Page[ItemOut]:
        """Show the catalogue as a tier sees it now, in its order."""
        found = await service.preview(core, workspace_id, actor, tier)
        places = {item["id"]: f"{place:09}" for place, item in enumerate(found)}
        return listed([ItemOut(**each) for each in found], paging, key=lambda item: places[item.id])

    @router.patch("/catalogue/apps/{app}")
    async def edit_entry(workspace_id: Workspace, actor: Editor, app: str, body: EntryIn) -> ProposedOut:
        """Change an app's place; showing or opening it to more people waits for a second person."""
        members = body.model_dump(exclude={"note", "listed"})
        edit = service.EntryEdit(is_listed=body.listed, **members)
        return _proposed(await service.edit_entry(core, workspace_id, actor, app, edit, note=body.note))


def _add_category_routes(router: APIRouter, core: Core) -> None:
    @router.get("/catalogue/categories")
    async def list_categories(workspace_id: Workspace, actor: Reader, paging: Paged) -> Page[CategoryOut]:
        """List the headings in their order."""
        found = await service.list_categories(core, workspace_id, actor)
        shown = [_category_out(each) for each in found]
        return listed(shown, paging, key=lambda each: f"{each.position:07} {each.id}")

    @router.put("/catalogue/categories/{category}")
    async def put_category(
        workspace_id: Workspace, actor: Annotated[Actor, needs(service.EDIT)], category: Slug, body: CategoryIn
    ) -> CategoryOut:
        """Make or change a heading."""
        made = Category(category, body.name_zh, body.name_en, body.position)
        return _category_out(await service.put_category(core, workspace_id, actor, made))

    @router.put("/catalogue/categories/{category}/order")
    async def put_order(
        workspace_id: Workspace,
        actor: Annotated[Actor, needs(service.EDIT)],
        paging: Paged,
        category: Slug,
        body: OrderIn,
    ) -> Page[EntryOut]:
        """Give all apps under a heading their order in one step, and list them."""
        found = await ordering.put_order(core, workspace_id, actor, category, body.apps)
        return listed([_entry_out(each) for each in found], paging, key=lambda each: f"{each.position:07} {each.app}")

    @router.delete("/catalogue/categories/{category}", status_code=204)
    async def remove_category(
        workspace_id: Workspace, actor: Annotated[Actor, needs(service.EDIT)], category: Slug
    ) -> None:
        """Remove a heading that no app stands under."""
        await service.remove_category(core, workspace_id, actor, category)


def _add_policy_routes(router: APIRouter, core: Core) -> None:
    @router.get("/miniapps/policy")
    async def get_policy(
        workspace_id: Workspace, actor: Annotated[Actor, needs("catalogue:read", scoped=True)]
    ) -> PolicyOut:
        """Return what the bank asks of every package."""
        return PolicyOut(**_policy_fields(await service.get_policy(core, workspace_id, actor)))

    @router.put("/miniapps/policy")
    async def put_policy(
        workspace_id: Workspace, actor: Annotated[Actor, needs("miniapps:policy")], body: PolicyIn
    ) -> ProposedOut:
        """Propose another policy; what lets more through waits for a second person."""
        policy = read_policy(body.model_dump(exclude={"note"}))
        return _proposed(await service.edit_policy(core, workspace_id, actor, policy, note=body.note))


def _proposed(change: Change) -> ProposedOut:
    return ProposedOut(change=change.id, digest=change.digest, applied=change.state.value == "applied")


def _entry_out(entry: Entry) -> EntryOut:
    members = {name: value for name, value in entry.as_json().items() if name not in {"app_id", "is_listed"}}
    return EntryOut(app=entry.app_id, listed=entry.is_listed, **members)


def _category_out(category: Category) -> CategoryOut:
    return CategoryOut(id=category.id, name_zh=category.name_zh, name_en=category.name_en, position=category.position)


def _policy_fields(policy: AppPolicy) -> dict[str, Any]:
    return policy.as_json()

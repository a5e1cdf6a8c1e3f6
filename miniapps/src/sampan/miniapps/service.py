"""Use cases of the catalogue and of the policy. What shows an app to more people waits for a second person."""

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from sampan.miniapps import policy_repository, repository
from sampan.miniapps.catalogue import CatalogueRows, Category, Entry, items_of
from sampan.miniapps.changes import ENTRY_CHANGE, POLICY, POLICY_CHANGE
from sampan.miniapps.kind_names import MINIAPP
from sampan.miniapps.part import PART, load
from sampan.miniapps.policy import AppPolicy
from sampan.miniapps.repository import EntryFilter
from sampan.platform.artifacts.apps_repository import find_app
from sampan.platform.artifacts.problems import AppUnknown
from sampan.platform.core import Core
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.errors import Conflict, Invalid, NotFound
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, propose_in
from sampan.platform.workspaces.revisions import raise_revision

EDIT = "catalogue:edit"


class CategoryNotFound(NotFound):
    """No heading of this id."""

    code = "category_not_found"


class CategoryInUse(Conflict):
    """Entries stand under the heading."""

    code = "category_in_use"


class NotAMiniApp(Invalid):
    """Only mini-apps stand in the catalogue; shared packages open nothing."""

    code = "not_a_miniapp"


@dataclass(frozen=True, slots=True)
class EntryEdit:
    """What an operator fills in; None leaves a member as it is."""

    is_listed: bool | None = None
    see_tier: str | None = None
    open_tier: str | None = None
    category: str | None = None
    position: int | None = None
    name_zh: str | None = None
    name_en: str | None = None
    text_zh: str | None = None
    text_en: str | None = None


async def edit_entry(
    core: Core, workspace_id: str, actor: Actor, app_id: str, edit: EntryEdit, *, note: str = ""
) -> Change:
    """Propose a change of an app's place in the catalogue; one that shows it to nobody new is applied at once.

    Raises `AppUnknown`, `NotAMiniApp`, `CategoryUnknown`, `BadEntry` or `TierUnknown`.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        app = await find_app(tx, app_id)
        if app is None or not actor.may("app:read", publisher=app.publisher_id, app=app_id):
            raise AppUnknown(f"There is no app {app_id[:128]!r} here that you may see.")
        actor.require(EDIT, app=app_id)
        if app.kind != MINIAPP:
            raise NotAMiniApp(f"{app_id} is a {app.kind} package; only mini-apps stand in the catalogue.")
        before = await repository.find_entry(tx, app_id)
        headings = await repository.list_categories(tx)
        after = _edited(before or _first(app_id, headings), edit)
        payload = {"before": before.as_json() if before else None, "after": after.as_json()}
        return await propose_in(core, tx, actor, kind=ENTRY_CHANGE, target=app_id, payload=payload, note=note)


async def page_entries(
    core: Core, workspace_id: str, actor: Actor, wanted: EntryFilter, paging: Paging
) -> Found[Entry]:
    """Return a page of the catalogue as operators edit it."""
    actor.require("catalogue:read")
    async with core.store.workspace(workspace_id).read() as tx:
        return await repository.page_entries(tx, wanted, paging)


async def preview(core: Core, workspace_id: str, actor: Actor, tier: str) -> list[dict[str, Any]]:
    """Return the catalogue as a tier sees it now."""
    actor.require("catalogue:read")
    async with core.store.workspace(workspace_id).read() as tx:
        rows: CatalogueRows = await load(tx)
    return items_of(rows, Tier.parse(tier))


async def list_categories(core: Core, workspace_id: str, actor: Actor) -> list[Category]:
    """Return the headings in their order."""
    actor.require("catalogue:read")
    async with core.store.workspace(workspace_id).read() as tx:
        return await repository.list_categories(tx)


async def put_category(core: Core, workspace_id: str, actor: Actor, category: Category) -> Category:
    """Make or change a heading."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        await repository.put_category(tx, category)
        detail = {"zh": category.name_zh, "en": category.name_en, "position": category.position}
        await audit.record(tx, actor, "catalogue.category", target=category.id, detail=detail, now_ms=core.now_ms())
        await raise_revision(tx, PART)
    return category


async def remove_category(core: Core, workspace_id: str, actor: Actor, category_id: str) -> None:
    """Remove a heading that no app stands under."""
    actor.require(EDIT)
    async with core.store.workspace(workspace_id).write() as tx:
        if await repository.is_category_used(tx, category_id):
            raise CategoryInUse("Apps stand under this category; move them to another one first.")
        if not await repository.remove_category(tx, category_id):
            raise CategoryNotFound(f"There is no category {category_id[:64]!r}.")
        await audit.record(tx, actor, "catalogue.category_removed", target=category_id, now_ms=core.now_ms())
        await raise_revision(tx, PART)


async def get_policy(core: Core, workspace_id: str, actor: Actor) -> AppPolicy:
    """Return the policy for packages; a publisher may know it whose right is limited to its own apps."""
    if not actor.holds("catalogue:read"):
        actor.require("catalogue:read")
    async with core.store.workspace(workspace_id).read() as tx:
        return await policy_repository.current_policy(tx)


async def edit_policy(core: Core, workspace_id: str, actor: Actor, policy: AppPolicy, *, note: str = "") -> Change:
    """Propose another policy; one that lets nothing more through is applied at once."""
    async with core.store.workspace(workspace_id).write() as tx:
        before = await policy_repository.current_policy(tx)
        payload = {"before": before.as_json(), "after": policy.as_json()}
        return await propose_in(core, tx, actor, kind=POLICY_CHANGE, target=POLICY, payload=payload, note=note)


def _first(app_id: str, headings: list[Category]) -> Entry:
    category = headings[0].id if headings else ""
    return Entry(app_id, False, Tier.FULL.label, Tier.FULL.label, category, 0, "", "", "", "")


def _edited(entry: Entry, edit: EntryEdit) -> Entry:
    wanted = {name: getattr(edit, name) for name in EntryEdit.__slots__}
    return replace(entry, **{name: value for name, value in wanted.items() if value is not None})

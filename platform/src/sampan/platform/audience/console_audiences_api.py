"""Saved audiences, the schema of rules, estimates and explanations, for people and for the bank's own systems."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from msgspec import to_builtins
from pydantic import BaseModel, Field

from sampan.platform.audience import audiences_service as service
from sampan.platform.audience.asking import estimate_for, limit_asking
from sampan.platform.audience.attributes import ATTRIBUTES, Privacy
from sampan.platform.audience.audience_rows import (
    BY_NAME,
    NEWEST,
    Edition,
    SavedAudience,
    get_edition,
    page_audiences,
    page_editions,
)
from sampan.platform.audience.console_uses_view import UseOut, use_key, use_view
from sampan.platform.audience.device_facts import facts_of_customer, facts_of_device
from sampan.platform.audience.estimate import Reach
from sampan.platform.audience.explain import explain
from sampan.platform.audience.facts import Claims
from sampan.platform.audience.flagd import to_flagd
from sampan.platform.audience.problems import SubjectUnknown
from sampan.platform.audience.references import checked_rule, uses_of
from sampan.platform.audience.rules import Bucketing
from sampan.platform.audience.schema import rule_schema
from sampan.platform.audience.words import rule_words
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import DiffView
from sampan.platform.operators.console_paging import Page, Paged, listed, page

ORDERS = {order.name: order for order in (NEWEST, BY_NAME)}
Reader = Annotated[Actor, needs("audience:read")]
Editor = Annotated[Actor, needs("audience:edit")]
Explainer = Annotated[Actor, needs("audience:explain")]
Rule = Annotated[dict[str, Any], Field(description="Rule tree; GET /audience/schema describes it.")]


class AudienceIn(BaseModel):
    """A rule under a name."""

    name: str = Field(max_length=service.MAX_NAME)
    note: str = Field("", max_length=service.MAX_NOTE)
    audience: Rule


class AudienceChangeIn(AudienceIn):
    """What a saved audience shall be; `edition` is the one that you saw."""

    edition: int = Field(ge=1)


class AudienceOut(BaseModel):
    """A saved audience; rules name it by its id."""

    id: str
    name: str
    note: str
    audience: dict[str, Any]
    edition: int
    made_by: str
    created_ms: int
    changed_ms: int


class EditionOut(BaseModel):
    """What a saved audience was, and what had changed with it."""

    edition: int
    name: str
    note: str
    audience: dict[str, Any]
    diff: list[DiffView]
    made_by: str
    at_ms: int


class ProposedOut(BaseModel):
    """The change request that now waits for a second person."""

    change: str
    digest: str


class RuleIn(BaseModel):
    """A rule that is not saved. `salt` is the id of the release whose percentages it is about, if any."""

    audience: Rule
    salt: str = Field("", max_length=64)


class CheckedOut(BaseModel):
    """A rule that holds every rule of rules, in words; `flagd` is it in JsonLogic where flagd can say it."""

    zh: str
    en: str
    attributes: list[str]
    claimed: list[str] = Field(description="Those that only the device says.")
    flagd: Any


class ReachOut(BaseModel):
    """How many surely, and at most; of fewer than 20 only that they are few."""

    at_least: int
    at_most: int
    total: int
    is_small: bool


class EstimateOut(BaseModel):
    """How many a rule reaches; devices are those of the last `active_days`."""

    customers: ReachOut
    devices: ReachOut
    is_exact: bool = Field(description="Customers were counted; else worked out from active devices.")
    sampled: int = Field(description="Devices that were looked at.")
    active_days: int


class ClaimsIn(BaseModel):
    """What a device says of itself."""

    platform: str = Field("", max_length=200)
    os_version: str = Field("", max_length=200)
    app_version: str = Field("", max_length=200)
    model: str = Field("", max_length=200)
    network: str = Field("", max_length=200)
    region: str = Field("", max_length=200)
    language: str = Field("", max_length=200)


class ExplainIn(RuleIn):
    """Whom to explain a rule for: a device, or a customer on no device in particular."""

    device: str | None = Field(None, max_length=40)
    customer: str | None = Field(None, max_length=40)
    claims: ClaimsIn | None = Field(None, description="Instead of what the device last said.")
    reason: str = Field(min_length=1, max_length=500, description="Why this is asked; audited.")


class ExplainedOut(BaseModel):
    """Whether the subject belongs: true, false, or null where too little is known; and the tree that says why."""

    outcome: bool | None
    tree: dict[str, Any]


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["audiences"])
    _add_saved(router, core)
    _add_rules(router, core)
    return router


def _add_saved(router: APIRouter, core: Core) -> None:
    @router.get("/audiences")
    async def list_page(
        workspace_id: Workspace,
        _actor: Reader,
        paging: Paged,
        search: Annotated[str, Query(max_length=100, description="A part of the name.")] = "",
        sort: Literal["-changed", "name"] = "-changed",
    ) -> Page[AudienceOut]:
        """List saved audiences, the last changed first."""
        async with core.store.workspace(workspace_id).read() as tx:
            return page(await page_audiences(tx, paging, ORDERS[sort], search=search.strip()), _out)

    @router.post("/audiences", status_code=201)
    async def create(workspace_id: Workspace, actor: Editor, body: AudienceIn) -> AudienceOut:
        """Save a rule under a name."""
        made = await service.create_audience(
            core, workspace_id, actor, name=body.name, note=body.note, rule=body.audience
        )
        return _out(made)

    @router.get("/audiences/{audience_id}")
    async def get_one(workspace_id: Workspace, _actor: Reader, audience_id: str) -> AudienceOut:
        """Return a saved audience."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _out(await service.known_audience(tx, audience_id))

    @router.put("/audiences/{audience_id}", status_code=202)
    async def change(workspace_id: Workspace, actor: Editor, audience_id: str, body: AudienceChangeIn) -> ProposedOut:
        """Ask for another edition; it is in force everywhere as soon as a second person approves."""
        found = await service.propose_change(
            core,
            workspace_id,
            actor,
            audience_id,
            edition=body.edition,
            name=body.name,
            note=body.note,
            rule=body.audience,
        )
        return ProposedOut(change=found.id, digest=found.digest)

    @router.delete("/audiences/{audience_id}", status_code=204)
    async def remove(workspace_id: Workspace, actor: Editor, audience_id: str) -> None:
        """Remove a saved audience that no rule names."""
        await service.remove_audience(core, workspace_id, actor, audience_id)

    @router.get("/audiences/{audience_id}/history")
    async def history(workspace_id: Workspace, _actor: Reader, audience_id: str, paging: Paged) -> Page[EditionOut]:
        """List what a saved audience was, the present edition first."""
        async with core.store.workspace(workspace_id).read() as tx:
            await service.known_audience(tx, audience_id)
            found = await page_editions(tx, audience_id, paging)
            before = {each.edition: each for each in found.items}
            last = found.items[-1].edition if found.items else 0
            if last > 1 and (older := await get_edition(tx, audience_id, last - 1)) is not None:
                before[older.edition] = older
        return page(found, lambda each: _edition(each, before.get(each.edition - 1)))

    @router.get("/audiences/{audience_id}/uses")
    async def uses(workspace_id: Workspace, _actor: Reader, audience_id: str, paging: Paged) -> Page[UseOut]:
        """List what names a saved audience: all of it changes when the audience does, which cannot be deleted."""
        async with core.store.workspace(workspace_id).read() as tx:
            await service.known_audience(tx, audience_id)
            found = await uses_of(core, tx, audience=audience_id)
        return listed([use_view(use) for use in found], paging, key=use_key)


def _add_rules(router: APIRouter, core: Core) -> None:
    @router.get("/audience/schema")
    async def schema(_actor: Reader) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a rule."""
        return rule_schema()

    @router.post("/audience/check")
    async def check(workspace_id: Workspace, _actor: Reader, body: RuleIn) -> CheckedOut:
        """Check a rule and say it in words; nothing is saved."""
        async with core.store.workspace(workspace_id).read() as tx:
            compiled = await checked_rule(tx, body.audience)
        words = rule_words(body.audience)
        claimed = [name for name in compiled.attributes if ATTRIBUTES[name].source == "claimed"]
        return CheckedOut(
            zh=words.zh,
            en=words.en,
            attributes=sorted(compiled.attributes),
            claimed=sorted(claimed),
            flagd=to_flagd(compiled).logic,
        )

    @router.post("/audience/estimate")
    async def estimate_rule(workspace_id: Workspace, actor: Reader, body: RuleIn) -> EstimateOut:
        """Count how many customers and active devices a rule reaches; nothing is used up by it."""
        found = await estimate_for(core, workspace_id, actor, body.audience, Bucketing(body.salt))
        return EstimateOut(
            customers=_reach(found.customers),
            devices=_reach(found.devices),
            is_exact=found.is_exact,
            sampled=found.sampled,
            active_days=found.active_days,
        )

    @router.post("/audience/explain")
    async def explain_rule(workspace_id: Workspace, actor: Explainer, body: ExplainIn) -> ExplainedOut:
        """Say condition by condition why a device or a customer belongs to a rule or not; audited."""
        await limit_asking(core, workspace_id, actor)
        claims = Claims(**body.claims.model_dump()) if body.claims else None
        view, now_ms = core.replica.view(workspace_id), core.now_ms()
        async with core.store.workspace(workspace_id).write() as tx:
            compiled = await checked_rule(tx, body.audience, Bucketing(body.salt))
            if body.device is not None:
                facts = await facts_of_device(tx, view, body.device, now_ms=now_ms, claims=claims)
            elif body.customer is not None:
                facts = await facts_of_customer(tx, view, body.customer, now_ms=now_ms, claims=claims or Claims())
            else:
                raise SubjectUnknown("Name a device or a customer.", field="device")
            target = body.device or body.customer or ""
            detail = {"reason": body.reason}
            await record(tx, actor, "audience.explain", target=target, detail=detail, now_ms=now_ms)
        may_see = set(Privacy) if actor.holds("customer:personal") else set(Privacy) - {Privacy.PERSONAL}
        tree = explain(compiled, facts, may_see=may_see)
        return ExplainedOut(outcome=tree.outcome, tree=to_builtins(tree))


def _out(saved: SavedAudience) -> AudienceOut:
    return AudienceOut(
        id=saved.id,
        name=saved.name,
        note=saved.note,
        audience=dict(saved.rule),
        edition=saved.edition,
        made_by=saved.made_by,
        created_ms=saved.created_ms,
        changed_ms=saved.changed_ms,
    )


def _edition(was: Edition, before: Edition | None) -> EditionOut:
    lines = service.differences(before, was)
    return EditionOut(
        edition=was.edition,
        name=was.name,
        note=was.note,
        audience=dict(was.rule),
        diff=[DiffView.model_validate(line.as_json()) for line in lines],
        made_by=was.made_by,
        at_ms=was.at_ms,
    )


def _reach(reach: Reach) -> ReachOut:
    return ReachOut(at_least=reach.at_least, at_most=reach.at_most, total=reach.total, is_small=reach.is_small)

"""Switches for people: typed bodies, one use case each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from msgspec import to_builtins
from pydantic import BaseModel, Field

from sampan.platform.audience.asking import limit_asking
from sampan.platform.audience.console_audiences_api import ClaimsIn
from sampan.platform.audience.facts import Claims
from sampan.platform.core import Core
from sampan.platform.operators.changes import Change
from sampan.platform.operators.console_auth import Signed, Workspace, needs
from sampan.platform.operators.console_bodies import DiffView
from sampan.platform.operators.console_paging import Page, Paged, page
from sampan.platform.switches import proposals, repository, service
from sampan.platform.switches.definition import to_plain
from sampan.platform.switches.differences import differences
from sampan.platform.switches.explaining import explain_switch
from sampan.platform.switches.repository import Edition, Switch, SwitchState

ORDERS = {order.name: order for order in (repository.BY_KEY, repository.LAST_CHANGED)}
ABOUT = "The switch as docs/protocols/switches.md describes it: key, type, title, variants, default, by, rules."


class SwitchDraft(BaseModel):
    """A switch to be made."""

    definition: dict[str, Any] = Field(description=ABOUT)


class SwitchChange(BaseModel):
    """What a switch shall be; `edition` is the one that you saw."""

    definition: dict[str, Any] = Field(description=ABOUT)
    edition: int = Field(ge=1)
    note: str = Field("", max_length=2000)


class ProposalOut(BaseModel):
    """An edition that releases of kind `switch` can give: its number is their sequence."""

    key: str
    edition: int
    definition: dict[str, Any]
    diff: list[DiffView]
    cause: str
    made_by: str
    at_ms: int


class Reason(BaseModel):
    """Why something is done; shown in the history."""

    cause: str = Field("", max_length=2000)


class SwitchFile(BaseModel):
    """Switches to take over; with `activate` the drafts among them are to be served too."""

    format: Literal["sampan.switches/1"] = "sampan.switches/1"
    switches: list[Any] = Field(description="Definitions. A member `state`, as an export has it, is ignored.")
    activate: bool = False
    note: str = Field("", max_length=2000)


class SwitchOut(BaseModel):
    """A switch as it stands."""

    key: str
    state: SwitchState
    edition: int
    last_edition: int = Field(description="The highest number given out; above `edition` there are proposed ones.")
    definition: dict[str, Any]
    made_by: str
    created_ms: int
    changed_ms: int


class OutcomeOut(SwitchOut):
    """A switch after a change, or as it still is while a change request waits."""

    change: str | None = Field(description="The change request that a second person approves.")
    digest: str | None


class EditionOut(BaseModel):
    """What a switch was, and what had changed with it."""

    edition: int
    state: SwitchState
    definition: dict[str, Any]
    diff: list[DiffView]
    cause: str
    made_by: str
    at_ms: int


class ExplainSwitchIn(BaseModel):
    """Whom to explain a switch for: a device, or a customer on no device in particular."""

    device: str | None = Field(None, max_length=40)
    customer: str | None = Field(None, max_length=40)
    claims: ClaimsIn | None = Field(None, description="Instead of what the device last said.")
    reason: str = Field(min_length=1, max_length=500, description="Why this is asked; audited.")


class ExplainedSwitchOut(BaseModel):
    """What the subject gets, or would get of a draft, and each rule's tree; the first whose outcome is true decides."""

    state: SwitchState
    variant: str
    value: Any
    reason: str
    place: int | None = Field(description="The place in splits, 0 to 9999; null without a device or customer.")
    rules: list[dict[str, Any]]
    edition: int = Field(description="The edition that the value and the rules are of.")
    releases: list[dict[str, Any]] = Field(
        description="Releases of other editions, the newest first; the first whose reason is `matched` decides."
    )


class SwitchFileOut(BaseModel):
    """All switches that are not archived; import takes this."""

    format: str
    switches: list[dict[str, Any]]


class ImportedOut(BaseModel):
    """What came of each switch: created, changed, unchanged, or waits for the change request."""

    done: dict[str, str]
    change: str | None
    digest: str | None


def build_routes(core: Core) -> APIRouter:
    """Return the routes below /console/api/v1."""
    router = APIRouter(tags=["switches"])

    @router.get("/switches", dependencies=[needs("switch:read")])
    async def list_switches(
        workspace_id: Workspace,
        _actor: Signed,
        paging: Paged,
        state: SwitchState | None = None,
        search: Annotated[str | None, Query(max_length=100, description="A part of the key.")] = None,
        sort: Literal["key", "-changed"] = "key",
    ) -> Page[SwitchOut]:
        """List switches."""
        async with core.store.workspace(workspace_id).read() as tx:
            found = await repository.page_switches(tx, paging, ORDERS[sort], state=state, search=search)
        return page(found, _out)

    @router.post("/switches", status_code=201, dependencies=[needs("switch:edit")])
    async def create_switch(workspace_id: Workspace, actor: Signed, body: SwitchDraft) -> SwitchOut:
        """Make a draft; nobody gets it before it is activated."""
        return _out(await service.create_switch(core, workspace_id, actor, body.definition))

    @router.get("/switches/{switch}", dependencies=[needs("switch:read")])
    async def get_switch(workspace_id: Workspace, _actor: Signed, switch: str) -> SwitchOut:
        """Return a switch."""
        async with core.store.workspace(workspace_id).read() as tx:
            return _out(await service.present(tx, switch))

    @router.put("/switches/{switch}", dependencies=[needs("switch:edit")])
    async def change_switch(workspace_id: Workspace, actor: Signed, switch: str, body: SwitchChange) -> OutcomeOut:
        """Change a switch: a draft at once, an active one too when nobody gets anything new, else by approval."""
        found = await service.change_switch(
            core, workspace_id, actor, switch, body.definition, edition=body.edition, note=body.note
        )
        return _outcome(found.switch, found.change)

    @router.post("/switches/{switch}/proposals", status_code=201, dependencies=[needs("switch:edit")])
    async def propose_edition(workspace_id: Workspace, actor: Signed, switch: str, body: SwitchChange) -> ProposalOut:
        """Keep what an active switch shall be; a release of kind `switch` gives it, in stages."""
        found = await proposals.propose_edition(
            core, workspace_id, actor, switch, body.definition, edition=body.edition, note=body.note
        )
        async with core.store.workspace(workspace_id).read() as tx:
            served = await service.present(tx, switch)
        return _proposal(served, found)

    @router.get("/switches/{switch}/proposals", dependencies=[needs("switch:read")])
    async def list_proposals(workspace_id: Workspace, _actor: Signed, switch: str, paging: Paged) -> Page[ProposalOut]:
        """Return the proposed editions that are newer than what is served, the newest first, each with its diff."""
        async with core.store.workspace(workspace_id).read() as tx:
            served = await service.present(tx, switch)
            found = await repository.page_proposals(tx, switch, paging, after=served.edition)
        return page(found, lambda each: _proposal(served, each))

    @router.post("/switches/{switch}/activate", dependencies=[needs("switch:edit")])
    async def activate(workspace_id: Workspace, actor: Signed, switch: str, body: Reason) -> OutcomeOut:
        """Ask to serve a draft, or an archived switch again."""
        found = await service.activate_switch(core, workspace_id, actor, switch, note=body.cause)
        return _outcome(found.switch, found.change)

    @router.post("/switches/{switch}/off", dependencies=[needs("switch:lower")])
    async def turn_off(workspace_id: Workspace, actor: Signed, switch: str, body: Reason) -> SwitchOut:
        """Give everybody the default, at once: all rules go."""
        return _out(await service.turn_off(core, workspace_id, actor, switch, cause=body.cause))

    @router.post("/switches/{switch}/archive", dependencies=[needs("switch:lower")])
    async def archive(workspace_id: Workspace, actor: Signed, switch: str, body: Reason) -> SwitchOut:
        """Serve a switch no more."""
        return _out(await service.archive_switch(core, workspace_id, actor, switch, cause=body.cause))

    @router.post("/switches/{switch}/explain", dependencies=[needs("audience:explain")])
    async def explain(workspace_id: Workspace, actor: Signed, switch: str, body: ExplainSwitchIn) -> ExplainedSwitchOut:
        """Say why a device or a customer gets the value that it gets; audited."""
        await limit_asking(core, workspace_id, actor)
        claims = Claims(**body.claims.model_dump()) if body.claims else None
        found = await explain_switch(
            core,
            workspace_id,
            actor,
            switch,
            device=body.device,
            customer=body.customer,
            claims=claims,
            reason=body.reason,
        )
        answer = found.answer
        return ExplainedSwitchOut(
            state=found.state,
            variant=answer["variant"],
            value=answer["value"],
            reason=answer["reason"],
            place=found.place,
            rules=[to_builtins(each) for each in found.rules],
            edition=found.edition,
            releases=[to_builtins(each) for each in found.releases],
        )

    @router.get("/switches/{switch}/history", dependencies=[needs("switch:read")])
    async def history(workspace_id: Workspace, _actor: Signed, switch: str, paging: Paged) -> Page[EditionOut]:
        """Return what a switch was, the present edition first, each with what it changed."""
        async with core.store.workspace(workspace_id).read() as tx:
            await service.present(tx, switch)
            found = await repository.page_editions(tx, switch, paging)
            items = list(found.items)
            oldest = await repository.edition_before(tx, switch, items[-1].edition) if items else None
        before = dict(zip((each.edition for each in items), [*items[1:], oldest], strict=True))
        return page(found, lambda each: _edition(each, before[each.edition]))

    @router.get("/switch-file", dependencies=[needs("switch:read")])
    async def export_switches(workspace_id: Workspace, _actor: Signed) -> SwitchFileOut:
        """Return all switches that are not archived, for a file."""
        found = await service.export_switches(core, workspace_id)
        switches = [{**to_plain(each.definition), "state": str(each.state)} for each in found]
        return SwitchFileOut(format=service.FORMAT, switches=switches)

    @router.post("/switch-file", dependencies=[needs("switch:edit")])
    async def import_switches(workspace_id: Workspace, actor: Signed, body: SwitchFile) -> ImportedOut:
        """Take the switches of a file over, all or none. What gives anybody more waits in one change request."""
        found = await service.import_switches(
            core, workspace_id, actor, body.switches, activate=body.activate, note=body.note
        )
        change = found.change
        return ImportedOut(done=dict(found.done), change=change.id if change else None, digest=_digest(change))

    return router


def _out(switch: Switch) -> SwitchOut:
    return SwitchOut(
        key=switch.key,
        state=switch.state,
        edition=switch.edition,
        last_edition=switch.last_edition,
        definition=to_plain(switch.definition),
        made_by=switch.made_by,
        created_ms=switch.created_ms,
        changed_ms=switch.changed_ms,
    )


def _proposal(served: Switch, edition: Edition) -> ProposalOut:
    return ProposalOut(
        key=served.key,
        edition=edition.edition,
        definition=to_plain(edition.definition),
        diff=[DiffView.model_validate(line.as_json()) for line in differences(served.definition, edition.definition)],
        cause=edition.cause,
        made_by=edition.made_by,
        at_ms=edition.at_ms,
    )


def _outcome(switch: Switch, change: Change | None) -> OutcomeOut:
    return OutcomeOut(**_out(switch).model_dump(), change=change.id if change else None, digest=_digest(change))


def _edition(edition: Edition, before: Edition | None) -> EditionOut:
    lines = differences(before.definition if before else None, edition.definition)
    return EditionOut(
        edition=edition.edition,
        state=edition.state,
        definition=to_plain(edition.definition),
        diff=[DiffView.model_validate(line.as_json()) for line in lines],
        cause=edition.cause,
        made_by=edition.made_by,
        at_ms=edition.at_ms,
    )


def _digest(change: Change | None) -> str | None:
    return change.digest if change else None

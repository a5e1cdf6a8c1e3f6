"""`GET /explain`: why a device or a customer is or is not offered each deliverable, condition by condition."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from msgspec import to_builtins
from pydantic import BaseModel, Field

from sampan.platform.audience.asking import limit_asking
from sampan.platform.core import Core
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.console_auth import Workspace, needs
from sampan.platform.operators.console_bodies import WordsView
from sampan.platform.operators.console_paging import Page, Paged
from sampan.platform.release.explain_query import ExplainedPage, OwnDevice, explain_page
from sampan.platform.release.explain_rows import Holding, Room
from sampan.platform.release.explaining import Action, Explained, Judged, Why, carried_words
from sampan.platform.release.repository import Release
from sampan.platform.release.states import ReleaseState

Explainer = Annotated[Actor, needs("audience:explain")]


class OfferedOut(BaseModel):
    """The release that gives the subject its version."""

    release: str
    version: str
    sequence: int


class StageOut(BaseModel):
    """The stage that a release is at; the first has the number 1."""

    number: int
    of: int
    name: str
    basis_points: int


class RoomOut(BaseModel):
    """The cap of a release; `would_get` tells whether the subject's next sync is given a free place."""

    customers: int
    taken: int
    until_ms: int | None
    has_place: bool
    would_get: bool


class JudgedOut(BaseModel):
    """A release that may have a say. `outcome`: whether it means the subject, null where too little is known."""

    release: str
    version: str
    sequence: int
    state: ReleaseState
    stage: StageOut
    client_app: str | None = Field(description="Only this client app; null means every one.")
    min_host: int = Field(description="The least host version that the version runs on.")
    cause: str = Field(description="Why the release is in its state.")
    changed_ms: int
    outcome: bool | None
    reason: Why
    cap: RoomOut | None
    rule: dict[str, Any] = Field(description="The rule's tree: word, outcome, attr, op, values, source, seen, parts.")


class InstalledOut(BaseModel):
    """What the device last said it holds; `version` is known while a release of it is."""

    sequence: int
    version: str | None
    seen_ms: int


class ExplainedDeliverableOut(BaseModel):
    """A deliverable with its answer. `more` counts lower releases that are not shown."""

    kind: str
    id: str
    offered: OfferedOut | None
    reason: Why
    installed: InstalledOut | None
    action: Action | None = Field(description="What the next sync tells the device; null where none can be.")
    releases: list[JudgedOut]
    more: int


class OwnDeviceOut(BaseModel):
    """A device of the customer, to be explained by itself."""

    id: str
    client_app: str
    signed_in: bool
    seen_ms: int


class SubjectOut(BaseModel):
    """Who is asked about. `claims` is what the device last said of itself, since `claims_at_ms` the same."""

    device: str | None
    customer: str | None = Field(description="Signed in there now; null too for whoever may not see customers.")
    client_app: str | None
    tier: str
    tier_reason: WordsView | None = Field(description="Why it is below the customer's own; null when it is not.")
    revoked: bool
    host_version: int | None
    seen_ms: int | None
    claims: dict[str, str]
    claims_at_ms: int | None
    devices: list[OwnDeviceOut] = Field(description="Of a customer: up to 20 devices, the latest sign-in first.")


class ExplanationOut(Page[ExplainedDeliverableOut]):
    """A page of deliverables, explained for one subject."""

    subject: SubjectOut


def build_routes(core: Core) -> APIRouter:
    """Return the route below /console/api/v1."""
    router = APIRouter(tags=["releases"])

    @router.get("/explain", dependencies=[needs("release:read")])
    async def explain(
        workspace_id: Workspace,
        actor: Explainer,
        paging: Paged,
        device: Annotated[
            str | None, Query(max_length=40, description="Id of a device; or else of a customer.")
        ] = None,
        customer: Annotated[
            str | None, Query(max_length=128, description="Id or bank reference of a customer, on no device.")
        ] = None,
        kind: Annotated[str | None, Query(max_length=32, description="Only this kind, such as miniapp.")] = None,
        deliverable: Annotated[
            str | None,
            Query(
                alias="id", max_length=200, description="Only this deliverable, such as an app id with its hotfixes."
            ),
        ] = None,
        reason: Annotated[
            str, Query(max_length=500, description="Why personal values are to be shown; audited. Else masked.")
        ] = "",
    ) -> ExplanationOut:
        """Say why a device or a customer is or is not offered each version, condition by condition."""
        await limit_asking(core, workspace_id, actor)
        found = await explain_page(
            core,
            workspace_id,
            actor,
            paging,
            device=device,
            customer=customer,
            kind=kind,
            deliverable_id=deliverable,
            reason=reason,
        )
        return _out(found, sees_customers=actor.may("customer:read"))

    return router


def _out(page: ExplainedPage, *, sees_customers: bool) -> ExplanationOut:
    return ExplanationOut(
        items=[_explained(each, page.holdings.get((each.kind, each.id)), page.rooms) for each in page.found.items],
        next_cursor=page.found.next_cursor,
        total=page.found.total,
        subject=_subject(page, sees_customers=sees_customers),
    )


def _subject(page: ExplainedPage, *, sees_customers: bool) -> SubjectOut:
    subject, facts = page.subject, page.subject.whom.facts
    said = {name: value for name, value in to_builtins(subject.claims).items() if name != "host_version" and value}
    reason = carried_words(subject.own_tier, facts.tier) if subject.own_tier is not None else None
    return SubjectOut(
        device=facts.device or None,
        customer=facts.customer if sees_customers or not facts.device else None,
        client_app=facts.client_app or None,
        tier=facts.tier.label,
        tier_reason=WordsView(zh=reason.zh, en=reason.en) if reason is not None else None,
        revoked=subject.whom.is_revoked,
        host_version=subject.claims.host_version or None,
        seen_ms=subject.seen_ms,
        claims=said,
        claims_at_ms=subject.claims_at_ms,
        devices=[_own(each) for each in subject.devices],
    )


def _own(device: OwnDevice) -> OwnDeviceOut:
    return OwnDeviceOut(
        id=device.id, client_app=device.client_app, signed_in=device.is_signed_in, seen_ms=device.seen_ms
    )


def _explained(found: Explained, held: Holding | None, rooms: Mapping[str, Room]) -> ExplainedDeliverableOut:
    installed = None
    if held is not None:
        names = {each.release.sequence: each.release.version for each in found.releases}
        installed = InstalledOut(sequence=held.sequence, version=names.get(held.sequence), seen_ms=held.seen_ms)
    return ExplainedDeliverableOut(
        kind=found.kind,
        id=found.id,
        offered=_offered(found.offered) if found.offered is not None else None,
        reason=found.why,
        installed=installed,
        action=found.action,
        releases=[_judged(each, rooms.get(each.release.id)) for each in found.releases],
        more=found.more,
    )


def _offered(release: Release) -> OfferedOut:
    return OfferedOut(release=release.id, version=release.version, sequence=release.sequence)


def _judged(judged: Judged, room: Room | None) -> JudgedOut:
    release = judged.release
    stage = release.stages[release.stage]
    return JudgedOut(
        release=release.id,
        version=release.version,
        sequence=release.sequence,
        state=release.state,
        stage=StageOut(
            number=release.stage + 1, of=len(release.stages), name=stage.name, basis_points=stage.basis_points
        ),
        client_app=release.client_app,
        min_host=release.min_host,
        cause=release.cause,
        changed_ms=release.changed_ms,
        outcome=judged.outcome,
        reason=judged.why,
        cap=_room(room) if room is not None else None,
        rule=to_builtins(judged.rule),
    )


def _room(room: Room) -> RoomOut:
    return RoomOut(
        customers=room.cap.customers,
        taken=room.taken,
        until_ms=room.cap.until_ms,
        has_place=room.has_place,
        would_get=room.would_get,
    )

"""Explaining for an operator: who is asked about, what they may see of it, and a page of deliverables."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sampan.platform.audience.attributes import Privacy
from sampan.platform.audience.claims import claims_kept, last_claims
from sampan.platform.audience.device_facts import facts_of_customer, facts_of_device, tier_not_carried
from sampan.platform.audience.facts import Claims
from sampan.platform.audience.known import NO_CLAIMS
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.paging import Found, Paging
from sampan.platform.errors import Invalid
from sampan.platform.identity.repository_customers import find_by_reference, get_customer
from sampan.platform.identity.service_devices import devices_of, known_device
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.audit import record
from sampan.platform.release.caps import subjects_of
from sampan.platform.release.deliverables import DeliverableKind, app_of, version_meant
from sampan.platform.release.explain_rows import (
    Controlled,
    Deliverable,
    Holding,
    Room,
    controls_of,
    holdings_of,
    page_deliverables,
    releases_of,
    rooms_of,
)
from sampan.platform.release.explaining import BELOW_ALL, NO_CONTROL, Explained, Patched, Whom, explain_deliverable
from sampan.platform.release.plan_words import HOTFIX

HOST_WHEN_UNSAID = 1  # as sync reads a request without it
DEVICES_TOLD = 20
MINIAPP = "miniapp"
NEVER = 2**63 - 1  # of what is not served at all, no release gives anything


class ExplainSubject(Invalid):
    """Whom to explain for is not said, or said twice."""

    code = "explain_subject"


class OwnDevice(Struct, frozen=True):
    """A device that a customer signed in on; `is_signed_in` tells whether they are now."""

    id: str
    client_app: str
    is_signed_in: bool
    seen_ms: int


class Subject(Struct, frozen=True):
    """Who is asked about, with what the device last said of itself; `claims_at_ms` is None when it never did.

    `own_tier` is the customer's, where the device may carry only a lower one.
    """

    whom: Whom
    claims: Claims = NO_CLAIMS
    claims_at_ms: int | None = None
    seen_ms: int | None = None
    devices: Sequence[OwnDevice] = ()
    own_tier: Tier | None = None


class ExplainedPage(Struct, frozen=True):
    """A page of explained deliverables; `holdings` is what the device said it holds of them, `rooms` what caps mean."""

    subject: Subject
    found: Found[Explained]
    holdings: Mapping[Deliverable, Holding]
    rooms: Mapping[str, Room]


async def explain_page(
    core: Core,
    workspace_id: str,
    actor: Actor,
    paging: Paging,
    *,
    device: str | None,
    customer: str | None,
    kind: str | None = None,
    deliverable_id: str | None = None,
    reason: str = "",
) -> ExplainedPage:
    """Explain a page of deliverables for a device, or for a customer (id or bank reference) on no device in particular.

    Personal values stay masked without a `reason`; with one, who may see personal data sees them, and that is audited.
    Raises `ExplainSubject`, `SubjectUnknown`, `DeviceUnknown`.
    """
    if (device is None) == (customer is None):
        raise ExplainSubject("Give the id of a device or of a customer: one of the two.", field="query.device")
    if customer is not None:
        customer = await _customer_id(core, workspace_id, customer)
    if reason:
        actor.require("customer:personal")
        detail, target = {"reason": reason}, device or customer or ""
        async with core.store.workspace(workspace_id).write() as tx:
            await record(tx, actor, "explain.personal", target=target, detail=detail, now_ms=core.now_ms())
    may_see = set(Privacy) if reason else set(Privacy) - {Privacy.PERSONAL}
    await claims_kept(core).flush()  # what the device said a moment ago counts
    async with core.store.workspace(workspace_id).read() as tx:
        subject = await _subject(core, tx, device, customer)
        wanted = await page_deliverables(tx, paging, kind=kind, deliverable_id=deliverable_id)
        releases = await releases_of(tx, wanted.items)
        controls = await controls_of(tx, wanted.items)
        standing = await _standing(core, tx, wanted.items)
        holdings = await holdings_of(tx, device, wanted.items) if device is not None else {}
        facts = subject.whom.facts
        capped = {each.id: each.cap for found in releases.values() for each in found if each.cap is not None}
        rooms = await rooms_of(tx, capped, subjects_of(facts), now_ms=core.now_ms())
    places = frozenset(name for name, room in rooms.items() if room.is_kept)
    whom = replace(subject.whom, facts=replace(facts, places=places))

    def explained(deliverable: Deliverable) -> Explained:
        kind, found_id = deliverable
        held = holdings.get(deliverable)
        control = controls.get(app_of(found_id))
        return explain_deliverable(
            whom,
            kind,
            found_id,
            releases[deliverable],
            control=control.of_versions if control is not None and kind != HOTFIX else NO_CONTROL,
            installed=held.sequence if held is not None else None,
            patched=_patched(deliverable, holdings, control) if kind == HOTFIX else None,
            standing=standing.get(deliverable, BELOW_ALL),
            may_see=may_see,
        )

    return ExplainedPage(subject, wanted.shown(explained), holdings, rooms)


def _patched(
    deliverable: Deliverable, holdings: Mapping[Deliverable, Holding], control: Controlled | None
) -> Patched | None:
    """Return what a device runs of a version's hotfixes; None when it does not hold the version."""
    app, sequence = version_meant(deliverable[1], 0)
    version, held = holdings.get((MINIAPP, app)), holdings.get(deliverable)
    if version is None or version.sequence != sequence:
        return None
    if held is None:
        return Patched(0, is_listed=True)
    return Patched(held.sequence, is_listed=control is not None and held.digest in control.stacks)


async def _customer_id(core: Core, workspace_id: str, named: str) -> str:
    """Return the id of whom an id or a bank reference names; what names nobody as it is."""
    async with core.store.workspace(workspace_id).read() as tx:
        found = await get_customer(tx, named) or await find_by_reference(tx, named)
    return found.id if found is not None else named


async def _standing(core: Core, tx: Transaction, wanted: Sequence[Deliverable]) -> dict[Deliverable, int]:
    """Return up to which sequence releases give nothing, where a kind says so."""
    found: dict[Deliverable, int] = {}
    for kind in core.contributions(DeliverableKind):
        ids = [each for name, each in wanted if name == kind.name]
        if kind.standing is not None and ids:
            served = await kind.standing(tx, ids)
            found |= {(kind.name, each): served.get(each, NEVER) for each in ids}
    return found


async def _subject(core: Core, tx: Transaction, device: str | None, customer: str | None) -> Subject:
    view, now_ms = core.replica.view(tx.workspace_id), core.now_ms()
    if device is None:
        facts = await facts_of_customer(tx, view, customer or "", now_ms=now_ms)
        pairs = await devices_of(tx, customer or "", Paging(limit=DEVICES_TOLD))
        own = [
            OwnDevice(each.pair.device.id, each.pair.device.client_app, each.pair.is_signed_in, each.seen_ms)
            for each in pairs.items
            if not each.pair.device.revoked
        ]
        return Subject(Whom(facts, is_device=False), devices=own)
    said = await last_claims(tx, device)
    claims, at_ms = said if said is not None else (NO_CLAIMS, None)
    facts = await facts_of_device(tx, view, device, now_ms=now_ms, claims=claims)
    known = await known_device(tx, device)
    whom = Whom(
        facts,
        is_device=True,
        host_version=claims.host_version or HOST_WHEN_UNSAID,
        is_revoked=known.device.revoked,
    )
    own_tier = await tier_not_carried(tx, view, device)
    return Subject(whom, claims, at_ms, known.seen_ms, own_tier=own_tier)

"""Notices: matters are looked at once a minute; what is new is raised once, what is over is closed, what nobody
acknowledged in time is told again, to the administrators too. An acknowledgement means that somebody takes the matter:
the others hear of it again only if it still stands a day later.

A matter is raised once however often it is seen: its key holds the place while it lasts. Delivery is by jobs,
promised in the transaction that raises.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.jobs import enqueue
from sampan.platform.ids import new_id
from sampan.platform.logs import Log
from sampan.platform.operators import notices_rows as rows
from sampan.platform.operators.actor import Actor, ActorKind, Grant
from sampan.platform.operators.attention import Matter, Severity, matters_of
from sampan.platform.operators.notices_mail import MailPort
from sampan.platform.operators.notices_rows import Notice, Preference
from sampan.platform.operators.operator_rows import OperatorState, grants_of, list_operators, list_roles
from sampan.platform.operators.permissions import BuiltInRole, Permission, of_built_in_role

if TYPE_CHECKING:
    from sampan.platform.core import Core

FIRST_LOOK_SECONDS = 5.0
LOOK_SECONDS = 60.0
ESCALATE_MS = 4 * 3600 * 1000
TAKEN_MS = 24 * 3600 * 1000
EMAIL_JOB, WEBHOOK_JOB = "notices.email", "notices.webhook"
TEST_JOB = "notices.webhook_test"
DELIVERY_JOBS = frozenset({EMAIL_JOB, WEBHOOK_JOB})
ORDER = list(Severity)
log = Log("notices")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one look changed."""

    raised: int
    resolved: int
    escalated: int


async def run_notices(core: "Core") -> None:
    """Look at every workspace once a minute, until cancelled; first when the start is over."""
    await asyncio.sleep(FIRST_LOOK_SECONDS)
    while True:
        for workspace_id in core.replica.workspaces:
            try:
                await sweep(core, workspace_id)
            except Exception:
                log.exception("notices_failed", workspace=workspace_id)  # the next round tries again
        await asyncio.sleep(LOOK_SECONDS)


async def sweep(core: "Core", workspace_id: str) -> Swept:
    """Raise, close and escalate the notices of one workspace; doing it again changes nothing."""
    door, now_ms = core.store.workspace(workspace_id), core.now_ms()
    async with door.read() as tx:
        matters = {matter.key: matter for matter in await matters_of(core, tx)}
        known = await rows.open_notices(tx)
        late = await _late(core, tx, [notice for notice in known if notice.matter.key in matters], now_ms)
    fresh = [matter for key, matter in matters.items() if key not in {notice.matter.key for notice in known}]
    over = [notice.id for notice in known if notice.matter.key not in matters]
    if not (fresh or over or late):
        return Swept(0, 0, 0)
    raised = escalated = 0
    async with door.write() as tx:
        people = await _people(core, tx)
        for matter in fresh:
            raised += await _raise(core, tx, matter, people, now_ms)
        await rows.resolve(tx, over, now_ms=now_ms)
        for notice, takers in late:
            if await rows.mark_escalated(tx, notice.id, now_ms=now_ms):
                escalated += 1
                others = [actor for actor in people if actor.operator_id not in takers]
                await _deliver(core, tx, notice, others, now_ms, is_escalated=True, is_taken=bool(takers))
    return Swept(raised, len(over), escalated)


async def _late(
    core: "Core", tx: Transaction, standing: Sequence[Notice], now_ms: int
) -> list[tuple[Notice, frozenset[str]]]:
    """Return the notices to escalate, each with the operators who took it.

    Who is not there any more, or could not deal with it now, has not taken it.
    """
    old = [notice for notice in standing if notice.escalated_ms is None and now_ms - notice.raised_ms >= ESCALATE_MS]
    if not old:
        return []
    told = await rows.acknowledgements_of(tx, [notice.id for notice in old])
    people = {actor.operator_id: actor for actor in await _people(core, tx)} if told else {}
    found = []
    for notice in old:
        taken = {
            operator_id: at_ms
            for operator_id, at_ms in told.get(notice.id, {}).items()
            if operator_id in people and notice.matter.concerns(people[operator_id])
        }
        if not taken or now_ms - min(taken.values()) >= TAKEN_MS:
            found.append((notice, frozenset(taken)))
    return found


def is_told(actor: Actor, chosen: Preference, matter: Matter, *, is_escalated: bool) -> bool:
    """Whether somebody gets the matter by e-mail. What is escalated reaches administrators whatever they chose."""
    is_grave = ORDER.index(matter.severity) >= ORDER.index(chosen.least)
    is_wanted = chosen.by_email and is_grave and matter.kind not in chosen.muted
    return (is_wanted and matter.concerns(actor)) or (is_escalated and _is_admin(actor))


async def _raise(core: "Core", tx: Transaction, matter: Matter, people: Sequence[Actor], now_ms: int) -> int:
    notice = Notice(new_id("ntc"), matter, now_ms, None, None)
    if not await rows.add_notice(tx, notice.id, matter, now_ms=now_ms):
        return 0
    await _deliver(core, tx, notice, people, now_ms, is_escalated=False)
    return 1


async def _deliver(
    core: "Core",
    tx: Transaction,
    notice: Notice,
    people: Sequence[Actor],
    now_ms: int,
    *,
    is_escalated: bool,
    is_taken: bool = False,
) -> None:
    facts = {"notice": notice.id, "escalated": is_escalated, "taken": is_taken}
    chosen = await rows.preferences_of(tx, [actor.operator_id for actor in people])
    for actor in people if core.port(MailPort).is_ready else ():
        preference = chosen.get(actor.operator_id, Preference())
        if is_told(actor, preference, notice.matter, is_escalated=is_escalated):
            unique = f"{notice.id}/{actor.operator_id}/{is_escalated}"
            await enqueue(tx, EMAIL_JOB, {**facts, "operator": actor.operator_id}, run_at_ms=now_ms, unique=unique)
    for webhook in await rows.list_webhooks(tx):
        if ORDER.index(notice.matter.severity) >= ORDER.index(webhook.least):
            unique = f"{notice.id}/{webhook.id}/{is_escalated}"
            await enqueue(tx, WEBHOOK_JOB, {**facts, "webhook": webhook.id}, run_at_ms=now_ms, unique=unique)


async def _people(core: "Core", tx: Transaction) -> list[Actor]:
    """Return every active operator as an actor, by three statements."""
    declared = core.contributions(Permission)
    allowed = {
        role.name: of_built_in_role(declared, role.name) if role.built_in else role.permissions
        for role in await list_roles(tx)
    }
    operators = [each for each in await list_operators(tx) if each.state is OperatorState.ACTIVE]
    by_operator: dict[str, list[Grant]] = {each.id: [] for each in operators}
    for row in await grants_of(tx, list(by_operator)):
        grant = Grant(row.role, allowed[row.role], row.client_app, row.publisher, row.app)
        by_operator[row.operator_id].append(grant)
    return [
        Actor(ActorKind.OPERATOR, each.person_id, each.id, each.id, tuple(by_operator[each.id])) for each in operators
    ]


def _is_admin(actor: Actor) -> bool:
    return any(grant.role == BuiltInRole.ADMIN and grant.covers() for grant in actor.grants)

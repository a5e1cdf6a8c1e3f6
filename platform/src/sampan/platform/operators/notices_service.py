"""Use cases of notices for the person who is signed in, and of the workspace's webhooks."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select

from sampan.platform.engines.jobs import enqueue
from sampan.platform.engines.paging import Found, Order, Paging, read_seen
from sampan.platform.errors import Conflict, Invalid, NotFound, SampanError, Unavailable
from sampan.platform.guarded_calls import GuardedCalls
from sampan.platform.ids import new_id
from sampan.platform.operators import notices_rows as rows
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attention import Severity
from sampan.platform.operators.audit import record
from sampan.platform.operators.notices import TEST_JOB
from sampan.platform.operators.notices_delivery import private_hosts, webhook_context, webhook_target
from sampan.platform.operators.notices_rows import Notice, Preference, ProbeState, Webhook, notices

if TYPE_CHECKING:
    from sampan.platform.core import Core

MANAGE = "notice:webhooks"
MAX_WEBHOOKS = 20
NEWEST = Order("-raised", (notices.c.raised_ms, notices.c.id), descending=True)


class NoticeUnknown(NotFound):
    """There is no such notice that concerns the caller."""

    code: ClassVar[str] = "notice_unknown"


class WebhookRefused(Invalid):
    """The server does not call this address: it is private, not https, or its name does not resolve."""

    code: ClassVar[str] = "webhook_refused"
    field: ClassVar[str] = "url"


class WebhookUnknown(NotFound):
    """The workspace has no such webhook."""

    code: ClassVar[str] = "webhook_unknown"


class TooManyWebhooks(Conflict):
    """The workspace has as many webhooks as it may have."""

    code: ClassVar[str] = "too_many_webhooks"


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as the actor sees it: `acknowledged_ms` is when they acknowledged it themselves."""

    notice: Notice
    acknowledged_ms: int | None


@dataclass(frozen=True, slots=True)
class Unread:
    """How many open notices concern the actor and are not acknowledged by them, and how grave the worst is."""

    count: int
    worst: Severity | None


async def list_notices(
    core: "Core", workspace_id: str, actor: Actor, paging: Paging, *, is_open: bool | None
) -> Found[Shown]:
    """Return a page of the notices that concern the actor, newest first, uncounted."""
    statement = select(*rows.COLUMNS).where(notices.c.workspace_id == workspace_id)
    if is_open is not None:
        over = notices.c.resolved_ms.is_not(None)
        statement = statement.where(notices.c.resolved_ms.is_(None) if is_open else over)
    async with core.store.workspace(workspace_id).read() as tx:
        found = await read_seen(
            tx, statement, NEWEST, paging, rows.notice_of, lambda notice: notice.matter.concerns(actor)
        )
        seen = await rows.acknowledged_by(tx, actor.operator_id, [notice.id for notice in found.items])
    return found.shown(lambda notice: Shown(notice, seen.get(notice.id)))


async def unread(core: "Core", workspace_id: str, actor: Actor) -> Unread:
    """Return what the bell in the console shows."""
    mine = await _unread(core, workspace_id, actor)
    order = list(Severity)
    worst = max((notice.matter.severity for notice in mine), key=order.index, default=None)
    return Unread(len(mine), worst)


async def acknowledge(core: "Core", workspace_id: str, actor: Actor, notice_id: str) -> None:
    """Note that the actor takes a notice: it stays open until its matter is over, and the others are left in peace.

    If the matter still stands after `TAKEN_MS`, they are told again.
    """
    async with core.store.workspace(workspace_id).write() as tx:
        notice = await rows.notice_by_id(tx, notice_id)
        if notice is None or not notice.matter.concerns(actor):
            raise NoticeUnknown("There is no such notice that concerns you.")
        await rows.acknowledge(tx, [notice_id], actor.operator_id, now_ms=core.now_ms())


async def acknowledge_all(core: "Core", workspace_id: str, actor: Actor) -> None:
    """Note that the actor has seen every open notice that concerns them now."""
    mine = await _unread(core, workspace_id, actor)
    async with core.store.workspace(workspace_id).write() as tx:
        await rows.acknowledge(tx, [notice.id for notice in mine], actor.operator_id, now_ms=core.now_ms())


async def preference(core: "Core", workspace_id: str, actor: Actor) -> Preference:
    """Return what the actor chose to get by e-mail."""
    async with core.store.workspace(workspace_id).read() as tx:
        found = await rows.preferences_of(tx, [actor.operator_id])
    return found.get(actor.operator_id, Preference())


async def choose(core: "Core", workspace_id: str, actor: Actor, chosen: Preference) -> Preference:
    """Store what the actor wants to get by e-mail."""
    async with core.store.workspace(workspace_id).write() as tx:
        await rows.put_preference(tx, actor.operator_id, chosen)
    return chosen


async def list_webhooks(core: "Core", workspace_id: str, actor: Actor) -> list[Webhook]:
    """Return the workspace's webhooks."""
    actor.require(MANAGE)
    async with core.store.workspace(workspace_id).read() as tx:
        return await rows.list_webhooks(tx)


async def add_webhook(
    core: "Core", workspace_id: str, actor: Actor, *, url: str, least: Severity
) -> tuple[Webhook, str]:
    """Return a new webhook and the secret that its posts are signed with, which is shown this once.

    Raises `WebhookRefused` for an address that the server does not call, and `TooManyWebhooks`.
    """
    actor.require(MANAGE)
    await _check(core, url)
    webhook_id, secret, now_ms = new_id("whk"), secrets.token_hex(32), core.now_ms()
    sealed = core.sealer.seal(secret.encode(), webhook_context(webhook_id))
    webhook = Webhook(webhook_id, url, least, sealed, now_ms, actor.operator_id)
    async with core.store.workspace(workspace_id).write() as tx:
        if len(await rows.list_webhooks(tx)) >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"A workspace has at most {MAX_WEBHOOKS} webhooks; remove one first.")
        await rows.add_webhook(tx, webhook)
        await record(tx, actor, "webhook.add", target=webhook_id, detail={"least": least.value}, now_ms=now_ms)
    return webhook, secret


async def remove_webhook(core: "Core", workspace_id: str, actor: Actor, webhook_id: str) -> None:
    """Remove a webhook; what is still queued for it is dropped."""
    actor.require(MANAGE)
    async with core.store.workspace(workspace_id).write() as tx:
        if not await rows.remove_webhook(tx, webhook_id):
            raise _webhook_unknown()
        await record(tx, actor, "webhook.remove", target=webhook_id, now_ms=core.now_ms())


async def try_webhook(core: "Core", workspace_id: str, actor: Actor, webhook_id: str) -> None:
    """Post a test to a webhook soon; the list shows that it waits, then how it ended, also after a restart."""
    actor.require(MANAGE)
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        if await rows.webhook_by_id(tx, webhook_id) is None:
            raise _webhook_unknown()
        await rows.note_test(tx, webhook_id, ProbeState.WAITING, asked_ms=now_ms)
        payload = {"webhook": webhook_id, "asked_ms": now_ms}
        await enqueue(tx, TEST_JOB, payload, run_at_ms=now_ms, unique=webhook_id)


async def _check(core: "Core", url: str) -> None:
    hosts = private_hosts(core)
    try:
        target = webhook_target(url, hosts)
        await GuardedCalls(private_hosts=hosts).addresses_of(target.host, target.port)
    except Unavailable:
        raise  # not the address is to blame
    except SampanError as problem:
        raise WebhookRefused(f"The server does not call this address. {problem.detail}") from problem


async def _unread(core: "Core", workspace_id: str, actor: Actor) -> Sequence[Notice]:
    async with core.store.workspace(workspace_id).read() as tx:
        mine = [notice for notice in await rows.open_notices(tx) if notice.matter.concerns(actor)]
        seen = await rows.acknowledged_by(tx, actor.operator_id, [notice.id for notice in mine])
    return [notice for notice in mine if notice.id not in seen]


def _webhook_unknown() -> WebhookUnknown:
    return WebhookUnknown("There is no such webhook here.")

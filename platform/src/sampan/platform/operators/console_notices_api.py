"""Console routes: notices, what each person wants of them, webhooks."""

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from sampan.platform.operators import notices_service as service
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attention import Severity
from sampan.platform.operators.console_auth import Signed, TheCore, Workspace, needs
from sampan.platform.operators.console_bodies import Body, Milliseconds, PublicId
from sampan.platform.operators.console_paging import Page, Paged, listed, page
from sampan.platform.operators.notices_rows import Preference, ProbeState, Webhook
from sampan.platform.operators.notices_service import MANAGE, Shown

if TYPE_CHECKING:
    from sampan.platform.core import Core

Manager = Annotated[Actor, needs(MANAGE)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x20\x7f]+$")]


class NoticeView(BaseModel):
    """A notice; `link` is its place in the console, `resolved_ms` when its matter was over."""

    id: str
    kind: str
    severity: Severity
    zh: str
    en: str
    link: str
    raised_ms: Milliseconds
    escalated_ms: Milliseconds | None
    resolved_ms: Milliseconds | None
    acknowledged_ms: Milliseconds | None = Field(description="When the caller acknowledged it.")


class UnreadView(BaseModel):
    """Open notices that concern the caller and that they have not acknowledged."""

    count: int
    worst: Severity | None


class PreferenceBody(Body):
    """What the caller wants by e-mail: from which severity on, and without which kinds."""

    by_email: bool = True
    least: Severity = Severity.INFO
    muted: list[Kind] = Field(default_factory=list, max_length=100)


class NewWebhook(Body):
    """Where notices shall be posted, from which severity on; https, and no private address."""

    url: Url
    least: Severity = Severity.WARNING


class WebhookView(BaseModel):
    """A webhook and how the last post ended; `secret` only in the answer that makes it."""

    id: str
    url: str
    least: Severity
    created_ms: Milliseconds
    created_by: str
    last_ms: Milliseconds | None
    last_status: int | None
    last_error: str
    test_ms: Milliseconds | None = Field(description="When a test was last asked for.")
    test_state: ProbeState | None = Field(description="What became of that test.")
    secret: str | None = None


def build(_core: "Core") -> APIRouter:
    """Return the routes below /notices."""
    router = APIRouter(tags=["notices"])
    add, one = router.add_api_route, "/notices/webhooks/{webhook_id}"
    add("/notices", get_notices, methods=["GET"], summary="List the notices that concern me")
    add("/notices/unread", get_unread, methods=["GET"], summary="Count what I have not acknowledged")
    add("/notices/acknowledge", post_all, methods=["POST"], status_code=204, summary="Acknowledge all")
    add("/notices/preferences", get_preferences, methods=["GET"], summary="What I get by e-mail")
    add("/notices/preferences", put_preferences, methods=["PUT"], summary="Choose what I get by e-mail")
    add("/notices/webhooks", get_webhooks, methods=["GET"], summary="List webhooks")
    add("/notices/webhooks", post_webhooks, methods=["POST"], status_code=201, summary="Add a webhook")
    add(one, delete_webhook, methods=["DELETE"], status_code=204, summary="Remove a webhook")
    add(f"{one}/test", post_test, methods=["POST"], status_code=202, summary="Post a test to a webhook")
    add("/notices/{notice_id}/acknowledge", post_one, methods=["POST"], status_code=204, summary="Acknowledge")
    return router


async def get_notices(
    core: TheCore,
    workspace: Workspace,
    actor: Signed,
    paging: Paged,
    state: Annotated[Literal["open", "resolved"] | None, Query(description="Left out: both.")] = None,
) -> Page[NoticeView]:
    """List the notices that concern the caller, newest first."""
    is_open = None if state is None else state == "open"
    return page(await service.list_notices(core, workspace, actor, paging, is_open=is_open), _notice_view)


async def get_unread(core: TheCore, workspace: Workspace, actor: Signed) -> UnreadView:
    """Count the open notices that the caller has not acknowledged."""
    found = await service.unread(core, workspace, actor)
    return UnreadView(count=found.count, worst=found.worst)


async def post_one(core: TheCore, workspace: Workspace, actor: Signed, notice_id: PublicId) -> None:
    """Acknowledge a notice: the caller takes it. The others are told again if the matter stands a day later."""
    await service.acknowledge(core, workspace, actor, notice_id)


async def post_all(core: TheCore, workspace: Workspace, actor: Signed) -> None:
    """Acknowledge every open notice that concerns the caller."""
    await service.acknowledge_all(core, workspace, actor)


async def get_preferences(core: TheCore, workspace: Workspace, actor: Signed) -> PreferenceBody:
    """Tell what the caller gets by e-mail."""
    return _preference_body(await service.preference(core, workspace, actor))


async def put_preferences(core: TheCore, workspace: Workspace, actor: Signed, body: PreferenceBody) -> PreferenceBody:
    """Choose what the caller gets by e-mail; an escalated notice reaches administrators whatever they chose."""
    chosen = Preference(body.by_email, body.least, frozenset(body.muted))
    return _preference_body(await service.choose(core, workspace, actor, chosen))


async def get_webhooks(core: TheCore, workspace: Workspace, actor: Manager, paging: Paged) -> Page[WebhookView]:
    """List the webhooks and how their last posts ended."""
    found = [_webhook_view(each) for each in await service.list_webhooks(core, workspace, actor)]
    return listed(found, paging, key=lambda each: each.id)


async def post_webhooks(core: TheCore, workspace: Workspace, actor: Manager, body: NewWebhook) -> WebhookView:
    """Add a webhook; keep the secret, by which the receiver verifies `sampan-signature`."""
    webhook, secret = await service.add_webhook(core, workspace, actor, url=body.url, least=body.least)
    return _webhook_view(webhook).model_copy(update={"secret": secret})


async def delete_webhook(core: TheCore, workspace: Workspace, actor: Manager, webhook_id: PublicId) -> None:
    """Remove a webhook."""
    await service.remove_webhook(core, workspace, actor, webhook_id)


async def post_test(core: TheCore, workspace: Workspace, actor: Manager, webhook_id: PublicId) -> None:
    """Post a test soon; the list of webhooks shows how it ended."""
    await service.try_webhook(core, workspace, actor, webhook_id)


def _notice_view(shown: Shown) -> NoticeView:
    notice, matter = shown.notice, shown.notice.matter
    return NoticeView(
        id=notice.id,
        kind=matter.kind,
        severity=matter.severity,
        zh=matter.zh,
        en=matter.en,
        link=matter.link,
        raised_ms=notice.raised_ms,
        escalated_ms=notice.escalated_ms,
        resolved_ms=notice.resolved_ms,
        acknowledged_ms=shown.acknowledged_ms,
    )


def _preference_body(chosen: Preference) -> PreferenceBody:
    return PreferenceBody(by_email=chosen.by_email, least=chosen.least, muted=sorted(chosen.muted))


def _webhook_view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        least=webhook.least,
        created_ms=webhook.created_ms,
        created_by=webhook.created_by,
        last_ms=webhook.last_ms,
        last_status=webhook.last_status,
        last_error=webhook.last_error,
        test_ms=webhook.test_ms,
        test_state=webhook.test_state,
    )

"""The jobs that carry notices out of the house: e-mail to persons, signed posts to webhooks.

A job that fails is tried again with growing pauses; one that failed too often stays, visibly, and its kind becomes
a matter itself. What arrives may arrive twice: the delivery's id is the same then.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from sampan.platform.engines.job_runner import GiveUp, JobKind
from sampan.platform.engines.jobs import Job
from sampan.platform.errors import SampanError
from sampan.platform.guarded_calls import BadAddress, Destination, GuardedCalls, parse_destination
from sampan.platform.operators import notices_rows as rows
from sampan.platform.operators.attention import Matter, Severity
from sampan.platform.operators.notices import EMAIL_JOB, TEST_JOB, WEBHOOK_JOB, is_told
from sampan.platform.operators.notices_mail import MailPort
from sampan.platform.operators.notices_rows import Notice, Preference, ProbeState, Webhook
from sampan.platform.operators.operator_rows import Operator, OperatorState, operator_by_id
from sampan.platform.operators.people_door import read_people
from sampan.platform.operators.person_rows import person_by_id
from sampan.platform.operators.signed_in import operator_actor
from sampan.platform.settings import listed_places

if TYPE_CHECKING:
    from sampan.platform.core import Core

SIGNATURE = "sampan-signature"
DELIVERY = "sampan-delivery"
SECONDS = 10.0


class NotAccepted(Exception):
    """The other side answered, but with no status of success."""


def email_job(core: "Core") -> JobKind:
    """Return the job that sends one notice to one person."""
    return JobKind(EMAIL_JOB, partial(_email, core), max_attempts=8)


def webhook_job(core: "Core") -> JobKind:
    """Return the job that posts one notice to one webhook."""
    return JobKind(WEBHOOK_JOB, partial(_webhook, core), max_attempts=10)


def probe_job(core: "Core") -> JobKind:
    """Return the job that posts a test to one webhook; it ends with the first answer, whatever that is."""
    return JobKind(TEST_JOB, partial(_test, core), max_attempts=3)


def signature(secret: bytes, body: bytes, *, at_ms: int) -> str:
    """Return the header's value: `t=<milliseconds>,v1=<HMAC-SHA-256 of "<t>.<body>" in hex>`."""
    told = hmac.new(secret, b"%d." % at_ms + body, hashlib.sha256).hexdigest()
    return f"t={at_ms},v1={told}"


def private_hosts(core: "Core") -> frozenset[tuple[str, int]]:
    """Return the hosts and ports that webhooks may reach although their addresses are private."""
    return listed_places(core.settings.webhook_private_hosts)


def webhook_target(url: str, hosts: Collection[tuple[str, int]]) -> Destination:
    """Return where a webhook's posts go; raise `BadAddress`. Plain http is for the listed `hosts` alone."""
    target = parse_destination(url, allows_http=True)
    if target.scheme == "http" and target.place not in hosts:
        raise BadAddress("Only https may be called, and http at the hosts that the settings list.", field="url")
    return target


def webhook_context(webhook_id: str) -> str:
    """Return the place that a webhook's sealed secret is bound to."""
    return f"webhook/{webhook_id}"


async def _email(core: "Core", job: Job) -> None:
    async with read_people(core, job.workspace_id) as tx:
        operator = await operator_by_id(tx, str(job.payload["operator"]))
        person = await person_by_id(tx, operator.person_id) if operator else None
    notice = await _notice(core, job)
    if operator is None or person is None or operator.state is not OperatorState.ACTIVE or notice is None:
        return
    if not await _is_still_told(core, job, operator, notice):
        return
    await core.port(MailPort).send(
        to=person.email,
        subject=f"[sampan {job.workspace_id}] {notice.matter.en}",
        text=_text(core, job, notice),
        message_id=job.job_id,
    )


async def _is_still_told(core: "Core", job: Job, operator: Operator, notice: Notice) -> bool:
    """Whether the notice is for this person now: a job may wait for hours, and rights are taken away meanwhile."""
    async with core.store.workspace(job.workspace_id).read() as tx:
        actor = await operator_actor(core, tx, operator.id, operator.person_id)
        chosen = (await rows.preferences_of(tx, [operator.id])).get(operator.id, Preference())
    return is_told(actor, chosen, notice.matter, is_escalated=bool(job.payload["escalated"]))


async def _webhook(core: "Core", job: Job) -> None:
    async with core.store.workspace(job.workspace_id).read() as tx:
        webhook = await rows.webhook_by_id(tx, str(job.payload["webhook"]))
    notice = await _notice(core, job)
    if webhook is None or notice is None:
        return
    if error := await _attempt(core, job, webhook, _body(job, notice)):
        raise NotAccepted(error)


async def _test(core: "Core", job: Job) -> None:
    """Post what is no notice, and remember how it ended: whoever asked looks for that, also after a restart."""
    door, asked_ms = core.store.workspace(job.workspace_id), int(job.payload["asked_ms"])
    async with door.read() as tx:
        webhook = await rows.webhook_by_id(tx, str(job.payload["webhook"]))
    if webhook is None:
        return
    matter = _test_matter(webhook.id, asked_ms)
    error = await _attempt(core, job, webhook, _body(job, Notice(f"test_{job.job_id}", matter, asked_ms, None, None)))
    async with door.write() as tx:
        state = ProbeState.FAILED if error else ProbeState.DELIVERED
        await rows.note_test(tx, webhook.id, state)


async def _attempt(core: "Core", job: Job, webhook: Webhook, told: Mapping[str, Any]) -> str:
    """Post once, remember how it ended, and return what went wrong; empty when nothing did."""
    body, now_ms = orjson.dumps(told), core.now_ms()
    secret = core.sealer.open(webhook.secret, webhook_context(webhook.id))
    headers = {
        "content-type": "application/json",
        "user-agent": "sampan",
        SIGNATURE: signature(secret, body, at_ms=now_ms),
        DELIVERY: job.job_id,
    }
    status, error = None, ""
    try:
        status = await _post(core, webhook.url, headers, body)
    except SampanError as problem:
        error = problem.detail
    if status is not None and not 200 <= status < 300:
        error = f"The answer had the status {status}."
    async with core.store.workspace(job.workspace_id).write() as tx:
        await rows.note_attempt(tx, webhook.id, status=status, error=error, now_ms=now_ms)
    return error


async def _post(core: "Core", url: str, headers: Mapping[str, str], body: bytes) -> int:
    hosts = private_hosts(core)
    target, calls = webhook_target(url, hosts), GuardedCalls(private_hosts=hosts)
    try:
        answer = await calls.call(target, "POST", {**headers, "content-length": str(len(body))}, body, seconds=SECONDS)
    finally:
        await calls.close()
    return answer.status


async def _notice(core: "Core", job: Job) -> Notice | None:
    """Return the notice that a job carries; None when its matter is over, so that nobody needs to hear of it."""
    async with core.store.workspace(job.workspace_id).read() as tx:
        notice = await rows.notice_by_id(tx, str(job.payload["notice"]))
    if notice is None:
        raise GiveUp("There is no such notice any more.")
    return notice if notice.resolved_ms is None else None


def _text(core: "Core", job: Job, notice: Notice) -> str:
    settings = core.settings
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    lines = [notice.matter.zh, notice.matter.en, "", f"{base}/console{notice.matter.link}"]
    if job.payload.get("taken"):
        lines[:0] = [
            "已有人确认此通知，但问题仍未解决。 / Somebody acknowledged this notice, but the matter still stands.",
            "",
        ]
    elif job.payload["escalated"]:
        lines[:0] = ["尚无人确认此通知。 / Nobody has acknowledged this notice yet.", ""]
    return "\n".join([*lines, "", f"{job.workspace_id} · {notice.id}", ""])


def _body(job: Job, notice: Notice) -> dict[str, Any]:
    matter = notice.matter
    return {
        "notice": notice.id,
        "workspace": job.workspace_id,
        "kind": matter.kind,
        "severity": matter.severity.value,
        "text": {"zh": matter.zh, "en": matter.en},
        "link": matter.link,
        "raised_ms": notice.raised_ms,
        "escalated": bool(job.payload.get("escalated")),
        "taken": bool(job.payload.get("taken")),
    }


def _test_matter(webhook_id: str, asked_ms: int) -> Matter:
    """Return what a test tells of."""
    return Matter(
        key=f"test:{webhook_id}",
        kind="webhook_test",
        severity=Severity.INFO,
        permission="",
        zh="这是一条测试通知",
        en="This is a test",
        link="/notices",
        since_ms=asked_ms,
    )

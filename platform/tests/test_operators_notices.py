"""Notices: raised once, to the right people, by e-mail and signed webhook; acknowledged, escalated, closed."""

import asyncio
import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx2
import pytest
from aiosmtpd.smtp import SMTP

from sampan.platform.component import Component, Jobs
from sampan.platform.core import Core
from sampan.platform.engines.jobs import JobState, enqueue, jobs, page_jobs
from sampan.platform.engines.paging import Paging
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.first_people import Credentials
from sampan.platform.operators.notices import ESCALATE_MS, TAKEN_MS, Swept, sweep
from sampan.platform.operators.notices_delivery import SIGNATURE, signature
from sampan.platform.operators.operator_rows import OperatorState, grants_of, remove_grant, set_operator_state
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.settings import Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_artifacts import without_background
from sampan.platform.testing_device import Clock
from sampan.platform.workspaces.runners import build_job_runner

pytestmark = pytest.mark.anyio
PREFIX = "/console/api/v1"


@dataclass
class Inbox:
    """A real SMTP server that keeps what it gets."""

    got: list[tuple[str, Message]] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            return "451 try again"
        from email import message_from_bytes

        self.got.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)))
        return "250 OK"


class Hook(http.server.BaseHTTPRequestHandler):
    """A real receiver of webhooks."""

    posts: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    status = 204

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
async def inbox() -> AsyncIterator[tuple[Inbox, int]]:
    box = Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="test"), "127.0.0.1", 0)
    yield box, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture
def hook() -> Iterator[tuple[type[Hook], str]]:
    receiver = type("OneHook", (Hook,), {"posts": []})
    with http.server.HTTPServer(("127.0.0.1", 0), receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver, f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join()


@dataclass
class Stage:
    core: Core
    http: httpx2.AsyncClient
    clock: Clock
    admin: Credentials

    async def call(
        self, method: str, path: str, body: Any = None, *, by: Credentials | None = None, status: int = 200
    ) -> Any:
        headers = await bearer_for(self.core, WORKSPACE, by or self.admin)
        answer = await self.http.request(method, f"{PREFIX}{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def break_a_job(self, workspace_id: str = WORKSPACE) -> str:
        async with self.core.store.workspace(workspace_id).write() as tx:
            job_id = await enqueue(tx, "nothing.known", {}, run_at_ms=2**50)
            this = (jobs.c.workspace_id == workspace_id, jobs.c.job_id == job_id)
            values = {"state": JobState.FAILED, "changed_ms": self.clock.now_ms}
            await tx.execute(jobs.update().where(*this).values(**values))
        return job_id

    async def mend(self, job_id: str) -> None:
        async with self.core.store.workspace(WORKSPACE).write() as tx:
            await tx.execute(jobs.delete().where(jobs.c.workspace_id == WORKSPACE, jobs.c.job_id == job_id))

    async def work(self) -> None:
        """Do every job that is due."""
        kinds = [each.build(self.core) for each in operators.everything() if isinstance(each, Jobs)]
        runner = build_job_runner(self.core.store, kinds, now_ms=self.clock)
        while await runner.poll():
            await runner.idle()

    async def failed(self) -> list[str]:
        async with self.core.store.workspace(WORKSPACE).read() as tx:
            found = await page_jobs(tx, Paging(), states=[JobState.FAILED])
        return [each.kind for each in found.items if each.kind != "nothing.known"]


@pytest.fixture
async def stage(tmp_path: Path, inbox: tuple[Inbox, int], hook: tuple[type[Hook], str]) -> AsyncIterator[Stage]:
    settings = Settings(
        data=tmp_path,
        default_workspace=WORKSPACE,
        demo=True,
        smtp_host="127.0.0.1",
        smtp_port=inbox[1],
        smtp_tls="none",
        smtp_from="notices@bank.example",
        webhook_private_hosts=f"127.0.0.1, {urlsplit(hook[1]).netloc}",
    )
    clock, components = Clock(), (without_background(operators), Component("jobs by hand", ()))
    async with (
        running_core(tmp_path, settings=settings, components=components, now_ms=clock) as core,
        client(core) as http,
    ):
        yield Stage(core, http, clock, await person_with(core, WORKSPACE, "admin", email="ada@bank.example"))


async def disable(core: Core, who: Credentials) -> None:
    async with core.store.workspace(WORKSPACE).write() as tx:
        assert await set_operator_state(tx, who.operator_id, OperatorState.DISABLED)


async def test_a_matter_is_raised_once_and_closed_when_it_is_over(stage: Stage) -> None:
    job_id = await stage.break_a_job()
    assert await sweep(stage.core, WORKSPACE) == Swept(1, 0, 0)
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 0)
    assert await stage.call("GET", "/notices/unread") == {"count": 1, "worst": "error"}
    (notice,) = (await stage.call("GET", "/notices?state=open"))["items"]
    assert (notice["kind"], notice["acknowledged_ms"], notice["resolved_ms"]) == ("job_failed", None, None)
    await stage.mend(job_id)
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 1, 0)
    assert (await stage.call("GET", "/notices?state=open"))["items"] == []
    assert len((await stage.call("GET", "/notices?state=resolved"))["items"]) == 1
    await stage.break_a_job()
    assert await sweep(stage.core, WORKSPACE) == Swept(1, 0, 0)
    assert len((await stage.call("GET", "/notices"))["items"]) == 2


async def test_a_notice_is_for_whom_its_matter_concerns(stage: Stage, inbox: tuple[Inbox, int]) -> None:
    auditor = await person_with(stage.core, WORKSPACE, "auditor", email="aud@bank.example")
    desk = await person_with(stage.core, WORKSPACE, "service_desk", email="desk@bank.example")
    foreign = await person_with(stage.core, OTHER_WORKSPACE, "admin", email="far@bank.example")
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.work()
    assert sorted(to for to, _ in inbox[0].got) == ["ada@bank.example", "aud@bank.example"]
    assert foreign.email not in str(inbox[0].got)
    message = inbox[0].got[0][1]
    assert message["from"] == "notices@bank.example"
    assert "nothing.known" in message["subject"]
    (notice,) = (await stage.call("GET", "/notices", by=auditor))["items"]
    assert (await stage.call("GET", "/notices", by=desk))["items"] == []
    refused = await stage.call("POST", f"/notices/{notice['id']}/acknowledge", by=desk, status=404)
    assert refused["code"] == "notice_unknown"
    await stage.call("POST", f"/notices/{notice['id']}/acknowledge", by=auditor, status=204)
    assert await stage.call("GET", "/notices/unread", by=auditor) == {"count": 0, "worst": None}
    assert (await stage.call("GET", "/notices/unread"))["count"] == 1
    await stage.call("POST", "/notices/acknowledge", status=204)
    assert (await stage.call("GET", "/notices/unread"))["count"] == 0


async def test_who_wants_no_mail_gets_none_until_nobody_cares_for_hours(stage: Stage, inbox: tuple[Inbox, int]) -> None:
    for unwanted in (
        {"by_email": False},
        {"muted": ["job_failed"]},
        {"by_email": True, "least": "error", "muted": ["job_failed"]},
    ):
        body = {"by_email": True, "least": "info", "muted": [], **unwanted}
        assert await stage.call("PUT", "/notices/preferences", body) == body
    assert await stage.call("GET", "/notices/preferences") == body
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.work()
    assert inbox[0].got == []
    stage.clock.now_ms += ESCALATE_MS
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 1)
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 0)
    await stage.work()
    ((to, message),) = inbox[0].got
    assert to == "ada@bank.example"
    assert "Nobody has acknowledged" in message.get_payload(decode=True).decode()  # type: ignore[union-attr] # one part
    assert (await stage.call("GET", "/notices"))["items"][0]["escalated_ms"] == stage.clock.now_ms


async def test_what_somebody_took_is_told_to_the_others_if_it_still_stands_a_day_later(
    stage: Stage, inbox: tuple[Inbox, int]
) -> None:
    taker = await person_with(stage.core, WORKSPACE, "auditor", email="aud@bank.example")
    await person_with(stage.core, WORKSPACE, "auditor", email="other@bank.example")
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.work()
    inbox[0].got.clear()
    stage.clock.now_ms += ESCALATE_MS - 1
    await stage.call("POST", "/notices/acknowledge", by=taker, status=204)
    stage.clock.now_ms += TAKEN_MS - 1
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 0)
    stage.clock.now_ms += 1
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 1)
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 0)
    await stage.work()
    assert sorted(to for to, _ in inbox[0].got) == ["ada@bank.example", "other@bank.example"]
    text = inbox[0].got[0][1].get_payload(decode=True).decode()  # type: ignore[union-attr] # one part
    assert "still stands" in text


async def test_who_left_has_not_taken_anything(stage: Stage) -> None:
    taker = await person_with(stage.core, WORKSPACE, "auditor", email="aud@bank.example")
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.call("POST", "/notices/acknowledge", by=taker, status=204)
    await disable(stage.core, taker)
    stage.clock.now_ms += ESCALATE_MS
    assert await sweep(stage.core, WORKSPACE) == Swept(0, 0, 1)


async def test_a_webhook_gets_signed_posts_and_its_last_attempt_is_shown(
    stage: Stage, hook: tuple[type[Hook], str]
) -> None:
    receiver, url = hook
    made = await stage.call("POST", "/notices/webhooks", {"url": url, "least": "error"}, status=201)
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.work()
    ((headers, body),) = receiver.posts
    stamp, told = (part.partition("=")[2] for part in headers[SIGNATURE].split(","))
    wanted = hmac.new(made["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert (told, int(stamp)) == (wanted, stage.clock.now_ms)
    posted = json.loads(body)
    assert (posted["kind"], posted["workspace"], posted["escalated"]) == ("job_failed", WORKSPACE, False)
    (shown,) = (await stage.call("GET", "/notices/webhooks"))["items"]
    assert (shown["last_status"], shown["last_error"], shown["secret"]) == (204, "", None)
    await stage.call("DELETE", f"/notices/webhooks/{made['id']}", status=204)
    assert (await stage.call("DELETE", f"/notices/webhooks/{made['id']}", status=404))["code"] == "webhook_unknown"


async def test_what_became_of_a_test_is_shown_whatever_happens_meanwhile(
    stage: Stage, hook: tuple[type[Hook], str]
) -> None:
    receiver, url = hook
    made = await stage.call("POST", "/notices/webhooks", {"url": url, "least": "error"}, status=201)
    assert (made["test_ms"], made["test_state"]) == (None, None)
    for status, state in ((204, "delivered"), (500, "failed")):
        receiver.status = status
        for _ in range(2):  # pressed twice, posted once
            await stage.call("POST", f"/notices/webhooks/{made['id']}/test", status=202)
        asked_ms = stage.clock.now_ms
        assert (await sweep(stage.core, WORKSPACE)) == Swept(0, 0, 0)
        stage.clock.now_ms += 3_600_000  # the server was away
        (shown,) = (await stage.call("GET", "/notices/webhooks"))["items"]
        assert (shown["test_ms"], shown["test_state"]) == (asked_ms, "waiting")
        await sweep(stage.core, WORKSPACE)
        await stage.work()
        (shown,) = (await stage.call("GET", "/notices/webhooks"))["items"]
        assert (shown["test_ms"], shown["test_state"], shown["last_status"]) == (asked_ms, state, status)
    assert [json.loads(body)["kind"] for _, body in receiver.posts] == ["webhook_test"] * 2
    assert await stage.failed() == []
    assert (await stage.call("GET", "/notices"))["items"] == []


async def test_a_webhook_that_stays_away_is_tried_again_then_lies_dead_and_is_told_of_once(
    stage: Stage, hook: tuple[type[Hook], str]
) -> None:
    receiver, url = hook
    receiver.status = 500
    await stage.call("POST", "/notices/webhooks", {"url": url, "least": "error"}, status=201)
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    for _ in range(12):
        await stage.work()
        stage.clock.now_ms += 3_600_000
    assert len(receiver.posts) == 10
    assert len({headers["sampan-delivery"] for headers, _ in receiver.posts}) == 1
    assert await stage.failed() == ["notices.webhook"]
    (shown,) = (await stage.call("GET", "/notices/webhooks"))["items"]
    assert (shown["last_status"], shown["last_error"]) == (500, "The answer had the status 500.")
    assert (await sweep(stage.core, WORKSPACE)).raised == 1
    for _ in range(12):
        await stage.work()
        stage.clock.now_ms += 3_600_000
    assert (await sweep(stage.core, WORKSPACE)).raised == 0
    assert set(await stage.failed()) == {"notices.webhook"}


async def test_who_lost_the_right_or_wants_no_mail_meanwhile_gets_none(stage: Stage, inbox: tuple[Inbox, int]) -> None:
    auditor = await person_with(stage.core, WORKSPACE, "auditor", email="aud@bank.example")
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        for grant in await grants_of(tx, [auditor.operator_id]):
            assert await remove_grant(tx, auditor.operator_id, grant.id)
    await stage.call("PUT", "/notices/preferences", {"by_email": False})
    await stage.work()
    assert inbox[0].got == []


async def test_a_mail_server_that_refuses_now_gets_the_mail_later(stage: Stage, inbox: tuple[Inbox, int]) -> None:
    inbox[0].refuses = True
    await stage.break_a_job()
    await sweep(stage.core, WORKSPACE)
    await stage.work()
    assert inbox[0].got == []
    inbox[0].refuses = False
    stage.clock.now_ms += 3_600_000
    await stage.work()
    assert [to for to, _ in inbox[0].got] == ["ada@bank.example"]


async def test_a_webhook_leads_into_no_private_network_and_takes_the_right(stage: Stage) -> None:
    other_port = "https://127.0.0.1:1/"  # the host is listed with another
    for url in (
        "https://10.0.0.1/x",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "https://localhost.invalid/",
        "http://127.0.0.1:1/",
        other_port,
    ):
        refused = await stage.call("POST", "/notices/webhooks", {"url": url}, status=422)
        assert (refused["code"], refused["errors"][0]["field"]) == ("webhook_refused", "body.url")
    auditor = await person_with(stage.core, WORKSPACE, "auditor")
    await stage.call("POST", "/notices/webhooks", {"url": "https://127.0.0.1/"}, by=auditor, status=403)
    for _ in range(20):
        await stage.call("POST", "/notices/webhooks", {"url": "https://127.0.0.1/"}, status=201)
    full = await stage.call("POST", "/notices/webhooks", {"url": "https://127.0.0.1/"}, status=409)
    assert full["code"] == "too_many_webhooks"


def test_the_signature_binds_time_and_body() -> None:
    one = signature(b"secret", b"body", at_ms=1)
    assert one.startswith("t=1,v1=")
    assert len({one, signature(b"secret", b"body", at_ms=2), signature(b"secret", b"bodY", at_ms=1)}) == 3

"""The first page, the system page and the settings: the right matters to the right people, and no secret."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from sampan.platform.core import Core
from sampan.platform.engines.jobs import enqueue, jobs
from sampan.platform.engines.outbox import outbox_cursors
from sampan.platform.insight.activity_rows import EVERY_APP, Active, count_events, note_active
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.repository import events
from sampan.platform.operators.attention import Matter, Severity
from sampan.platform.operators.changes import approve, propose
from sampan.platform.operators.overview import DAY_MS
from sampan.platform.operators.testing import actor_of, bearer_for, person_with
from sampan.platform.settings import Secret, Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_artifacts import packed_app, publishing_in

pytestmark = pytest.mark.anyio
PREFIX = "/console/api/v1"
PASSPHRASE = "nobody may read this " * 2


@dataclass
class Stage:
    core: Core
    http: httpx2.AsyncClient

    async def get(self, path: str, *roles: str, by: dict[str, str] | None = None, status: int = 200) -> dict[str, Any]:
        """Return the answer for a fresh person with these roles."""
        headers = by or await bearer_for(self.core, WORKSPACE, await person_with(self.core, WORKSPACE, *roles))
        answer = await self.http.get(f"{PREFIX}{path}", headers=headers)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def kinds(self, *roles: str) -> dict[str, int]:
        """Return how many matters of each kind a fresh person is told of."""
        return {group["kind"]: group["count"] for group in (await self.get("/overview", *roles))["needs_me"]}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    settings = Settings(data=tmp_path, default_workspace=WORKSPACE, demo=True, key_passphrase=Secret(PASSPHRASE))
    async with running_core(tmp_path, settings=settings) as core, client(core) as http:
        yield Stage(core, http)


async def failed_job(core: Core, workspace_id: str = WORKSPACE) -> str:
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        job_id = await enqueue(tx, "nothing.known", {}, run_at_ms=now_ms)
        await tx.execute(
            jobs.update()
            .where(jobs.c.workspace_id == workspace_id, jobs.c.job_id == job_id)
            .values(state="failed", attempts=10, last_error="it broke")
        )
    return job_id


async def test_a_change_needs_those_who_may_approve_it_until_it_is_decided(stage: Stage) -> None:
    maker = await person_with(stage.core, WORKSPACE, "admin")
    checker = await person_with(stage.core, WORKSPACE, "admin")
    payload = {"before": [], "after": ["app:read"]}
    by_maker, by_checker = [await actor_of(stage.core, WORKSPACE, each) for each in (maker, checker)]
    change = await propose(stage.core, WORKSPACE, by_maker, kind="role.change", target="watcher", payload=payload)
    (group,) = (await stage.get("/overview", by=await bearer_for(stage.core, WORKSPACE, checker)))["needs_me"]
    assert (group["kind"], group["count"], group["matters"][0]["link"]) == (
        "change_waiting",
        1,
        f"/changes/{change.id}",
    )
    assert (await stage.get("/overview", by=await bearer_for(stage.core, WORKSPACE, maker)))["needs_me"] == []
    assert await stage.kinds("reviewer") == {}
    await approve(stage.core, WORKSPACE, by_checker, change.id, digest=change.digest)
    assert await stage.kinds("admin") == {}


async def test_failed_jobs_and_held_up_events_are_told_and_a_job_is_tried_again(stage: Stage) -> None:
    job_id = await failed_job(stage.core)
    await failed_job(stage.core, OTHER_WORKSPACE)
    cursor = {"consumer": "mail", "incarnation": 1, "n": 0, "fence": 0, "lease_until_ms": 0, "attempts": 9}
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        late = {"retry_at_ms": 1, "last_error": "no mail"}
        await tx.execute(insert(outbox_cursors).values(workspace_id=WORKSPACE, **cursor, **late))
    assert await stage.kinds("auditor") == {"job_failed": 1, "events_held_up": 1}
    assert await stage.kinds("service_desk") == {}
    found = await stage.get("/system/jobs?state=failed", "auditor")
    assert [(each["id"], each["last_error"]) for each in found["items"]] == [(job_id, "it broke")]
    state = await stage.get("/system", "admin")
    assert state["jobs"] == {"waiting": 0, "running": 0, "failed": 1}
    assert [(each["consumer"], each["attempts"]) for each in state["consumers"]] == [("mail", 9)]
    assert state["workers"][0]["revision"] == state["revision"]
    assert 0 < state["storage"]["free_bytes"] <= state["storage"]["total_bytes"]
    admin = await bearer_for(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "admin"))
    for status in (204, 404):
        again = await stage.http.post(f"{PREFIX}/system/jobs/{job_id}/retry", headers=admin)
        assert again.status_code == status
    assert (await stage.get("/system/jobs?state=failed", by=admin))["items"] == []
    watcher = await bearer_for(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "auditor"))
    refused = await stage.http.post(f"{PREFIX}/system/jobs/{job_id}/retry", headers=watcher)
    assert refused.json()["code"] == "missing_permission"


async def test_settings_show_what_is_in_force_and_never_a_secret(stage: Stage) -> None:
    found = await stage.get("/settings?limit=200", "auditor")
    by_name = {each["name"]: each for each in found["items"]}
    assert by_name["SAMPAN_DEMO"] == {
        "name": "SAMPAN_DEMO",
        "description": by_name["SAMPAN_DEMO"]["description"],
        "value": "True",
        "is_default": False,
        "is_secret": False,
    }
    secret = by_name["SAMPAN_KEY_PASSPHRASE"]
    assert (secret["value"], secret["is_default"], secret["is_secret"]) == ("", False, True)
    assert PASSPHRASE not in str(found)
    await stage.get("/settings", "reviewer", status=403)
    await stage.get("/system", "publisher", status=403)


async def test_charts_count_days_devices_once_and_this_workspace_alone(stage: Stage) -> None:
    today = stage.core.now_ms() // DAY_MS

    def event(workspace_id: str, day: int, device: int, seq: int, kind: str) -> dict[str, Any]:
        who = {"device_id": f"dev_{device}", "seq": seq, "session": "", "client_app": "retail"}
        at = {"day": yyyymmdd(day), "at_ms": day * DAY_MS, "received_ms": day * DAY_MS}
        return {"workspace_id": workspace_id, "type": kind, "schema_version": 1, "attrs": "{}", **who, **at}

    for workspace_id, rows in (
        (WORKSPACE, [(0, 1, 1, "app.opened"), (0, 1, 2, "app.opened"), (-1, 2, 1, "trust.refused"), (-9, 3, 1, "x")]),
        (OTHER_WORKSPACE, [(0, 4, 1, "app.opened")]),
    ):
        async with stage.core.store.workspace(workspace_id).write() as tx:
            values = [event(workspace_id, today + day, device, seq, kind) for day, device, seq, kind in rows]
            await tx.execute(insert(events), values)
            received = [(each["received_ms"] // DAY_MS, each["type"], each["device_id"]) for each in values]
            await count_events(tx, [(day, kind) for day, kind, _device in received])
            await note_active(tx, [Active(EVERY_APP, day, 0, device) for day, _kind, device in received])
    found = await stage.get("/overview?days=3", "service_desk")
    series = {each["name"]: each["values"] for each in found["series"]}
    assert series["devices_seen"] == [0, 1, 1]
    assert (series["opens"], series["failures"], series["installs"]) == ([0, 0, 2], [0, 1, 0], [0, 0, 0])
    assert found["first_day_ms"] == (today - 2) * DAY_MS
    assert found["platform"] is None
    assert (await stage.get("/overview", "admin"))["platform"]["worker"]["failed_parts"] == []
    assert (await stage.get("/overview?days=91", "admin", status=422))["code"] == "invalid_body"


async def test_a_review_needs_reviewers_and_not_its_publisher(tmp_path: Path) -> None:
    async with publishing_in(tmp_path) as publishing, client(publishing.core) as http:
        await publishing.submit(packed_app(tmp_path, 1))
        stage = Stage(publishing.core, http)
        kinds = await stage.kinds("reviewer")
        assert kinds["review_waiting"] == 1
        assert "review_waiting" not in await stage.kinds("publisher")
        lines = (await stage.get("/overview", "admin"))["platform"]["health"]
        assert {line["name"] for line in lines} >= {"tree:intl"}


def test_a_matter_concerns_who_could_deal_with_it() -> None:
    matter = Matter("k", "kind", Severity.INFO, "a:b", "zh", "en", "/", 1, {"app": "x"}, frozenset({"per_1"}))
    from sampan.platform.operators.actor import Actor, ActorKind, Grant

    def actor(person: str, **limit: str) -> Actor:
        return Actor(ActorKind.OPERATOR, person, "opr", "label", (Grant("role", frozenset({"a:b"}), **limit),))

    assert matter.concerns(actor("per_2"))
    assert matter.concerns(actor("per_2", app="x"))
    assert not matter.concerns(actor("per_2", app="y"))
    assert not matter.concerns(actor("per_1"))

"""Who sees what, over HTTP: anonymous, without the right, another publisher, another workspace."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.offline_packages import Packed
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, packed_app, publishing_in
from sampan.platform.testing_trust import APP

pytestmark = pytest.mark.anyio
BASE = "/console/api/v1"


@dataclass
class Console:
    """The console API with people who are signed in, by name."""

    publishing: Publishing
    http: httpx2.AsyncClient
    people: dict[str, dict[str, str]]
    packed: Packed

    async def call(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        workspace: str = WORKSPACE,
        raw: bytes | None = None,
    ) -> httpx2.Response:
        address = f"/w/{workspace}{BASE}{path}"
        if raw is not None:
            return await self.http.request(method, address, content=raw, headers=self.people[who])
        return await self.http.request(method, address, json=body, headers=self.people[who])


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    async with publishing_in(tmp_path) as publishing:
        core = publishing.core
        own = {"role": "publisher", "publisher": publishing.publisher_id}
        people = {
            "developer": await person_with(core, WORKSPACE, grants=[own]),
            "rival": await person_with(core, WORKSPACE, grants=[{"role": "publisher", "publisher": "pub_rival"}]),
            "reviewer": await person_with(core, WORKSPACE, "reviewer"),
            "auditor": await person_with(core, WORKSPACE, "auditor"),
            "admin": await person_with(core, WORKSPACE, "admin"),
        }
        headers = {name: await bearer_for(core, WORKSPACE, found) for name, found in people.items()}
        foreign = await person_with(core, OTHER_WORKSPACE, "reviewer", "publisher", "release_manager")
        headers["foreigner"] = await bearer_for(core, OTHER_WORKSPACE, foreign)
        headers["anonymous"] = {}
        async with client(core) as http:
            yield Console(publishing, http, headers, packed_app(tmp_path, 1))


async def _submit(console: Console, who: str = "developer", *, app: str = APP) -> httpx2.Response:
    uploaded = await console.call(who, "POST", "/uploads", raw=console.packed.archive_path.read_bytes())
    bodies = {name: json.loads(body) for name, body in (await console.publishing.bodies(console.packed)).items()}
    body = {
        "upload": uploaded.json().get("upload", "upl_none"),
        "index": json.loads(console.packed.index_bytes),
        "bodies": bodies,
    }
    return await console.call(who, "POST", f"/apps/{app}/versions", body)


async def test_the_journey_over_http(console: Console) -> None:
    submitted = await _submit(console)
    assert submitted.status_code == 201, submitted.text
    assert submitted.json()["state"] == "in_review"
    assert submitted.json()["digest"] == console.packed.digest
    [waiting] = (await console.call("reviewer", "GET", "/reviews")).json()["items"]
    detail = (await console.call("reviewer", "GET", f"/apps/{APP}/versions/1")).json()
    assert waiting["sequence"] == detail["sequence"] == 1
    assert detail["trial_link"] == f"sampan://trial/{WORKSPACE}/{APP}/1"
    approved = await console.call(
        "reviewer", "POST", f"/apps/{APP}/versions/1/approve", {"digest": detail["review_digest"]}
    )
    assert approved.json()["state"] == "approved", approved.text
    await console.publishing.expose()
    [version] = (await console.call("developer", "GET", f"/apps/{APP}/versions")).json()["items"]
    assert version["state"] == "published"


async def test_approving_takes_a_recent_second_factor_and_rejecting_does_not(console: Console) -> None:
    await _submit(console)
    detail = (await console.call("reviewer", "GET", f"/apps/{APP}/versions/1")).json()
    clock: Any = console.publishing.core.now_ms
    clock.now_ms += 6 * 60_000
    digest = {"digest": detail["review_digest"]}
    refused = await console.call("reviewer", "POST", f"/apps/{APP}/versions/1/approve", digest)
    assert refused.json()["code"] == "second_factor_needed"
    rejected = await console.call("reviewer", "POST", f"/apps/{APP}/versions/1/reject", {**digest, "comment": "no"})
    assert rejected.json()["state"] == "rejected"


async def test_reviewers_and_publishers_get_the_very_bytes(console: Console) -> None:
    await _submit(console)
    for who in ("developer", "reviewer"):
        index = await console.call(who, "GET", f"/apps/{APP}/versions/1/index")
        package = await console.call(who, "GET", f"/apps/{APP}/versions/1/package")
        assert index.content == console.packed.index_bytes
        assert package.content == console.packed.archive_path.read_bytes()
        assert package.headers["content-length"] == str(len(package.content))


async def test_versions_come_in_pages(console: Console) -> None:
    for sequence in (2, 3, 4):
        await console.publishing.submit(packed_app(console.publishing.folder, sequence))
    first = (await console.call("developer", "GET", f"/apps/{APP}/versions?limit=2")).json()
    assert ([each["sequence"] for each in first["items"]], first["total"]) == ([4, 3], 3)
    last = (
        await console.call("developer", "GET", f"/apps/{APP}/versions?limit=2&cursor={first['next_cursor']}")
    ).json()
    assert ([each["sequence"] for each in last["items"]], last["next_cursor"]) == ([2], None)


DIGEST = {"digest": f"sha256:{'0' * 64}"}
BODIES: dict[str, Any] = {"bodies": {}}
CALLS: dict[str, tuple[str, str, Any]] = {
    "app": ("GET", f"/apps/{APP}", None),
    "testers": ("GET", f"/apps/{APP}/testers", None),
    "set testers": ("PUT", f"/apps/{APP}/testers", {}),
    "change testers": ("PATCH", f"/apps/{APP}/testers", {}),
    "versions": ("GET", f"/apps/{APP}/versions", None),
    "version": ("GET", f"/apps/{APP}/versions/1", None),
    "index": ("GET", f"/apps/{APP}/versions/1/index", None),
    "package": ("GET", f"/apps/{APP}/versions/1/package", None),
    "next": ("GET", f"/apps/{APP}/next-sequence", None),
    "resign": ("POST", f"/apps/{APP}/versions/1/bodies", BODIES),
    "withdraw": ("POST", f"/apps/{APP}/versions/1/withdraw", {}),
    "recheck": ("POST", f"/apps/{APP}/versions/1/recheck", None),
    "resequence": ("POST", f"/apps/{APP}/versions/1/resequence", {**BODIES, "index": {}}),
    "approve": ("POST", f"/apps/{APP}/versions/1/approve", DIGEST),
    "reject": ("POST", f"/apps/{APP}/versions/1/reject", {**DIGEST, "comment": "no"}),
    "forward": ("POST", f"/apps/{APP}/versions/1/bring-forward", {}),
    "comment": ("POST", f"/apps/{APP}/versions/1/comments", {"text": "hm"}),
    "renewals": ("GET", f"/apps/{APP}/renewals", None),
    "renew": ("POST", f"/apps/{APP}/renewals", BODIES),
    "approve renewal": ("POST", f"/apps/{APP}/renewals/ren_1/approve", DIGEST),
    "reject renewal": ("POST", f"/apps/{APP}/renewals/ren_1/reject", {**DIGEST, "comment": "no"}),
    "withdraw renewal": ("POST", f"/apps/{APP}/renewals/ren_1/withdraw", None),
}


async def test_anonymous_callers_hear_nothing(console: Console) -> None:
    await _submit(console)
    for name, (method, path, body) in CALLS.items():
        answer = await console.call("anonymous", method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in"), name


async def test_another_publishers_app_does_not_exist(console: Console) -> None:
    """Every call of a rival answers as for an app that is not there, or refuses a right that no publisher has."""
    await _submit(console)
    for name, (method, path, body) in CALLS.items():
        if name == "resequence":
            continue  # refuses the index before it looks for the app
        there = await console.call("rival", method, path, body)
        nowhere = await console.call("rival", method, path.replace(APP, "bank.demo.nowhere"), body)
        assert there.status_code == nowhere.status_code, name
        assert there.status_code in {403, 404}, name
        assert there.json()["code"] == nowhere.json()["code"], name
        assert there.json()["code"] in {"app_unknown", "missing_permission"}, name
    assert (await console.call("rival", "GET", "/apps")).json()["items"] == []
    assert (await console.call("rival", "GET", "/publishers")).json()["items"] == []
    assert (await console.publishing.states()) == {1: "in_review"}


async def test_another_workspaces_people_and_ids_lead_nowhere(console: Console) -> None:
    await _submit(console)
    for name, (method, path, body) in CALLS.items():
        at_home = await console.call("foreigner", method, path, body, workspace=OTHER_WORKSPACE)
        assert at_home.status_code in {404, 422}, name
        abroad = await console.call("foreigner", method, path, body)
        assert abroad.status_code == 401, name
    assert (await console.call("foreigner", "GET", "/reviews", workspace=OTHER_WORKSPACE)).json()["items"] == []
    assert (await console.call("foreigner", "GET", "/apps", workspace=OTHER_WORKSPACE)).json()["items"] == []


async def test_an_auditor_reads_and_changes_nothing(console: Console) -> None:
    await _submit(console)
    for name, (method, path, body) in CALLS.items():
        answer = await console.call("auditor", method, path, body)
        is_open = method == "GET" and name not in {"index", "package"}
        assert answer.status_code == (200 if is_open else 403), (name, answer.text)
    refused = await console.call("auditor", "POST", "/uploads", raw=b"bytes")
    assert refused.json()["code"] == "missing_permission"


async def test_an_admin_registers_publishers_and_apps(console: Console) -> None:
    from sampan.platform.crypto.keys import PrivateKey

    keys = {profile: PrivateKey.generate().public.pem() for profile in ("intl", "trial")}
    made = await console.call("admin", "POST", "/publishers", {"name": "Rival", "keys": keys})
    assert made.status_code == 201, made.text
    publisher = made.json()["id"]
    assert {key["profile"] for key in made.json()["keys"]} == {"intl", "trial"}
    again = await console.call("admin", "POST", "/publishers", {"name": "Rival"})
    assert again.json()["code"] == "publisher_name_taken"
    app = await console.call("admin", "POST", "/apps", {"app": "bank.rival.app", "publisher": publisher})
    assert app.status_code == 201, app.text
    taken = await console.call("admin", "POST", "/apps", {"app": APP, "publisher": publisher})
    assert taken.json()["code"] == "app_id_taken"
    for wrong, code in (
        ({"app": "NoDots", "publisher": publisher}, "bad_app_id"),
        ({"app": "bank.x", "publisher": "pub_none"}, "publisher_unknown"),
        ({"app": "bank.x", "publisher": publisher, "kind": "boat"}, "kind_unknown"),
    ):
        assert (await console.call("admin", "POST", "/apps", wrong)).json()["code"] == code
    theirs = await console.call("developer", "POST", "/apps", {"app": "bank.x", "publisher": publisher})
    assert theirs.json()["code"] == "publisher_unknown"


async def test_a_declared_length_over_the_cap_is_refused_before_reading(console: Console) -> None:
    core = console.publishing.core
    core.settings = replace(core.settings, max_package_bytes=10)
    answer = await console.call("developer", "POST", "/uploads", raw=b"more than ten bytes")
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")

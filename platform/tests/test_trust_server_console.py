"""The trust console routes: who may do what, and the whole first ceremony over HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.offline_packages.publishing import renewed_app_body
from sampan.offline_packages.signed_bytes import sign_body, sign_part
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.operators.actor import system_actor
from sampan.platform.operators.changes import propose
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.testing_trust import APP, Clock, Parties
from sampan.platform.trust.asking import KeyForAnotherUse
from sampan.platform.trust.component import component

pytestmark = pytest.mark.anyio
API = "/console/api/v1/trust"
SYSTEM = system_actor("test")
NOBODY_KEY, NOBODY_ID = "0" * 64, f"trp_{'0' * 32}"


@dataclass
class Console:
    """The API as one person sees it."""

    http: httpx2.AsyncClient
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return await self.http.request(method, f"{API}{path}", json=body, headers=self.headers)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str) -> Any:
        page = await self.get(path)
        assert page["next_cursor"] is None
        return page["items"]

    async def post(self, path: str, body: Any, status: int = 202) -> Any:
        answer = await self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[operators, component], now_ms=Clock()) as core:
        yield core


@pytest.fixture
async def http(core: Core) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(core) as http:
        yield http


async def _console(core: Core, http: httpx2.AsyncClient, *roles: str, workspace: str = WORKSPACE) -> Console:
    return Console(http, await bearer_for(core, workspace, await person_with(core, workspace, *roles)))


async def _sign_everything(console: Console, *officers: PrivateKey) -> list[str]:
    in_force: list[str] = []
    for waiting in await console.items("/pending"):
        for officer in officers:
            signature = sign_part(waiting["body"].encode(), officer)
            body = {"key": signature.keyid, "signature": signature.signature}
            answer = await console.post(f"/pending/{waiting['id']}/signatures", body, 200)
            in_force += answer["in_force"]
    return in_force


async def test_the_first_ceremony_over_http(core: Core, http: httpx2.AsyncClient) -> None:
    maker, checker = await _console(core, http, "admin"), await _console(core, http, "admin")
    officers = [PrivateKey.generate("es256") for _ in range(3)]
    ids = []
    for number, officer in enumerate(officers):
        body = {"pem": officer.public.pem(), "purpose": "officer", "owner": f"officer {number}"}
        ids.append((await maker.post("/keys", body, 201))["id"])
    assert ids == [key_id(each.public) for each in officers]
    change = await maker.post("/trees/intl/start", {"officers": ids, "note": "first"})
    assert [line["after"] for line in change["diff"]] == ids
    assert await maker.items("/pending") == []
    approve = f"/console/api/v1/changes/{change['id']}/approve"
    own = await http.post(approve, json={"digest": change["digest"]}, headers=maker.headers)
    assert own.status_code == 403
    other = await http.post(approve, json={"digest": change["digest"]}, headers=checker.headers)
    assert other.status_code == 200, other.text
    assert await _sign_everything(maker, *officers[1:]) == ["root", "targets"]
    (intl, trial) = await maker.items("/trees")
    assert (intl["is_started"], trial["is_started"]) == (True, False)
    assert {role["role"]: role["signer"] for role in intl["roles"]}["root"] == "officers"
    assert (await maker.items("/trees/intl/roles/root/history"))[0]["version"] == 1
    assert [each["state"] for each in await maker.items("/trees/intl/history")] == ["done", "done"]


async def test_keys_are_suspended_by_one_and_resumed_by_two(core: Core, http: httpx2.AsyncClient) -> None:
    maker, checker = await _console(core, http, "admin"), await _console(core, http, "admin")
    manager = await _console(core, http, "release_manager")
    parties = Parties(core)
    await parties.register_all()
    name = key_id(parties.publisher["intl"].public)
    suspended = await manager.post(f"/keys/{name}/suspend", {"reason": "stolen"}, 200)
    assert (suspended["state"], suspended["reason"]) == ("suspended", "stolen")
    assert (await manager.call("POST", f"/keys/{name}/resume", {"reason": "found"})).status_code == 403
    change = await maker.post(f"/keys/{name}/resume", {"reason": "found"})
    assert [each["id"] for each in await maker.items("/keys?state=suspended")] == [name]
    approve = f"/console/api/v1/changes/{change['id']}/approve"
    done = await http.post(approve, json={"digest": change["digest"]}, headers=checker.headers)
    assert done.status_code == 200, done.text
    assert await maker.items("/keys?state=suspended") == []
    again = await maker.call("POST", f"/keys/{name}/resume", {"reason": "twice"})
    assert (again.status_code, again.json()["code"]) == (409, "trust_key_state_wrong")


async def test_an_apps_key_is_changed_and_a_request_taken_back(core: Core, http: httpx2.AsyncClient) -> None:
    admin = await _console(core, http, "admin")
    parties = Parties(core)
    await parties.start("intl")
    await parties.delegate()
    await parties.publish(1)
    fresh = PrivateKey.generate()
    body = {"pem": fresh.public.pem(), "purpose": "adoption", "profile": "intl", "owner": "the bank"}
    name = (await admin.post("/keys", body, 201))["id"]
    current = await parties.current("intl", f"app.{APP}")
    assert current is not None
    signed = sign_body(renewed_app_body(current, now_ms=core.now_ms()), fresh)
    change = {"profile": "intl", "publisher_key": name, "body": signed.decode()}
    asked = await admin.post(f"/apps/{APP}/keys", change)
    taken_back = await admin.call("DELETE", f"/requests/{asked['request']['id']}")
    assert (taken_back.status_code, taken_back.json()) == (200, [])
    assert await admin.items("/pending") == []
    await admin.post(f"/apps/{APP}/keys", change)
    rotated = await admin.post("/trees/intl/rotations", {"purpose": "timestamp"})
    assert rotated["request"]["kind"] == "timestamp_key"
    await admin.post("/trees/intl/renewals", {"role": "targets"})
    (root, targets) = await admin.items("/pending")
    assert [each["kind"] for each in targets["requests"]] == ["app_keys", "renew_targets"]
    assert (await admin.get(f"/pending/{root['id']}"))["role"] == "root"
    assert await _sign_everything(admin, *parties.officers[:2]) == ["root", "targets"]
    await admin.post("/trees/intl/officers", {"officers": [key_id(each.public) for each in parties.officers]})
    review = await admin.post("/trees/intl/rotations", {"purpose": "review"})
    assert review == {"request": None, "rebuilt": []}


ROUTES = [
    ("GET", "/trees", None, "trust:read"),
    ("GET", "/trees/intl", None, "trust:read"),
    ("GET", "/trees/intl/history", None, "trust:read"),
    ("GET", "/trees/intl/roles/root/history", None, "trust:read"),
    ("GET", "/keys", None, "trust:read"),
    ("GET", "/pending", None, "trust:read"),
    ("GET", f"/pending/{NOBODY_ID}", None, "trust:read"),
    ("POST", "/keys", {"pem": "x", "purpose": "officer", "owner": "o"}, "trust:manage"),
    ("POST", "/trees/intl/start", {"officers": [NOBODY_KEY] * 3}, "trust:manage"),
    ("POST", "/trees/intl/officers", {"officers": [NOBODY_KEY] * 3}, "trust:manage"),
    ("POST", "/trees/intl/renewals", {"role": "root"}, "trust:manage"),
    ("POST", "/trees/intl/rotations", {"purpose": "officer"}, "trust:manage"),
    ("POST", f"/apps/{APP}/keys", {"profile": "intl", "publisher_key": NOBODY_KEY}, "trust:manage"),
    ("POST", f"/keys/{NOBODY_KEY}/resume", {"reason": "r"}, "trust:manage"),
    ("DELETE", f"/requests/{NOBODY_ID}", None, "trust:manage"),
    ("POST", f"/keys/{NOBODY_KEY}/suspend", {"reason": "r"}, "trust:suspend"),
    ("POST", f"/pending/{NOBODY_ID}/signatures", {"key": NOBODY_KEY, "signature": "00"}, "trust:sign"),
]


async def test_every_route_asks_for_its_permission(core: Core, http: httpx2.AsyncClient) -> None:
    nobody, admin = Console(http, {}), await _console(core, http, "admin")
    desk = await _console(core, http, "service_desk")
    foreign = await _console(core, http, "admin", workspace=OTHER_WORKSPACE)
    for method, path, body, permission in ROUTES:
        where = f"{method} {path}"
        assert (await nobody.call(method, path, body)).status_code == 401, where
        assert (await foreign.call(method, path, body)).status_code == 401, where
        refused = await desk.call(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_permission"), where
        assert refused.json()["permission"] == permission, where
        answer = await admin.call(method, path, body)
        assert answer.status_code < 300 or answer.json()["code"] in {
            "trust_pending_unknown",
            "key_unreadable",
            "trust_key_unknown",
            "trust_tree_not_started",
            "trust_key_for_another_use",
        }, (where, answer.text)


@pytest.mark.parametrize("signature", ["00", "ff" * 64, "ff" * 65, "f"])
async def test_a_signature_that_is_none_is_refused(core: Core, http: httpx2.AsyncClient, signature: str) -> None:
    admin, parties = await _console(core, http, "admin"), Parties(core)
    await parties.start("intl")
    await admin.post("/trees/intl/renewals", {"role": "targets"})
    (waiting,) = await admin.items("/pending")
    body = {"key": key_id(parties.officers[0].public), "signature": signature}
    answer = await admin.call("POST", f"/pending/{waiting['id']}/signatures", body)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"trust_not_signed", "invalid_body"}


@pytest.mark.parametrize("text", ["{}", "x", "\udcff", '{"signatures":[],"signed":{}}'])
async def test_a_body_that_is_none_is_refused(core: Core, http: httpx2.AsyncClient, text: str) -> None:
    admin, parties = await _console(core, http, "admin"), Parties(core)
    await parties.start("intl")
    await parties.delegate()
    await parties.publish(1)
    path, key = f"{API}/apps/{APP}/keys", key_id(parties.publisher["intl"].public)
    content = f'{{"profile":"intl","publisher_key":"{key}","body":{json.dumps(text)}}}'
    headers = admin.headers | {"content-type": "application/json"}
    answer = await http.post(path, content=content, headers=headers)
    assert answer.status_code == 422, answer.text


async def test_the_owners_that_the_approver_reads_are_those_of_the_keys(core: Core, http: httpx2.AsyncClient) -> None:
    maker = await _console(core, http, "admin")
    ids = []
    for number in range(3):
        body = {"pem": PrivateKey.generate().public.pem(), "purpose": "officer", "owner": f"officer {number}"}
        ids.append((await maker.post("/keys", body, 201))["id"])
    owners = [f"officer {number}" for number in range(3)]
    for wrong in ([], owners[:2], owners[::-1], None):
        payload = {"officers": ids, "owners": wrong}
        with pytest.raises(KeyForAnotherUse, match="owners"):
            await propose(core, WORKSPACE, SYSTEM, kind="trust.tree.start", target="intl", payload=payload)
    payload = {"officers": ids, "owners": owners}
    change = await propose(core, WORKSPACE, SYSTEM, kind="trust.tree.start", target="intl", payload=payload)
    assert [line.en for line in change.diff] == [f"Officer {owner}" for owner in owners]

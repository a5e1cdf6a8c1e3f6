"""Two banks on one server: every operation, called with the other's ids and tokens, tells and changes nothing.

The operations are listed from the server itself; one that has no body in `journey_bodies` fails here.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from journey_bodies import (
    ANSWERS_OF_ITS_OWN,
    BODIES,
    CODEPUSH,
    CODEPUSH_OPEN,
    FREE_NAMES,
    OTHER_IDS,
    PUBLIC,
    RAW,
    SHARED_PARAMETERS,
    WRONG_ON_PURPOSE,
)
from journey_town import CONSOLE, Town, towns
from starlette.routing import Mount, Route

from sampan.platform.component import ClientRoutes, HotRoute
from sampan.platform.operators.session_cookie import cookie_name
from sampan.platform.operators.testing import bearer_for, totp_of
from sampan.platform.testing_device import SESSION

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("isolation")]  # one pair of workspaces, in order
ID = re.compile(r"\b[a-z]{2,4}_[0-9a-f]{32}\b|\b[0-9a-f]{64}\b")
PARAMETER = re.compile(r"\{(\w+)(?::int)?\}")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Town, Town]]:
    """Two workspaces for all tests: none of them changes the second one, which each proves, but the last."""
    async with towns(tmp_path_factory.mktemp("pair"), "bank-a", "bank-b") as (ours, theirs):
        yield ours, theirs


def secrets_of(town: Town, other: Town) -> frozenset[str]:
    """Return every id, digest and word that is this workspace's alone."""

    def words(rows: dict[str, list[str]]) -> frozenset[str]:
        return frozenset(word for table in rows.values() for row in table for word in ID.findall(row))

    named = {str(value) for name, value in town.ids.items() if name not in SHARED_PARAMETERS | FREE_NAMES}
    return frozenset((words(town.rows()) - words(other.rows())) | named | {town.marker, town.bodies["phone"]})


def leaks(answer: httpx2.Response, secrets: Iterable[str], sent: str) -> list[str]:
    """Return the secrets in an answer that the request itself did not hold."""
    told = answer.text + str(answer.headers)
    return [secret for secret in secrets if secret in told and secret not in sent]


async def operations_of(town: Town) -> list[str]:
    """Return every operation as the OpenAPI document lists it; those that only read come first."""
    paths = (await town.http.get(f"{CONSOLE}/openapi.json")).json()["paths"]
    found = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    return sorted(found, key=lambda name: (not name.startswith("GET"), name))


class Caller:
    """Calls operations in a workspace, each with a fresh session unless other headers are given."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.sent = ""

    async def fresh(self) -> dict[str, str]:
        """Return a fresh session of somebody who may do everything, with a recent second factor."""
        return await bearer_for(self.town.core, self.town.workspace, self.town.person)

    async def call(
        self, operation: str, ids: dict[str, Any], body: Any, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """Call an operation and remember what was sent."""
        method, _, pattern = operation.partition(" ")
        ids = {**ids, **OTHER_IDS} if "/hotfix" in pattern else ids
        path = PARAMETER.sub(lambda match: quote(str(ids[match[1]]), safe=""), pattern)
        address = f"/w/{self.town.workspace}{CONSOLE}{path}"
        headers = headers if headers is not None else await self.fresh()
        options: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        if body == RAW:
            options = {"content": b'{"bank_reference":"r","tier":"full"}\n'}
            headers = {**headers, "content-type": "application/x-ndjson"}
        self.sent = address + json.dumps(body, ensure_ascii=False)
        return await self.town.http.request(method, address, headers=headers, **options)


async def test_every_operation_has_its_case(pair: tuple[Town, Town]) -> None:
    ours, _ = pair
    assert set(await operations_of(ours)) == set(BODIES)
    named = {name for operation in BODIES for name in PARAMETER.findall(operation)}
    assert named <= set(ours.ids)


async def test_the_others_ids_open_nothing(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    secrets, before = secrets_of(theirs, ours), await theirs.settled_rows()
    assert len(secrets) > 100
    caller, wrong = Caller(ours), []
    for operation in await operations_of(ours):
        answer = await caller.call(operation, theirs.ids, BODIES[operation](theirs))
        if found := leaks(answer, secrets, caller.sent):
            wrong.append((operation, answer.status_code, "leaks", found[:3]))
        is_foreign = bool(set(PARAMETER.findall(operation)) - SHARED_PARAMETERS)
        if is_foreign and operation not in ANSWERS_OF_ITS_OWN and answer.status_code != 404:
            wrong.append((operation, answer.status_code, answer.text[:300], []))
        assert answer.status_code < 500, (operation, answer.text)
    assert wrong == []
    assert await theirs.settled_rows() == before


async def test_the_others_tokens_open_nothing(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    secrets, before = secrets_of(theirs, ours), await theirs.settled_rows()
    caller = Caller(theirs)
    session = (await Caller(ours).fresh())["authorization"].removeprefix("Bearer ")
    cookie = {"cookie": f"{cookie_name('bank-b')}={session}; {cookie_name('bank-a')}={session}"}
    for headers in (await Caller(ours).fresh(), ours.machine, {**cookie, "origin": "http://testserver"}):
        at_home = await Caller(ours).call("GET /apps", ours.ids, None, {} if "cookie" in headers else headers)
        assert at_home.status_code == (401 if "cookie" in headers else 200)
        for operation in await operations_of(theirs):
            if operation in PUBLIC:
                continue
            answer = await caller.call(operation, theirs.ids, BODIES[operation](theirs), headers)
            assert answer.status_code == 401, (operation, answer.text)
            assert leaks(answer, secrets, caller.sent) == [], operation
    assert await theirs.settled_rows() == before


async def test_the_cookie_of_a_session_opens_its_own_workspace(pair: tuple[Town, Town]) -> None:
    """The control of the cookie above."""
    ours, _ = pair
    session = (await Caller(ours).fresh())["authorization"].removeprefix("Bearer ")
    answer = await Caller(ours).call("GET /apps", ours.ids, None, {"cookie": f"{cookie_name('bank-a')}={session}"})
    assert answer.status_code == 200


async def test_a_person_and_a_set_up_link_work_in_their_own_workspace_only(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    before = await theirs.settled_rows()
    body = {
        "email": ours.person.email,
        "password": ours.person.password,
        "totp": totp_of(ours.core, ours.person),
        "kind": "bearer",
    }
    there = await Caller(theirs).call("POST /session", theirs.ids, body, {})
    assert there.status_code == 401, there.text
    assert await theirs.settled_rows() == before
    here = await Caller(ours).call("POST /session", ours.ids, body, {})
    assert here.status_code == 201, here.text


CLIENT_BODIES: dict[str, Any] = {
    f"POST {SESSION}": None,
    f"DELETE {SESSION}": None,
    f"POST {SESSION}/code": {"phone": "+8613800000001"},
    f"POST {SESSION}/customer": {"phone": "+8613800000001", "code": "000000"},
    f"POST {SESSION}/refresh": None,
    "POST /client/v1/sync": {"client_app": "shop-bank-a"},
    "POST /client/v1/events": {"batch": [{"seq": 1, "type": "app.opened", "at": 1}]},
    "GET /client/v1/trial/{app}/{sequence}": None,
    "GET /open/trial/{app}/{sequence}": None,
    "GET /.well-known/jwks.json": None,
    "POST /client/v1/demo/token": {"tier": "full", "client_app": "shop-bank-a"},
    "GET /client/v1/demo/codes": None,
    "POST /client/v1/demo/tier": {"tier": "full"},
    "GET /client/v1/shell": None,
    "GET /client/v1/me": None,
    "GET /client/v1/devices": None,
    "DELETE /client/v1/devices/{device}": None,
    "GET /client/v1/consents": None,
    "PUT /client/v1/consents/{app}/{permission}": None,
    "DELETE /client/v1/consents/{app}/{permission}": None,
    "POST /client/v1/apps/{app}/login": {"scopes": [], "sequence": 1},
    "GET /client/v1/apps/{app}/profile": None,
    "POST /client/v1/apps/{app}/fetch": {"url": "https://api.example.com/", "sequence": 1},
    "POST /client/v1/apps/{app}/pay": {
        "order": "o",
        "amount": {"value_minor": 1, "currency": "CNY"},
        "title": "t",
        "sequence": 1,
    },
    "POST /client/v1/apps/{app}/sign": {"order": "o", "title": "t", "digest": f"sha256:{'0' * 64}", "sequence": 1},
    "POST /client/v1/apps/{app}/report": {"reason": "other"},
    "GET /client/v1/apps/{app}/explain": None,
    "POST /apps/v1/login": {"app": "x.y", "code": "z"},
    "POST /ofrep/v1/evaluate/flags": {"context": {}},
    "POST /ofrep/v1/evaluate/flags/{switch}": {"context": {}},
    "OPTIONS /ofrep/v1/evaluate/flags": None,
    "OPTIONS /ofrep/v1/evaluate/flags/{switch}": None,
    "GET /ofrep/v1/events": None,
    "GET /client/v1/live": None,
    "GET /console/api/v1/live": None,
    "GET /trust": None,
    **dict.fromkeys(CODEPUSH),
}
OPEN_TO_ALL = frozenset(
    {
        *CODEPUSH_OPEN,
        "GET /open/trial/{app}/{sequence}",
        "GET /.well-known/jwks.json",
        "GET /trust",
        "GET /client/v1/shell",
        "OPTIONS /ofrep/v1/evaluate/flags",
        "OPTIONS /ofrep/v1/evaluate/flags/{switch}",
    }
)
PUBLIC_OF_A_WORKSPACE = frozenset({"GET /trust", "GET /client/v1/shell"})
MAKES_A_DEVICE = frozenset({"POST /client/v1/demo/token", "GET /client/v1/demo/codes"})


def client_routes(town: Town) -> set[str]:
    """Return every route of the surfaces for devices, as the components contribute them."""
    found = {f"{hot.method} {hot.path}" for hot in town.core.contributions(HotRoute)}
    for routes in town.core.contributions(ClientRoutes):
        for route in routes.build(town.core):
            assert isinstance(route, Route | Mount)
            methods = (route.methods or {"GET"}) - {"HEAD"} if isinstance(route, Route) else {"GET"}
            path = PARAMETER.sub(r"{\1}", route.path)
            found |= {f"{method} {path}" for method in methods}
    return found


async def test_a_devices_tokens_open_nothing_next_door(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    assert client_routes(ours) == set(CLIENT_BODIES)
    secrets, before = secrets_of(theirs, ours), await theirs.settled_rows()
    device, refresh = ours.device, ours.device.tokens["refresh_token"]
    bodies = {
        **CLIENT_BODIES,
        f"POST {SESSION}": {"client_app": device.client_app, "device_keys": {"signing": device.jwk}},
        f"POST {SESSION}/refresh": {"refresh_token": refresh},
    }
    line = theirs.ids["codepush_deployment"]
    codepush = {"owner": "o", "deployment": line, "into": line, "email": "e", "id": "i", "sha256": "0" * 64}
    names = {**theirs.ids, **codepush, "device": theirs.ids["device_id"], "permission": "camera"}
    for operation in sorted(set(bodies) - MAKES_A_DEVICE - PUBLIC_OF_A_WORKSPACE):
        method, _, pattern = operation.partition(" ")
        path = PARAMETER.sub(lambda match: str(names[match[1]]), pattern)
        token = device.tokens["access_token"]
        is_beginning = operation in (f"POST {SESSION}", f"POST {SESSION}/refresh")
        address = f"{str(device.http.base_url).rstrip('/')}/w/bank-b{path}"
        proof = device.proof(method, path, htu=address, access_token=None if is_beginning else token)
        scheme = "DPoP" if SESSION in path else "Bearer"
        headers = {"dpop": proof} if is_beginning else {"dpop": proof, "authorization": f"{scheme} {token}"}
        answer = await ours.http.request(method, f"/w/bank-b{path}", json=bodies[operation], headers=headers)
        sent = path + json.dumps(bodies[operation])
        assert leaks(answer, secrets, sent) == [], operation
        if operation not in OPEN_TO_ALL:
            assert answer.status_code in (401, 404, 422), (operation, answer.status_code, answer.text)
    assert await theirs.settled_rows() == before
    again = await device.refresh(refresh)
    assert again.status_code == 200, "the refresh token was spent next door"


async def test_the_demos_tokens_and_codes_stay_in_their_workspace(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    secrets = secrets_of(theirs, ours)
    minted = await ours.http.post("/w/bank-a/client/v1/demo/token", json={"tier": "full", "client_app": "shop-bank-b"})
    assert minted.status_code in (404, 422)
    codes = await ours.http.get("/w/bank-a/client/v1/demo/codes")
    assert [code["phone"] for code in codes.json()["codes"]] == [ours.bodies["phone"]]
    assert leaks(codes, secrets, "") == []


async def test_sync_and_events_speak_of_the_own_workspace_alone(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    answers = {}
    for town in pair:
        headers = {"authorization": town.device.bearer.decode()}
        body = {"client_app": town.device.client_app}
        answers[town.workspace] = await town.http.post(
            f"/w/{town.workspace}/client/v1/sync", json=body, headers=headers
        )
    assert leaks(answers["bank-a"], secrets_of(theirs, ours), "") == []
    (offer,) = answers["bank-b"].json()["offers"]
    report = {"app": offer["id"], "sequence": offer["sequence"], "release": offer["release"]}
    event = {"seq": 1, "type": "delivery.installed", "at": 1, "digest": offer["digest"], "ticket": offer["ticket"]}
    before = await theirs.settled_rows()
    headers = {"authorization": ours.device.bearer.decode()}
    told = await ours.http.post("/w/bank-a/client/v1/events", json={"batch": [{**event, **report}]}, headers=headers)
    assert told.json()["refused"] == [{"seq": 1, "code": "bad_ticket"}]
    assert await theirs.settled_rows() == before


async def test_a_tester_next_door_sees_no_trial(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    headers = {"authorization": ours.device.bearer.decode()}
    for town, status in ((ours, 200), (theirs, 404)):
        answer = await ours.http.get(f"/w/bank-a/client/v1/trial/{town.app}/3", headers=headers)
        assert answer.status_code == status, answer.text


async def test_no_tree_serves_the_others_files(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    objects = ours.core.settings.data / "objects"
    files = await asyncio.to_thread(lambda: [path for path in objects.rglob("*") if path.is_file()])
    held = {town.workspace: {path for path in files if town.workspace in path.parts} for town in pair}
    own = {hashlib.sha256(path.read_bytes()).hexdigest() for path in held["bank-a"]}
    secret = {hashlib.sha256(path.read_bytes()).hexdigest() for path in held["bank-b"]} - own
    assert len(secret) > 10
    served = 0
    for path in held["bank-b"]:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        names = (f"metadata/{path.name}", f"files/{digest}", f"targets/apps/{theirs.app}/1/{digest}.package.ma")
        for workspace, is_home in (("bank-a", False), ("bank-b", True)):
            for profile in ("intl", "trial"):
                for name in names:
                    answer = await ours.http.get(f"/trust/{workspace}/{profile}/{name}")
                    found = hashlib.sha256(answer.content).hexdigest() in secret
                    served += found and is_home
                    assert is_home or not found, (profile, name)
    assert served > 10, "the control: at home they are served"


async def test_the_servers_own_surfaces_name_nobody(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    secrets = secrets_of(theirs, ours) | secrets_of(ours, theirs)
    for path in ("/healthz", "/readyz", "/status", "/metrics", f"{CONSOLE}/openapi.json"):
        answer = await ours.http.get(path)
        assert answer.status_code == 200
        assert leaks(answer, secrets, "") == []


async def test_the_others_ids_in_a_body_reach_nothing(pair: tuple[Town, Town]) -> None:
    ours, theirs = pair
    secrets, before = secrets_of(theirs, ours), await theirs.settled_rows()
    caller, sent = Caller(ours), ""
    for operation in await operations_of(ours):
        answer = await caller.call(operation, ours.ids, BODIES[operation](theirs))
        sent += caller.sent
        assert leaks(answer, secrets, sent) == [], operation
        assert answer.status_code < 500, (operation, answer.text)
    assert await theirs.settled_rows() == before


async def test_the_same_requests_mean_something_at_home(pair: tuple[Town, Town]) -> None:
    """The control: ids that were refused next door exist here, so that the refusals above are no accident."""
    _, theirs = pair
    caller, unknown = Caller(theirs), []
    first = [name for name in await operations_of(theirs) if name.startswith("GET")]
    for operation in first:
        answer = await caller.call(operation, theirs.ids, BODIES[operation](theirs))
        if answer.status_code != 200:
            unknown.append((operation, answer.status_code, answer.text[:200]))
    assert unknown == []
    for operation in set(await operations_of(theirs)) - set(first) - PUBLIC - WRONG_ON_PURPOSE:
        answer = await caller.call(operation, theirs.ids, BODIES[operation](theirs))
        assert answer.status_code not in (401, 500), (operation, answer.text)
        assert answer.status_code < 400 or answer.json()["code"] != "invalid_body", (operation, answer.text)

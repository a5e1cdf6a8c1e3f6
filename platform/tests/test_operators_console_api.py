"""The console routes: who is let in, what each answer looks like, and that a foreign page gets nowhere."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.platform.core import Core
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.first_people import Credentials, create_first_admins
from sampan.platform.operators.machine_tokens import create_token
from sampan.platform.operators.session_cookie import cookie_name
from sampan.platform.operators.session_rows import session_by_hash
from sampan.platform.operators.signed_in import FACTOR_MS
from sampan.platform.operators.testing import actor_of, bearer_for, person_with, totp_of
from sampan.platform.operators.totp import STEP_MS
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core

pytestmark = pytest.mark.anyio
API = "/console/api/v1"
ORIGIN = "https://console.bank.example"
Headers = dict[str, str]


class Clock:
    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@dataclass
class Stage:
    core: Core
    clock: Clock
    http: httpx2.AsyncClient
    ada: Credentials
    bob: Credentials

    async def call(
        self, method: str, path: str, *, by: Headers | None = None, body: Any = None, **options: Any
    ) -> httpx2.Response:
        return await self.http.request(method, API + path, headers=by or {}, json=body, **options)

    async def bearer(self, credentials: Credentials) -> Headers:
        return await bearer_for(self.core, WORKSPACE, credentials)

    def sign_in_body(self, kind: str) -> dict[str, str]:
        self.clock.ms += STEP_MS
        code = totp_of(self.core, self.ada)
        return {"email": self.ada.email, "password": self.ada.password, "totp": code, "kind": kind}

    async def cookie(self) -> Headers:
        answer = await self.call("POST", "/session", by={"origin": ORIGIN}, body=self.sign_in_body("cookie"))
        assert answer.status_code == 201, answer.text
        value = answer.headers["set-cookie"].split(";")[0]
        self.http.cookies.clear()
        return {"cookie": value}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running_core(tmp_path, components=(operators,), now_ms=clock) as core:
        admins = [("ada@example.com", "Ada"), ("bob@example.com", "Bob")]
        ada, bob = await create_first_admins(core, WORKSPACE, admins)
        async with client(core, base_url=ORIGIN) as http:
            yield Stage(core, clock, http, ada, bob)


SOME_ID = "opr_" + "0" * 32
SOME_CHANGE = "chg_" + "0" * 32
DIGEST = "sha256:" + "0" * 64
GRANTS = [{"role": "reviewer"}]
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/session", None),
    ("DELETE", "/session", None),
    ("DELETE", "/session/everywhere", None),
    ("POST", "/session/totp", {"totp": "123456"}),
    ("POST", "/session/password", {"password": "x", "new_password": "y", "totp": "123456"}),
    ("GET", "/operators", None),
    ("POST", "/operators", {"email": "x@example.com", "name": "X", "grants": GRANTS}),
    ("POST", f"/operators/{SOME_ID}/grants", {"grants": GRANTS}),
    ("DELETE", f"/operators/{SOME_ID}/grants/{SOME_ID}", None),
    ("POST", f"/operators/{SOME_ID}/disable", None),
    ("POST", f"/operators/{SOME_ID}/enable", {}),
    ("POST", f"/operators/{SOME_ID}/reset", {}),
    ("POST", f"/operators/{SOME_ID}/setup-link", None),
    ("GET", "/roles", None),
    ("PUT", "/roles/watcher", {"before": [], "after": []}),
    ("GET", "/permissions", None),
    ("GET", "/tokens", None),
    ("POST", "/tokens", {"name": "t", "permissions": ["audit:read"], "days": 1}),
    ("DELETE", f"/tokens/{SOME_ID}", None),
    ("GET", "/changes", None),
    ("GET", "/changes/kinds", None),
    ("POST", "/changes", {"kind": "role.change", "target": "watcher", "payload": {"before": [], "after": []}}),
    ("GET", f"/changes/{SOME_CHANGE}", None),
    ("PUT", f"/changes/{SOME_CHANGE}", {"digest": DIGEST, "payload": {}}),
    ("POST", f"/changes/{SOME_CHANGE}/approve", {"digest": DIGEST}),
    ("POST", f"/changes/{SOME_CHANGE}/reject", {}),
    ("POST", f"/changes/{SOME_CHANGE}/withdraw", None),
    ("GET", "/audit", None),
    ("GET", "/audit/csv", None),
    ("POST", "/audit/verify", {}),
]
FOR_EVERYBODY = {
    "/session", "/session/everywhere", "/session/totp", "/session/password", "/permissions", "/tokens",
    "/changes", "/changes/kinds",
}  # fmt: skip


async def test_no_answer_is_kept_framed_or_guessed_at(stage: Stage) -> None:
    by = await stage.bearer(stage.ada)
    answers = [
        await stage.call("GET", "/operators", by=by),
        await stage.call("GET", "/operators"),
        await stage.call("GET", "/nothing", by=by),
        await stage.call("POST", "/tokens", by=by, body=[]),
    ]
    assert [each.status_code for each in answers] == [200, 401, 404, 422]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_nobody_gets_in_without_a_session(stage: Stage) -> None:
    strangers: list[Headers] = [
        {},
        {"authorization": "Bearer sps_x"},
        {"authorization": "Bearer spm_x"},
        {"authorization": "Bearer nonsense"},
        {"cookie": f"{cookie_name(WORKSPACE)}=sps_x", "origin": ORIGIN},
    ]
    for headers, (method, path, body) in itertools.product(strangers, ROUTES):
        answer = await stage.call(method, path, by=headers, body=body)
        assert answer.status_code == 401, (method, path, headers, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in ("not_signed_in", "session_ended")


async def test_a_session_of_one_bank_opens_nothing_of_another(stage: Stage) -> None:
    headers = await stage.bearer(stage.ada)
    for method, path, body in ROUTES:
        answer = await stage.http.request(method, f"/w/{OTHER_WORKSPACE}{API}{path}", headers=headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended"), (method, path)


async def test_the_wrong_right_is_refused(stage: Stage) -> None:
    publisher = await person_with(stage.core, WORKSPACE, "publisher")
    codes = {"missing_permission", "change_not_found", "token_not_found", "not_for_machines", "sign_in_refused"}
    for method, path, body in ROUTES:
        answer = await stage.call(method, path, by=await stage.bearer(publisher), body=body)
        if path in FOR_EVERYBODY and body is None:
            assert answer.status_code in (200, 204), (method, path)
        else:
            assert answer.status_code in (401, 403, 404), (method, path, answer.text)
            assert answer.json()["code"] in codes


async def test_a_foreign_page_changes_nothing_by_the_cookie(stage: Stage) -> None:
    foreign = [{}, {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": f"{ORIGIN}.evil.example"}]
    for method, path, body in ROUTES:
        cookie = await stage.cookie()
        if method == "GET":
            continue
        for origin in foreign:
            answer = await stage.call(method, path, by={**cookie, **origin}, body=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin"), (method, path)
        answer = await stage.call(method, path, by={**cookie, "origin": ORIGIN}, body=body)
        assert answer.status_code < 500, (method, path)
        assert b"foreign_origin" not in answer.content


async def test_reading_by_the_cookie_needs_no_origin(stage: Stage) -> None:
    cookie = await stage.cookie()
    for method, path, body in ROUTES:
        if method == "GET" and SOME_CHANGE not in path:
            assert (await stage.call(method, path, by=cookie, body=body)).status_code == 200, path


DANGEROUS = [route for route in ROUTES if "approve" in route[1] or (route[1].startswith("/operators") and route[2])]


async def test_dangerous_acts_ask_for_the_code_again(stage: Stage) -> None:
    headers = await stage.bearer(stage.ada)
    stage.clock.ms += FACTOR_MS
    for method, path, body in DANGEROUS:
        answer = await stage.call(method, path, by=headers, body=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed"), path
    code = totp_of(stage.core, stage.ada)
    confirmed = await stage.call("POST", "/session/totp", by=headers, body={"totp": code})
    assert confirmed.json() == {"confirmed_until_ms": stage.clock.ms + FACTOR_MS}
    for method, path, body in DANGEROUS:
        answer = await stage.call(method, path, by=headers, body=body)
        assert answer.status_code in (202, 404), answer.text


async def test_the_cookie_is_bound_to_host_https_and_site(stage: Stage) -> None:
    answer = await stage.call("POST", "/session", by={"origin": ORIGIN}, body=stage.sign_in_body("cookie"))
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert parts >= {"secure", "httponly", "samesite=strict", "path=/"}
    assert not any(part.startswith("domain") for part in parts)
    assert answer.headers["set-cookie"].startswith("__Host-sampan-bank-a=sps_")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["secret"] is None


async def test_a_foreign_page_cannot_sign_its_victim_in(stage: Stage) -> None:
    for headers in ({}, {"origin": "https://evil.example"}):
        answer = await stage.call("POST", "/session", by=headers, body=stage.sign_in_body("cookie"))
        assert answer.json()["code"] == "foreign_origin"
        assert "set-cookie" not in answer.headers


async def test_the_command_line_gets_a_secret_and_no_cookie(stage: Stage) -> None:
    answer = await stage.call("POST", "/session", body=stage.sign_in_body("bearer"))
    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers
    headers = {"authorization": f"Bearer {answer.json()['secret']}"}
    me = (await stage.call("GET", "/session", by=headers)).json()
    assert (me["email"], me["name"], me["kind"], me["workspace"]) == ("ada@example.com", "Ada", "operator", WORKSPACE)
    assert "operator:approve" in me["permissions"]
    assert me["limited"] == []
    assert (await stage.call("DELETE", "/session", by=headers)).status_code == 204
    assert (await stage.call("GET", "/session", by=headers)).status_code == 401


async def test_wrong_credentials_are_a_problem_with_a_challenge(stage: Stage) -> None:
    body = {**stage.sign_in_body("bearer"), "password": "wrong password"}
    answer = await stage.call("POST", "/session", body=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
    for _ in range(10):
        answer = await stage.call("POST", "/session", body=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert answer.headers["retry-after"] == "900"


async def test_limits_of_a_grant_are_told_apart_from_full_rights(stage: Stage) -> None:
    grant = {"role": "auditor", "publisher": "pub_1"}
    person = await person_with(stage.core, WORKSPACE, grants=[grant])
    headers = await stage.bearer(person)
    me = (await stage.call("GET", "/session", by=headers)).json()
    assert me["permissions"] == []
    assert [(item["publisher"], "audit:read" in item["permissions"]) for item in me["limited"]] == [("pub_1", True)]
    answer = await stage.call("GET", "/audit", by=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_permission")


async def test_a_new_colleague_from_proposal_to_first_sign_in(stage: Stage) -> None:
    ada, bob = await stage.bearer(stage.ada), await stage.bearer(stage.bob)
    body = {"email": "eve@example.com", "name": "Eve", "grants": GRANTS, "note": "joins on Monday"}
    answer = await stage.call("POST", "/operators", by=ada, body=body)
    assert answer.status_code == 202
    change = answer.json()
    seen = (await stage.call("GET", f"/changes/{change['id']}", by=bob)).json()
    assert seen == change
    assert (seen["maker"]["name"], seen["note"], seen["state"]) == ("Ada", "joins on Monday", "proposed")
    assert {line["after"] for line in seen["diff"]} == {"Eve <eve@example.com>", "reviewer"}
    own = await stage.call("POST", f"/changes/{change['id']}/approve", by=ada, body={"digest": change["digest"]})
    assert (own.status_code, own.json()["code"]) == (403, "same_person")
    done = await stage.call("POST", f"/changes/{change['id']}/approve", by=bob, body={"digest": change["digest"]})
    assert (done.json()["state"], done.json()["approvals"][0]["name"]) == ("applied", "Bob")
    people = (await stage.call("GET", "/operators", by=ada)).json()["items"]
    eve = next(person for person in people if person["email"] == "eve@example.com")
    link = (await stage.call("POST", f"/operators/{eve['id']}/setup-link", by=ada)).json()["link"]
    shown = (await stage.call("POST", "/setup/begin", body={"link": link})).json()
    assert (shown["email"], shown["totp_uri"].startswith("otpauth://totp/")) == ("eve@example.com", True)
    wrong = await stage.call("POST", "/setup/finish", body={"link": link, "password": "x" * 12, "totp": "000000"})
    assert wrong.json()["code"] in ("bad_password", "wrong_code")


async def test_whoever_is_signed_in_learns_what_colleagues_are_called(stage: Stage) -> None:
    reviewer = await person_with(stage.core, WORKSPACE, "reviewer")
    foreign = await person_with(stage.core, OTHER_WORKSPACE, "reviewer")
    people = (await stage.call("GET", "/operators", by=await stage.bearer(stage.ada))).json()["items"]
    bob = next(person for person in people if person["name"] == "Bob")
    elsewhere = (await actor_of(stage.core, OTHER_WORKSPACE, foreign)).operator_id
    path = f"/names?id={bob['id']}&id={bob['person']}&id={elsewhere}"
    answer = await stage.call("GET", path, by=await stage.bearer(reviewer))
    assert answer.json() == {"names": {bob["id"]: "Bob", bob["person"]: "Bob"}}
    assert (await stage.call("GET", path)).status_code == 401
    wrong = await stage.call("GET", "/names?id=Bob", by=await stage.bearer(reviewer))
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "wrong_form")


async def test_two_approvals_at_once_apply_once(stage: Stage) -> None:
    third = await person_with(stage.core, WORKSPACE, "admin")
    ada, bob, carl = [await stage.bearer(person) for person in (stage.ada, stage.bob, third)]
    body = {"email": "eve@example.com", "name": "Eve", "grants": GRANTS}
    change = (await stage.call("POST", "/operators", by=ada, body=body)).json()
    path, digest = f"/changes/{change['id']}/approve", {"digest": change["digest"]}
    answers = await asyncio.gather(*(stage.call("POST", path, by=by, body=digest) for by in (bob, carl)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    people = (await stage.call("GET", "/operators", by=ada)).json()["items"]
    assert sum(person["email"] == "eve@example.com" for person in people) == 1


async def test_changes_are_listed_edited_rejected_and_withdrawn(stage: Stage) -> None:
    ada, bob = await stage.bearer(stage.ada), await stage.bearer(stage.bob)

    async def role(name: str) -> dict[str, Any]:
        payload = {"before": [], "after": ["audit:read"]}
        body = {"kind": "role.change", "target": name, "payload": payload}
        answer = await stage.call("POST", "/changes", by=ada, body=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    one, two, three = await role("one_role"), await role("two_role"), await role("three_role")
    edit = {"digest": one["digest"], "payload": {"before": [], "after": ["change:read"]}}
    edited = (await stage.call("PUT", f"/changes/{one['id']}", by=ada, body=edit)).json()
    assert (edited["edition"], edited["diff"][0]["after"]) == (2, "change:read")
    foreign = await stage.call("PUT", f"/changes/{two['id']}", by=bob, body={**edit, "digest": two["digest"]})
    assert foreign.json()["code"] == "not_the_maker"
    await stage.call("POST", f"/changes/{two['id']}/reject", by=bob, body={"reason": "no"})
    await stage.call("POST", f"/changes/{three['id']}/withdraw", by=ada)
    for state, wanted in (("proposed", one), ("rejected", two), ("withdrawn", three)):
        page = (await stage.call("GET", f"/changes?state={state}", by=bob)).json()
        assert [item["id"] for item in page["items"]] == [wanted["id"]]
    first = (await stage.call("GET", "/changes?limit=2", by=bob)).json()
    rest = (await stage.call("GET", f"/changes?limit=2&cursor={first['next_cursor']}", by=bob)).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [three["id"], two["id"], one["id"]]
    publisher = await stage.bearer(await person_with(stage.core, WORKSPACE, "publisher"))
    assert (await stage.call("GET", "/changes", by=publisher)).json()["items"] == []
    assert (await stage.call("GET", f"/changes/{one['id']}", by=publisher)).status_code == 404


async def test_only_kinds_without_a_route_are_proposed_by_hand(stage: Stage) -> None:
    ada = await stage.bearer(stage.ada)
    for kind in ("operator.create", "operator.reset", "no.such"):
        body: dict[str, Any] = {"kind": kind, "target": "x", "payload": {}}
        answer = await stage.call("POST", "/changes", by=ada, body=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_change_kind")


async def test_machine_tokens_over_http(stage: Stage) -> None:
    ada = await stage.bearer(stage.ada)
    body = {"name": "siem", "permissions": ["audit:read"], "days": 7}
    made = (await stage.call("POST", "/tokens", by=ada, body=body)).json()
    machine = {"authorization": f"Bearer {made['secret']}"}
    assert (await stage.call("GET", "/audit", by=machine)).status_code == 200
    me = (await stage.call("GET", "/session", by=machine)).json()
    assert (me["kind"], me["permissions"], me["session"]) == ("machine", ["audit:read"], None)
    for method, path, content in (
        ("POST", f"/changes/{SOME_CHANGE}/approve", {"digest": DIGEST}),
        ("POST", "/tokens", body),
    ):
        answer = await stage.call(method, path, by=machine, body=content)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
    for method, path in (("DELETE", "/session"), ("DELETE", "/session/everywhere")):
        assert (await stage.call(method, path, by=machine)).status_code == 401
    (listed,) = (await stage.call("GET", "/tokens", by=ada)).json()["items"]
    assert (listed["name"], listed["secret"]) == ("siem", None)
    assert (await stage.call("DELETE", f"/tokens/{made['id']}", by=ada)).status_code == 204
    assert (await stage.call("GET", "/audit", by=machine)).status_code == 401


async def test_the_audit_over_http(stage: Stage) -> None:
    auditor = await stage.bearer(await person_with(stage.core, WORKSPACE, "auditor"))
    page = (await stage.call("GET", "/audit?limit=2", by=auditor)).json()
    assert [row["n"] for row in page["items"]] == [3, 2]
    older = (await stage.call("GET", f"/audit?limit=2&cursor={page['next_cursor']}", by=auditor)).json()
    assert [row["n"] for row in older["items"]] == [1]
    exported = (await stage.call("GET", "/audit?sort=n&after_n=1", by=auditor)).json()
    assert [row["n"] for row in exported["items"]] == [2, 3]
    good = (await stage.call("POST", "/audit/verify", by=auditor, body={"witnesses": [page["head"]]})).json()
    assert (good["intact"], good["checked"], good["witnesses"]) == (True, 3, 1)
    cut = {"witnesses": [{"n": 9, "hash": DIGEST}]}
    bad = (await stage.call("POST", "/audit/verify", by=auditor, body=cut)).json()
    assert (bad["intact"], [problem["code"] for problem in bad["problems"]]) == (False, ["tail_cut"])
    csv = await stage.call("GET", "/audit/csv?action=operator.create", by=auditor)
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(csv.text.splitlines()) == 4
    marked = await stage.call("GET", "/audit/csv?action=operator.create&bom=true", by=auditor)
    assert marked.content == b"\xef\xbb\xbf" + csv.content


NASTY: list[tuple[str, str, Any]] = [
    ("POST", "/session", {"email": "a\ud800@b.c", "password": "x", "totp": "123456"}),
    ("POST", "/session", {"email": "a@b", "password": "x" * 5000, "totp": "123456"}),
    ("POST", "/session", {"email": "a@b", "password": "x", "totp": "１２３４５６"}),
    ("POST", "/operators", {"email": "a@b", "name": "\x00", "grants": GRANTS}),
    ("POST", "/operators", {"email": "a@b", "name": "A", "grants": GRANTS * 60}),
    ("POST", "/operators", {"email": "a@b", "name": "A", "grants": GRANTS, "state": "active"}),
    ("POST", "/changes", {"kind": "role.change", "target": "watcher", "payload": {"before": [], "after": [{}]}}),
    ("POST", "/changes", {"kind": "role.change", "target": "watcher", "payload": {"before": [["x"]], "after": []}}),
    ("POST", "/changes", {"kind": "operator.grant", "target": "\ud800", "payload": {}}),
    ("POST", "/changes", {"kind": "operator.grant", "target": "x", "payload": {"grants": 5}}),
    ("POST", "/changes", {"kind": "operator.enable", "target": "x", "payload": {"a": 1.5}}),
    ("POST", "/changes", {"kind": "role.change", "target": "w", "payload": {"before": [], "after": ["\ud800"]}}),
    ("PUT", "/roles/watcher", {"before": [], "after": ["\ud800"]}),
    ("PUT", "/roles/Bad-Name", {"before": [], "after": []}),
    ("GET", "/audit?after_n=99999999999999999999", None),
    ("GET", "/audit?after_n=-1", None),
    ("GET", "/changes?limit=100000", None),
    ("GET", "/changes?cursor=x", None),
    ("POST", "/audit/verify", {"witnesses": [{"n": 10**30, "hash": DIGEST}]}),
    ("POST", "/tokens", {"name": "t", "permissions": ["\ud800"], "days": 1}),
    ("POST", "/tokens", {"name": "t", "permissions": ["audit:read"], "days": 10**20}),
]


async def test_nasty_input_gets_a_named_refusal(stage: Stage) -> None:
    headers = {**(await stage.bearer(stage.ada)), "origin": ORIGIN, "content-type": "application/json"}
    for method, path, body in NASTY:
        content = json.dumps(body).encode() if body is not None else None
        answer = await stage.http.request(method, API + path, headers=headers, content=content)
        assert 400 <= answer.status_code < 500, (method, path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]


async def test_a_custom_role_with_a_role_id_like_name_needs_no_approval_to_shrink(stage: Stage) -> None:
    ada, bob = await stage.bearer(stage.ada), await stage.bearer(stage.bob)
    grown = (await stage.call("PUT", "/roles/watcher", by=ada, body={"before": [], "after": ["audit:read"]})).json()
    await stage.call("POST", f"/changes/{grown['id']}/approve", by=bob, body={"digest": grown["digest"]})
    body: dict[str, list[str]] = {"before": ["audit:read"], "after": []}
    assert (await stage.call("PUT", "/roles/watcher", by=ada, body=body)).json()["state"] == "applied"
    roles = {role["name"]: role for role in (await stage.call("GET", "/roles", by=ada)).json()["items"]}
    assert roles["watcher"] == {"name": "watcher", "built_in": False, "permissions": []}
    assert "operator:approve" in roles["admin"]["permissions"]


async def test_the_secret_of_another_table_opens_nothing(stage: Stage) -> None:
    """A machine token's secret under a session's prefix, and the reverse, are unknown."""
    actor = await actor_of(stage.core, WORKSPACE, stage.ada)
    _, secret = await create_token(stage.core, WORKSPACE, actor, name="t", permissions=["audit:read"], days=1)
    answer = await stage.call("GET", "/audit", by={"authorization": f"Bearer sps_{secret[4:]}"})
    assert answer.status_code == 401
    async with stage.core.store.workspace(WORKSPACE).read() as tx:
        assert await session_by_hash(tx, "0" * 64) is None


async def test_the_session_tells_where_else_the_person_may_go_and_until_when(stage: Stage) -> None:
    ada = await stage.bearer(stage.ada)
    me = (await stage.call("GET", "/session", by=ada)).json()
    assert [choice["id"] for choice in me["workspaces"]] == [WORKSPACE]
    assert me["roles"] == ["admin"]
    assert me["confirmed_until_ms"] <= me["idle_expires_ms"] <= me["expires_ms"]
    people = [(stage.ada.email, "Ada"), ("carl@example.com", "Carl")]
    await create_first_admins(stage.core, OTHER_WORKSPACE, people)
    me = (await stage.call("GET", "/session", by=ada)).json()
    assert [choice["id"] for choice in me["workspaces"]] == [WORKSPACE, OTHER_WORKSPACE]
    body = {"name": "siem", "permissions": ["audit:read"], "days": 7}
    made = (await stage.call("POST", "/tokens", by=ada, body=body)).json()
    machine = (await stage.call("GET", "/session", by={"authorization": f"Bearer {made['secret']}"})).json()
    assert [choice["id"] for choice in machine["workspaces"]] == [WORKSPACE]
    assert (machine["expires_ms"], machine["idle_expires_ms"]) == (None, None)


async def test_a_refused_form_names_the_field(stage: Stage) -> None:
    ada = await stage.bearer(stage.ada)
    grants = [{"role": "auditor"}]
    again = await stage.call(
        "POST", "/operators", by=ada, body={"email": stage.ada.email, "name": "Ada", "grants": grants}
    )
    assert again.status_code == 409
    assert [place["field"] for place in again.json()["errors"]] == ["body.email"]

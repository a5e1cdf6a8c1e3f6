"""What an app asks of the bank: sign-in with its exchange, the network, payments and signatures; reports, explain."""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sampan.miniapps import bank_calls, network_bridge
from sampan.miniapps.app_reports import reported_apps
from sampan.miniapps.catalogue import Category, Entry
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.demo_bank import DemoBank
from sampan.miniapps.login_codes import LIFETIME_MS
from sampan.miniapps.network_bridge import NetworkBridge, headers_back, headers_there
from sampan.miniapps.policy import AppPolicy
from sampan.miniapps.policy_repository import put_policy
from sampan.miniapps.repository import put_category, put_entry
from sampan.miniapps.signed_permissions import PermissionDenied, require_domain
from sampan.offline_packages import pack
from sampan.offline_packages.index import Permissions
from sampan.platform.app import built_in_components
from sampan.platform.component import Component, Port
from sampan.platform.guarded_calls import Answer, Destination
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.machine_tokens import create_token
from sampan.platform.operators.testing import actor_of, bearer_for, person_with
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus, PayPort
from sampan.platform.testing import WORKSPACE, client
from sampan.platform.testing_artifacts import Publishing, publishing_in, without_background
from sampan.platform.testing_device import TestDevice, add_retail_app
from sampan.platform.testing_trust import APP
from sampan.platform.workspaces.revisions import raise_revision

pytestmark = pytest.mark.anyio
EVERYTHING = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
BASE = f"/client/v1/apps/{APP}"
MANIFEST: dict[str, Any] = {
    "app_id": APP,
    "name": "Test",
    "icons": [{"src": "icon.svg", "sizes": "any"}],
    "pages": ["pages/index/index"],
    "version": {"code": 1, "name": "1.0.0"},
    "platform_version": {"min_code": 1},
    "req_permissions": [{"name": name, "reason": "test"} for name in ("login", "pay", "user.profile")],
    "x-sampan": {"network": ["*.shop.example", "api.bank.example"]},
}
CALLS = ("login", "profile", "fetch", "pay", "sign", "report", "explain")
ORDER = {"order": "o-1", "amount": {"value_minor": 1250, "currency": "CNY"}, "title": "Coupon", "sequence": 1}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def publishing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Publishing]:
    """A server with one published app that asks for permissions, open to customers."""
    folder = tmp_path_factory.mktemp("calls")
    async with publishing_in(folder, components=EVERYTHING) as made:
        core = made.core
        async with core.store.workspace(WORKSPACE).write() as tx:
            await put_policy(tx, AppPolicy(allowed_domains=("*.shop.example", "api.bank.example")), now_ms=1)
            await put_category(tx, Category("pay", "缴费", "Pay", 1))
            await put_entry(tx, Entry(APP, True, "visitor", "registered", "pay", 1, "券", "Shop", "", ""), now_ms=1)
            await raise_revision(tx, "catalogue")
        source = write_app(folder, MANIFEST)
        await made.submit(pack(source, folder / "packed"))
        await made.approve(1)
        await made.expose()
        await add_retail_app(core)
        await core.replica.poll()
        yield made


def write_app(folder: Path, manifest: dict[str, Any]) -> Path:
    """Write the sources of a mini-app below a folder and return where."""
    source = folder / "source"
    page = source / "pages" / "index"
    page.mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>x</title>")
    (source / "manifest.json").write_text(json.dumps(manifest))
    (source / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    for empty in (page / "index.js", page / "index.css", source / "app.js", source / "app.css"):
        empty.write_text("")
    return source


@pytest.fixture(scope="module")
async def http(publishing: Publishing) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(publishing.core) as http:
        yield http


@pytest.fixture
async def customer(publishing: Publishing, http: httpx2.AsyncClient) -> TestDevice:
    """A device with a customer of its own signed in."""
    device = await visitor_of(publishing, http)
    assert (await device.sign_in(f"+8613{secrets.randbelow(10**9):09}")).status_code == 200
    return device


async def visitor_of(publishing: Publishing, http: httpx2.AsyncClient) -> TestDevice:
    clock: Any = publishing.core.now_ms
    device = TestDevice(http, clock)
    assert (await device.begin()).status_code == 201
    return device


async def ask(device: TestDevice, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
    sent = {"authorization": device.bearer.decode(), **headers}
    return await device.http.request(method, path, headers=sent, json=body)


async def allow(device: TestDevice, *permissions: str) -> None:
    for permission in permissions:
        assert (await ask(device, "PUT", f"/client/v1/consents/{APP}/{permission}")).status_code == 204


async def machine_of(publishing: Publishing, publisher_id: str) -> dict[str, str]:
    """Return the header of a machine token of a publisher's person."""
    person = await person_with(publishing.core, WORKSPACE, grants=[{"role": "publisher", "publisher": publisher_id}])
    actor: Actor = await actor_of(publishing.core, WORKSPACE, person)
    _token, secret = await create_token(
        publishing.core, WORKSPACE, actor, name="back end", permissions=["login:exchange"], days=1
    )
    return {"authorization": f"Bearer {secret}"}


async def code_of(device: TestDevice, *scopes: str) -> str:
    answer = await ask(device, "POST", f"{BASE}/login", {"scopes": list(scopes), "sequence": 1})
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] == LIFETIME_MS // 1000
    return str(answer.json()["code"])


async def exchange(http: httpx2.AsyncClient, machine: dict[str, str], code: str, app: str = APP) -> httpx2.Response:
    return await http.post("/apps/v1/login", json={"app": app, "code": code}, headers=machine)


async def test_a_customer_signs_in_at_an_apps_back_end(
    publishing: Publishing, http: httpx2.AsyncClient, customer: TestDevice
) -> None:
    machine = await machine_of(publishing, publishing.publisher_id)
    first = await exchange(http, machine, await code_of(customer))
    assert first.json().keys() == {"open_id", "scopes"}
    refused = await ask(customer, "POST", f"{BASE}/login", {"scopes": ["tier", "profile"], "sequence": 1})
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_refused")
    assert refused.json()["permissions"] == ["login.profile", "login.tier"]
    await allow(customer, "login.tier", "login.profile")
    second = (await exchange(http, machine, await code_of(customer, "tier", "profile"))).json()
    assert second["open_id"] == first.json()["open_id"]
    assert (second["scopes"], second["tier"]) == (["openid", "tier", "profile"], "registered")
    assert second["profile"]["phone_masked"].startswith("+8613")
    assert "****" in second["profile"]["phone_masked"]
    assert customer.tokens["customer"] not in json.dumps(second)


async def test_a_code_holds_once_for_its_app_and_for_two_minutes(
    publishing: Publishing, http: httpx2.AsyncClient, customer: TestDevice
) -> None:
    machine = await machine_of(publishing, publishing.publisher_id)
    code = await code_of(customer)
    assert (await exchange(http, machine, code)).status_code == 200
    again = await exchange(http, machine, code)
    assert (again.status_code, again.json()["code"]) == (422, "login_code_refused")
    unknown = await exchange(http, machine, await code_of(customer), "no.such.app")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "app_not_found")
    late = await code_of(customer)
    clock: Any = publishing.core.now_ms
    clock.now_ms += LIFETIME_MS
    assert (await exchange(http, machine, late)).json()["code"] == "login_code_refused"


async def test_only_the_publishers_own_back_end_exchanges(
    publishing: Publishing, http: httpx2.AsyncClient, customer: TestDevice
) -> None:
    code = await code_of(customer)
    stranger = await machine_of(publishing, "pub_" + "0" * 32)
    assert (await exchange(http, stranger, code)).json()["code"] == "missing_permission"
    reviewer = await bearer_for(publishing.core, WORKSPACE, await person_with(publishing.core, WORKSPACE, "reviewer"))
    assert (await exchange(http, reviewer, code)).status_code == 403
    assert (await exchange(http, {}, code)).status_code == 401
    machine = await machine_of(publishing, publishing.publisher_id)
    assert (await exchange(http, machine, code)).status_code == 200, "the refusals did not spend the code"


async def test_who_cannot_sign_in(publishing: Publishing, http: httpx2.AsyncClient, customer: TestDevice) -> None:
    visitor = await visitor_of(publishing, http)
    closed = await ask(visitor, "POST", f"{BASE}/login", {"scopes": [], "sequence": 1})
    assert (closed.status_code, closed.json()["code"]) == (403, "app_not_open")
    scopes = await ask(customer, "POST", f"{BASE}/login", {"scopes": ["everything"], "sequence": 1})
    assert (scopes.status_code, scopes.json()["code"]) == (422, "bad_scopes")
    assert (await ask(customer, "POST", f"{BASE}/login", {"scopes": [], "sequence": 9})).json()[
        "code"
    ] == "app_not_open"


async def test_the_profile_is_told_with_consent_alone(customer: TestDevice) -> None:
    assert (await ask(customer, "GET", f"{BASE}/profile?sequence=1")).json()["code"] == "consent_refused"
    await allow(customer, "user.profile")
    assert (await ask(customer, "GET", f"{BASE}/profile?sequence=1")).json().keys() == {"name_masked", "phone_masked"}


@pytest.mark.parametrize(
    ("host", "port", "is_declared"),
    [
        ("api.shop.example", 443, True),
        ("a.b.shop.example", 443, True),
        ("shop.example", 443, False),
        ("evilshop.example", 443, False),
        ("api.bank.example", 443, True),
        ("api.bank.example", 8443, False),
        ("x.api.bank.example", 443, False),
        ("other.example", 9000, False),
        ("other.example", 8443, True),
    ],
)
async def test_which_hosts_a_manifest_declares(host: str, port: int, is_declared: bool) -> None:
    permissions = Permissions(
        bridge=(), network=("*.shop.example", "api.bank.example", "other.example:8443"), webview=()
    )
    if is_declared:
        require_domain(permissions, host, port)
        return
    with pytest.raises(PermissionDenied):
        require_domain(permissions, host, port)


async def test_no_header_carries_an_identity_over(customer: TestDevice) -> None:
    sent = {
        "Authorization": "Bearer the app's own",
        "X-Sampan-Tier": "full",
        "x_sampan_tier": "full",
        "X-Forwarded-For": "1.1.1.1",
        "Cookie": "a=b",
        "Host": "evil.example",
        "Content-Type": "text/plain",
        "Transfer-Encoding": "chunked",
    }
    assert dict(headers_there(sent)) == {"authorization": "Bearer the app's own", "content-type": "text/plain"}
    back: Sequence[tuple[str, str]] = [("set-cookie", "a=b"), ("x-a", "1"), ("x-a", "2"), ("content-length", "9")]
    assert headers_back(back) == {"x-a": "1, 2"}
    for headers in ({"bad name": "x"}, {"x": "a\r\nb: c"}, {"x": "a\x00"}):
        body = {"url": "https://api.shop.example/", "sequence": 1, "headers": headers}
        answer = await ask(customer, "POST", f"{BASE}/fetch", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_network_call")


async def test_the_bridge_makes_the_request(
    publishing: Publishing, customer: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = publishing.core.shared(NetworkBridge, NetworkBridge)
    made: list[tuple[Destination, str, dict[str, str], bytes]] = []

    async def call(to: Destination, method: str, headers: dict[str, str], body: bytes) -> Answer:
        made.append((to, method, headers, body))
        return Answer(201, [("content-type", "application/json"), ("set-cookie", "x=y")], b'{"ok":true}')

    monkeypatch.setattr(bridge.calls, "call", call)
    body = {
        "url": "https://api.shop.example/orders?x=1",
        "sequence": 1,
        "method": "POST",
        "headers": {"content-type": "application/json"},
        "body_base64": base64.b64encode(b"{}").decode(),
    }
    answer = (await ask(customer, "POST", f"{BASE}/fetch", body)).json()
    assert (answer["status"], answer["headers"]) == (201, {"content-type": "application/json"})
    assert base64.b64decode(answer["body_base64"]) == b'{"ok":true}'
    ((to, method, headers, sent),) = made
    assert (to.host, to.path, method, sent) == ("api.shop.example", "/orders?x=1", "POST", b"{}")
    assert headers == {"content-type": "application/json", "accept-encoding": "identity", "content-length": "2"}


@pytest.mark.parametrize(("bound", "is_own"), [("MAX_AT_ONCE", False), ("MAX_OF_DEVICE", True)])
async def test_a_slow_server_holds_no_more_than_its_apps_share(
    publishing: Publishing,
    http: httpx2.AsyncClient,
    customer: TestDevice,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    is_own: bool,
) -> None:
    other = await visitor_of(publishing, http)
    assert (await other.sign_in(f"+8613{secrets.randbelow(10**9):09}")).status_code == 200
    bridge = publishing.core.shared(NetworkBridge, NetworkBridge)
    body = {"url": "https://api.shop.example/", "sequence": 1}
    answers: list[httpx2.Response] = []

    async def call(*_arguments: Any) -> Answer:
        if not answers:  # the second call comes while the first one waits
            answers.append(httpx2.Response(0))
            answers.append(await ask(customer, "POST", f"{BASE}/fetch", body))
            answers.append(await ask(other, "POST", f"{BASE}/fetch", body))
        return Answer(200, [], b"")

    monkeypatch.setattr(bridge.calls, "call", call)
    monkeypatch.setattr(network_bridge, bound, 1)
    assert (await ask(customer, "POST", f"{BASE}/fetch", body)).status_code == 200
    _, own, others = answers
    assert (own.status_code, own.json()["code"]) == (429, "network_busy")
    assert others.status_code == (200 if is_own else 429)
    assert (await ask(customer, "POST", f"{BASE}/fetch", body)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"url": "https://undeclared.example/"}, 403, "permission_denied"),
        ({"url": "https://api.shop.example:8443/"}, 403, "permission_denied"),
        ({"url": "http://api.shop.example/"}, 422, "bad_address"),
        ({"url": "https://127.0.0.1/"}, 403, "permission_denied"),
        ({"sequence": 2}, 403, "app_not_open"),
        ({"method": "TRACE"}, 422, "invalid_body"),
        ({"body_base64": "***"}, 422, "bad_network_call"),
        ({"body_base64": "AAAA" * (2**20 // 3 + 2)}, 413, "network_body_too_large"),
        ({"body_base64": "A" * (3 * 2**20)}, 413, "body_too_large"),
    ],
)
async def test_what_the_bridge_refuses(customer: TestDevice, changes: dict[str, Any], status: int, code: str) -> None:
    body = {"url": "https://api.shop.example/", "sequence": 1, **changes}
    answer = await ask(customer, "POST", f"{BASE}/fetch", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def pay(device: TestDevice, key: str | None, **changes: Any) -> httpx2.Response:
    headers = {"idempotency-key": key} if key is not None else {}
    return await ask(device, "POST", f"{BASE}/pay", {**ORDER, **changes}, **headers)


async def test_an_order_is_paid_once(customer: TestDevice) -> None:
    first = await pay(customer, "k1")
    assert first.json()["status"] == "paid", first.text
    assert (await pay(customer, "k1")).json() == first.json()
    other = await pay(customer, "k1", amount={"value_minor": 1, "currency": "CNY"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (await pay(customer, "k2")).json()["reference"] != first.json()["reference"]
    assert (await pay(customer, "k3", order="refuse-1")).json()["status"] == "refused"


async def test_lines_in_an_order_do_not_make_two_amounts_one(customer: TestDevice) -> None:
    one = {"value_minor": 1, "currency": "CNY"}
    two = {"value_minor": 2, "currency": "CNY"}
    assert (await pay(customer, "k6", order="A", amount=one, title="2\nCNY\nT")).json()["status"] == "paid"
    other = await pay(customer, "k6", order="A\n1\nCNY", amount=two, title="T")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_what_the_bank_settled_is_not_overwritten(customer: TestDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tries at once: the one whose answer comes later says what the first one found."""
    late = False

    async def answer(_bank: DemoBank, order: BankOrder, **_more: Any) -> BankAnswer:
        nonlocal late
        if not late:
            late = True
            assert (await pay(customer, "k7")).json()["status"] == "paid"
            return BankAnswer(BankStatus.REFUSED, "late")
        return BankAnswer(BankStatus.PAID, "first")

    monkeypatch.setattr(DemoBank, "pay", answer)
    assert (await pay(customer, "k7")).json() == {"status": "paid", "reference": "first"}
    assert (await pay(customer, "k7")).json() == {"status": "paid", "reference": "first"}


async def test_an_unknown_payment_is_asked_again_under_the_same_key(customer: TestDevice) -> None:
    assert (await pay(customer, "k4", order="unknown-1")).json() == {"status": "unknown", "reference": ""}
    settled = (await pay(customer, "k4", order="unknown-1")).json()
    assert settled["status"] == "paid"
    assert (await pay(customer, "k4", order="unknown-1")).json() == settled


async def test_a_bank_that_fails_leaves_the_payment_unknown(
    customer: TestDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: Any, **_more: Any) -> BankAnswer:
        raise RuntimeError("no line to the bank")

    with monkeypatch.context() as patch:
        patch.setattr(DemoBank, "pay", fail)
        patch.setattr(bank_calls.log, "exception", lambda *_a, **_k: None)
        assert (await pay(customer, "k5")).json()["status"] == "unknown"
    assert (await pay(customer, "k5")).json()["status"] == "paid"


@pytest.mark.parametrize(
    ("key", "changes", "status", "code"),
    [
        (None, {}, 422, "idempotency_key_missing"),
        ("x" * 129, {}, 422, "idempotency_key_missing"),
        ("k6", {"amount": {"value_minor": 0, "currency": "CNY"}}, 422, "invalid_body"),
        ("k6", {"amount": {"value_minor": 1.5, "currency": "CNY"}}, 422, "invalid_body"),
        ("k6", {"amount": {"value_minor": 1, "currency": "cny"}}, 422, "invalid_body"),
        ("k6", {"title": ""}, 422, "invalid_body"),
    ],
)
async def test_what_is_no_order(
    customer: TestDevice, key: str | None, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await pay(customer, key, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_manifest_that_does_not_ask_signs_nothing(customer: TestDevice) -> None:
    body = {"order": "o", "title": "t", "digest": f"sha256:{'0' * 64}", "sequence": 1}
    answer = await ask(customer, "POST", f"{BASE}/sign", body, **{"idempotency-key": "s1"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def test_a_version_has_its_own_permissions_and_no_others(
    publishing: Publishing, customer: TestDevice, tmp_path: Path
) -> None:
    source = write_app(tmp_path, {**MANIFEST, "version": {"code": 5, "name": "5.0.0"}, "req_permissions": []})
    await publishing.submit(pack(source, tmp_path / "packed"))
    await publishing.approve(5)
    await publishing.expose()
    await publishing.core.replica.poll()
    await allow(customer, "user.profile")
    assert (await ask(customer, "GET", f"{BASE}/profile?sequence=1")).status_code == 200
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "login", {"scopes": [], "sequence": 5}),
        ("GET", "profile?sequence=5", None),
        ("POST", "pay", {**ORDER, "sequence": 5}),
    ]
    for method, call, body in calls:
        refused = await ask(customer, method, f"{BASE}/{call}", body, **{"idempotency-key": "version"})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied"), call


@pytest.mark.parametrize(
    ("method", "call", "body"),
    [
        ("POST", "login", {"scopes": []}),
        ("GET", "profile", None),
        ("GET", "profile?sequence=", None),
        ("GET", "profile?sequence=x", None),
        ("GET", "profile?sequence=0", None),
        ("POST", "pay", {name: value for name, value in ORDER.items() if name != "sequence"}),
        ("POST", "sign", {"order": "o", "title": "t", "digest": f"sha256:{'0' * 64}"}),
    ],
)
async def test_who_asks_names_a_version(customer: TestDevice, method: str, call: str, body: Any) -> None:
    refused = await ask(customer, method, f"{BASE}/{call}", body, **{"idempotency-key": "none"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_body")


async def test_the_demos_bank_signs_as_it_pays() -> None:
    bank, order = DemoBank(), BankOrder("bank-a", "cus_1", APP, "k", "o", "t")
    first = await bank.sign(order, digest="sha256:00")
    assert first.status is BankStatus.SIGNED
    assert await bank.sign(order, digest="sha256:00") == first


async def test_a_report_reaches_the_service_desk(publishing: Publishing, customer: TestDevice) -> None:
    made = await ask(customer, "POST", f"{BASE}/report", {"reason": "fraud", "text": "it asks for my PIN"})
    assert made.status_code == 201, made.text
    bad = await ask(customer, "POST", f"{BASE}/report", {"reason": "boring"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_body")
    core, http = publishing.core, customer.http
    desk = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "service_desk"))
    listed = (await http.get("/console/api/v1/reports", params={"app": APP}, headers=desk)).json()["items"]
    assert [(row["id"], row["reason"], row["device"]) for row in listed] == [
        (made.json()["report"], "fraud", customer.tokens["device"])
    ]
    assert (await http.get("/console/api/v1/reports", params={"app": "x.y"}, headers=desk)).json()["items"] == []
    other = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "campaign_operator"))
    assert (await http.get("/console/api/v1/reports", headers=other)).status_code == 403


async def test_a_report_is_handled_by_somebody_with_a_word(publishing: Publishing, customer: TestDevice) -> None:
    made = [await ask(customer, "POST", f"{BASE}/report", {"reason": "fraud", "text": "PIN"}) for _ in range(2)]
    first, second = (each.json()["report"] for each in made)
    core, http = publishing.core, customer.http
    desk = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "service_desk"))

    async def listed(handled: bool) -> list[str]:
        answer = await http.get("/console/api/v1/reports", params={"handled": handled}, headers=desk)
        return sorted(row["id"] for row in answer.json()["items"] if row["id"] in (first, second))

    async def waiting() -> int:
        async with core.store.workspace(WORKSPACE).read() as tx:
            return sum(each.number for each in await reported_apps(tx, since_ms=0, most=9))

    before = await waiting()

    path = f"/console/api/v1/reports/{first}/handled"
    auditor = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "auditor"))
    assert (await http.put(path, json={"note": ""}, headers=auditor)).status_code == 403
    done = (await http.put(path, json={"note": "Called the publisher."}, headers=desk)).json()
    assert (done["handled_note"], done["handled_by"][:4], done["handled_ms"] is not None) == (
        "Called the publisher.",
        "opr_",
        True,
    )
    again = (await http.put(path, json={"note": "Me too."}, headers=desk)).json()
    assert again == done, "who handled it first stays"
    assert (await listed(True), await listed(False)) == ([first], [second])
    assert await waiting() == before - 1, "the matter for the desk counts what nobody has handled"
    assert (await http.delete(path, headers=desk)).json()["handled_ms"] is None
    assert await listed(True) == []
    unknown = await http.put(path.replace(first, f"rpt_{'0' * 32}"), json={"note": ""}, headers=desk)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "report_unknown")


async def test_explain_tells_the_decision_and_its_reason(customer: TestDevice) -> None:
    answer = (await ask(customer, "GET", f"{BASE}/explain")).json()
    assert (answer["app"], answer["tier"], answer["reason"], answer["offer"]) == (APP, "registered", "no_release", None)
    assert (await ask(customer, "GET", "/client/v1/apps/no.such.app/explain")).json()["code"] == "app_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [(("GET" if name in ("profile", "explain") else "POST"), name) for name in CALLS],
)
async def test_nothing_without_a_session(http: httpx2.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, f"{BASE}/{path}", json={})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


async def test_a_banks_own_port_comes_before_the_demos(tmp_path_factory: pytest.TempPathFactory) -> None:
    from sampan.miniapps.app_calls_api import _port
    from sampan.platform.testing import running_core

    class Bank:
        async def pay(self, order: BankOrder, *, value_minor: int, currency: str) -> BankAnswer:
            return BankAnswer(BankStatus.REFUSED, "own")

    own = Component("bank", (Port(PayPort, lambda _core: Bank()),))
    async with running_core(tmp_path_factory.mktemp("own"), components=[own]) as core:
        assert isinstance(_port(core, PayPort), Bank)
    async with running_core(tmp_path_factory.mktemp("none"), components=[]) as core:
        assert isinstance(_port(core, PayPort), DemoBank)

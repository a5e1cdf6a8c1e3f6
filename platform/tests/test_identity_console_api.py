"""The bank's API for client apps, customers and devices: who may, what changes, and what the audit keeps."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from sampan.platform.identity import component as identity
from sampan.platform.identity import demo_component as demo
from sampan.platform.identity.tiers import Tier
from sampan.platform.ids import new_id
from sampan.platform.operators import component as operators
from sampan.platform.operators import identity_component
from sampan.platform.operators.audit import audit_rows
from sampan.platform.operators.first_people import create_ready_operator
from sampan.platform.operators.session_rows import (
    SESSION_PREFIX,
    Session,
    SessionKind,
    add_session,
    hash_of,
    new_secret,
)
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
COMPONENTS = (identity.component, demo.component, operators.component, identity_component.component)
PHONE = "+8613912345678"
PERSONAL = {"name": "Zhang Wei of Hangzhou", "phone": PHONE, "email": "zhang.wei@mail.example"}
API = "/console/api/v1"


@dataclass
class Bank:
    server: TestServer
    token: str = ""

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        answer = await self.server.http.request(method, API + path, json=body, headers=headers, **options)
        await self.server.core.replica.poll()
        return answer

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = await self.call(method, path, body, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def sign_in(self, role: str, workspace_id: str = WORKSPACE) -> "Bank":
        """Return the API as an operator with this role, who has just given the second factor."""
        core, now_ms = self.server.core, self.server.clock.now_ms
        person = await create_ready_operator(
            core, workspace_id, email=f"{role}@{workspace_id}.example", name=role, grants=[{"role": role}]
        )
        secret = new_secret(SESSION_PREFIX)
        session = Session(
            new_id("ses"),
            person.operator_id,
            person.person_id,
            SessionKind.BEARER,
            now_ms,
            now_ms,
            now_ms,
            now_ms + 3_600_000,
        )
        async with core.store.workspace(workspace_id).write() as tx:
            await add_session(tx, session, hash_of(secret))
        return Bank(self.server, secret)

    async def audit(self) -> list[tuple[str, str, bytes]]:
        columns = (audit_rows.c.action, audit_rows.c.target, audit_rows.c.detail)
        statement = select(*columns).where(audit_rows.c.workspace_id == WORKSPACE).order_by(audit_rows.c.n)
        async with self.server.core.store.workspace(WORKSPACE).read() as tx:
            rows = [(row.action, row.target, row.detail) for row in await tx.execute(statement)]
        return [row for row in rows if row[0].partition(".")[0] in ("customer", "device", "client_app", "token_key")]


@pytest.fixture
async def anonymous(tmp_path: Path) -> AsyncIterator[Bank]:
    async with identity_server(tmp_path, components=COMPONENTS) as server:
        yield Bank(server)


@pytest.fixture
async def admin(anonymous: Bank) -> Bank:
    return await anonymous.sign_in("admin")


async def enter(bank: Bank, **changes: Any) -> str:
    body = {"bank_reference": "CIF-1", "tier": "full", "personal": PERSONAL, **changes}
    return str((await bank.ok("POST", "/customers", body))["id"])


CALLS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/client-apps", None),
    ("GET", "/client-apps/retail", None),
    ("POST", "/client-apps", {"id": "staff", "name": "Staff"}),
    ("PATCH", "/client-apps/retail", {"name": "x"}),
    ("DELETE", "/client-apps/retail", None),
    ("POST", "/token-keys/rotate", {}),
    ("GET", "/customers", None),
    ("POST", "/customers", {}),
    ("POST", "/customers/search", {"phone": PHONE}),
    ("POST", "/customers/import", None),
    ("GET", "/devices", None),
    ("GET", "/devices/dev_x", None),
    ("GET", "/customers/cus_x", None),
    ("PATCH", "/customers/cus_x", {}),
    ("GET", "/customers/cus_x/personal", None),
    ("GET", "/customers/cus_x/history", None),
    ("GET", "/customers/cus_x/devices", None),
    ("PUT", "/customers/cus_x/tier", {"tier": "full"}),
    ("POST", "/customers/cus_x/erase", None),
    ("POST", "/customers/cus_x/sign-out", {}),
    ("POST", "/customers/cus_x/devices/dev_x/sign-out", None),
    ("PUT", "/customers/cus_x/devices/dev_x/assurance", {"tier": "full"}),
    ("POST", "/devices/dev_x/revoke", None),
)


async def test_the_list_of_calls_is_complete(anonymous: Bank) -> None:
    document = await anonymous.ok("GET", "/openapi.json")
    own = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if set(operation.get("tags", [])) & {"customers", "client apps"}
    }
    names = {"cus_x": "{customer_id}", "dev_x": "{device_id}", "retail": "{app_id}"}
    assert own == {(method, "/".join(names.get(part, part) for part in path.split("/"))) for method, path, _ in CALLS}


async def test_nobody_gets_in_without_signing_in(anonymous: Bank) -> None:
    for method, path, body in CALLS:
        assert (await anonymous.call(method, path, body)).status_code == 401, path


async def test_a_publisher_may_do_nothing_here(anonymous: Bank) -> None:
    publisher = await anonymous.sign_in("publisher")
    for method, path, body in CALLS:
        answer = await publisher.call(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_permission"), path


async def test_an_auditor_reads_without_personal_data(anonymous: Bank, admin: Bank) -> None:
    customer = await enter(admin)
    auditor = await anonymous.sign_in("auditor")
    page = await auditor.ok("GET", "/customers")
    assert [item["id"] for item in page["items"]] == [customer]
    for method, path in (("GET", f"/customers/{customer}/personal"), ("POST", f"/customers/{customer}/erase")):
        assert (await auditor.call(method, path)).status_code == 403
    assert PHONE not in str(page) + str(await auditor.ok("GET", f"/customers/{customer}/history"))


async def test_another_workspaces_operator_sees_nothing(anonymous: Bank, admin: Bank) -> None:
    customer = await enter(admin)
    other = await anonymous.sign_in("admin", OTHER_WORKSPACE)
    assert (await other.call("GET", f"/customers/{customer}")).status_code == 401
    prefix = f"/w/{OTHER_WORKSPACE}{API}"
    headers = {"authorization": f"Bearer {other.token}"}
    for method, path, body in CALLS:
        if "cus_x" in path:
            answer = await anonymous.server.http.request(
                method, prefix + path.replace("cus_x", customer), json=body, headers=headers
            )
            assert answer.status_code == 404, path
    answer = await anonymous.server.http.get(prefix + "/customers", headers=headers)
    assert answer.json() == {"items": [], "next_cursor": None, "total": 0}


async def test_client_apps_are_kept(admin: Bank) -> None:
    made = await admin.ok("POST", "/client-apps", {"id": "staff", "name": "Staff", "bundle_ids": {"ios": "a.b"}})
    assert made["registers_customers"] is True
    assert [app["id"] for app in (await admin.ok("GET", "/client-apps"))["items"]] == ["retail", "staff"]
    again = await admin.call("POST", "/client-apps", {"id": "staff", "name": "Staff"})
    assert (again.status_code, again.json()["code"]) == (409, "client_app_taken")
    changed = await admin.ok("PATCH", "/client-apps/staff", {"closed": True, "minimum_versions": {"ios": "2.1"}})
    assert (changed["closed"], changed["minimum_versions"], changed["name"]) == (True, {"ios": "2.1"}, "Staff")
    device = TestDevice(admin.server.http, admin.server.clock, client_app="staff")
    assert (await device.begin()).json()["code"] == "client_app_closed"
    await admin.ok("DELETE", "/client-apps/staff")
    assert (await admin.call("GET", "/client-apps/staff")).json()["code"] == "client_app_unknown"
    await admin.server.device()
    assert (await admin.call("DELETE", "/client-apps/retail")).json()["code"] == "client_app_in_use"
    actions = [action for action, _, _ in await admin.audit()]
    assert actions == ["client_app.create", "client_app.change", "client_app.delete"]


@pytest.mark.parametrize(
    "body",
    [
        {"id": "Staff", "name": "x"},
        {"id": "staff"},
        {"id": "staff", "name": "x", "colour": "red"},
        {"id": "staff", "name": "\x00"},
        {"id": "staff", "name": "x", "minimum_versions": {"ios": "one"}},
        {"id": "staff", "name": "x", "bundle_ids": {"plan9": "x"}},
        [],
    ],
)
async def test_a_wrong_body_is_named(admin: Bank, body: Any) -> None:
    answer = await admin.call("POST", "/client-apps", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


async def test_a_customer_is_entered_changed_found_and_erased(admin: Bank) -> None:
    customer = await enter(admin)
    assert (await admin.ok("GET", f"/customers/{customer}"))["tier"] == "full"
    assert (await admin.ok("GET", f"/customers/{customer}/personal")) == {**PERSONAL, "lang": "", "extra": {}}
    found = await admin.ok("POST", "/customers/search", {"phone": "+86 139-1234-5678"})
    assert [item["id"] for item in found["items"]] == [customer]
    await admin.ok("PATCH", f"/customers/{customer}", {"bank_reference": "CIF-9"})
    found = await admin.ok("GET", "/customers", params={"bank_reference": "CIF-9"})
    assert [item["id"] for item in found["items"]] == [customer]
    assert (await admin.ok("PUT", f"/customers/{customer}/tier", {"tier": "e_account"}))["tier"] == "e_account"
    assert (await admin.call("PUT", f"/customers/{customer}/tier", {"tier": "visitor"})).status_code == 422
    erased = await admin.ok("POST", f"/customers/{customer}/erase")
    assert (erased["tier"], erased["bank_reference"]) == (None, None)
    for method, path in (("GET", "/personal"), ("POST", "/erase"), ("GET", "/devices")):
        answer = await admin.call(method, f"/customers/{customer}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")
    kinds = [item["kind"] for item in (await admin.ok("GET", f"/customers/{customer}/history"))["items"]]
    assert kinds == ["created", "tier", "erased"]
    rows = await admin.audit()
    assert [action for action, _, _ in rows] == [
        "customer.create",
        "customer.read_personal",
        "customer.change",
        "customer.tier",
        "customer.erase",
    ]
    assert {target for _, target, _ in rows} == {customer}
    texts = [value.encode() for value in (*PERSONAL.values(), PHONE[1:], "CIF-1", "CIF-9")]
    assert not [text for text in texts for _, _, detail in rows if text in detail]


async def test_a_refused_change_leaves_no_audit_row(admin: Bank) -> None:
    await enter(admin)
    before = len(await admin.audit())
    answer = await admin.call("POST", "/customers", {"bank_reference": "CIF-1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "reference_taken")
    assert len(await admin.audit()) == before


async def test_customers_come_in_pages(admin: Bank) -> None:
    for n in range(5):
        await enter(admin, bank_reference=f"C{n}", personal={}, tier="full" if n % 2 else "registered")
    first = await admin.ok("GET", "/customers", params={"limit": 3})
    rest = await admin.ok("GET", "/customers", params={"limit": 3, "cursor": first["next_cursor"]})
    references = [item["bank_reference"] for item in (*first["items"], *rest["items"])]
    assert sorted(references) == [f"C{n}" for n in range(5)]
    assert (rest["next_cursor"], rest["total"]) == (None, 5)
    assert len((await admin.ok("GET", "/customers", params={"tier": "full"}))["items"]) == 2
    assert (await admin.call("GET", "/customers", params={"limit": 201})).status_code == 422


async def test_an_import_reports_every_line(admin: Bank) -> None:
    data = b"bank_reference,tier,phone\nA1,full,+8613800000001\nA2,gold,\nA3,registered,\n"
    report = await admin.ok("POST", "/customers/import", content=data, headers={"content-type": "text/csv"})
    assert (report["created"], report["changed"], report["unchanged"], report["stopped_at_line"]) == (2, 0, 0, None)
    assert [(item["line"], item["code"]) for item in report["refused"]] == [(3, "tier_unknown")]
    assert [action for action, _, _ in await admin.audit()] == ["customer.import"] * 2
    wrong = await admin.call("POST", "/customers/import", content=data, headers={"content-type": "text/plain"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "import_format_unknown")


async def test_the_bank_governs_devices(anonymous: Bank, admin: Bank) -> None:
    customer = await enter(admin)
    device = await admin.server.device()
    assert (await device.sign_in(PHONE)).json()["tier"] == "registered"
    of_device = f"/customers/{customer}/devices/{device.tokens['device']}"
    raised = await admin.ok("PUT", f"{of_device}/assurance", {"tier": "full"})
    assert (raised["assurance"], raised["carries"], raised["signed_in"]) == ("full", "full", True)
    assert admin.server.caller(device).tier == Tier.FULL
    desk = await anonymous.sign_in("service_desk")
    assert (await desk.call("PUT", f"{of_device}/assurance", {"tier": "full"})).status_code == 403
    await desk.ok("POST", f"{of_device}/sign-out")
    (listed,) = (await desk.ok("GET", f"/customers/{customer}/devices"))["items"]
    assert (listed["signed_in"], listed["revoked"]) == (False, False)
    assert (await device.begin()).status_code == 201
    await device.sign_in(PHONE)
    await desk.ok("POST", f"/customers/{customer}/sign-out", {"reason": "phone lost"})
    assert (await device.begin()).status_code == 201
    await desk.ok("POST", f"/devices/{device.tokens['device']}/revoke")
    assert (await device.begin()).json()["code"] == "device_revoked"
    assert [action for action, _, _ in await admin.audit()][1:] == [
        "device.assurance",
        "device.sign_out",
        "customer.sign_out",
        "device.revoke",
    ]


async def test_token_keys_are_rotated_by_a_confirmed_person(admin: Bank) -> None:
    await admin.ok("POST", "/token-keys/rotate", {"at_once": True})
    admin.server.clock.now_ms += 301_000
    answer = await admin.call("POST", "/token-keys/rotate", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
    assert [action for action, _, _ in await admin.audit()] == ["token_key.rotate"]

"""Lists of the console: all in pages, and the last of 10,000 rows comes as the first does, by as many statements."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import event, insert

from sampan.platform.artifacts.tables import apps, candidates, publishers, versions
from sampan.platform.core import Core
from sampan.platform.crypto.canonical import canonical_json
from sampan.platform.identity.repository_client_apps import client_apps
from sampan.platform.identity.repository_customers import customers
from sampan.platform.identity.repository_devices import devices
from sampan.platform.identity.repository_subjects import subjects
from sampan.platform.operators.audit import audit_rows
from sampan.platform.operators.change_rows import change_requests
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.release.repository import releases
from sampan.platform.release.stages import EVERYBODY, written
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, client, running_core
from sampan.platform.workspaces.store import ScopedTransaction

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("console lists")]
PREFIX = "/console/api/v1"
ROWS = 10_000
DIGEST = f"sha256:{'0' * 64}"
APP = "bank.many.versions"
COUNTED: ContextVar[list[None] | None] = ContextVar("COUNTED", default=None)
OPERATION_ID = re.compile(r"[a-z0-9_]{3,60}")


def person(n: int) -> str:
    return f"per_{n:032x}"


def customer(n: int) -> dict[str, Any]:
    return {"id": f"cus_{n:032x}", "bank_reference": f"R{n}", "subject": n, "created_ms": n // 2, "erased_ms": None}


def subject(n: int) -> dict[str, Any]:
    return {"number": n, "kind": "customer", "owner_id": f"cus_{n:032x}", "tier": 1 + n % 3, "epoch": 0}


def device(n: int) -> dict[str, Any]:
    same = {"client_app": "many", "envelope_key": None, "customer_id": None, "carries": 3, "epoch": 0}
    own = {"id": f"dev_{n:032x}", "thumbprint": f"t{n}", "signing_key": {}, "subject": n, "network": ""}
    return {**same, **own, "revoked": n % 10 == 0, "created_ms": n, "seen_ms": n // 5}


def audit_row(n: int) -> dict[str, Any]:
    who = {"actor_kind": "operator", "person_id": person(n % 7), "operator_id": "opr_x", "via": ""}
    what = {"action": f"thing.{n % 10}", "target": f"t{n % 100}", "detail": b"{}", "previous": DIGEST, "hash": DIGEST}
    return {"n": n + 1000, "at_ms": n, **who, **what}


def change(n: int) -> dict[str, Any]:
    body = {"kind": "role.change", "target": f"role{n}", "base": "", "payload": canonical_json({}), "digest": DIGEST}
    maker = {"maker_person_id": person(n % 7), "maker_operator_id": "opr_x", "maker_via": "", "approvers_needed": 1}
    state = {"state": "proposed" if n % 4 else "applied", "reason": "", "created_ms": n, "expires_ms": 2**50}
    return {"id": f"chg_{n:032x}", **body, "diff": canonical_json([]), "note": "", "edition": 1, **maker, **state}


def release(n: int) -> dict[str, Any]:
    what = {"kind": "miniapp", "deliverable_id": f"bank.app{n % 50}", "sequence": n + 1, "version": "1.0.0"}
    file = {"digest": DIGEST, "size_bytes": 1, "min_host": 0, "url": "", "client_app": None, "audience": "{}"}
    state = {
        "stage": 0,
        "update_mode": "async",
        "rollback_to": None,
        "rollback_digest": "",
        "drawn_as": "",
        "is_exposed": False,
    }
    plan = {"stages": json.dumps(written(EVERYBODY)), "schedule": "{}", "cap": None, "client_rules": "{}"}
    since = {"stage_since_ms": 0, "started_ms": 0, "judged_from_ms": 0, "before_devices": 0, "before_failures": 0}
    times = {"cause": "", "row_revision": 1, "made_by": "opr_x", "created_ms": n, "changed_ms": ROWS - n}
    own = {"id": f"rel_{n:032x}", "state": "draft" if n % 2 else "stopped"}
    return {**own, **what, **file, **state, **plan, **since, **times}


def candidate(n: int) -> dict[str, Any]:
    who = {"submitted_by": "opr_x", "submitted_person_id": person(1), "signed_person_id": person(1)}
    state = {"state": "in_review" if n % 2 else "published", "cause": "", "submitted_ms": n}
    return {"id": f"ver_{n:032x}", "app_id": APP, "kind": "version", **state, **who}


def version(n: int) -> dict[str, Any]:
    own = {"app_id": APP, "sequence": n + 1, "candidate_id": f"ver_{n:032x}", "source_id": "s", "queued_ms": n}
    flags = {"is_urgent": False, "is_trial": False, "trial_note": "", "killed_code": "", "resequenced_from": None}
    file = {"package_digest": DIGEST, "index_bytes": 1, "archive_digest": DIGEST, "archive_bytes": 1, "files": 1}
    rest = {"min_host": 0, "floor": 0, "dependencies": b"[]", "name": "n", "icon_digest": ""}
    return {"kind": "miniapp", "version": "1.0.0", **own, **flags, **file, **rest}


ONE_CLIENT_APP: dict[str, Any] = {
    "id": "many",
    "name": "Many",
    "channel": "app",
    "bundle_ids": {},
    "minimum_versions": {},
    "registers_customers": True,
    "closed": False,
    "created_ms": 1,
}
TABLES: tuple[tuple[Any, Callable[[int], dict[str, Any]]], ...] = (
    (subjects, subject),
    (customers, customer),
    (devices, device),
    (audit_rows, audit_row),
    (change_requests, change),
    (releases, release),
    (candidates, candidate),
    (versions, version),
)
LISTS = {
    "/customers": ROWS,
    "/customers?sort=created": ROWS,
    "/customers?tier=full": ROWS // 3,
    "/customers?from_ms=1000&until_ms=2000": 2000,
    "/devices": ROWS,
    "/devices?revoked=true&sort=seen": ROWS // 10,
    "/audit": ROWS,
    "/audit?sort=n&action=thing.3": ROWS // 10,
    f"/audit?actor={person(3)}": ROWS // 7 + 1,
    "/changes": ROWS,
    "/changes?state=applied": ROWS // 4,
    "/releases?sort=-changed": ROWS,
    "/releases?deliverable=bank.app7": ROWS // 50,
    f"/apps/{APP}/versions": ROWS,
    "/reviews": ROWS // 2,
}


async def fill(core: Core, workspace_id: str, rows: int) -> None:
    async with core.store.workspace(workspace_id).write() as tx:
        await tx.execute(insert(client_apps).values(workspace_id=workspace_id, **ONE_CLIENT_APP))
        publisher = {"id": "pub_x", "name": "p", "created_ms": 1, "created_by": "x"}
        await tx.execute(insert(publishers).values(workspace_id=workspace_id, **publisher))
        app = {"app_id": APP, "kind": "miniapp", "publisher_id": "pub_x", "created_ms": 1, "created_by": "x"}
        await tx.execute(insert(apps).values(workspace_id=workspace_id, **app))
        for table, make in TABLES:
            await tx.execute(insert(table), [{"workspace_id": workspace_id, **make(n)} for n in range(rows)])


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Lists:
    """A console with 10,000 rows in every long list."""

    core: Core
    http: httpx2.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str) -> tuple[dict[str, Any], int]:
        """Return the answer and how many statements it took; those of background tasks do not count."""
        counted: list[None] = []
        mark = COUNTED.set(counted)
        answer = await self.http.get(f"{PREFIX}{path}", headers=self.headers)
        COUNTED.reset(mark)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found, len(counted)


@pytest.fixture(scope="module", autouse=True)
def counting() -> Iterator[None]:
    execute = ScopedTransaction.execute

    async def counted(self: ScopedTransaction, *arguments: Any) -> Any:
        if (made := COUNTED.get()) is not None:
            made.append(None)
        return await execute(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScopedTransaction, "execute", counted)
        yield


@pytest.fixture(scope="module")
async def lists(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lists]:
    async with running_core(tmp_path_factory.mktemp("lists")) as core, client(core) as http:
        everything = await person_with(core, WORKSPACE, "admin", "auditor", "reviewer", "release_manager")
        await fill(core, WORKSPACE, ROWS)
        await fill(core, OTHER_WORKSPACE, 20)
        yield Lists(core, http, await bearer_for(core, WORKSPACE, everything))


@pytest.mark.parametrize("path", LISTS)
async def test_ten_thousand_rows_come_page_by_page_each_by_as_few_statements(lists: Lists, path: str) -> None:
    seen: list[str] = []
    statements, cursor, more = set(), "", "&" if "?" in path else "?"
    while True:
        found, taken = await lists.get(f"{path}{more}limit=200{cursor}")
        statements.add(taken)
        seen += [str(item.get("id") or item.get("n") or item.get("sequence")) for item in found["items"]]
        assert found["total"] >= LISTS[path]
        if found["next_cursor"] is None:
            break
        assert len(found["items"]) == 200
        cursor = f"&cursor={found['next_cursor']}"
    assert len(seen) == len(set(seen)) == found["total"]
    assert LISTS[path] <= len(seen) <= LISTS[path] + 10  # beside ours stand what the fixture's person left
    assert max(statements) <= min(statements) + 1  # the last page may need less; none needs one for each row
    assert max(statements) <= 12


async def test_the_last_page_is_read_from_an_index_as_the_first(lists: Lists) -> None:
    """Not the clock, which a busy machine moves, but the plan: no page sorts or walks the rows before it."""
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        is_page = "place_0" in statement and "LIMIT" in statement and not statement.startswith("EXPLAIN")
        if is_page:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters)).all()
            plans.append("; ".join(str(row[-1]) for row in rows))

    for path in ("/customers", "/devices", "/audit", "/changes", "/releases?sort=-changed", f"/apps/{APP}/versions"):
        first, _ = await lists.get(f"{path}{'&' if '?' in path else '?'}limit=200")
        for engine in lists.core.store.database.engines:
            event.listen(engine, "before_cursor_execute", explain)
        await lists.get(f"{path}{'&' if '?' in path else '?'}limit=200&cursor={first['next_cursor']}")
        for engine in lists.core.store.database.engines:
            event.remove(engine, "before_cursor_execute", explain)
    assert len(plans) == 6
    assert [plan for plan in plans if "TEMP B-TREE" in plan or plan.startswith("SCAN")] == []


async def test_every_list_is_a_page_and_every_operation_has_a_name_of_its_own(lists: Lists) -> None:
    document = (await lists.http.get(f"{PREFIX}/openapi.json")).json()
    names, wrong, pages = [], [], 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            schema = _schema(document, operation)
            if method != "get":
                continue
            if schema.get("type") == "array":
                wrong.append((path, "a bare list"))
            if "items" in schema.get("properties", {}):
                pages += 1
                limits = {each["name"]: each["schema"] for each in operation.get("parameters", [])}
                is_paged = {"items", "next_cursor", "total"} <= set(schema["properties"]) and "cursor" in limits
                if not is_paged or limits["limit"]["maximum"] != 200:
                    wrong.append((path, "no page"))
    assert wrong == []
    assert pages > 20
    assert len(names) == len(set(names))
    assert [name for name in names if OPERATION_ID.fullmatch(name) is None] == []


def _schema(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "application/json" in answer.get("content", {}):
            schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
            reference = schema.get("$ref", "").rpartition("/")[2]
            return document["components"]["schemas"][reference] if reference else schema
    return {}


async def test_a_person_who_sees_little_gets_short_pages_and_no_count(lists: Lists) -> None:
    nobody = await person_with(lists.core, WORKSPACE, "publisher")
    headers = await bearer_for(lists.core, WORKSPACE, nobody)
    answer = await lists.http.get(f"{PREFIX}/changes", headers=headers)
    found = answer.json()
    assert (answer.status_code, found["items"], found["total"]) == (200, [], None)

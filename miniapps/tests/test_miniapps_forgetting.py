"""What an erased customer leaves behind at mini-apps: nothing that tells who it was or what was bought."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from sampan.miniapps.app_reports import AppReport, add_report, app_reports
from sampan.miniapps.bank_calls import BankCall, bank_calls, carry_out
from sampan.miniapps.component import component as miniapps
from sampan.miniapps.consents import consents, give
from sampan.miniapps.login_codes import login_codes, make_code
from sampan.platform.app import built_in_components
from sampan.platform.core import Core
from sampan.platform.identity.caller import Caller
from sampan.platform.identity.repository_customers import get_customer
from sampan.platform.identity.tiers import Tier
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.ports import BankAnswer, BankOrder, BankStatus
from sampan.platform.testing import WORKSPACE, client, running_core
from sampan.platform.testing_artifacts import without_background

pytestmark = pytest.mark.anyio
TABLES = (consents, login_codes, app_reports, bank_calls)
APP = "com.example.shop"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    components = (*(without_background(each) for each in built_in_components(demo=True)), miniapps)
    async with running_core(tmp_path, components=components) as core:
        yield core


@pytest.fixture
async def http(core: Core) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(core) as http:
        yield http


async def new_customer(core: Core, http: httpx2.AsyncClient) -> Caller:
    """Return a new customer, as its device calls."""
    admin = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
    phone = f"+8613{secrets.randbelow(10**9):09}"
    body = {"personal": {"phone": phone, "name": "Li Lei"}, "tier": "registered"}
    made = await http.post("/console/api/v1/customers", json=body, headers=admin)
    assert made.status_code == 201, made.text
    async with core.store.workspace(WORKSPACE).read() as tx:
        customer = await get_customer(tx, made.json()["id"])
    assert customer is not None
    return Caller(WORKSPACE, "demo", "dev_1", customer.subject, customer.id, Tier.REGISTERED, 0, 0, "")


def order_of(caller: Caller, ask: Callable[[], Awaitable[BankAnswer]]) -> BankCall:
    assert caller.customer_id is not None
    order = BankOrder(WORKSPACE, caller.customer_id, APP, "key-1", "o-1", "Medicine")
    return BankCall(order, ("pay", "o-1", 1250, "CNY", "Medicine"), ask)


async def leave_traces(core: Core, caller: Caller) -> None:
    async def paid() -> BankAnswer:
        return BankAnswer(BankStatus.PAID, "bank-ref-77")

    async with core.store.workspace(WORKSPACE).write() as tx:
        await give(tx, caller.subject, APP, "camera", now_ms=1)
        await make_code(tx, caller, APP, ("openid",), now_ms=core.now_ms())
        words = "I am Li Lei, call me"
        await add_report(tx, AppReport(f"rpt_{caller.subject}", APP, "fraud", words, "dev_1", caller.subject, 1))
    assert (await carry_out(core, order_of(caller, paid))).reference == "bank-ref-77"


async def erase(core: Core, http: httpx2.AsyncClient, caller: Caller) -> None:
    admin = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
    erased = await http.post(f"/console/api/v1/customers/{caller.customer_id}/erase", headers=admin)
    assert erased.status_code == 200, erased.text


async def rows_of(core: Core) -> dict[str, list[dict[str, Any]]]:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return {
            table.name: [
                dict(row._mapping) for row in await tx.execute(select(table).where(table.c.workspace_id == WORKSPACE))
            ]
            for table in TABLES
        }


async def test_an_erased_customer_leaves_only_ids_and_counts(core: Core, http: httpx2.AsyncClient) -> None:
    gone, stays = await new_customer(core, http), await new_customer(core, http)
    await leave_traces(core, gone)
    await leave_traces(core, stays)
    before = await rows_of(core)
    await erase(core, http, gone)
    after = await rows_of(core)
    assert {name: len(rows) for name, rows in before.items()} == dict.fromkeys(before, 2)
    assert {name: len(rows) for name, rows in after.items()} == {
        "consents": 1, "login_codes": 1, "app_reports": 2, "bank_calls": 2
    }  # fmt: skip
    assert [row["subject"] for row in after["consents"]] == [stays.subject]
    assert sorted(row["subject"] for row in after["app_reports"]) == [0, stays.subject]
    (order,) = [row for row in after["bank_calls"] if row["customer_id"] == gone.customer_id]
    assert (order["status"], order["order_hash"], order["reference"]) == ("paid", bytes(32), "")
    assert str(after).count("Li Lei") == str(after).count("bank-ref-77") == 1


async def test_an_answer_that_comes_after_the_erasure_brings_nothing_back(core: Core, http: httpx2.AsyncClient) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow() -> BankAnswer:
        asked.set()
        await may_answer.wait()
        return BankAnswer(BankStatus.PAID, "bank-ref-88")

    customer = await new_customer(core, http)
    paying = asyncio.create_task(carry_out(core, order_of(customer, slow)))
    await asked.wait()
    await erase(core, http, customer)
    may_answer.set()
    assert (await paying).status is BankStatus.PAID
    assert "bank-ref-88" not in str((await rows_of(core))["bank_calls"])

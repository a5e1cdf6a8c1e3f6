"""Customers: tiers and revocations in force at once, erasure that leaves nothing, history, unique references."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sampan.platform.engines.paging import Found, Paging
from sampan.platform.identity.personal import Personal, PersonalTooLong
from sampan.platform.identity.problems import (
    CustomerUnknown,
    DeviceUnknown,
    PhoneInvalid,
    PhoneTaken,
    ReferenceTaken,
    SessionRevoked,
    TierNotForCustomers,
)
from sampan.platform.identity.repository_customers import (
    Customer,
    CustomerFilter,
    get_customer,
    get_personal,
    page_customers,
)
from sampan.platform.identity.service_customers import (
    change_customer,
    create_customer,
    erase,
    history,
    prepare_customer,
    read_personal,
    seal_for,
    set_tier,
    sign_out_everywhere,
)
from sampan.platform.identity.service_devices import devices_of, revoke_device, set_assurance, sign_out_device
from sampan.platform.identity.tiers import Tier
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestDevice, TestServer, identity_server

pytestmark = pytest.mark.anyio
PHONE = "+8613912345678"
PERSONAL = Personal(
    name="Zhang Wei of Hangzhou", phone=PHONE, email="zhang.wei@mail.example", extra={"branch": "B-771"}
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


async def enter(
    server: TestServer,
    tier: Tier = Tier.FULL,
    *,
    reference: str | None = "CIF-1",
    personal: Personal = PERSONAL,
    workspace_id: str = WORKSPACE,
) -> Customer:
    new = prepare_customer(server.core, workspace_id, bank_reference=reference, tier=tier, personal=personal)
    async with server.core.store.workspace(workspace_id).write() as tx:
        return await create_customer(tx, new, by="test", now_ms=server.clock.now_ms)


async def do(server: TestServer, change: Any, *args: Any, **options: Any) -> Any:
    """Run a use case in a transaction and let the worker hear of it."""
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        given = (server.core, tx) if change is erase else (tx,)
        result = await change(*given, *args, **options, by="opr_test", now_ms=server.clock.now_ms)
    await server.core.replica.poll()
    return result


async def signed_in(server: TestServer, customer: Customer) -> TestDevice:
    device = await server.device()
    assert (await device.sign_in(PHONE)).json()["customer"] == customer.id
    await do(server, set_assurance, customer.id, device.tokens["device"], Tier.FULL)
    return device


async def test_a_tier_is_in_force_on_the_next_call(server: TestServer) -> None:
    customer = await enter(server)
    device = await signed_in(server, customer)
    assert server.caller(device).tier == Tier.FULL
    for tier in (Tier.REGISTERED, Tier.E_ACCOUNT, Tier.FULL):
        changed, _ = await do(server, set_tier, customer.id, tier)
        assert (changed.tier, server.caller(device).tier) == (tier, tier)
        assert (await device.refresh()).json()["tier"] == tier.label


async def test_a_customer_is_never_a_visitor(server: TestServer) -> None:
    with pytest.raises(TierNotForCustomers):
        await enter(server, Tier.VISITOR)
    customer = await enter(server)
    with pytest.raises(TierNotForCustomers):
        await do(server, set_tier, customer.id, Tier.VISITOR)


async def test_a_revoked_device_is_refused_for_good(server: TestServer) -> None:
    device = await signed_in(server, await enter(server))
    other = await server.device()
    await do(server, revoke_device, device.tokens["device"])
    with pytest.raises(SessionRevoked):
        server.caller(device)
    assert (await device.refresh()).json()["code"] == "refresh_refused"
    assert (await device.begin()).json()["code"] == "device_revoked"
    assert server.caller(other).tier == Tier.VISITOR
    await do(server, revoke_device, device.tokens["device"])
    with pytest.raises(DeviceUnknown):
        await do(server, revoke_device, "dev_none")


async def test_signing_a_customer_out_leaves_their_other_devices(server: TestServer) -> None:
    customer = await enter(server)
    first, second = await signed_in(server, customer), await signed_in(server, customer)
    await do(server, sign_out_device, customer.id, first.tokens["device"])
    with pytest.raises(SessionRevoked):
        server.caller(first)
    assert server.caller(second).tier == Tier.FULL
    await do(server, sign_out_everywhere, customer.id)
    with pytest.raises(SessionRevoked):
        server.caller(second)
    assert (await second.begin()).status_code == 201
    assert (await second.sign_in(PHONE)).json()["tier"] == "full"
    assert server.caller(second).customer_id == customer.id


async def test_a_device_tells_who_signed_in_and_when(server: TestServer) -> None:
    customer = await enter(server)
    device = await signed_in(server, customer)
    server.clock.now_ms += 5_000
    await device.refresh()
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        (found,) = (await devices_of(tx, customer.id, Paging())).items
    assert (found.pair.is_signed_in, found.pair.carries, found.seen_ms) == (True, Tier.FULL, server.clock.now_ms)
    with pytest.raises(DeviceUnknown):
        await do(server, sign_out_device, customer.id, "dev_none")
    with pytest.raises(DeviceUnknown):
        await do(server, set_assurance, customer.id, (await server.device()).tokens["device"], Tier.FULL)


async def test_personal_data_is_stored_sealed(server: TestServer) -> None:
    customer = await enter(server)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        stored = await get_personal(tx, customer.id)
        assert await read_personal(server.core, tx, customer.id) == PERSONAL
    assert stored is not None
    assert_not_on_disk(server, *personal_texts())


def personal_texts() -> list[bytes]:
    return [text.encode() for text in (PERSONAL.name, PHONE, PHONE[1:], PERSONAL.email, *PERSONAL.extra.values())]


def assert_not_on_disk(server: TestServer, *secrets: bytes) -> None:
    files = [path for path in server.core.settings.data.rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 0 for path in files)
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret in content], path


async def test_erasure_destroys_data_and_key_and_keeps_ids(server: TestServer) -> None:
    customer = await enter(server)
    device = await signed_in(server, customer)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        stored = await get_personal(tx, customer.id)
    assert stored is not None
    assert stored.phone_seal is not None
    await write_out(server)
    assert stored.wrapped_key in (server.core.settings.data / "sampan.sqlite").read_bytes()
    await do(server, erase, customer.id)
    with pytest.raises(SessionRevoked):
        server.caller(device)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        assert await get_personal(tx, customer.id) is None
        left = await get_customer(tx, customer.id)
        kinds = [change.kind for change in (await history(tx, customer.id, Paging())).items]
    assert left is not None
    assert (left.subject, left.bank_reference, left.erased_ms) == (customer.subject, None, server.clock.now_ms)
    assert kinds[-1] == "erased"
    for change in (erase, set_tier, sign_out_everywhere):
        with pytest.raises(CustomerUnknown):
            await do(server, change, customer.id, *([Tier.FULL] if change is set_tier else []))
    await write_out(server)
    assert_not_on_disk(server, *personal_texts(), stored.wrapped_key, stored.sealed, stored.phone_seal, b"CIF-1")


async def write_out(server: TestServer) -> None:
    """Fold the write-ahead log into the database file, as SQLite does by itself after a thousand pages."""
    connection = server.core.store.database.engines[1].raw_connection()
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def test_the_number_of_an_erased_customer_is_not_given_out_again(server: TestServer) -> None:
    customer = await enter(server)
    await do(server, erase, customer.id)
    again = await enter(server)
    assert again.subject > customer.subject
    assert again.id != customer.id


async def test_the_history_tells_every_change(server: TestServer) -> None:
    customer = await enter(server)
    await signed_in(server, customer)
    await do(server, set_tier, customer.id, Tier.REGISTERED, reason="limits review")
    await do(server, set_tier, customer.id, Tier.REGISTERED)
    await do(server, sign_out_everywhere, customer.id)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        changes = (await history(tx, customer.id, Paging())).items
        first = await history(tx, customer.id, Paging(limit=2))
        assert first.items == changes[:2]
        assert (await history(tx, customer.id, Paging(first.next_cursor, 2))).items == changes[2:4]
    told = [change.facts.get("cause", change.kind) for change in changes]
    assert told == ["created", "signed_in", "assurance", "tier", "signed_out", "epoch"]
    tier = changes[3].facts
    assert (tier["before"], tier["tier"], tier["reason"], tier["by"]) == (
        "full",
        "registered",
        "limits review",
        "opr_test",
    )


async def test_references_and_phones_belong_to_one_customer(server: TestServer) -> None:
    first = await enter(server)
    with pytest.raises(ReferenceTaken):
        await enter(server, personal=Personal())
    with pytest.raises(PhoneTaken) as refusal:
        await enter(server, reference="CIF-2")
    assert refusal.value.facts["customer"] == first.id
    second = await enter(server, reference="CIF-2", personal=Personal())
    elsewhere = await enter(server, workspace_id=OTHER_WORKSPACE)
    assert (elsewhere.bank_reference, elsewhere.subject) == ("CIF-1", 1)
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        with pytest.raises(ReferenceTaken):
            await change_customer(tx, second.id, bank_reference="CIF-1")
        with pytest.raises(PhoneTaken):
            await change_customer(tx, second.id, personal=seal_for(server.core, WORKSPACE, second.id, PERSONAL))
        await change_customer(tx, first.id, personal=seal_for(server.core, WORKSPACE, first.id, Personal()))
        await change_customer(tx, second.id, personal=seal_for(server.core, WORKSPACE, second.id, PERSONAL))
        assert await read_personal(server.core, tx, second.id) == PERSONAL
        with pytest.raises(CustomerUnknown):
            await change_customer(tx, "cus_none")


async def test_another_workspaces_customer_is_unknown(server: TestServer) -> None:
    elsewhere = await enter(server, workspace_id=OTHER_WORKSPACE)
    for change in (erase, sign_out_everywhere):
        with pytest.raises(CustomerUnknown):
            await do(server, change, elsewhere.id)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        assert await page_customers(tx, CustomerFilter(), Paging()) == Found([], None, 0)


async def test_unfit_personal_data_is_refused(server: TestServer) -> None:
    with pytest.raises(PhoneInvalid):
        await enter(server, personal=Personal(phone="13912345678"))
    for personal in (Personal(name="x" * 201), Personal(extra={str(n): "" for n in range(33)})):
        with pytest.raises(PersonalTooLong):
            await enter(server, personal=personal)


async def test_customers_are_listed_by_page_and_tier(server: TestServer) -> None:
    made = [
        await enter(server, tier, reference=None, personal=Personal())
        for tier in (Tier.FULL, Tier.REGISTERED, Tier.FULL, Tier.E_ACCOUNT)
    ]
    ids = [customer.id for customer in sorted(made, key=lambda one: (one.created_ms, one.id))]
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        page = await page_customers(tx, CustomerFilter(), Paging(limit=3))
        rest = await page_customers(tx, CustomerFilter(), Paging(page.next_cursor, 3))
        full = await page_customers(tx, CustomerFilter(tier=Tier.FULL), Paging(limit=3))
    assert [customer.id for customer in (*page.items, *rest.items)] == ids
    assert (page.total, rest.next_cursor, full.total) == (4, None, 2)
    assert {customer.id for customer in full.items} == {made[0].id, made[2].id}

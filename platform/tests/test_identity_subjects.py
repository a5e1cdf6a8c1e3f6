"""Subject numbers, the log of their changes, and the arrays that follow it."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import LogEntry
from sampan.platform.engines.log import read as read_log
from sampan.platform.identity import repository_subjects, subjects
from sampan.platform.identity.caller import Caller, caller_of
from sampan.platform.identity.problems import SessionRevoked, SubjectsExhausted
from sampan.platform.identity.repository_subjects import (
    create_subject,
    get_subject,
    load_states,
    log_changes,
    raise_subject_epoch,
    set_subject_tier,
    subject_numbers,
)
from sampan.platform.identity.service_devices import revoke_device
from sampan.platform.identity.subjects import (
    ERASED,
    HELD_MS,
    LOG,
    MAX_SUBJECT,
    DeviceChanged,
    EpochRaised,
    HeldDevice,
    SubjectCreated,
    SubjectErased,
    SubjectEvent,
    SubjectStates,
    TierChanged,
    from_entry,
    to_entry,
)
from sampan.platform.identity.tiers import Tier
from sampan.platform.identity.tokens import LIFETIME_MS, Claims
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE
from sampan.platform.testing_device import TestServer, identity_server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TestServer]:
    async with identity_server(tmp_path) as server:
        yield server


class Undone(Exception):
    pass


async def make(server: TestServer, name: str, *, undo: bool = False, workspace_id: str = WORKSPACE) -> int:
    async with server.core.store.workspace(workspace_id).write() as tx:
        number = await create_subject(tx, kind="device", owner_id=name, tier=Tier.VISITOR, by="test", now_ms=1)
        if undo:
            raise Undone
    return number


async def test_numbers_are_dense_and_unique_under_concurrency(server: TestServer) -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable on purpose
    wishes = [dice.random() < 0.3 for _ in range(200)]
    outcomes = await asyncio.gather(
        *(make(server, f"dev_{n}", undo=undo) for n, undo in enumerate(wishes)), return_exceptions=True
    )
    numbers = sorted(outcome for outcome in outcomes if isinstance(outcome, int))
    assert numbers == list(range(1, wishes.count(False) + 1))
    assert sum(isinstance(outcome, Undone) for outcome in outcomes) == wishes.count(True)


async def test_each_workspace_counts_for_itself(server: TestServer) -> None:
    assert await make(server, "a") == 1
    assert await make(server, "b", workspace_id=OTHER_WORKSPACE) == 1


async def test_the_last_number_is_never_passed(server: TestServer) -> None:
    await make(server, "first")
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        last = subject_numbers.update().where(subject_numbers.c.workspace_id == WORKSPACE)
        await tx.execute(last.values(last=MAX_SUBJECT - 1))
    # The arrays must not be asked to hold four thousand million subjects here.
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        assert await create_number(tx) == MAX_SUBJECT
        with pytest.raises(SubjectsExhausted):
            await create_number(tx)
        await tx.execute(last.values(last=1))


async def create_number(tx: Transaction) -> int:
    return await repository_subjects._next_number(tx)


async def test_memory_and_database_agree_after_random_changes(server: TestServer) -> None:
    dice = random.Random(11)  # noqa: S311 - repeatable on purpose
    for n in range(20):
        await make(server, f"dev_{n}")
    for step in range(60):
        await change(server, dice, step)
        if dice.random() < 0.3:
            await server.core.replica.poll()
    await server.core.replica.poll()
    followed: SubjectStates = server.core.replica.view(WORKSPACE).followed[LOG]
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        loaded = await load_states(tx)
    assert followed.tiers == loaded.tiers
    assert followed.epochs == loaded.epochs
    # A fresh load may hold somewhat more: it counts back from the newest device change, having no clock.
    extra = {held.changed_ms for name, held in loaded.devices.items() if name not in followed.devices}
    assert all(changed_ms < followed.newest_ms - HELD_MS for changed_ms in extra)
    assert followed.devices.items() <= loaded.devices.items()


async def change(server: TestServer, dice: random.Random, step: int) -> None:
    subject, now_ms = dice.randint(1, 20), server.clock.now_ms + step * 60_000
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        row = await get_subject(tx, subject)
        event: SubjectEvent
        match dice.randrange(4):
            case 0:
                tier = dice.choice([Tier.REGISTERED, Tier.E_ACCOUNT, Tier.FULL])
                await set_subject_tier(tx, subject, int(tier))
                event = TierChanged(subject, int(tier), row.tier, "test")
            case 1:
                event = EpochRaised(subject, await raise_subject_epoch(tx, subject), "test")
            case 2:
                await set_subject_tier(tx, subject, ERASED)
                event = SubjectErased(subject, await raise_subject_epoch(tx, subject), "test")
            case _:
                event = DeviceChanged(f"dev_{subject}", step, 1, "signed_in", subject, subject, "test")
        await log_changes(tx, [event], now_ms=now_ms)


EVENTS = st.one_of(
    st.builds(SubjectCreated, st.integers(0, 40), st.integers(0, 3), st.just("x"), st.just("t")),
    st.builds(TierChanged, st.integers(0, 40), st.integers(0, 3), st.integers(0, 3), st.just("t")),
    st.builds(EpochRaised, st.integers(0, 40), st.integers(0, 9), st.just("t")),
    st.builds(SubjectErased, st.integers(0, 40), st.integers(0, 9), st.just("t")),
)


@given(st.lists(EVENTS, max_size=20))
def test_applying_entries_twice_changes_nothing(events: list[SubjectEvent]) -> None:
    entries = [entry_of(n, event) for n, event in enumerate(events)]
    once, twice = SubjectStates(), SubjectStates()
    once.apply(entries)
    for entry in entries:
        twice.apply([entry])
        twice.apply([entry])
    assert (once.tiers, once.epochs) == (twice.tiers, twice.epochs)
    assert len(once.tiers) == len(once.epochs)


def entry_of(n: int, event: SubjectEvent, at_ms: int = 0) -> LogEntry:
    entry = to_entry(event)
    return LogEntry(n, at_ms, entry.kind, entry.body)


@given(EVENTS)
def test_an_event_reads_back(event: SubjectEvent) -> None:
    assert from_entry(entry_of(1, event)) == event


def test_device_changes_are_held_as_long_as_a_token_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "HELD_AT_LEAST", 1)
    states = SubjectStates()
    states.apply([entry_of(1, DeviceChanged("dev_a", 1, 0, "revoked", 1, 1, "t"), at_ms=0)])
    states.apply([entry_of(2, DeviceChanged("dev_b", 1, 0, "revoked", 2, 2, "t"), at_ms=HELD_MS)])
    assert HELD_MS > LIFETIME_MS
    assert set(states.devices) == {"dev_a", "dev_b"}
    states.apply([entry_of(3, TierChanged(1, 1, 2, "t"), at_ms=HELD_MS + 1)])
    assert set(states.devices) == {"dev_b"}


async def test_a_clock_that_once_ran_ahead_voids_no_revocation(server: TestServer) -> None:
    ahead, revoked = await server.device(), await server.device()
    now_ms = server.clock.now_ms
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await revoke_device(tx, ahead.tokens["device"], by="t", now_ms=now_ms + 86_400_000)
    async with server.core.store.workspace(WORKSPACE).write() as tx:
        await revoke_device(tx, revoked.tokens["device"], by="t", now_ms=now_ms)
    await server.core.replica.poll()
    with pytest.raises(SessionRevoked):
        server.caller(revoked)
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        after_a_restart = await load_states(tx)
    assert after_a_restart.devices.keys() >= {ahead.tokens["device"], revoked.tokens["device"]}


def claims(**changes: Any) -> Claims:
    values: dict[str, Any] = {
        "workspace": WORKSPACE,
        "client_app": "retail",
        "device": "dev_a",
        "subject": 1,
        "tier": "e_account",
        "carries": "full",
        "epoch": 3,
        "device_epoch": 5,
        "cnf": {"jkt": "x"},
        "iat": 0,
        "exp": 600,
        "customer": "cus_a",
    }
    return Claims(**{**values, **changes})


def states(tier: int | None = None, epoch: int = 3, held: HeldDevice | None = None) -> SubjectStates:
    found = SubjectStates()
    if tier is not None:
        found.set_subject(1, tier, epoch)
    if held is not None:
        found.hold_device("dev_a", held)
    return found


EFFECTIVE = {
    "not heard of the subject: as the token says": (claims(), states(), Tier.E_ACCOUNT),
    "raised since": (claims(), states(Tier.FULL), Tier.FULL),
    "lowered since": (claims(), states(Tier.REGISTERED), Tier.REGISTERED),
    "the device carries less": (claims(carries="registered"), states(Tier.FULL), Tier.REGISTERED),
    "the device was lowered since": (claims(), states(Tier.FULL, held=HeldDevice(5, Tier.REGISTERED, 0)), 1),
    "the device was raised since": (
        claims(carries="registered"),
        states(Tier.FULL, held=HeldDevice(5, Tier.FULL, 0)),
        Tier.FULL,
    ),
    "a token younger than what is held": (claims(), states(Tier.FULL, held=HeldDevice(4, Tier.VISITOR, 0)), Tier.FULL),
    "an epoch not heard of yet": (claims(epoch=4), states(Tier.FULL), Tier.FULL),
}
VOID = {
    "epoch raised": states(Tier.FULL, epoch=4),
    "erased": states(ERASED),
    "device epoch raised": states(Tier.FULL, held=HeldDevice(6, Tier.FULL, 0)),
}


@pytest.mark.parametrize(("token", "known", "tier"), EFFECTIVE.values(), ids=EFFECTIVE.keys())
def test_the_tier_that_counts(token: Claims, known: SubjectStates, tier: Tier) -> None:
    caller: Caller = caller_of(token, known)
    assert caller.tier == tier


@pytest.mark.parametrize("known", VOID.values(), ids=VOID.keys())
def test_a_token_from_before_is_void(known: SubjectStates) -> None:
    with pytest.raises(SessionRevoked):
        caller_of(claims(), known)


async def test_the_log_holds_ids_alone(server: TestServer) -> None:
    device = await server.device()
    await device.sign_in("+8613800000001")
    async with server.core.store.workspace(WORKSPACE).read() as tx:
        entries = await read_log(tx, LOG, after=0, limit=100)
    assert [entry.kind for entry in entries] == ["created", "created", "device"]
    assert all(b"13800000001" not in entry.body for entry in entries)

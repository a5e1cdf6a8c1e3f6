"""Signing in: one answer for every wrong guess, codes that work once, lock-out that never falls open."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select

from sampan.platform.core import Core
from sampan.platform.engines.cache import CountersFull, LocalCounters
from sampan.platform.operators import passwords
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attempts import PER_ACCOUNT, PER_SOURCE, WINDOW_MS, LockedOut
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.first_people import Credentials, invite_existing
from sampan.platform.operators.machine_tokens import create_token
from sampan.platform.operators.operator_rows import OperatorState, grants_of, set_operator_state
from sampan.platform.operators.passwords import BadPassword, PasswordQueue, SignInBusy, refuse_bad_password
from sampan.platform.operators.people import disable, remove_grant
from sampan.platform.operators.people_door import read_people
from sampan.platform.operators.person_rows import person_by_id
from sampan.platform.operators.session_rows import SessionKind, hash_of, sessions
from sampan.platform.operators.sign_in import (
    NewSession,
    SignInRefused,
    change_password,
    confirm,
    sign_in,
    sign_out,
    sign_out_everywhere,
)
from sampan.platform.operators.signed_in import (
    FACTOR_MS,
    IDLE_MS,
    LIFETIME_MS,
    SessionEnded,
    SignedIn,
    recognise,
)
from sampan.platform.operators.testing import actor_of, person_with, totp_of
from sampan.platform.operators.totp import STEP_MS, base32, code_for, enrolment_uri, matching_step, step_at
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

HERE = "192.0.2.7"
anyio = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@dataclass
class Stage:
    core: Core
    clock: Clock
    person: Credentials

    async def enter(
        self,
        *,
        person: Credentials | None = None,
        password: str | None = None,
        totp: str | None = None,
        source: str = HERE,
        workspace: str = WORKSPACE,
        kind: SessionKind = SessionKind.BEARER,
    ) -> NewSession:
        person = person or self.person
        return await sign_in(
            self.core,
            workspace,
            email=person.email,
            password=person.password if password is None else password,
            totp=totp_of(self.core, person) if totp is None else totp,
            source=source,
            kind=kind,
        )

    async def who(self, made: NewSession, workspace: str = WORKSPACE) -> SignedIn:
        return await recognise(self.core, workspace, made.secret, source="192.0.2.1")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running_core(tmp_path, components=(operators,), now_ms=clock) as core:
        yield Stage(core, clock, await person_with(core, WORKSPACE, "admin", email="Ada@Example.com"))


@anyio
async def test_the_right_person_gets_in(stage: Stage) -> None:
    made = await stage.enter()
    found = await stage.who(made)
    assert found.actor.person_id == stage.person.person_id
    assert found.actor.may("operator:read")
    assert found.is_confirmed(stage.clock.ms)


@anyio
async def test_wrong_guesses_get_one_and_the_same_answer(stage: Stage) -> None:
    stranger = replace(stage.person, email="nobody@example.com")
    guesses = [
        stage.enter(password="wrong password"),
        stage.enter(totp="000000" if totp_of(stage.core, stage.person) != "000000" else "111111"),
        stage.enter(person=stranger),
        stage.enter(password=""),
        stage.enter(password="x" * 500),
        stage.enter(workspace=OTHER_WORKSPACE),
    ]
    answers = set()
    for guess in guesses:
        with pytest.raises(SignInRefused) as refused:
            await guess
        answers.add((refused.value.code, refused.value.detail, str(refused.value.facts)))
    assert len(answers) == 1


@anyio
async def test_a_code_works_once(stage: Stage) -> None:
    code = totp_of(stage.core, stage.person)
    await stage.enter(totp=code)
    with pytest.raises(SignInRefused):
        await stage.enter(totp=code)
    stage.clock.ms += STEP_MS
    with pytest.raises(SignInRefused):
        await stage.enter(totp=code)  # still inside the drift, but spent
    await stage.enter()


@anyio
async def test_an_older_code_is_dead_once_a_newer_one_was_used(stage: Stage) -> None:
    await stage.enter(totp=totp_of(stage.core, stage.person, steps=1))
    with pytest.raises(SignInRefused):
        await stage.enter(totp=totp_of(stage.core, stage.person))


@anyio
async def test_one_code_at_the_same_moment_lets_one_in(stage: Stage) -> None:
    code = totp_of(stage.core, stage.person)
    outcomes = await asyncio.gather(*(stage.enter(totp=code) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, NewSession) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SignInRefused) for outcome in outcomes) == 3


@anyio
async def test_a_wrong_password_does_not_spend_the_code(stage: Stage) -> None:
    code = totp_of(stage.core, stage.person)
    with pytest.raises(SignInRefused):
        await stage.enter(password="wrong password", totp=code)
    assert await stage.enter(totp=code)


@anyio
async def test_the_account_locks_and_opens_again(stage: Stage) -> None:
    for n in range(PER_ACCOUNT):
        with pytest.raises(SignInRefused):
            await stage.enter(password="wrong password", source=f"192.0.2.{n}")
    with pytest.raises(LockedOut) as locked:
        await stage.enter(source="198.51.100.1")
    assert locked.value.facts["retry_after_seconds"] == WINDOW_MS // 1000
    stage.clock.ms += WINDOW_MS
    assert await stage.enter()


@anyio
async def test_success_forgives_the_account_but_not_the_source(stage: Stage) -> None:
    for _ in range(PER_SOURCE // PER_ACCOUNT):
        for _ in range(PER_ACCOUNT - 1):
            with pytest.raises(SignInRefused):
                await stage.enter(password="wrong password")
        await stage.enter()
        stage.clock.ms += STEP_MS
    with pytest.raises(LockedOut):
        await stage.enter()
    assert await stage.enter(source="198.51.100.1")


@anyio
async def test_one_ipv6_household_is_one_source(stage: Stage) -> None:
    for n in range(PER_SOURCE):
        with pytest.raises(SignInRefused):
            await stage.enter(person=replace(stage.person, email=f"x{n}@example.com"), source=f"2001:db8:0:1::{n:x}")
    with pytest.raises(LockedOut):
        await stage.enter(source="2001:db8:0:1:ffff::1")
    assert await stage.enter(source="2001:db8:0:2::1")


@anyio
async def test_attempts_at_once_share_one_count(stage: Stage) -> None:
    tries = (stage.enter(password="wrong password") for _ in range(PER_ACCOUNT + 5))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, LockedOut) for outcome in outcomes) == 5


@anyio
async def test_counters_that_fail_let_nobody_in(stage: Stage) -> None:
    stage.core.counters = LocalCounters(max_counters=0)
    with pytest.raises(CountersFull):
        await stage.enter()


@anyio
async def test_a_flood_of_passwords_is_refused_not_queued() -> None:
    queue = PasswordQueue(max_waiting=1)
    gate = asyncio.Event()

    async def hold() -> str:
        loop = asyncio.get_running_loop()
        return await queue.run(lambda: asyncio.run_coroutine_threadsafe(wait(), loop).result())

    async def wait() -> str:
        await gate.wait()
        return "done"

    busy = [asyncio.ensure_future(hold()) for _ in range(passwords.THREADS + 1)]
    await asyncio.sleep(0)
    with pytest.raises(SignInBusy):
        await queue.run(lambda: "late")
    gate.set()
    assert await asyncio.gather(*busy) == ["done"] * len(busy)
    assert await queue.run(lambda: "later") == "later"


@anyio
async def test_only_hashes_are_stored(stage: Stage) -> None:
    made = await stage.enter()
    async with stage.core.store.workspace(WORKSPACE).read() as tx:
        statement = select(sessions.c.token_hash).where(sessions.c.workspace_id == WORKSPACE)
        assert list((await tx.execute(statement)).scalars()) == [hash_of(made.secret)]
    async with read_people(stage.core, WORKSPACE) as tx:
        person = await person_by_id(tx, stage.person.person_id)
    assert person is not None
    assert (person.password_hash or "").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stage.person.totp_secret not in (person.totp_sealed or b"")
    raw = (stage.core.settings.data / "sampan.sqlite").read_bytes()
    assert made.secret.encode() not in raw
    assert stage.person.password.encode() not in raw


@anyio
@pytest.mark.parametrize("kind", list(SessionKind))
async def test_sessions_end_when_idle_and_for_good(stage: Stage, kind: SessionKind) -> None:
    made = await stage.enter(kind=kind)
    stage.clock.ms += IDLE_MS[kind] - 1
    assert await stage.who(made)
    stage.clock.ms += IDLE_MS[kind] - 1
    if stage.clock.ms < made.session.expires_ms:
        assert await stage.who(made)
    stage.clock.ms += IDLE_MS[kind]
    with pytest.raises(SessionEnded):
        await stage.who(made)


@anyio
async def test_use_does_not_prolong_a_session_beyond_its_lifetime(stage: Stage) -> None:
    made = await stage.enter()
    for _ in range(LIFETIME_MS // 3_600_000 - 1):
        stage.clock.ms += 3_600_000
        assert await stage.who(made)
    stage.clock.ms += 3_600_000
    with pytest.raises(SessionEnded):
        await stage.who(made)


@anyio
async def test_signing_out_ends_one_session_or_all(stage: Stage) -> None:
    await invite_existing(stage.core, OTHER_WORKSPACE, email=stage.person.email, grants=[{"role": "auditor"}])
    made = []
    for workspace in (WORKSPACE, WORKSPACE, OTHER_WORKSPACE):
        made.append(await stage.enter(workspace=workspace))
        stage.clock.ms += STEP_MS
    first, second, elsewhere = made
    actor = (await stage.who(first)).actor
    assert await sign_out(stage.core, WORKSPACE, actor, first.session.id)
    assert not await sign_out(stage.core, WORKSPACE, actor, first.session.id)
    with pytest.raises(SessionEnded):
        await stage.who(first)
    assert await stage.who(second)
    assert await sign_out_everywhere(stage.core, WORKSPACE, actor) == 2
    for session, workspace in ((second, WORKSPACE), (elsewhere, OTHER_WORKSPACE)):
        with pytest.raises(SessionEnded):
            await stage.who(session, workspace)


@anyio
async def test_nobody_ends_the_session_of_another(stage: Stage) -> None:
    made = await stage.enter()
    other = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "admin"))
    assert not await sign_out(stage.core, WORKSPACE, other, made.session.id)
    assert await stage.who(made)


@anyio
async def test_a_session_is_of_one_workspace(stage: Stage) -> None:
    await invite_existing(stage.core, OTHER_WORKSPACE, email=stage.person.email, grants=[{"role": "admin"}])
    made = await stage.enter()
    with pytest.raises(SessionEnded):
        await stage.who(made, OTHER_WORKSPACE)


@anyio
async def test_a_disabled_account_is_out_at_once(stage: Stage) -> None:
    admin = await actor_of(stage.core, WORKSPACE, await person_with(stage.core, WORKSPACE, "admin"))
    made = await stage.enter()
    await disable(stage.core, WORKSPACE, admin, stage.person.operator_id)
    with pytest.raises(SessionEnded):
        await stage.who(made)
    stage.clock.ms += STEP_MS
    with pytest.raises(SignInRefused):
        await stage.enter()


@anyio
async def test_the_state_alone_shuts_sessions_and_tokens(stage: Stage) -> None:
    """Disabling ends them one by one too; a session that began at that very moment must not slip through."""
    made = await stage.enter()
    actor = (await stage.who(made)).actor
    _, secret = await create_token(stage.core, WORKSPACE, actor, name="t", permissions=["audit:read"], days=1)
    async with stage.core.store.workspace(WORKSPACE).write() as tx:
        await set_operator_state(tx, stage.person.operator_id, OperatorState.DISABLED)
    for shut in (made.secret, secret):
        with pytest.raises(SessionEnded):
            await recognise(stage.core, WORKSPACE, shut, source="192.0.2.1")


@anyio
async def test_a_removed_grant_is_gone_with_the_next_request(stage: Stage) -> None:
    desk = await person_with(stage.core, WORKSPACE, "auditor")
    admin: Actor = await actor_of(stage.core, WORKSPACE, stage.person)
    made = await stage.enter(person=desk)
    assert (await stage.who(made)).actor.may("audit:read")
    async with stage.core.store.workspace(WORKSPACE).read() as tx:
        (grant,) = await grants_of(tx, [desk.operator_id])
    await remove_grant(stage.core, WORKSPACE, admin, desk.operator_id, grant.id)
    assert not (await stage.who(made)).actor.may("audit:read")


@anyio
async def test_the_second_factor_is_fresh_for_five_minutes(stage: Stage) -> None:
    made = await stage.enter()
    stage.clock.ms += FACTOR_MS
    assert not (await stage.who(made)).is_confirmed(stage.clock.ms)
    with pytest.raises(SignInRefused):
        await confirm(stage.core, WORKSPACE, made.session, totp="12345", source=HERE)
    code = totp_of(stage.core, stage.person)
    await confirm(stage.core, WORKSPACE, made.session, totp=code, source=HERE)
    assert (await stage.who(made)).is_confirmed(stage.clock.ms)
    with pytest.raises(SignInRefused):
        await confirm(stage.core, WORKSPACE, made.session, totp=code, source=HERE)


@anyio
async def test_guessing_codes_in_a_session_locks_too(stage: Stage) -> None:
    made = await stage.enter()
    for _ in range(PER_ACCOUNT):
        with pytest.raises(SignInRefused):
            await confirm(stage.core, WORKSPACE, made.session, totp="abcdef", source=HERE)
    with pytest.raises(LockedOut):
        await confirm(stage.core, WORKSPACE, made.session, totp=totp_of(stage.core, stage.person), source=HERE)


@anyio
async def test_a_new_password_ends_the_other_sessions(stage: Stage) -> None:
    other = await stage.enter()
    stage.clock.ms += STEP_MS
    made = await stage.enter()
    stage.clock.ms += STEP_MS
    options = {"password": stage.person.password, "new_password": "quite another one", "source": HERE}
    code, wrong = totp_of(stage.core, stage.person), {**options, "password": "wrong"}
    with pytest.raises(SignInRefused):
        await change_password(stage.core, WORKSPACE, made.session, totp=code, **wrong)
    stage.clock.ms += STEP_MS
    code = totp_of(stage.core, stage.person)
    await change_password(stage.core, WORKSPACE, made.session, totp=code, **options)
    assert await stage.who(made)
    with pytest.raises(SessionEnded):
        await stage.who(other)
    stage.clock.ms += STEP_MS
    with pytest.raises(SignInRefused):
        await stage.enter()
    assert await stage.enter(password="quite another one")


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "ada-lovelace-1"])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadPassword):
        refuse_bad_password(password, email="ada@example.com")


# RFC 6238 appendix B, SHA-1, the last six of its eight digits.
VECTORS = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"),
    (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    secret = b"12345678901234567890"
    assert code_for(secret, step_at(seconds * 1000)) == code
    assert matching_step(secret, code, now_ms=seconds * 1000) == seconds // 30


@given(st.binary(min_size=20, max_size=20), st.integers(10**12, 4 * 10**12), st.integers(-5, 5))
def test_a_code_is_good_one_step_early_or_late(secret: bytes, now_ms: int, drift: int) -> None:
    step = step_at(now_ms) + drift
    code = code_for(secret, step)
    found = matching_step(secret, code, now_ms=now_ms)
    if abs(drift) <= 1:
        assert found is not None
    assert found is None or (abs(found - step_at(now_ms)) <= 1 and code_for(secret, found) == code)


@given(st.text(max_size=12))
def test_no_text_breaks_the_comparison(code: str) -> None:
    matching_step(b"12345678901234567890", code.encode(errors="ignore").decode(), now_ms=10**12)


def test_the_address_for_apps_is_well_formed() -> None:
    uri = enrolment_uri(b"12345678901234567890", account="a b@example.com", issuer="sampan")
    assert uri == ("otpauth://totp/sampan:a%20b%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=sampan")
    assert base32(b"12345678901234567890") in uri

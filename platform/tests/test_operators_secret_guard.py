"""What made-up sessions and tokens cost: bounded reads for a stranger, and no lock-out for a neighbour."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sampan.platform.core import Core
from sampan.platform.operators import secret_guard
from sampan.platform.operators.component import component as operators
from sampan.platform.operators.secret_guard import UNKNOWN_A_MINUTE, TooManySecrets
from sampan.platform.operators.session_rows import MACHINE_PREFIX, new_secret
from sampan.platform.operators.signed_in import SessionEnded, recognise
from sampan.platform.operators.testing import bearer_for, person_with
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core

pytestmark = pytest.mark.anyio
STRANGER, NEIGHBOUR = "198.51.100.7", "198.51.100.8"


class Clock:
    ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(tmp_path: Path, clock: Clock) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=(operators,), now_ms=clock) as found:
        yield found


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that the database was asked for."""
    from sampan.platform.operators import signed_in

    asked: list[str] = []
    for name in ("machine_token_by_hash", "session_by_hash"):
        real = getattr(signed_in, name)

        async def counted(tx: object, digest: str, real: object = real) -> object:
            asked.append(digest)
            return await real(tx, digest)  # type: ignore[operator] # one of the two functions

        monkeypatch.setattr(signed_in, name, counted)
    return asked


async def guess(core: Core, secret: str, source: str = STRANGER) -> type[Exception]:
    with pytest.raises((SessionEnded, TooManySecrets)) as caught:
        await recognise(core, WORKSPACE, secret, source=source)
    return type(caught.value)


async def test_random_tokens_are_refused_without_a_read_after_some(core: Core, clock: Clock, reads: list[str]) -> None:
    answers = [await guess(core, new_secret(MACHINE_PREFIX)) for _ in range(UNKNOWN_A_MINUTE + 50)]
    assert answers == [SessionEnded] * UNKNOWN_A_MINUTE + [TooManySecrets] * 50
    assert len(reads) == UNKNOWN_A_MINUTE
    assert await guess(core, new_secret(MACHINE_PREFIX), NEIGHBOUR) is SessionEnded
    clock.ms += 60_000
    assert await guess(core, new_secret(MACHINE_PREFIX)) is SessionEnded


async def test_one_unknown_token_again_and_again_is_read_once_a_minute(
    core: Core, clock: Clock, reads: list[str]
) -> None:
    secret = new_secret(MACHINE_PREFIX)
    for _ in range(20):
        assert await guess(core, secret) is SessionEnded
    assert len(reads) == 1
    clock.ms += secret_guard.MINUTE_MS
    assert await guess(core, secret) is SessionEnded
    assert len(reads) == 2
    assert await guess(core, "no secret of ours") is SessionEnded
    assert len(reads) == 2


async def test_who_is_signed_in_already_is_not_locked_out_by_a_neighbour(core: Core) -> None:
    headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
    secret = headers["authorization"].removeprefix("Bearer ")
    await recognise(core, WORKSPACE, secret, source=STRANGER)
    for _ in range(UNKNOWN_A_MINUTE + 1):
        await guess(core, new_secret(MACHINE_PREFIX))
    assert (await recognise(core, WORKSPACE, secret, source=STRANGER)).actor.may("operator:read")


async def test_many_people_behind_one_address_sign_in_at_once(core: Core) -> None:
    person = await person_with(core, WORKSPACE, "admin")
    for _ in range(UNKNOWN_A_MINUTE + 5):
        headers = await bearer_for(core, WORKSPACE, person)
        await recognise(core, WORKSPACE, headers["authorization"].removeprefix("Bearer "), source=STRANGER)


async def test_a_secret_that_is_unknown_elsewhere_stays_good_here(core: Core) -> None:
    headers = await bearer_for(core, WORKSPACE, await person_with(core, WORKSPACE, "admin"))
    secret = headers["authorization"].removeprefix("Bearer ")
    with pytest.raises(SessionEnded):
        await recognise(core, OTHER_WORKSPACE, secret, source=STRANGER)
    assert (await recognise(core, WORKSPACE, secret, source=STRANGER)).session is not None

"""What the server's review and intake keys sign, and what control may say: nothing but the allowed next step."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tuf.api.metadata import Targets

from sampan.offline_packages.control import Control, Killed, Serial
from sampan.offline_packages.publishing import archived_app_body, next_app_body, renewed_app_body
from sampan.offline_packages.roles import SignedVersion, tree_id
from sampan.offline_packages.signed_bytes import read_body, sign_body, signers
from sampan.offline_packages.trust_errors import ControlMalformed, NotSigned, RoleMismatch, SequenceSuperseded
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.errors import SampanError
from sampan.platform.operators import audit
from sampan.platform.testing import WORKSPACE, running_core
from sampan.platform.testing_trust import ACTOR, APP, Clock, Parties, package_of
from sampan.platform.trust import service
from sampan.platform.trust.bodies import AppNotDelegated
from sampan.platform.trust.body_checks import BaseMoved, BodyDiffers, SignatureUnexpected
from sampan.platform.trust.component import component
from sampan.platform.trust.countersigning import NothingSigned, ServerKeySuspended
from sampan.platform.trust.key_rows import Purpose, list_keys
from sampan.platform.trust.metadata_rows import VersionTaken, store_body

pytestmark = pytest.mark.anyio
OTHER_APP = "bank.demo.bills"
TREE = tree_id(WORKSPACE, "intl")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[component], workspaces=[WORKSPACE], now_ms=Clock()) as core:
        yield core


@pytest.fixture
async def parties(core: Core) -> Parties:
    parties = Parties(core)
    await parties.start("intl")
    await parties.delegate()
    await parties.publish(1)
    return parties


async def _sign(parties: Parties, body: Targets | bytes, *, app: str = APP) -> service.RoleMetadata:
    data = body if isinstance(body, bytes) else sign_body(body, parties.publisher["intl"])
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        return await service.countersign(parties.core, tx, profile="intl", app_id=app, body=data, actor=ACTOR)


async def _current(parties: Parties) -> Targets:
    current = await parties.current("intl", f"app.{APP}")
    assert current is not None
    return current


async def test_exactly_the_publishers_bytes_get_the_second_signature(parties: Parties) -> None:
    body = await parties.signed_body(2)
    stored = await _sign(parties, body)
    assert stored.version == 2
    assert read_body(stored.body, Targets).to_dict() == read_body(body, Targets).to_dict()
    assert len(signers(stored.body)) == 2
    assert signers(stored.body)[0] == key_id(parties.publisher["intl"].public)


async def test_a_renewal_and_an_archive_are_the_only_other_moves(parties: Parties) -> None:
    now_ms = parties.core.now_ms()
    assert (await _sign(parties, renewed_app_body(await _current(parties), now_ms=now_ms))).version == 2
    assert (await _sign(parties, archived_app_body(await _current(parties), now_ms=now_ms))).version == 3
    assert (await _current(parties)).targets == {}


async def test_every_other_body_is_refused(parties: Parties) -> None:
    current, now_ms = await _current(parties), parties.core.now_ms()
    second, third = package_of(APP, 2)[2], package_of(APP, 3)[2]
    two_at_once = next_app_body(
        next_app_body(current, second, tree=TREE, now_ms=now_ms), third, tree=TREE, now_ms=now_ms
    )
    two_at_once.version = 2
    good = next_app_body(current, second, tree=TREE, now_ms=now_ms)
    changed = next_app_body(current, second, tree=TREE, now_ms=now_ms)
    path = f"apps/{APP}/1/package.ma"
    changed.targets[path].length += 1
    without_old = next_app_body(current, second, tree=TREE, now_ms=now_ms)
    for each in [path for path in without_old.targets if "/1/" in path]:
        del without_old.targets[each]
    skipped = next_app_body(current, second, tree=TREE, now_ms=now_ms)
    skipped.version = 3
    other_tree = next_app_body(None, second, tree="bank-a/trial", now_ms=now_ms)
    refusals: list[tuple[Targets | bytes, type[SampanError]]] = [
        (two_at_once, BodyDiffers),
        (changed, BodyDiffers),
        (without_old, BodyDiffers),
        (skipped, BaseMoved),
        (current, BaseMoved),
        (other_tree, RoleMismatch),
        (sign_body(good, PrivateKey.generate()), NotSigned),
        (sign_body(good), NotSigned),
        (sign_body(good, parties.publisher["intl"], parties.publisher["trial"]), SignatureUnexpected),
    ]
    for body, refusal in refusals:
        with pytest.raises(refusal):
            await _sign(parties, body)
    assert (await _current(parties)).version == 1


async def test_a_body_of_another_app_of_the_same_publisher_is_refused(parties: Parties) -> None:
    await parties.delegate(OTHER_APP)
    with pytest.raises(RoleMismatch):
        await _sign(parties, await parties.signed_body(2), app=OTHER_APP)
    with pytest.raises(RoleMismatch):
        await _sign(parties, await parties.signed_body(1, app=OTHER_APP), app=APP)


async def test_an_app_without_its_role_or_a_first_body_without_a_version(parties: Parties) -> None:
    with pytest.raises(AppNotDelegated):
        await _sign(parties, await parties.signed_body(1, app=OTHER_APP), app=OTHER_APP)
    await parties.delegate(OTHER_APP)
    empty = next_app_body(None, package_of(OTHER_APP, 1)[2], tree=TREE, now_ms=parties.core.now_ms())
    empty.targets.clear()
    with pytest.raises(NothingSigned):
        await _sign(parties, empty, app=OTHER_APP)


async def test_a_lower_sequence_is_superseded(parties: Parties) -> None:
    await parties.publish(5)
    current = await _current(parties)
    body = renewed_app_body(current, now_ms=parties.core.now_ms())
    body.targets.update(package_of(APP, 4)[2].targets())
    with pytest.raises(SequenceSuperseded):
        await _sign(parties, body)


async def test_of_two_approvals_at_once_one_must_sign_anew(parties: Parties) -> None:
    bodies = [await parties.signed_body(2), await parties.signed_body(3)]
    outcomes = await asyncio.gather(*(_sign(parties, each) for each in bodies), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["BaseMoved", "RoleMetadata"]


async def test_a_version_is_written_once(parties: Parties) -> None:
    body = sign_body(await _current(parties), PrivateKey.generate())
    with pytest.raises(VersionTaken):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await store_body(tx, "intl", f"app.{APP}", body, now_ms=parties.core.now_ms())


async def test_a_suspended_review_key_signs_nothing(parties: Parties) -> None:
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        (review,) = await list_keys(tx, purpose=Purpose.REVIEW)
    await service.suspend_key(parties.core, WORKSPACE, ACTOR, key=review.key_id, reason="server was broken into")
    with pytest.raises(ServerKeySuspended):
        await parties.publish(2)


async def test_the_candidate_is_what_intake_computed(parties: Parties) -> None:
    body, version = await parties.signed_body(2), package_of(APP, 2)[2]
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        await service.check_candidate(parties.core, tx, profile="intl", version=version, body=body)
        for wrong in _variants(version):
            with pytest.raises(BodyDiffers):
                await service.check_candidate(parties.core, tx, profile="intl", version=wrong, body=body)


def _variants(version: SignedVersion) -> list[SignedVersion]:
    other = "sha256:" + "0" * 64
    return [
        msgspec.structs.replace(version, index_digest=other),
        msgspec.structs.replace(version, package_digest=other),
        msgspec.structs.replace(version, package_bytes=version.package_bytes + 1),
        msgspec.structs.replace(version, floor=1),
        msgspec.structs.replace(version, version="9.9.9"),
    ]


class TestControl:
    """Serials rise, rules hold, and the change is in the audit."""

    async def test_serials_only_rise(self, parties: Parties) -> None:
        serials = [(await parties.offer(1)).order for _ in range(3)]
        assert serials == [Serial(1, 1), Serial(1, 2), Serial(1, 3)]
        assert (await parties.offer(1)).serial == "1.4"

    async def test_the_change_sees_its_own_serial_and_cannot_choose_another(self, parties: Parties) -> None:
        seen: list[str] = []

        def kill(control: Control) -> Control:
            seen.append(control.serial)
            killed = Killed(1, "sha256:" + "0" * 64, "stolen_key")
            return msgspec.structs.replace(control, serial="0.1", app=OTHER_APP, killed=(killed,))

        await parties.offer(1)
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            after = await service.change_control(parties.core, tx, APP, kill, ACTOR)
        assert (seen, after.serial, after.app, after.offerable) == (["1.2"], "1.2", APP, (1,))
        async with parties.core.store.workspace(WORKSPACE).read() as tx:
            assert await service.current_control(tx, APP) == after
            assert (await audit.head(tx)).n > 0

    async def test_a_broken_rule_or_an_unknown_app_changes_nothing(self, parties: Parties) -> None:
        await parties.offer(1)
        with pytest.raises(ControlMalformed):
            await parties.offer(2, 1)
        with pytest.raises(AppNotDelegated):
            await parties.offer(1, app=OTHER_APP)
        async with parties.core.store.workspace(WORKSPACE).read() as tx:
            control = await service.current_control(tx, APP)
        assert control is not None
        assert control.serial == "1.1"

"""The officers' ceremony on the server: what waits, who may sign it, and when it takes effect."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tuf.api.metadata import Targets

from sampan.offline_packages.publishing import renewed_app_body
from sampan.offline_packages.signed_bytes import check_delegated, sign_body, sign_part, signers
from sampan.offline_packages.trust_errors import NotSigned
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.testing_trust import ACTOR, APP, Clock, Parties
from sampan.platform.trust import service
from sampan.platform.trust.asking import KeyForAnotherUse, RequestClosed, SignedBodyNeeded, TreeStarted
from sampan.platform.trust.bodies import AppAlreadyDelegated, app_keys, delegated_apps
from sampan.platform.trust.body_checks import PublisherKeySuspended
from sampan.platform.trust.ceremonies import NotAnOfficer, PendingClosed
from sampan.platform.trust.ceremony_rows import PendingUnknown, RequestKind
from sampan.platform.trust.component import component
from sampan.platform.trust.countersigning import RotationWaiting
from sampan.platform.trust.key_register import (
    KeyNotSuspendable,
    KeyStateWrong,
    PurposeRefused,
)
from sampan.platform.trust.key_rows import KeyRegistered, KeyState, KeyUnknown, Purpose, list_keys
from sampan.platform.trust.reading import TreeNotStarted, current_root, current_targets

pytestmark = pytest.mark.anyio
OTHER_APP = "bank.demo.bills"


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path, components=[component], now_ms=Clock()) as core:
        yield core


@pytest.fixture
async def parties(core: Core) -> Parties:
    return Parties(core)


async def _ask_for(parties: Parties, app: str, profile: str = "intl") -> list[service.Asked]:
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        keys = {profile: key_id(parties.publisher[profile].public)}
        return await service.request_delegation(parties.core, tx, app, keys, ACTOR)


async def test_root_and_targets_take_effect_together_with_the_second_signature(parties: Parties) -> None:
    await parties.register_all()
    officers = [key_id(each.public) for each in parties.officers]
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        await service.start_tree(parties.core, tx, "intl", officers, ACTOR)
    assert [each.pending.role for each in await parties.waiting("intl")] == ["root", "targets"]
    assert await parties.sign_all("intl", parties.officers[0]) == []
    waiting = await parties.waiting("intl")
    assert await parties.sign(waiting[0], parties.officers[2]) is not None
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        assert await current_root(tx, "intl") is None
    done = await parties.sign(waiting[1], parties.officers[1])
    assert done.stored == ("root", "targets")
    assert await parties.waiting("intl") == []
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        root, stored = await current_root(tx, "intl"), await service.current_role(tx, "intl", "root")
        assert root is not None
        assert stored is not None
        check_delegated(root, "root", stored.body)
        assert await current_root(tx, "trial") is None
    with pytest.raises(TreeStarted):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await service.start_tree(parties.core, tx, "intl", officers, ACTOR)


async def test_one_officer_twice_is_not_two_officers(parties: Parties) -> None:
    await parties.register_all()
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        await service.start_tree(parties.core, tx, "intl", [key_id(each.public) for each in parties.officers], ACTOR)
    assert await parties.sign_all("intl", parties.officers[0], parties.officers[0]) == []
    assert [each.progress.is_complete for each in await parties.waiting("intl")] == [False, False]


async def test_signatures_of_strangers_and_wrong_signatures_are_refused(parties: Parties) -> None:
    await parties.start("intl")
    await _ask_for(parties, APP)
    (waiting,) = await parties.waiting("intl")
    stranger = PrivateKey.generate()
    with pytest.raises(KeyUnknown):
        await parties.sign(waiting, stranger)
    with pytest.raises(NotAnOfficer):
        await parties.sign(waiting, parties.publisher["intl"])
    await parties.register(stranger, Purpose.OFFICER)
    with pytest.raises(NotAnOfficer):
        await parties.sign(waiting, stranger)
    good = sign_part(waiting.pending.body, parties.officers[0])
    with pytest.raises(NotSigned):
        await service.sign_pending(
            parties.core,
            WORKSPACE,
            ACTOR,
            pending_id=waiting.pending.id,
            key=key_id(parties.officers[1].public),
            signature=good.signature,
        )
    with pytest.raises(PendingUnknown):
        await service.sign_pending(
            parties.core,
            OTHER_WORKSPACE,
            ACTOR,
            pending_id=waiting.pending.id,
            key=good.keyid,
            signature=good.signature,
        )


async def test_a_further_request_makes_one_body_and_voids_the_signatures(parties: Parties) -> None:
    await parties.start("intl")
    await _ask_for(parties, APP)
    (first,) = await parties.waiting("intl")
    await parties.sign(first, parties.officers[0])
    (asked,) = await _ask_for(parties, OTHER_APP)
    assert [each.voided for each in asked.rebuilt] == [1]
    with pytest.raises(PendingClosed):
        await parties.sign(first, parties.officers[1])
    (second,) = await parties.waiting("intl")
    assert second.pending.version == first.pending.version == 2
    assert second.progress.have_signed == ()
    assert await parties.sign_all("intl") == ["targets"]
    targets = await parties.current("intl", "targets")
    assert targets is not None
    assert delegated_apps(targets) == [APP, OTHER_APP]
    with pytest.raises(AppAlreadyDelegated):
        await _ask_for(parties, APP)


async def test_a_request_can_be_taken_back_and_the_other_one_stays(parties: Parties) -> None:
    await parties.start("intl")
    (mine,) = await _ask_for(parties, APP)
    await _ask_for(parties, OTHER_APP)
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        await service.cancel(parties.core, tx, mine.request.id, ACTOR)
    with pytest.raises(RequestClosed):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await service.cancel(parties.core, tx, mine.request.id, ACTOR)
    await parties.sign_all("intl")
    targets = await parties.current("intl", "targets")
    assert targets is not None
    assert delegated_apps(targets) == [OTHER_APP]


async def test_nothing_is_delegated_before_a_tree_is_started(parties: Parties) -> None:
    await parties.register_all()
    with pytest.raises(TreeNotStarted):
        await _ask_for(parties, APP)
    with pytest.raises(KeyForAnotherUse):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await service.start_tree(parties.core, tx, "intl", [key_id(parties.publisher["intl"].public)] * 3, ACTOR)
    with pytest.raises(KeyForAnotherUse):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await service.start_tree(parties.core, tx, "intl", [key_id(parties.officers[0].public)] * 3, ACTOR)


async def test_a_key_is_registered_once_for_one_purpose(parties: Parties) -> None:
    await parties.register_all()
    with pytest.raises(KeyRegistered):
        await parties.register(parties.publisher["intl"], Purpose.PUBLISHER, "trial")
    with pytest.raises(KeyRegistered):
        await parties.register(parties.officers[0], Purpose.ADOPTION, "intl")
    for purpose, profile in ((Purpose.REVIEW, "intl"), (Purpose.PUBLISHER, ""), (Purpose.OFFICER, "intl")):
        with pytest.raises(PurposeRefused):
            await parties.register(PrivateKey.generate(), purpose, profile)
    with pytest.raises(KeyForAnotherUse):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            await service.request_delegation(
                parties.core, tx, APP, {"intl": key_id(parties.publisher["trial"].public)}, ACTOR
            )


@pytest.mark.parametrize("short", [0, 1], ids=["root", "targets"])
async def test_changed_officers_need_both_quorums_and_sign_targets_anew(parties: Parties, short: int) -> None:
    await parties.start("intl")
    one, two, lost = parties.officers
    fresh = PrivateKey.generate()
    await parties.register(fresh, Purpose.OFFICER)
    async with parties.core.store.workspace(WORKSPACE).write() as tx:
        await service.change_officers(
            parties.core, tx, "intl", [key_id(each.public) for each in (one, two, fresh)], ACTOR
        )
    assert await parties.sign_all("intl", one, fresh) == []  # two of the new, one of the old
    waiting = await parties.waiting("intl")
    assert (await parties.sign(waiting[1 - short], two)).stored == ()
    assert (await parties.sign(waiting[short], lost)).stored == ("root", "targets")
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        root, targets = await current_root(tx, "intl"), await service.current_role(tx, "intl", "targets")
        officers = {each.key_id: each.state for each in await list_keys(tx, purpose=Purpose.OFFICER)}
    assert root is not None
    assert targets is not None
    assert (root.version, targets.version) == (2, 2)
    check_delegated(root, "targets", targets.body)
    assert officers[key_id(lost.public)] is KeyState.RETIRED
    await _ask_for(parties, APP)
    with pytest.raises(NotAnOfficer):
        await parties.sign_all("intl", lost)


async def test_an_officer_of_two_trees_is_retired_with_the_second(parties: Parties) -> None:
    await parties.start()
    one, two, lost = parties.officers
    fresh = PrivateKey.generate()
    await parties.register(fresh, Purpose.OFFICER)
    states = []
    for profile in ("intl", "trial"):
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            names = [key_id(each.public) for each in (one, two, fresh)]
            await service.change_officers(parties.core, tx, profile, names, ACTOR)
        await parties.sign_all(profile, one, two)
        async with parties.core.store.workspace(WORKSPACE).read() as tx:
            states += [each.state for each in await list_keys(tx) if each.key_id == key_id(lost.public)]
    assert states == [KeyState.ACTIVE, KeyState.RETIRED]


async def test_a_suspended_officers_signature_is_thrown_away(parties: Parties) -> None:
    await parties.start("intl")
    await _ask_for(parties, APP)
    (waiting,) = await parties.waiting("intl")
    thief, honest, third = parties.officers
    await parties.sign(waiting, thief)
    await service.suspend_key(parties.core, WORKSPACE, ACTOR, key=key_id(thief.public), reason="stolen laptop")
    (waiting,) = await parties.waiting("intl")
    assert signers(waiting.pending.body) == []
    with pytest.raises(NotAnOfficer):
        await parties.sign(waiting, thief)
    with pytest.raises(KeyStateWrong):
        await service.suspend_key(parties.core, WORKSPACE, ACTOR, key=key_id(thief.public), reason="again")
    assert await parties.sign_all("intl", honest, third) == ["targets"]


async def test_online_keys_are_rotated_not_suspended(parties: Parties) -> None:
    await parties.start("intl")
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        before = {each.purpose: each for each in await list_keys(tx, profile="intl")}
    for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL):
        with pytest.raises(KeyNotSuspendable):
            await service.suspend_key(parties.core, WORKSPACE, ACTOR, key=before[purpose].key_id, reason="stolen")
        asked = await service.rotate_server_key(parties.core, WORKSPACE, ACTOR, profile="intl", purpose=purpose)
        assert asked is not None
    assert await parties.sign_all("intl") == ["root", "targets"]
    async with parties.core.store.workspace(WORKSPACE).read() as tx:
        states = {each.key_id: each.state for each in await list_keys(tx, profile="intl")}
    rotated = {before[purpose].key_id for purpose in (Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL)}
    assert {states[each] for each in rotated} == {KeyState.RETIRED}


class TestChangedPublisherKey:
    """The new targets and the app's body signed by the new pair appear together or not at all."""

    async def _new_key(self, parties: Parties, purpose: Purpose = Purpose.PUBLISHER) -> PrivateKey:
        key = PrivateKey.generate()
        await parties.register(key, purpose, "intl")
        return key

    async def _renewed_by(self, parties: Parties, key: PrivateKey) -> bytes:
        current = await parties.current("intl", f"app.{APP}")
        assert current is not None
        return sign_body(renewed_app_body(current, now_ms=parties.core.now_ms()), key)

    async def _change(self, parties: Parties, key: PrivateKey, body: bytes) -> service.Asked:
        async with parties.core.store.workspace(WORKSPACE).write() as tx:
            name = key_id(key.public)
            return await service.change_app_keys(parties.core, tx, APP, "intl", name, body, ACTOR)

    async def test_it_is_stored_with_the_body(self, parties: Parties) -> None:
        await parties.start()
        await parties.delegate()
        await parties.publish(1)
        fresh = await self._new_key(parties)
        asked = await self._change(parties, fresh, await self._renewed_by(parties, fresh))
        assert asked.request.kind is RequestKind.APP_KEYS
        with pytest.raises(RotationWaiting):
            await parties.publish(2)
        current = await parties.current("intl", f"app.{APP}")
        assert current is not None
        assert current.version == 1
        assert await parties.sign_all("intl") == ["targets"]
        async with parties.core.store.workspace(WORKSPACE).read() as tx:
            targets = await current_targets(tx, "intl")
            body = await service.current_role(tx, "intl", f"app.{APP}")
        assert targets is not None
        assert body is not None
        assert body.version == 2
        check_delegated(targets, f"app.{APP}", body.body)
        assert app_keys(targets, APP)[0] == fresh.public
        with pytest.raises(NotSigned):
            await parties.publish(2)
        parties.publisher["intl"] = fresh
        await parties.publish(2)

    async def test_it_needs_the_body_signed_by_the_new_key(self, parties: Parties) -> None:
        await parties.start()
        await parties.delegate()
        fresh = await self._new_key(parties)
        await parties.publish(1)
        with pytest.raises(SignedBodyNeeded):
            await self._change(parties, fresh, b"")
        with pytest.raises(NotSigned):
            await self._change(parties, fresh, await self._renewed_by(parties, parties.publisher["intl"]))

    async def test_before_the_first_version_there_is_no_body_to_sign(self, parties: Parties) -> None:
        await parties.start()
        await parties.delegate()
        fresh = await self._new_key(parties, Purpose.ADOPTION)
        await self._change(parties, fresh, b"")
        assert await parties.sign_all("intl") == ["targets"]

    async def test_a_stolen_key_publishes_nothing_from_the_moment_it_is_suspended(self, parties: Parties) -> None:
        await parties.start()
        await parties.delegate()
        await parties.publish(1)
        stolen = key_id(parties.publisher["intl"].public)
        await service.suspend_key(parties.core, WORKSPACE, ACTOR, key=stolen, reason="stolen")
        with pytest.raises(PublisherKeySuspended):
            await parties.publish(2)
        with pytest.raises(PublisherKeySuspended):
            await self._change(parties, parties.publisher["intl"], b"")
        adoption = await self._new_key(parties, Purpose.ADOPTION)
        await self._change(parties, adoption, await self._renewed_by(parties, adoption))
        assert await parties.sign_all("intl") == ["targets"]

    async def test_a_new_review_key_comes_in_app_by_app(self, parties: Parties) -> None:
        await parties.start()
        await parties.delegate()
        await parties.publish(1)
        made = await service.rotate_server_key(parties.core, WORKSPACE, ACTOR, profile="intl", purpose=Purpose.REVIEW)
        assert made is None
        await parties.publish(2)  # the app's role still names the old review key
        publisher = parties.publisher["intl"]
        await self._change(parties, publisher, await self._renewed_by(parties, publisher))
        assert await parties.sign_all("intl") == ["targets"]
        await parties.publish(3)
        body = await parties.current("intl", f"app.{APP}")
        assert isinstance(body, Targets)
        assert body.version == 4

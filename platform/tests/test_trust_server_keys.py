"""The server's own key files, and what the doctor says about trees and keys."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from sampan.platform.core import Core
from sampan.platform.crypto.problems import KeyUnreadable
from sampan.platform.settings import Secret, Settings
from sampan.platform.testing import OTHER_WORKSPACE, WORKSPACE, running_core
from sampan.platform.testing_trust import APP, DAY_MS, Clock, Parties
from sampan.platform.trust.component import component
from sampan.platform.trust.doctor import check_passphrase, check_trees, why_keys_stay_closed
from sampan.platform.trust.key_rows import KeyRecord, Purpose, list_keys
from sampan.platform.trust.keyring import (
    KeyPassphraseMissing,
    Keyring,
    PassphraseTooShort,
    ServerKeyMissing,
    passphrase,
)
from sampan.platform.trust.publisher import publish_tree
from sampan.platform.workspaces.service import create_workspace

pytestmark = pytest.mark.anyio
LONG = "a" * 64


async def _keys(core: Core) -> list[KeyRecord]:
    async with core.store.workspace(WORKSPACE).read() as tx:
        return await list_keys(tx)


async def test_a_workspace_has_its_keys_once_encrypted_and_for_itself(tmp_path: Path) -> None:
    async with running_core(tmp_path, components=[component]) as core:
        before = await _keys(core)
        await create_workspace(core, WORKSPACE, "again")
        assert await _keys(core) == before
        assert sorted((each.profile, each.purpose.value) for each in before) == [
            ("intl", "control"),
            ("intl", "review"),
            ("intl", "snapshot"),
            ("intl", "timestamp"),
            ("trial", "control"),
            ("trial", "intake"),
            ("trial", "snapshot"),
            ("trial", "timestamp"),
        ]
        async with core.store.workspace(OTHER_WORKSPACE).read() as tx:
            others = {each.key_id for each in await list_keys(tx)}
        assert not others & {each.key_id for each in before}
    files = sorted((tmp_path / "keys").rglob("*.pem"))
    assert len(files) == 16
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert stat.S_IMODE((tmp_path / "keys" / "passphrase").stat().st_mode) == 0o600


async def test_keys_are_unlocked_again_and_missing_ones_are_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, key_passphrase=Secret(LONG), demo=True)
    async with running_core(tmp_path, components=[component], settings=settings) as core:
        review = next(each for each in await _keys(core) if each.purpose is Purpose.REVIEW)
    assert not (tmp_path / "keys" / "passphrase").exists()
    async with running_core(tmp_path, components=[component], settings=settings) as core:
        key = await Keyring(core).key(WORKSPACE, "intl", review.key_id)
        assert key.public == review.key
        with pytest.raises(ServerKeyMissing):
            await Keyring(core).key(WORKSPACE, "trial", review.key_id)
        wrong = replace(settings, key_passphrase=Secret("b" * 64))
        core.settings = wrong
        with pytest.raises(KeyUnreadable):
            await Keyring(core).key(WORKSPACE, "intl", review.key_id)


async def test_a_passphrase_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, key_passphrase=Secret("hunter2"), demo=True)
    with pytest.raises(PassphraseTooShort, match="openssl rand"):
        async with running_core(tmp_path, components=[component], settings=settings):
            pass


def test_a_generated_passphrase_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the power is gone")

    settings = Settings(data=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="power"):
            passphrase(settings)
    assert list((tmp_path / "keys").iterdir()) == []
    assert passphrase(settings) == passphrase(settings)
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_no_second_passphrase_is_made_for_keys_that_exist(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    async with running_core(tmp_path, components=[component], settings=settings):
        pass
    path = tmp_path / "keys" / "passphrase"
    kept = path.rename(tmp_path / "elsewhere")
    with pytest.raises(KeyPassphraseMissing, match="Restore it"):
        passphrase(settings)
    assert not path.exists()
    assert passphrase(Settings(data=tmp_path, key_passphrase_file=kept)) == kept.read_text().strip().encode()


async def test_the_passphrase_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(f"{LONG}\n")
    settings = Settings(data=tmp_path / "data", key_passphrase_file=file, demo=True)
    async with running_core(tmp_path / "data", components=[component], settings=settings) as core:
        assert await check_passphrase(core) == []
    assert not (tmp_path / "data" / "keys" / "passphrase").exists()


async def test_the_doctor_warns_of_a_passphrase_beside_its_keys(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, demo=False)
    async with running_core(tmp_path, components=[component], settings=settings) as core:
        assert [each.code for each in await check_passphrase(core)] == ["trust_passphrase_beside_keys"]


async def test_the_doctor_says_why_the_servers_keys_stay_closed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, demo=True)
    async with running_core(tmp_path, components=[component], settings=settings) as core:
        assert await check_passphrase(core) == []
        (tmp_path / "keys" / "passphrase").rename(tmp_path / "elsewhere")
        (found,) = await check_passphrase(core)
    asked = (settings, replace(settings, key_passphrase_file=tmp_path / "nowhere"))
    for closed in (found, *map(why_keys_stay_closed, (*asked, replace(settings, key_passphrase=Secret("short"))))):
        assert closed is not None
        assert (closed.code, closed.severity) == ("trust_passphrase_missing", "error")
        assert "SAMPAN_KEY_PASSPHRASE_FILE; then restart the server" in closed.remedy
    wrong = why_keys_stay_closed(replace(settings, key_passphrase=Secret(LONG)))
    assert wrong is not None
    assert (wrong.code, wrong.severity) == ("trust_key_closed", "error")
    assert not (tmp_path / "keys" / "passphrase").exists(), "a doctor makes nothing"
    assert why_keys_stay_closed(Settings(data=tmp_path / "empty")) is None


async def test_the_doctor_names_what_ends_and_who_must_sign(tmp_path: Path) -> None:
    clock = Clock()
    async with running_core(tmp_path, components=[component], workspaces=[WORKSPACE], now_ms=clock) as core:
        assert [each.code for each in await check_trees(core)] == ["trust_not_started"] * 2
        parties = Parties(core)
        await parties.start()
        await parties.delegate()
        await parties.publish(1)
        for profile in parties.trees:
            await publish_tree(core, WORKSPACE, profile)
        assert await check_trees(core) == []
        clock.now_ms += 306 * DAY_MS
        for profile in parties.trees:
            await publish_tree(core, WORKSPACE, profile)
        found = [(each.code, each.sentence.split(" ")[0], each.remedy) for each in await check_trees(core)]
        assert sorted(found[:3]) == [
            ("trust_role_expires", f"app.{APP}", f"Its publisher runs `sampan publish --renew {APP}`."),
            (
                "trust_role_expires",
                "root",
                "`sampan trust renew intl root`, then two officers run `sampan trust sign`.",
            ),
            (
                "trust_role_expires",
                "targets",
                "`sampan trust renew intl targets`, then two officers run `sampan trust sign`.",
            ),
        ]
        clock.now_ms += 60 * DAY_MS
        codes = {each.code for each in await check_trees(core)}
        assert codes == {"trust_tree_stale", "trust_role_expired"}

"""The master key is made once, whole, for its owner alone; a served folder without it does not start."""

import os
import stat
from pathlib import Path

import pytest

from sampan.platform.app import open_core
from sampan.platform.master_key import MasterKeyDamaged, MasterKeyMissing, master_key
from sampan.platform.settings import Settings


@pytest.mark.anyio
async def test_a_served_folder_never_gets_a_second_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    async with open_core(settings, components=()) as core:
        sealed = core.sealer.seal(b"secret", "here")
    async with open_core(settings, components=()) as core:
        assert core.sealer.open(sealed, "here") == b"secret"
    path = settings.data / "keys" / "master.key"
    kept = path.rename(tmp_path / "elsewhere")
    with pytest.raises(MasterKeyMissing):
        async with open_core(settings, components=()):
            pass
    assert not path.exists()
    async with open_core(Settings(data=settings.data, master_key_file=kept), components=()) as core:
        assert core.sealer.open(sealed, "here") == b"secret"


def test_a_new_key_is_for_its_owner_alone_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert master_key(settings, is_fresh=True) == master_key(settings, is_fresh=False)
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_crash_while_writing_leaves_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the power is gone")

    settings = Settings(data=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="power"):
            master_key(settings, is_fresh=True)
    assert not (tmp_path / "keys" / "master.key").exists()
    assert len(master_key(settings, is_fresh=True)) == 32


@pytest.mark.parametrize("text", ["", "00", "not hex", "0" * 62, "ü" * 64])
def test_a_damaged_key_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(MasterKeyDamaged):
        master_key(Settings(data=tmp_path, master_key_file=file), is_fresh=False)

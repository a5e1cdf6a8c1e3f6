"""The server's own private keys: encrypted PKCS#8 files on its disk, key objects in its memory, nothing else.

One file per key: `<data>/keys/<workspace>/<profile>/<purpose>.pem`, after a rotation `<purpose>-2.pem` beside it.
The passphrase comes from the settings; without one a generated one is kept beside the keys, which protects
backups of single files only (`sampan doctor` says so outside the demo). Keys of publishers and officers
never come here.
"""

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from sampan.offline_packages.atomic_files import sync_folder
from sampan.platform.crypto.key_files import read_private_key, write_private_key
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.errors import Unavailable

if TYPE_CHECKING:
    from sampan.platform.core import Core
    from sampan.platform.settings import Settings

MIN_PASSPHRASE_CHARACTERS = 32
ROUNDS = 10_000
"""PBKDF2 rounds: few, because the passphrase is long and machine-made; a start unlocks many files."""


class ServerKeyMissing(Unavailable):
    """A key that the tree names is not among the server's key files."""

    code = "server_key_missing"
    title = "The server lacks a signing key"


class KeyPassphraseMissing(Unavailable):
    """The server has signing keys, but the generated passphrase that opens them is not there."""

    code = "key_passphrase_missing"
    title = "The passphrase of the server's keys is missing"


class PassphraseTooShort(Exception):
    """The passphrase of the server's key files could be guessed; the server does not start with it."""


class Keyring:
    """All private keys of this server by workspace, tree and key id; files are opened when first needed."""

    def __init__(self, core: "Core") -> None:
        self._folder = core.settings.data / "keys"
        self._settings = core.settings
        self._passphrase: bytes | None = None
        self._keys: dict[tuple[str, str], dict[str, PrivateKey]] = {}
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return "<Keyring>"

    async def key(self, workspace_id: str, profile: str, name: str) -> PrivateKey:
        """Return a private key by its id; raise `ServerKeyMissing`."""
        tree = (workspace_id, profile)
        if name not in self._keys.get(tree, {}):
            await self.unlock(workspace_id, profile)
        try:
            return self._keys[tree][name]
        except KeyError:
            raise ServerKeyMissing(
                f"The key {name[:12]} of tree {workspace_id}/{profile} is not in the server's key folder. Restore the "
                "folder from its backup, or rotate the key (`sampan trust rotate`).",
                key=name,
            ) from None

    async def find(self, workspace_id: str, profile: str, name: str) -> PrivateKey | None:
        """Return a private key by its id, or None when the server does not hold it."""
        try:
            return await self.key(workspace_id, profile, name)
        except ServerKeyMissing:
            return None

    async def unlock(self, workspace_id: str, profile: str) -> None:
        """Read every key file of a tree that is not in memory yet."""
        async with self._lock:
            self._keys[workspace_id, profile] = await asyncio.to_thread(self._read, workspace_id, profile)

    async def create(self, workspace_id: str, profile: str, purpose: str) -> PrivateKey:
        """Make the next key for a purpose, durable on disk before it is returned."""
        async with self._lock:
            key = await asyncio.to_thread(self._write, self._next_path(workspace_id, profile, purpose))
            self._keys.setdefault((workspace_id, profile), {})[key_id(key.public)] = key
            return key

    async def first(self, workspace_id: str, profile: str, purpose: str) -> PrivateKey:
        """Return the first key for a purpose, made now unless a set-up before made it."""
        path = self._path(workspace_id, profile, purpose)
        async with self._lock:
            key = await asyncio.to_thread(self._read_or_write, path)
            self._keys.setdefault((workspace_id, profile), {})[key_id(key.public)] = key
            return key

    def _path(self, workspace_id: str, profile: str, name: str) -> Path:
        return self._folder / workspace_id / profile / f"{name}.pem"

    def _next_path(self, workspace_id: str, profile: str, purpose: str) -> Path:
        path, number = self._path(workspace_id, profile, purpose), 1
        while path.exists():
            number += 1
            path = self._path(workspace_id, profile, f"{purpose}-{number}")
        return path

    def _read(self, workspace_id: str, profile: str) -> dict[str, PrivateKey]:
        paths = sorted((self._folder / workspace_id / profile).glob("*.pem"))
        keys = [read_private_key(path, self._secret()) for path in paths]
        return {key_id(key.public): key for key in keys}

    def _read_or_write(self, path: Path) -> PrivateKey:
        return read_private_key(path, self._secret()) if path.exists() else self._write(path)

    def _write(self, path: Path) -> PrivateKey:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = PrivateKey.generate()
        write_private_key(path, key, self._secret(), rounds=ROUNDS)
        sync_folder(path.parent)
        return key

    def _secret(self) -> bytes:
        if self._passphrase is None:
            self._passphrase = passphrase(self._settings)
        return self._passphrase


def passphrase(settings: "Settings") -> bytes:
    """Return the passphrase of the server's key files; raise `PassphraseTooShort` or `KeyPassphraseMissing`."""
    if settings.key_passphrase is not None:
        text = settings.key_passphrase.text
    elif settings.key_passphrase_file is not None:
        text = settings.key_passphrase_file.read_text().strip()
    else:
        text = _generated(generated_passphrase_path(settings))
    if len(text) < MIN_PASSPHRASE_CHARACTERS:
        raise PassphraseTooShort(
            f"The passphrase of the server's keys has fewer than {MIN_PASSPHRASE_CHARACTERS} characters. "
            "Make one with `openssl rand -hex 32`."
        )
    return text.encode()


def generated_passphrase_path(settings: "Settings") -> Path:
    """Return where the generated passphrase lies when the settings name none."""
    return settings.data / "keys" / "passphrase"


def _generated(path: Path) -> str:
    if not path.exists():
        if next(path.parent.rglob("*.pem"), None) is not None:
            raise KeyPassphraseMissing(
                f"{path} is missing, and the server's keys beside it open with nothing else. Restore it, or name the "
                "passphrase by SAMPAN_KEY_PASSPHRASE_FILE."
            )
        _make(path)
    return path.read_text().strip()


def _make(path: Path) -> None:
    """Write a new passphrase: whole and durable under its name, or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was quicker; its passphrase is as good
            os.link(aside, path)
    finally:
        aside.unlink()
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)

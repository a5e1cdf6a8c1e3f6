"""The master key: 32 bytes in hex in a file of their own, made with the data folder and never a second time.

All that is sealed opens with this key alone. So it is durable before anything is sealed with it, and a folder
that was served before does not get another one because the first was not restored or not mounted.
"""

import os
import secrets
from pathlib import Path

from sampan.offline_packages.atomic_files import sync_folder
from sampan.platform.crypto.seal import KEY_BYTES
from sampan.platform.errors import Unavailable
from sampan.platform.settings import Settings


class MasterKeyMissing(Unavailable):
    """The data folder was served before, but the file of its master key is not there."""

    code = "master_key_missing"


class MasterKeyDamaged(Unavailable):
    """The file of the master key does not hold 32 bytes in hex."""

    code = "master_key_damaged"


def master_key(settings: Settings, *, is_fresh: bool) -> bytes:
    """Return the master key; make it when the data folder is fresh. Raise `MasterKeyMissing`, `MasterKeyDamaged`."""
    path = settings.master_key_file or settings.data / "keys" / "master.key"
    if not path.exists():
        if not is_fresh:
            raise MasterKeyMissing(f"{path} is missing. Restore it; what is stored here opens with no other key.")
        _make(path)
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise MasterKeyDamaged(f"{path} does not hold {KEY_BYTES} bytes in hex. Restore it from a backup.")
    return key


def _make(path: Path) -> None:
    """Write a new key: whole and durable under its name, or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        aside.unlink()
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)

"""An installed package, open for reading; every file is verified against the signed index as it is read."""

import hashlib
from pathlib import Path
from typing import Self

import msgspec

from sampan.offline_packages.archive import PackageReader
from sampan.offline_packages.refusals import PackageRefused
from sampan.platform.errors import Conflict, NotFound


class StoreDamaged(Conflict):
    """What is on the disk is not what was verified."""

    code = "store_damaged"
    title = "The stored package is damaged"


class NoSuchFile(NotFound):
    """The package has no file of this path."""

    code = "package_file_missing"
    title = "No such file in the package"


class Installed(msgspec.Struct, frozen=True):
    """A package on this device; `is_confirmed` once it has booted. `patches` are the hotfixes that are in it."""

    sequence: int
    version: str
    digest: str
    is_confirmed: bool = False
    patches: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.sequence}-{self.digest.partition(':')[2][:16]}"


class OpenedPackage:
    """Made by `DeviceStore.open`; close it, or use it as a context."""

    def __init__(self, installed: Installed, reader: PackageReader) -> None:
        self.installed = installed
        self.index = reader.index
        self._reader = reader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive."""
        self._reader.__exit__(None, None, None)

    def read(self, path: str) -> bytes:
        """Return a file; raise `NoSuchFile`, or `StoreDamaged` when it is not what was signed."""
        entry = self.index.file(path)
        if entry is None:
            raise NoSuchFile(f"{self.index.app} has no file {path[:200]!r}.")
        try:
            data = self._reader.read(path)
        except PackageRefused as problem:
            raise StoreDamaged(f"{path} of {self.index.app} is damaged; install it again.") from problem
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise StoreDamaged(f"{path} of {self.index.app} is damaged; install it again.")
        return data

    def unpack(self, folder: Path) -> None:
        """Write all files below a new, empty folder, each verified."""
        folder.mkdir(parents=True)
        for entry in self.index.files:
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(entry.path))

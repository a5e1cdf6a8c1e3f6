"""The packages on a device: staged, verified, switched by one renamed pointer, kept until the new one has booted.

    apps/<app id>/state.json            the pointer and the memory: which version is current, which is kept, the
                                        highest sequence ever installed, what failed to boot here
    apps/<app id>/versions/<name>/      index.json and package.ma, verified whole; never written to again
    apps/<app id>/staging/<name>/       what is being downloaded; survives a crash and is resumed
    catalogue.json                      which apps the last sync listed

A package stays the canonical archive; files are read out of it by the offsets of its index and verified against
it, so there is nothing half unpacked. A kill at any step leaves the old pointer or the new one.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from sampan.offline_packages.archive import PackageReader, verify_archive
from sampan.offline_packages.atomic_files import Step, no_step, read_or_none, sync_folder, write_atomically
from sampan.offline_packages.fetching import FetchFailed
from sampan.offline_packages.index import FileEntry, PackageIndex, parse_index
from sampan.offline_packages.refusals import PackageRefused
from sampan.offline_packages.roles import SignedVersion, checked_app_id
from sampan.offline_packages.trust_errors import BytesDiffer, TooLong
from sampan.platform.crypto.digest import digest
from sampan.platform.errors import Conflict, NotFound

MAX_INDEX_BYTES = 16 * 1024 * 1024

Download = Callable[[int], Iterator[bytes]]
"""Yield the bytes of one file from an offset on."""


class StoreDamaged(Conflict):
    """What is on the disk is not what was verified."""

    code = "store_damaged"
    title = "The stored package is damaged"


class NothingToRevert(Conflict):
    """No kept version to go back to."""

    code = "store_nothing_to_revert"
    title = "There is no earlier version on this device"


class NoSuchFile(NotFound):
    """The package has no file of this path."""

    code = "package_file_missing"
    title = "No such file in the package"


class Installed(msgspec.Struct, frozen=True):
    """A version on this device; `is_confirmed` once it has booted."""

    sequence: int
    version: str
    digest: str
    is_confirmed: bool = False

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.sequence}-{self.digest.partition(':')[2][:16]}"


class AppState(msgspec.Struct, frozen=True):
    """All that is remembered of an app. `highest` counts from the switch on, `highest_started` from the boot."""

    current: Installed | None = None
    kept: Installed | None = None
    highest: int = 0
    highest_started: int = 0
    failed: tuple[str, ...] = ()
    boots: int = 0


class DeviceStore:
    """One folder, one process. Every method is durable when it returns."""

    def __init__(self, root: Path, *, step: Step = no_step) -> None:
        self._root = root
        self._step = step

    def apps(self) -> list[str]:
        """Return the ids of all apps that are or were installed."""
        return sorted(path.parent.name for path in self._root.glob("apps/*/state.json"))

    def state(self, app_id: str) -> AppState:
        """Return what is remembered of an app."""
        data = read_or_none(self._app(app_id) / "state.json")
        return msgspec.json.decode(data, type=AppState) if data else AppState()

    def stage(self, version: SignedVersion, *, index: Download, package: Download) -> Installed:
        """Download and verify a version beside the current one, resuming what is there already.

        The index must have the signed digest, the archive the digest of both role and index, and every file in it
        the digest of the index. Raises `BytesDiffer`, `TooLong` or `PackageRefused` and throws the wrong download away;
        raises `FetchFailed` when it broke off, and keeps what came.
        """
        wanted = Installed(version.sequence, version.version, version.index_digest)
        if self._is_whole(version.app, wanted):
            return wanted
        staging = self._app(version.app) / "staging" / wanted.name
        staging.mkdir(parents=True, exist_ok=True)
        self._step("staging_made")
        try:
            contents = self._stage_index(staging, version, index)
            self._stage_archive(staging, version, package)
            verify_files(contents, staging / "package.ma.part")
        except (BytesDiffer, TooLong, PackageRefused):
            shutil.rmtree(staging)
            raise
        self._step("files_verified")
        self._place(version.app, staging, wanted)
        return wanted

    def switch(self, app_id: str, new: Installed) -> None:
        """Make a staged version the current one; the present one is kept until the new one has booted."""
        state = self.state(app_id)
        if state.current is not None and state.current.digest == new.digest:
            return
        kept = state.current if state.current is not None and state.current.is_confirmed else state.kept
        self._remember(
            app_id,
            AppState(
                current=new,
                kept=kept,
                highest=max(state.highest, new.sequence),
                highest_started=state.highest_started,
                failed=state.failed,
            ),
        )
        self._step("switched")
        self._sweep(app_id)
        shutil.rmtree(self._app(app_id) / "staging", ignore_errors=True)
        self._step("staging_cleared")

    def begin_boot(self, app_id: str) -> int:
        """Count a start of a version that has not booted yet, before it runs; return how many there were."""
        state = self.state(app_id)
        if state.current is None or state.current.is_confirmed:
            return 0
        self._remember(app_id, msgspec.structs.replace(state, boots=state.boots + 1))
        self._step("boot_counted")
        return state.boots + 1

    def confirm(self, app_id: str) -> None:
        """The current version has booted: it counts as started, and the kept one goes."""
        state = self.state(app_id)
        if state.current is None or state.current.is_confirmed:
            return
        current = msgspec.structs.replace(state.current, is_confirmed=True)
        started = max(state.highest_started, current.sequence)
        self._remember(
            app_id,
            msgspec.structs.replace(state, current=current, kept=None, highest_started=started, boots=0),
        )
        self._step("confirmed")
        self._sweep(app_id)

    def revert(self, app_id: str) -> Installed:
        """Go back to the kept version and never take the failing package again; the caller has asked the rule."""
        state = self.state(app_id)
        if state.current is None or state.kept is None:
            raise NothingToRevert(f"{app_id} keeps no earlier version; it waits for the next sync.")
        failed = tuple(sorted({*state.failed, state.current.digest}))
        self._remember(app_id, msgspec.structs.replace(state, current=state.kept, kept=None, failed=failed, boots=0))
        self._step("reverted")
        self._sweep(app_id)
        return state.kept

    def remove(self, app_id: str) -> None:
        """Delete the packages of an app; what was installed once stays remembered."""
        state = self.state(app_id)
        self._remember(app_id, msgspec.structs.replace(state, current=None, kept=None, boots=0))
        self._step("removed")
        self._sweep(app_id)

    def open(self, app_id: str) -> "StoredPackage":
        """Return the current version for reading; raise `StoreDamaged` when it is not what was installed."""
        current = self.state(app_id).current
        if current is None:
            raise StoreDamaged(f"{app_id} is not installed.")
        folder = self._versions(app_id) / current.name
        data = read_or_none(folder / "index.json")
        if data is None or digest(data) != current.digest:
            raise StoreDamaged(f"The index of {app_id} is not the installed one; install it again.")
        try:
            return StoredPackage(current, PackageReader(parse_index(data), folder / "package.ma"))
        except (PackageRefused, FileNotFoundError) as problem:
            raise StoreDamaged(f"The archive of {app_id} is not the installed one; install it again.") from problem

    def recover(self) -> None:
        """Clean up after a crash: packages that no pointer names. Half downloads stay, to be resumed."""
        for app_id in self.apps():
            self._sweep(app_id)

    def remember_catalogue(self, app_ids: frozenset[str]) -> None:
        """Keep which apps the last sync listed for this subject."""
        write_atomically(self._root / "catalogue.json", msgspec.json.encode(sorted(app_ids)), step=self._step)

    def is_listed(self, app_id: str) -> bool:
        """Whether the last sync listed the app; True before the first sync."""
        data = read_or_none(self._root / "catalogue.json")
        return data is None or app_id in msgspec.json.decode(data, type=list[str])

    def _stage_index(self, staging: Path, version: SignedVersion, download: Download) -> PackageIndex:
        path = staging / "index.json"
        data = read_or_none(path)
        if data is None or digest(data) != version.index_digest:
            if version.index_bytes > MAX_INDEX_BYTES:
                raise TooLong(f"The index of {version.app} is announced with {version.index_bytes} bytes.")
            data = b"".join(_bounded(download(0), version.index_bytes))
            if len(data) != version.index_bytes or digest(data) != version.index_digest:
                raise BytesDiffer(f"The index of {version.app} {version.version} is not the signed one.")
            write_atomically(path, data, step=self._step, name="index")
        index = parse_index(data)
        if (index.app, index.sequence, index.version) != (version.app, version.sequence, version.version):
            raise BytesDiffer(f"The index is for {index.app} {index.sequence}, not for what the role lists.")
        if (index.archive.size, f"sha256:{index.archive.sha256}") != (version.package_bytes, version.package_digest):
            raise BytesDiffer("The index describes another archive than the role lists.")
        return index

    def _stage_archive(self, staging: Path, version: SignedVersion, download: Download) -> None:
        path = staging / "package.ma.part"
        have = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            if have < version.package_bytes:
                for chunk in _bounded(download(have), version.package_bytes - have):
                    file.write(chunk)
                    file.flush()
                    self._step("archive_chunk")
            file.flush()
            os.fsync(file.fileno())
        if path.stat().st_size < version.package_bytes:
            raise FetchFailed(f"The archive of {version.app} {version.version} ended early")
        self._step("archive_downloaded")

    def _place(self, app_id: str, staging: Path, wanted: Installed) -> None:
        (staging / "package.ma.part").replace(staging / "package.ma")
        sync_folder(staging)
        self._step("archive_named")
        versions = self._versions(app_id)
        versions.mkdir(exist_ok=True)
        if (versions / wanted.name).exists():
            shutil.rmtree(versions / wanted.name)
        staging.replace(versions / wanted.name)
        self._step("version_placed")
        sync_folder(versions)
        sync_folder(staging.parent)

    def _is_whole(self, app_id: str, wanted: Installed) -> bool:
        folder = self._versions(app_id) / wanted.name
        data = read_or_none(folder / "index.json")
        if data is None or digest(data) != wanted.digest:
            return False
        try:
            index = parse_index(data)
            verify_archive(index, folder / "package.ma")
        except (PackageRefused, OSError):
            return False
        return True

    def _remember(self, app_id: str, state: AppState) -> None:
        path = self._app(app_id) / "state.json"
        write_atomically(path, msgspec.json.encode(state), step=self._step, name="pointer")

    def _sweep(self, app_id: str) -> None:
        state = self.state(app_id)
        names = {each.name for each in (state.current, state.kept) if each is not None}
        for folder in self._versions(app_id).glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder)
                self._step("old_removed")

    def _app(self, app_id: str) -> Path:
        return self._root / "apps" / checked_app_id(app_id)

    def _versions(self, app_id: str) -> Path:
        return self._app(app_id) / "versions"


class StoredPackage:
    """An installed package, open for reading; every file is verified against the signed index as it is read."""

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


def verify_files(index: PackageIndex, archive: Path) -> None:
    """Check the whole archive and every file in it against the index; raise `PackageRefused` or `BytesDiffer`."""
    verify_archive(index, archive)
    with PackageReader(index, archive) as reader:
        for entry in index.files:
            _verify_file(reader, entry)


def _verify_file(reader: PackageReader, entry: FileEntry) -> None:
    hasher = hashlib.sha256()
    for chunk in reader.chunks(entry.path):
        hasher.update(chunk)
    if hasher.hexdigest() != entry.sha256:
        raise BytesDiffer(f"{entry.path} in the archive is not the file of the index.", path=entry.path)


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise TooLong(f"More than the announced {limit} bytes arrived.")
        yield chunk

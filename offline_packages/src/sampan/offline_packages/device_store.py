"""The packages on a device: staged, verified, switched by one renamed pointer, kept until the new one has booted.

    apps/<app id>/state.json            the pointer and the memory: which version is current, which is kept, the
                                        highest sequence ever installed, what failed to boot here
    apps/<app id>/versions/<name>/      index.json and package.ma, verified whole; never written to again
    apps/<app id>/staging/<name>/       what is being downloaded; survives a crash and is resumed
    apps/<app id>/staging/hotfixes/     documents and contents of hotfixes, by their digests
    catalogue.json                      which apps the last sync listed

A package stays the canonical archive; files are read out of it by the offsets of its index and verified against
it, so there is nothing half unpacked. A kill at any step leaves the old pointer or the new one. A version with
hotfixes is a package of its own; the version without them stays beside it as the base.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sampan.offline_packages.archive import PackageReader, verify_archive
from sampan.offline_packages.atomic_files import Step, no_step, read_or_none, sync_folder, write_atomically
from sampan.offline_packages.control import Stack
from sampan.offline_packages.hotfix import HotfixBaseDiffers, HotfixRefused
from sampan.offline_packages.index import parse_index
from sampan.offline_packages.opened_package import Installed, OpenedPackage, StoreDamaged
from sampan.offline_packages.refusals import PackageRefused
from sampan.offline_packages.roles import SignedHotfix, SignedVersion, checked_app_id
from sampan.offline_packages.shortcuts import Base, Near, take_shortcut
from sampan.offline_packages.staging import (
    Download,
    stage_archive,
    stage_hotfix,
    stage_index,
    stage_stack,
    verify_files,
)
from sampan.offline_packages.trust_errors import BytesDiffer, TooLong
from sampan.platform.crypto.digest import digest
from sampan.platform.errors import Conflict


class NothingToRevert(Conflict):
    """No kept version to go back to."""

    code = "store_nothing_to_revert"
    title = "There is no earlier version on this device"


class AppState(msgspec.Struct, frozen=True):
    """All that is remembered of an app. `highest` counts from the switch on, `highest_started` from the boot.

    `base` is the version without hotfixes, while a package with them is current or kept.
    """

    current: Installed | None = None
    kept: Installed | None = None
    highest: int = 0
    highest_started: int = 0
    failed: tuple[str, ...] = ()
    boots: int = 0
    base: Installed | None = None

    @property
    def version(self) -> Installed | None:
        """What servers know: the current package, or the version that its hotfixes were applied to."""
        return self.base if self.current is not None and self.current.patches else self.current


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

    def stage(
        self, version: SignedVersion, *, index: Download, package: Download, near: Near | None = None
    ) -> Installed:
        """Download and verify a version beside the current one, resuming what is there already.

        With `near` a delta or the files of the current version are tried before a whole archive is begun.

        The index must have the signed digest, the archive the digest of both role and index, and every file in it
        the digest of the index. Raises `BytesDiffer`, `TooLong` or `PackageRefused` and throws the wrong download away;
        raises `FetchFailed` when it broke off, and keeps what came.
        """
        wanted = Installed(version.sequence, version.version, version.index_digest)
        if self.is_whole(version.app, wanted):
            return wanted
        staging = self._app(version.app) / "staging" / wanted.name
        staging.mkdir(parents=True, exist_ok=True)
        self._step("staging_made")
        try:
            contents = stage_index(staging, version, index, self._step)
            base = self._base(version.app) if near is not None else None
            part = staging / "package.ma.part"
            if near is not None and base is not None and not (part.exists() and part.stat().st_size):
                take_shortcut(base, contents, near, part, self._step)
            stage_archive(staging, version, package, self._step)
            verify_files(contents, part)
        except (BytesDiffer, TooLong, PackageRefused):
            shutil.rmtree(staging)
            raise
        self._step("files_verified")
        self._place(version.app, staging, wanted)
        return wanted

    def stage_hotfixes(
        self, app_id: str, stack: Stack, hotfixes: Sequence[tuple[SignedHotfix, Download, Download]]
    ) -> Installed:
        """Fetch the hotfixes of a stack (document, content) and write its package beside the current one.

        Made from the version without hotfixes, which is installed. Raises a `HotfixRefused`, `BytesDiffer`, `TooLong`
        or `StoreDamaged`, and `FetchFailed` when a download broke off; whole ones are kept.
        """
        base = self.state(app_id).version
        if base is None or base.sequence != stack.sequence:
            raise HotfixBaseDiffers(f"{app_id} {stack.sequence} is not the version on this device.")
        wanted = Installed(stack.sequence, base.version, stack.digest, patches=stack.patches)
        if self.is_whole(app_id, wanted):
            return wanted
        folder = self._app(app_id) / "staging"
        parts = [stage_hotfix(folder / "hotfixes", *each, self._step) for each in hotfixes]
        staging = folder / wanted.name
        staging.mkdir(parents=True, exist_ok=True)
        self._step("staging_made")
        try:
            with self._read(app_id, base) as package:
                stage_stack(staging, package, parts, stack.digest, self._step)
        except (HotfixRefused, PackageRefused):
            shutil.rmtree(staging)
            raise
        self._place(app_id, staging, wanted)
        return wanted

    def switch(self, app_id: str, new: Installed) -> None:
        """Make a staged package the current one; the present one is kept until the new one has booted."""
        state = self.state(app_id)
        if state.current is not None and state.current.digest == new.digest:
            return
        kept = state.current if state.current is not None and state.current.is_confirmed else state.kept
        base = state.base if kept is not None and kept.patches else None
        if new.patches:
            base = state.version
            if kept is not None and kept.patches and kept.sequence != new.sequence:
                kept = state.base  # an earlier version: there is room for one base
        self._remember(
            app_id,
            AppState(
                current=new,
                kept=kept,
                highest=max(state.highest, new.sequence),
                highest_started=state.highest_started,
                failed=state.failed,
                base=base,
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

    def confirm(self, app_id: str, digest: str | None = None) -> None:
        """The current package, if it is the one of this digest, has booted: it counts as started, the kept one goes."""
        state = self.state(app_id)
        if state.current is None or state.current.is_confirmed or digest not in (None, state.current.digest):
            return
        current = msgspec.structs.replace(state.current, is_confirmed=True)
        started = max(state.highest_started, current.sequence)
        base = state.base if current.patches else None
        self._remember(
            app_id,
            msgspec.structs.replace(state, current=current, kept=None, base=base, highest_started=started, boots=0),
        )
        self._step("confirmed")
        self._sweep(app_id)

    def revert(self, app_id: str, *, to_base: bool = False) -> Installed:
        """Go back to the kept package, or the base, and never take the failing one again; the caller asks the rule."""
        state = self.state(app_id)
        back = state.base if to_base else state.kept
        if state.current is None or back is None:
            raise NothingToRevert(f"{app_id} keeps no earlier version; it waits for the next sync.")
        failed = tuple(sorted({*state.failed, state.current.digest}))
        base = state.base if back.patches else None
        self._remember(
            app_id, msgspec.structs.replace(state, current=back, kept=None, base=base, failed=failed, boots=0)
        )
        self._step("reverted")
        self._sweep(app_id)
        return back

    def leave_patches(self, app_id: str) -> None:
        """Go back to the version without hotfixes, if there are any in the current package."""
        state = self.state(app_id)
        base = state.base
        if state.current is None or not state.current.patches or base is None:
            return
        kept = state.kept if state.kept is not None and state.kept.sequence != base.sequence else None
        self._remember(app_id, msgspec.structs.replace(state, current=base, kept=kept, base=None, boots=0))
        self._step("patches_left")
        self._sweep(app_id)

    def remove(self, app_id: str) -> None:
        """Delete the packages of an app; what was installed once stays remembered."""
        state = self.state(app_id)
        self._remember(app_id, msgspec.structs.replace(state, current=None, kept=None, base=None, boots=0))
        self._step("removed")
        self._sweep(app_id)

    def open(self, app_id: str) -> OpenedPackage:
        """Return the current package for reading; raise `StoreDamaged` when it is not what was installed."""
        return self._read(app_id, self.state(app_id).current)

    def _read(self, app_id: str, installed: Installed | None) -> OpenedPackage:
        if installed is None:
            raise StoreDamaged(f"{app_id} is not installed.")
        folder = self._versions(app_id) / installed.name
        data = read_or_none(folder / "index.json")
        if data is None or digest(data) != installed.digest:
            raise StoreDamaged(f"The index of {app_id} is not the installed one; install it again.")
        try:
            return OpenedPackage(installed, PackageReader(parse_index(data), folder / "package.ma"))
        except (PackageRefused, FileNotFoundError) as problem:
            raise StoreDamaged(f"The archive of {app_id} is not the installed one; install it again.") from problem

    def is_whole(self, app_id: str, wanted: Installed) -> bool:
        """Whether this package is here, and its index and archive are what was verified."""
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

    def _base(self, app_id: str) -> Base | None:
        try:
            with self._read(app_id, self.state(app_id).version) as package:
                folder = self._versions(app_id) / package.installed.name
                return Base(package.index, folder / "package.ma")
        except StoreDamaged:
            return None

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

    def _remember(self, app_id: str, state: AppState) -> None:
        path = self._app(app_id) / "state.json"
        write_atomically(path, msgspec.json.encode(state), step=self._step, name="pointer")

    def _sweep(self, app_id: str) -> None:
        state = self.state(app_id)
        names = {each.name for each in (state.current, state.kept, state.base) if each is not None}
        for folder in self._versions(app_id).glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder)
                self._step("old_removed")

    def _app(self, app_id: str) -> Path:
        return self._root / "apps" / checked_app_id(app_id)

    def _versions(self, app_id: str) -> Path:
        return self._app(app_id) / "versions"

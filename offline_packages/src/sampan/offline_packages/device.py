"""A device: what it verified (`verifier`), what it holds (`device_store`), and the rule between them (`install_rule`).

Sync only hints. A hint makes the device look at the signed tree again; it never installs, refuses or wipes
anything by itself, except that an app which sync no longer lists is not opened.
"""

from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Literal, Self

import msgspec

from sampan.offline_packages.control import Stack
from sampan.offline_packages.device_store import AppState, DeviceStore
from sampan.offline_packages.fetching import Fetch, FetchFailed
from sampan.offline_packages.hotfix import HotfixBaseDiffers
from sampan.offline_packages.index import FileEntry
from sampan.offline_packages.install_rule import (
    InstallRefused,
    Offered,
    Opening,
    OpenKilled,
    OpenRefused,
    OpenUnderFloor,
    check_install,
    check_open,
    check_revert,
    check_stack,
)
from sampan.offline_packages.manifest import Kind
from sampan.offline_packages.opened_package import Installed, OpenedPackage, StoreDamaged
from sampan.offline_packages.roles import SignedHotfix, SignedVersion, hotfix_paths, index_path, package_path
from sampan.offline_packages.shortcuts import Near
from sampan.offline_packages.staging import Download
from sampan.offline_packages.trust_errors import Unreachable
from sampan.offline_packages.verifier import TrustedTree
from sampan.platform.errors import SampanError

MAX_BOOTS = 3


class Hint(msgspec.Struct, frozen=True):
    """What a sync answer says of one app: take this version, or let go of it."""

    id: str
    action: Literal["install", "rollback", "remove"] = "install"
    sequence: int = 0
    digest: str = ""


class StackHint(msgspec.Struct, frozen=True):
    """What a sync answer says of the hotfixes of one version: have exactly these, with this package digest."""

    app: str
    sequence: int
    patches: tuple[str, ...]
    digest: str


class OpenedApp:
    """An app that may run now: its files, and whether its money bridges work."""

    def __init__(self, package: OpenedPackage, opening: Opening) -> None:
        self.package = package
        self.may_move_money = opening.may_move_money
        self.why = opening.why

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.package.close()


class Device:
    """One tree and one store; methods block, and are called from one thread."""

    def __init__(self, tree: TrustedTree, store: DeviceStore, fetch: Fetch) -> None:
        self.tree = tree
        self.store = store
        self._fetch = fetch
        self._opened: dict[str, str] = {}

    def sync(self, *, now_ms: int, listed: Iterable[str] | None = None) -> dict[str, SampanError]:
        """Take in a sync answer's catalogue (None: unchanged), refresh the tree, and obey what it says of each app.

        Raises a `TrustRefused` or `Unreachable` for the tree as a whole; returns what was refused of single apps,
        since an expired role blocks only its own app. What is installed keeps opening either way.
        """
        if listed is not None:
            self.store.remember_catalogue(frozenset(listed))
        self.tree.refresh(now_ms=now_ms)
        refused: dict[str, SampanError] = {}
        for app_id in self.store.apps():
            if self.store.state(app_id).current is None:
                continue
            for obey in (self.tree.app, self.tree.control):
                try:
                    obey(app_id)
                except SampanError as problem:
                    refused.setdefault(app_id, problem)
            self._leave_withdrawn(app_id)
        return refused

    def apply(self, hint: Hint) -> Installed | None:
        """Carry out one hint as far as the signed tree allows; `sync` comes first.

        Returns what is installed afterwards. Raises an `InstallRefused`, `TrustRefused`, `PackageRefused` or
        `Unreachable`; the version that ran before still runs.
        """
        if hint.action == "remove":
            return self._let_go(hint.id)
        role, control = self.tree.app(hint.id), self.tree.control(hint.id)
        state = self.store.state(hint.id)
        offered = Offered(hint.sequence, hint.digest)
        check_install(offered, role, control, highest=state.highest, failed=frozenset(state.failed))
        version = role.version(hint.sequence)
        staged = self._stage(version)
        current = state.current
        if current is not None and current.patches and state.base is not None and state.base.digest == staged.digest:
            if self.store.is_whole(hint.id, current):
                return current  # what is offered is here, with hotfixes that control still lists
            self.store.leave_patches(hint.id)
        self.store.switch(hint.id, staged)
        return staged

    def apply_hotfixes(self, hint: StackHint) -> Installed:
        """Have the hotfixes of `hint` on the installed version; `sync` and the offers of versions come first.

        Made anew when its files are damaged, so leave out what is installed already. Raises a `HotfixRefused`, or what
        `apply` does; what ran before still runs.
        """
        role, control = self.tree.app(hint.app), self.tree.control(hint.app)
        state = self.store.state(hint.app)
        if state.current is None or state.current.sequence != hint.sequence:
            raise HotfixBaseDiffers(f"{hint.app} {hint.sequence} is not the version on this device.")
        stack = Stack(hint.sequence, hint.patches, hint.digest)
        signed = check_stack(stack, role, control, failed=frozenset(state.failed))
        self._stage(role.version(hint.sequence))  # here already, unless its files are damaged
        try:
            staged = self.store.stage_hotfixes(hint.app, stack, [self._downloads(each) for each in signed])
        except FetchFailed as problem:
            raise Unreachable(f"The hotfix did not arrive: {problem}. It is tried again at the next sync.") from problem
        self.store.switch(hint.app, staged)
        return staged

    def open(self, app_id: str, *, now_ms: int) -> OpenedApp:
        """Open the installed version by the last verified role and control, without the network.

        A package that failed to boot `MAX_BOOTS` times is left for the kept one when the rule allows it, and hotfixes
        that control lists no longer for the version without them. Raises an `OpenRefused` or `StoreDamaged`.
        """
        self._watch_boots(app_id)
        self._leave_withdrawn(app_id)
        opening = self._check_open(app_id, now_ms)
        package = self.store.open(app_id)
        self.store.begin_boot(app_id)
        self._opened[app_id] = package.installed.digest
        return OpenedApp(package, opening)

    def booted(self, app_id: str) -> None:
        """The app reports that it runs: the earlier version may go, unless another one was taken meanwhile."""
        self.store.confirm(app_id, self._opened.get(app_id))

    def _check_open(self, app_id: str, now_ms: int) -> Opening:
        current = self.store.state(app_id).current
        return check_open(
            Offered(current.sequence, current.digest) if current else None,
            self.tree.obeyed_role(app_id),
            self.tree.obeyed_control(app_id),
            app_id=app_id,
            is_listed=self._is_listed(app_id),
            last_verified_ms=self.tree.last_verified_ms(app_id),
            now_ms=now_ms,
        )

    def _is_listed(self, app_id: str) -> bool:
        """Whether the last sync lists the app; a native patch, which the super-app's own code opens, is in no list."""
        if self.store.is_listed(app_id):
            return True
        try:
            with self.store.open(app_id) as package:
                return package.index.kind is Kind.NATIVE
        except StoreDamaged:
            return True  # opening it says what is wrong

    def _watch_boots(self, app_id: str) -> None:
        state = self.store.state(app_id)
        if state.current is None or state.current.is_confirmed or state.boots < MAX_BOOTS:
            return
        for back in (state.kept, state.base):
            if back is not None and self._may_revert(app_id, state, back):
                self.store.revert(app_id, to_base=back is state.base)
                return

    def _may_revert(self, app_id: str, state: AppState, back: Installed) -> bool:
        if state.current is not None and back.sequence == state.current.sequence:
            return True  # the same version with fewer hotfixes or none; opening it asks whether it may run
        role, control = self.tree.obeyed_role(app_id), self.tree.obeyed_control(app_id)
        version = state.base if back.patches else back
        if role is None or control is None or version is None:
            return False
        try:
            check_revert(Offered(version.sequence, version.digest), role, control, highest_before=state.highest_started)
        except InstallRefused:
            return False
        return True

    def _leave_withdrawn(self, app_id: str) -> None:
        current, control = self.store.state(app_id).current, self.tree.obeyed_control(app_id)
        if current is None or not current.patches:
            return
        if control is None or not control.has_stack(current.sequence, current.patches, current.digest):
            self.store.leave_patches(app_id)

    def _stage(self, version: SignedVersion) -> Installed:
        index = self.tree.target_url(index_path(version.app, version.sequence), version.index_digest)
        package = self.tree.target_url(package_path(version.app, version.sequence), version.package_digest)
        try:
            return self.store.stage(
                version,
                index=partial(self._fetch, index, version.index_bytes),
                package=partial(self._fetch, package, version.package_bytes),
                near=Near(self._delta, self._file),
            )
        except FetchFailed as problem:
            raise Unreachable(f"The package did not arrive: {problem}. It resumes at the next sync.") from problem

    def _downloads(self, hotfix: SignedHotfix) -> tuple[SignedHotfix, Download, Download]:
        document, content = hotfix_paths(hotfix.app, hotfix.sequence, hotfix.n)
        return (
            hotfix,
            partial(self._fetch, self.tree.target_url(document, hotfix.doc_digest), hotfix.doc_bytes),
            partial(self._fetch, self.tree.target_url(content, hotfix.bin_digest), hotfix.bin_bytes),
        )

    def _delta(self, base_sha256: str, target_sha256: str, most_bytes: int) -> bytes | None:
        try:
            return self._whole(self.tree.delta_url(base_sha256, target_sha256), most_bytes)
        except FetchFailed as problem:
            if problem.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _file(self, entry: FileEntry) -> bytes:
        data = self._whole(self.tree.file_url(entry.sha256), entry.size)
        if sha256(data).hexdigest() != entry.sha256:
            raise FetchFailed(f"{entry.path} is not the signed file")
        return data

    def _whole(self, url: str, most_bytes: int) -> bytes:
        data = b"".join(self._fetch(url, most_bytes))
        if len(data) > most_bytes:
            raise FetchFailed(f"{url} has more than {most_bytes} bytes")
        return data

    def _let_go(self, app_id: str) -> Installed | None:
        """Delete packages only when the signed tree itself forbids to open them; a hint alone wipes nothing."""
        self.tree.app(app_id)
        self.tree.control(app_id)
        try:
            self._check_open(app_id, self.tree.last_verified_ms(app_id))
        except (OpenKilled, OpenUnderFloor):
            self.store.remove(app_id)
        except OpenRefused:
            pass
        return self.store.state(app_id).current

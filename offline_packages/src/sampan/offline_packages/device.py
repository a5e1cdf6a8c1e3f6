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

from sampan.offline_packages.control import Control
from sampan.offline_packages.device_store import DeviceStore
from sampan.offline_packages.fetching import Fetch, FetchFailed
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
)
from sampan.offline_packages.manifest import Kind
from sampan.offline_packages.opened_package import Installed, OpenedPackage, StoreDamaged
from sampan.offline_packages.roles import AppRole, SignedVersion, index_path, package_path
from sampan.offline_packages.shortcuts import Near
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
        self.store.switch(hint.id, staged)
        return staged

    def open(self, app_id: str, *, now_ms: int) -> OpenedApp:
        """Open the installed version by the last verified role and control, without the network.

        A version that failed to boot `MAX_BOOTS` times is left for the kept one when the rule allows it. Raises an
        `OpenRefused` or `StoreDamaged`.
        """
        self._watch_boots(app_id)
        opening = self._check_open(app_id, now_ms)
        package = self.store.open(app_id)
        self.store.begin_boot(app_id)
        return OpenedApp(package, opening)

    def booted(self, app_id: str) -> None:
        """The app reports that it runs: the earlier version may go."""
        self.store.confirm(app_id)

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
        if state.current is None or state.current.is_confirmed or state.boots < MAX_BOOTS or state.kept is None:
            return
        role, control = self.tree.obeyed_role(app_id), self.tree.obeyed_control(app_id)
        if role is None or control is None or not _may_revert(state.kept, role, control, state.highest_started):
            return
        self.store.revert(app_id)

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


def _may_revert(kept: Installed, role: AppRole, control: Control, highest_started: int) -> bool:
    try:
        check_revert(Offered(kept.sequence, kept.digest), role, control, highest_before=highest_started)
    except InstallRefused:
        return False
    return True

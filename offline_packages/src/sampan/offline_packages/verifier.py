"""What a device (and a publisher's tool) believes of a trust tree: python-tuf's client and a layer of our own.

python-tuf verifies root, timestamp, snapshot, targets and role files. On top of that every app role and the
control role must say which role of which tree they are, delegations must be the ones the rules demand, a
control serial never goes down, and the last verified copies are kept, to be obeyed expired or not.
A refusal changes nothing on the device: what was verified before stays.
"""

from pathlib import Path

import msgspec
from tuf.api.metadata import Root, Snapshot, TargetFile, Targets
from tuf.ngclient import Updater

from sampan.offline_packages.atomic_files import Step, no_step, read_or_none, write_atomically
from sampan.offline_packages.control import MAX_CONTROL_BYTES, Control, check_not_older, parse_control
from sampan.offline_packages.fetching import Fetch
from sampan.offline_packages.roles import (
    APP_SIGNATURES,
    CONTROL_ROLE,
    AppRole,
    app_paths,
    app_role,
    check_fields,
    control_path,
    index_path,
    read_app_role,
)
from sampan.offline_packages.signed_bytes import Body, check_delegated, read_body
from sampan.offline_packages.trust_errors import (
    Expired,
    NotListed,
    NotSigned,
    RolledBack,
    TooLong,
    Unreachable,
)
from sampan.offline_packages.tuf_client import TufFetcher, check_delegation, refusals
from sampan.platform.crypto.digest import digest

SEEN_RESOLUTION_MS = 600_000


class _Seen(msgspec.Struct, frozen=True):
    verified_ms: int = 0


class TrustedTree:
    """One tree as one device sees it. Not for two processes on one folder at a time."""

    def __init__(
        self, folder: Path, *, base_url: str, tree: str, root: bytes, fetch: Fetch, step: Step = no_step
    ) -> None:
        """`base_url` is `.../trust/<workspace>/<profile>`; `root` is baked into the client; `tree` names it."""
        self.tree = tree
        self.base_url = base_url.rstrip("/")
        self._fetch = fetch
        self._step = step
        self._root = root
        self._metadata = folder / "metadata"
        self._obeyed = folder / "obeyed"
        self._updater: Updater | None = None
        self._refreshed_ms = 0
        self._targets = Targets()
        self._listed: dict[str, int] = {}
        self._control_body: Targets | None = None
        check_fields(read_body(root, Root), "root", tree)

    def refresh(self, *, now_ms: int) -> None:
        """Bring root, timestamp, snapshot and targets up to date.

        Raises a `TrustRefused` (expired, rolled back, not signed, too long, malformed) or `Unreachable`.
        """
        self._updater = self._control_body = None
        self._metadata.mkdir(parents=True, exist_ok=True)
        with refusals():
            updater = Updater(
                str(self._metadata),
                f"{self.base_url}/metadata/",
                fetcher=TufFetcher(self._fetch),
                bootstrap=self._root,
            )
            updater.refresh()
        self._targets = self._read("targets", Targets)
        check_fields(self._targets, "targets", self.tree)
        snapshot = self._read("snapshot", Snapshot)
        self._listed = {name.removesuffix(".json"): meta.version for name, meta in snapshot.meta.items()}
        self._updater, self._refreshed_ms = updater, now_ms

    def last_verified_ms(self, app_id: str) -> int:
        """When this app's control file was last verified in a fresh tree; 0 before the first time.

        Not when the tree was: a mirror that serves the tree but withholds one control file must not look fresh.
        """
        data = read_or_none(self._obeyed / f"{app_id}.seen.json")
        return msgspec.json.decode(data, type=_Seen).verified_ms if data else 0

    def app_body(self, app_id: str) -> Targets | None:
        """Return the published body of an app's role, verified in this refresh; None before the first version.

        Raises `NotListed` for an app without a role, else as `refresh`.
        """
        role = app_role(app_id)
        if not self._is_in_snapshot(role, app_id):
            return None
        return self._verified(role, index_path(app_id, 1), app_paths(app_id), APP_SIGNATURES)

    def app(self, app_id: str) -> AppRole:
        """Return the app's signed versions, verified in this refresh, and keep them as the copy to obey."""
        body = self.app_body(app_id)
        if body is None:
            raise NotListed(f"{app_id} has no published version yet.", app=app_id)
        role = read_app_role(body, app_id, self.tree)
        seen = self.obeyed_role(app_id)
        if seen is not None and role.metadata_version < seen.metadata_version:
            raise RolledBack(
                f"Role version {role.metadata_version} of {app_id} is older than {seen.metadata_version}, seen before."
            )
        self._obey(f"{app_id}.role", self._read_bytes(app_role(app_id)))
        return role

    def control(self, app_id: str) -> Control:
        """Return the app's control file, verified in this refresh, and keep it as the copy to obey.

        Raises `NotListed`, `RolledBack`, `ControlMalformed`, `BytesDiffer` or as `refresh`.
        """
        path = control_path(app_id)
        if self._control_body is None or self._updater is None:
            body = self._verified(CONTROL_ROLE, path, ["control/*"], 1)
            check_fields(body, CONTROL_ROLE, self.tree)
            self._control_body = body
        target = self._control_body.targets.get(path)
        if target is None:
            raise NotListed(f"The tree holds no control file for {app_id}.", app=app_id)
        control = parse_control(self._control_bytes(app_id, target), app_id)
        check_not_older(control, self.obeyed_control(app_id))
        self._obey(f"{app_id}.control", control.to_bytes())
        if abs(self._refreshed_ms - self.last_verified_ms(app_id)) >= SEEN_RESOLUTION_MS:
            self._obey(f"{app_id}.seen", msgspec.json.encode(_Seen(self._refreshed_ms)))
        return control

    def obeyed_role(self, app_id: str) -> AppRole | None:
        """Return the last verified app role, expired or not."""
        data = read_or_none(self._obeyed / f"{app_id}.role.json")
        return read_app_role(read_body(data, Targets), app_id, self.tree) if data else None

    def obeyed_control(self, app_id: str) -> Control | None:
        """Return the last verified control file, expired or not."""
        data = read_or_none(self._obeyed / f"{app_id}.control.json")
        return parse_control(data, app_id) if data else None

    def target_url(self, path: str, target_digest: str) -> str:
        """Return where a target's bytes are served (consistent snapshots: the digest stands in the name)."""
        folder, _, name = path.rpartition("/")
        return f"{self.base_url}/targets/{folder}/{target_digest.partition(':')[2]}.{name}"

    def delta_url(self, base_sha256: str, target_sha256: str) -> str:
        """Return where the delta between two archives is served, if there is one."""
        return f"{self.base_url}/deltas/{base_sha256}-{target_sha256}"

    def file_url(self, sha256: str) -> str:
        """Return where a single file of any published archive is served."""
        return f"{self.base_url}/files/{sha256}"

    def _is_in_snapshot(self, role: str, app_id: str) -> bool:
        targets = self._fresh_targets()
        if targets.delegations is None or role not in (targets.delegations.roles or {}):
            raise NotListed(f"{app_id} has no role in tree {self.tree}.", app=app_id)
        return role in self._listed

    def _verified(self, role: str, any_path: str, paths: list[str], threshold: int) -> Targets:
        """Return a delegated role's body; what python-tuf loaded is checked again against its delegation.

        python-tuf looks for a *path* and may stop at an earlier role, which would leave an old file of this role
        in place: so the file must carry the version of the snapshot, verify, and not be expired.
        """
        targets = self._fresh_targets()
        check_delegation(targets, role, paths, threshold)
        with refusals():
            if self._updater is not None:
                self._updater.get_targetinfo(any_path)
        data = self._read_bytes(role)
        check_delegated(targets, role, data)
        body = read_body(data, Targets)
        if body.version != self._listed.get(role):
            raise RolledBack(f"The file of {role} is not the one of the snapshot.", role=role)
        if body.is_expired():
            raise Expired(f"The signatures of {role} have expired; its publisher must renew it.", role=role)
        return body

    def _fresh_targets(self) -> Targets:
        if self._updater is None:
            raise Unreachable("The tree has not been refreshed; nothing new is believed until then.")
        return self._targets

    def _control_bytes(self, app_id: str, target: TargetFile) -> bytes:
        known = read_or_none(self._obeyed / f"{app_id}.control.json")
        wanted = f"sha256:{target.hashes.get('sha256')}"
        if known is not None and digest(known) == wanted:
            return known
        if target.length > MAX_CONTROL_BYTES:
            raise TooLong(f"The control file of {app_id} is announced with {target.length} bytes.")
        with refusals():
            url = self.target_url(target.path, wanted)
            data = TufFetcher(self._fetch).download_bytes(url, target.length)
            target.verify_length_and_hashes(data)
        return data

    def _obey(self, name: str, data: bytes) -> None:
        path = self._obeyed / f"{name}.json"
        if read_or_none(path) != data:
            write_atomically(path, data, step=self._step, name=name.rpartition(".")[2])

    def _read_bytes(self, role: str) -> bytes:
        data = read_or_none(self._metadata / f"{role}.json")
        if data is None:
            raise NotSigned(f"No verified file of {role} is at hand.", role=role)
        return data

    def _read(self, role: str, kind: type[Body]) -> Body:
        return read_body(self._read_bytes(role), kind)

"""What the publisher job signs next: control, snapshot, timestamp. Pure: facts and keys in, bytes out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sampan.offline_packages.roles import (
    CONTROL_LIFE,
    CONTROL_ROLE,
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
    control_path,
)
from sampan.offline_packages.signed_bytes import read_body, sign_body, signers
from sampan.platform.crypto.digest import digest
from sampan.platform.crypto.keys import PrivateKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.trust.bodies import (
    delegated_apps,
    next_control_body,
    next_snapshot,
    next_timestamp,
    role_keys,
)
from sampan.platform.trust.metadata_rows import RoleMetadata
from sampan.platform.trust.profiles import SNAPSHOT, TIMESTAMP
from sampan.platform.trust.tree_rows import Tree

TIMESTAMP_EVERY = timedelta(hours=1)
SNAPSHOT_EVERY = timedelta(days=4)
CONTROL_EVERY = timedelta(hours=12)


class TreeFacts(Struct, frozen=True):
    """Everything that decides what is signed next, read in one transaction. `versions` are the highest stored."""

    name: str
    tree: Tree
    root: Root
    exposed_root: Root
    targets: Targets
    versions: Mapping[str, int]
    controls: Mapping[str, bytes]
    control: RoleMetadata | None
    snapshot: RoleMetadata | None
    timestamp: RoleMetadata | None
    audit: Any
    now_ms: int

    def signing_keys(self, role: str) -> tuple[str, ...]:
        """Return the ids of the keys that sign a role: the present root's, then those clients still know.

        While a root with other keys is being exposed, a client may hold either root: both must verify.
        """
        delegators: Sequence[Root | Targets] = (
            (self.targets,) if role == CONTROL_ROLE else (self.root, self.exposed_root)
        )
        return tuple(dict.fromkeys(key_id(key) for each in delegators for key in role_keys(each, role)))


class Made(Struct, frozen=True):
    """What was signed in one round: new bodies by role, and the control files that the control role lists."""

    bodies: Mapping[str, bytes]
    control_files: Mapping[str, bytes]
    timestamp_version: int
    root_version: int
    changed: int


def make(facts: TreeFacts, keys: Mapping[str, PrivateKey]) -> Made | None:
    """Sign what is due, or return None. `keys` are the server's by id; a missing old one is left out."""
    bodies: dict[str, bytes] = {}
    controls = {app: facts.controls[app] for app in delegated_apps(facts.targets) if app in facts.controls}
    versions = dict(facts.versions)
    if _control_is_due(facts, controls):
        current = read_body(facts.control.body, Targets) if facts.control else None
        control = next_control_body(current, controls, tree=facts.name, now_ms=facts.now_ms)
        bodies[CONTROL_ROLE] = _signed(control, facts, CONTROL_ROLE, keys)
        versions[CONTROL_ROLE] = control.version
    previous = read_body(facts.snapshot.body, Snapshot) if facts.snapshot else None
    if _snapshot_is_due(facts, previous, versions):
        snapshot = next_snapshot(previous, versions, tree=facts.name, now_ms=facts.now_ms)
        bodies[SNAPSHOT] = _signed(snapshot, facts, SNAPSHOT, keys)
        previous = snapshot
    if previous is None or not (bodies or _timestamp_is_due(facts)):
        return None
    timestamp = next_timestamp(
        read_body(facts.timestamp.body, Timestamp) if facts.timestamp else None,
        bodies.get(SNAPSHOT) or (facts.snapshot.body if facts.snapshot else b""),
        snapshot_version=previous.version,
        tree=facts.name,
        audit=facts.audit,
        now_ms=facts.now_ms,
    )
    bodies[TIMESTAMP] = _signed(timestamp, facts, TIMESTAMP, keys)
    return Made(bodies, controls, timestamp.version, facts.root.version, facts.tree.changed)


def _control_is_due(facts: TreeFacts, controls: Mapping[str, bytes]) -> bool:
    if facts.control is None or _is_due(facts.control, CONTROL_LIFE - CONTROL_EVERY, facts, CONTROL_ROLE):
        return True
    listed = read_body(facts.control.body, Targets).targets
    wanted = {control_path(app): digest(data).partition(":")[2] for app, data in controls.items()}
    return {path: target.hashes["sha256"] for path, target in listed.items()} != wanted


def _snapshot_is_due(facts: TreeFacts, previous: Snapshot | None, versions: Mapping[str, int]) -> bool:
    if previous is None or facts.snapshot is None:
        return True
    listed = {name.removesuffix(".json"): meta.version for name, meta in previous.meta.items()}
    return listed != versions or _is_due(facts.snapshot, SNAPSHOT_LIFE - SNAPSHOT_EVERY, facts, SNAPSHOT)


def _timestamp_is_due(facts: TreeFacts) -> bool:
    return (
        facts.timestamp is None
        or facts.tree.made_root != facts.root.version
        or facts.tree.made_changed != facts.tree.changed
        or _is_due(facts.timestamp, TIMESTAMP_LIFE - TIMESTAMP_EVERY, facts, TIMESTAMP)
    )


def _is_due(stored: RoleMetadata, least_left: timedelta, facts: TreeFacts, role: str) -> bool:
    """Whether a body has too little life left, or lacks the signature of a key that signs the role now."""
    is_old = stored.expires_ms - facts.now_ms <= least_left // timedelta(milliseconds=1)
    return is_old or facts.signing_keys(role)[0] not in signers(stored.body)


def _signed(body: Targets | Snapshot | Timestamp, facts: TreeFacts, role: str, keys: Mapping[str, PrivateKey]) -> bytes:
    return sign_body(body, *(keys[name] for name in facts.signing_keys(role) if name in keys))

"""The bodies of a trust tree, made from facts alone: root, targets with its delegations, control, snapshot,
timestamp (docs/protocols/trust.md). No key, clock, file or database is touched here; times come in as
milliseconds and bodies go out unsigned. `body_checks.py` refuses what others propose.
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from sampan.offline_packages.roles import (
    APP_SIGNATURES,
    AUDIT_FIELD,
    CONTROL_LIFE,
    CONTROL_ROLE,
    ENVELOPE_FIELD,
    OFFICERS_NEEDED,
    ROOT_LIFE,
    SNAPSHOT_LIFE,
    TARGETS_LIFE,
    TIMESTAMP_LIFE,
    TREE_FIELD,
    app_paths,
    app_role,
    control_path,
    expiry,
    fields,
)
from sampan.platform.crypto.keys import PublicKey, same_key
from sampan.platform.crypto.tuf_keys import from_tuf_key, to_tuf_key
from sampan.platform.errors import Conflict, Invalid, NotFound

OFFICERS = 3
Body = TypeVar("Body", Root, Targets, Snapshot, Timestamp)


class KeyHasAnotherPurpose(Conflict):
    """A public key that this tree already uses for something else."""

    code = "key_has_another_purpose"
    title = "The key is in use for another purpose"


class OfficersWrong(Invalid):
    """Not exactly three officers with three different keys."""

    code = "officers_wrong"
    title = "A tree has three officers"


class AppAlreadyDelegated(Conflict):
    """A second delegation of one app; ids are never reused."""

    code = "app_already_delegated"
    title = "The app has its role already"


class AppNotDelegated(NotFound):
    """The officers have not given this app its role yet."""

    code = "app_not_delegated"
    title = "The app has no role in this tree"


def make_root(
    tree: str, officers: Sequence[PublicKey], *, snapshot: PublicKey, timestamp: PublicKey, now_ms: int
) -> Root:
    """Return version 1 of a tree's root: any two of three officers sign root and targets."""
    root = Root(
        version=1,
        expires=expiry(now_ms, ROOT_LIFE),
        consistent_snapshot=True,
        unrecognized_fields=dict(fields("root", tree)),
    )
    return _with_root_keys(root, officers, snapshot, timestamp)


def next_root(
    current: Root,
    *,
    now_ms: int,
    officers: Sequence[PublicKey] | None = None,
    snapshot: PublicKey | None = None,
    timestamp: PublicKey | None = None,
) -> Root:
    """Return the following root, with the keys given here in place of the present ones.

    It must carry two signatures of the present officers and two of the new ones.
    """
    following = _successor(current)
    following.expires = expiry(now_ms, ROOT_LIFE)
    return _with_root_keys(
        following,
        officers if officers is not None else role_keys(current, "root"),
        snapshot or role_keys(current, "snapshot")[0],
        timestamp or role_keys(current, "timestamp")[0],
    )


def role_keys(delegator: Root | Targets, role: str) -> list[PublicKey]:
    """Return the keys that a delegator lists for a role, in its order (an app's: publisher, then review)."""
    return [from_tuf_key(delegator.get_key(keyid)) for keyid in delegator.get_delegated_role(role).keyids]


def first_targets(tree: str, *, control: PublicKey, now_ms: int, envelope_keys: Sequence[PublicKey] = ()) -> Targets:
    """Return version 1 of targets: the control delegation and the server's envelope keys, no app yet."""
    role = DelegatedRole(CONTROL_ROLE, [], 1, terminating=True, paths=["control/*"])
    targets = Targets(
        version=1,
        expires=expiry(now_ms, TARGETS_LIFE),
        delegations=Delegations({}, {CONTROL_ROLE: role}),
        unrecognized_fields=dict(fields("targets", tree)),
    )
    _put_keys(targets, CONTROL_ROLE, [control])
    targets.unrecognized_fields[ENVELOPE_FIELD] = [key.pem() for key in envelope_keys]
    return targets


def renewed_targets(current: Targets, *, now_ms: int) -> Targets:
    """Return the same delegations for one more year."""
    following = _successor(current)
    following.expires = expiry(now_ms, TARGETS_LIFE)
    return following


class TargetsChange:
    """The following targets while apps and keys are put into them: one copy, and no search through all apps each time.

    Raises what `with_app`, `with_app_keys` and `with_control_key` raise; after a refusal it is of no more use.
    """

    def __init__(self, current: Targets, *, now_ms: int) -> None:
        self._targets = renewed_targets(current, now_ms=now_ms)
        self._raw = {keyid: from_tuf_key(key).raw for keyid, key in _delegations(current).keys.items()}
        self._publishers: Counter[bytes] = Counter()
        self._reviews: Counter[bytes] = Counter()
        for app_id in delegated_apps(current):
            self._count(app_role(app_id), 1)

    def add_app(self, app_id: str, *, publisher: PublicKey, review: PublicKey) -> None:
        """Add an app with its two keys."""
        name = app_role(app_id)
        if name in _roles(self._targets):
            raise AppAlreadyDelegated(f"{app_id} has its role already; ids are never reused.", app=app_id)
        role = DelegatedRole(name, [], APP_SIGNATURES, terminating=True, paths=app_paths(app_id))
        _roles(self._targets)[name] = role
        self._give(name, publisher, review)

    def set_app_keys(self, app_id: str, *, publisher: PublicKey | None = None, review: PublicKey | None = None) -> None:
        """Give an app another publisher or review key."""
        present_publisher, present_review = app_keys(self._targets, app_id)
        self._count(app_role(app_id), -1)
        self._give(app_role(app_id), publisher or present_publisher, review or present_review)

    def set_control_key(self, control: PublicKey) -> None:
        """Give the control role another key."""
        self._put(CONTROL_ROLE, [control])

    def targets(self) -> Targets:
        """Return the targets, without keys that nobody has any more."""
        _drop_unused_keys(self._targets)
        return self._targets

    def _give(self, role: str, publisher: PublicKey, review: PublicKey) -> None:
        control = {self._raw[keyid] for keyid in _roles(self._targets)[CONTROL_ROLE].keyids}
        if publisher.raw == review.raw or self._reviews[publisher.raw] > 0:
            raise _has_another_purpose("a review")
        if self._publishers[review.raw] > 0:
            raise _has_another_purpose("a publisher's")
        if publisher.raw in control or review.raw in control:
            raise _has_another_purpose("the control role's")
        self._put(role, [publisher, review])
        self._count(role, 1)

    def _put(self, role: str, keys: Sequence[PublicKey]) -> None:
        _put_keys(self._targets, role, keys)
        self._raw.update(zip(_roles(self._targets)[role].keyids, (key.raw for key in keys), strict=True))

    def _count(self, role: str, change: int) -> None:
        publisher, review = _roles(self._targets)[role].keyids
        self._publishers[self._raw[publisher]] += change
        self._reviews[self._raw[review]] += change


def with_app(current: Targets, app_id: str, *, publisher: PublicKey, review: PublicKey, now_ms: int) -> Targets:
    """Return the following targets with a new app: exactly two keys, both needed, only its own paths."""
    change = TargetsChange(current, now_ms=now_ms)
    change.add_app(app_id, publisher=publisher, review=review)
    return change.targets()


def with_app_keys(
    current: Targets,
    app_id: str,
    *,
    now_ms: int,
    publisher: PublicKey | None = None,
    review: PublicKey | None = None,
) -> Targets:
    """Return the following targets with another publisher or review key for an app: rotation and adoption.

    Publish it only in one snapshot with the app's body signed by the new pair (`check_rotation`).
    """
    change = TargetsChange(current, now_ms=now_ms)
    change.set_app_keys(app_id, publisher=publisher, review=review)
    return change.targets()


def with_control_key(current: Targets, control: PublicKey, *, now_ms: int) -> Targets:
    """Return the following targets with another control key (after a theft, or every year)."""
    change = TargetsChange(current, now_ms=now_ms)
    change.set_control_key(control)
    return change.targets()


def with_envelope_keys(current: Targets, envelope_keys: Sequence[PublicKey], *, now_ms: int) -> Targets:
    """Return the following targets with these server envelope keys, which clients encrypt to."""
    following = renewed_targets(current, now_ms=now_ms)
    following.unrecognized_fields[ENVELOPE_FIELD] = [key.pem() for key in envelope_keys]
    return following


def app_keys(targets: Targets, app_id: str) -> tuple[PublicKey, PublicKey]:
    """Return the publisher's and the review key of an app; raise `AppNotDelegated`."""
    name = app_role(app_id)
    if name not in _roles(targets):
        raise AppNotDelegated(
            f"{app_id} has no role yet: two officers sign the waiting targets (`sampan trust sign`).",
            app=app_id,
        )
    publisher, review = role_keys(targets, name)
    return publisher, review


def delegated_apps(targets: Targets) -> list[str]:
    """Return the ids of all apps that have a role, archived ones too."""
    return [name.removeprefix("app.") for name in _roles(targets) if name.startswith("app.")]


def next_control_body(current: Targets | None, controls: Mapping[str, bytes], *, tree: str, now_ms: int) -> Targets:
    """Return the following control role: one small file per app, by its exact bytes, for one day."""
    following = _successor(current) if current is not None else Targets(version=1)
    paths = {control_path(app_id): data for app_id, data in sorted(controls.items())}
    following.targets = {path: TargetFile.from_data(path, data) for path, data in paths.items()}
    following.unrecognized_fields = dict(fields(CONTROL_ROLE, tree))
    following.expires = expiry(now_ms, CONTROL_LIFE)
    return following


def next_snapshot(current: Snapshot | None, versions: Mapping[str, int], *, tree: str, now_ms: int) -> Snapshot:
    """Return the following snapshot; `versions` maps every role (`targets`, `control`, `app.<id>`).

    Raises ValueError when a role would disappear or go back: every existing client would refuse the tree.
    """
    following = _successor(current) if current is not None else Snapshot(version=1)
    for name, meta in current.meta.items() if current is not None else ():
        if versions.get(name.removesuffix(".json"), 0) < meta.version:
            raise ValueError(f"{name} would disappear from the snapshot or go back")
    following.meta = {f"{role}.json": MetaFile(version) for role, version in sorted(versions.items())}
    following.unrecognized_fields = dict(fields("snapshot", tree))
    following.expires = expiry(now_ms, SNAPSHOT_LIFE)
    return following


def next_timestamp(
    current: Timestamp | None,
    snapshot: bytes,
    *,
    snapshot_version: int,
    tree: str,
    audit: object,
    now_ms: int,
) -> Timestamp:
    """Return the following timestamp: binds the snapshot's exact bytes and the head of the audit chain."""
    following = _successor(current) if current is not None else Timestamp(version=1)
    following.snapshot_meta = MetaFile.from_data(snapshot_version, snapshot, ["sha256"])
    following.unrecognized_fields = {**fields("timestamp", tree), AUDIT_FIELD: audit}
    following.expires = expiry(now_ms, TIMESTAMP_LIFE)
    return following


def tree_of(body: Root | Targets | Snapshot | Timestamp) -> str:
    """Return the tree that a body says it is for, or an empty string."""
    return str(body.unrecognized_fields.get(TREE_FIELD, ""))


def _with_root_keys(root: Root, officers: Sequence[PublicKey], snapshot: PublicKey, timestamp: PublicKey) -> Root:
    if len(officers) != OFFICERS or len({key.raw for key in officers}) != OFFICERS:
        raise OfficersWrong("A tree needs three officers with three different keys; two of them sign.")
    for online in (snapshot, timestamp):
        _check_purpose(online, officers, "an officer's")
    _check_purpose(timestamp, [snapshot], "the snapshot role's")
    root.keys, root.roles = {}, {}
    holders = {"root": officers, "targets": officers, "snapshot": [snapshot], "timestamp": [timestamp]}
    for role, keys in holders.items():
        root.roles[role] = Role([], OFFICERS_NEEDED if len(keys) > 1 else 1)
        for key in keys:
            root.add_key(to_tuf_key(key), role)
    return root


def _check_purpose(key: PublicKey, others: Sequence[PublicKey], whose: str) -> None:
    if any(same_key(key, other) for other in others):
        raise _has_another_purpose(whose)


def _has_another_purpose(whose: str) -> KeyHasAnotherPurpose:
    return KeyHasAnotherPurpose(
        f"This public key is {whose} key already, and a key has one purpose. Make a new one with `sampan keygen`."
    )


def _put_keys(targets: Targets, role: str, keys: Sequence[PublicKey]) -> None:
    tuf_keys = [to_tuf_key(key) for key in keys]
    _roles(targets)[role].keyids = [key.keyid for key in tuf_keys]
    _delegations(targets).keys.update({key.keyid: key for key in tuf_keys})


def _drop_unused_keys(targets: Targets) -> None:
    delegations = _delegations(targets)
    used = {keyid for each in _roles(targets).values() for keyid in each.keyids}
    delegations.keys = {keyid: key for keyid, key in delegations.keys.items() if keyid in used}


def _delegations(targets: Targets) -> Delegations:
    if targets.delegations is None:
        raise ValueError("a targets body without delegations")
    return targets.delegations


def _roles(targets: Targets) -> dict[str, DelegatedRole]:
    roles = _delegations(targets).roles
    if roles is None:
        raise ValueError("a targets body without named roles")
    return roles


def _successor(current: Body) -> Body:
    following = copy.deepcopy(current)
    following.version += 1
    return following

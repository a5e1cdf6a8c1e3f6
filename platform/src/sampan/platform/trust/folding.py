"""From what is asked for to the one next body: pure rules of the ceremonies.

Every open request of a tree is folded into one next root and one next targets body, in the order asked.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from tuf.api.metadata import Root, Targets

from sampan.offline_packages.signed_bytes import check_delegated, signers
from sampan.offline_packages.trust_errors import NotSigned
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.trust.bodies import (
    TargetsChange,
    first_targets,
    make_root,
    next_root,
    role_keys,
)
from sampan.platform.trust.ceremony_rows import Request, RequestKind


class ServerKeys(Struct, frozen=True):
    """The server's present public keys of a tree, for its first bodies."""

    snapshot: PublicKey
    timestamp: PublicKey
    control: PublicKey


def fold_root(
    current: Root | None,
    requests: Sequence[Request],
    keys: Mapping[str, PublicKey],
    server: ServerKeys,
    *,
    tree: str,
    now_ms: int,
) -> Root | None:
    """Return the next root that the requests ask for, or None when they ask for none."""
    asked = {request.kind: request.facts for request in requests if request.kind.changes_root}
    if not asked:
        return None
    if current is None:
        officers = [keys[name] for name in asked[RequestKind.START].officers]
        return make_root(tree, officers, snapshot=server.snapshot, timestamp=server.timestamp, now_ms=now_ms)
    officers_facts = asked.get(RequestKind.OFFICERS)
    snapshot, timestamp = asked.get(RequestKind.SNAPSHOT_KEY), asked.get(RequestKind.TIMESTAMP_KEY)
    return next_root(
        current,
        now_ms=now_ms,
        officers=[keys[name] for name in officers_facts.officers] if officers_facts else None,
        snapshot=keys[snapshot.key] if snapshot else None,
        timestamp=keys[timestamp.key] if timestamp else None,
    )


def fold_targets(
    current: Targets | None,
    requests: Sequence[Request],
    keys: Mapping[str, PublicKey],
    server: ServerKeys,
    *,
    tree: str,
    now_ms: int,
    with_root: bool,
) -> Targets | None:
    """Return the next targets that the requests ask for; `with_root` asks for a renewal in any case.

    However many changes it holds, it is one version above `current`, and costs one copy.
    """
    asked = [request for request in requests if not request.kind.changes_root]
    if not asked and not with_root:
        return None
    start = first_targets(tree, control=server.control, now_ms=now_ms) if current is None else current
    change = TargetsChange(start, now_ms=now_ms)
    for request in asked:
        _carry_out(change, request, keys)
    following = change.targets()
    following.version = 1 if current is None else current.version + 1
    return following


def changes_officers(current: Root | None, following: Root) -> bool:
    """Whether the root names other officers, so that targets must be signed anew together with it."""
    return current is None or officer_ids(current) != officer_ids(following)


def officer_ids(root: Root) -> frozenset[str]:
    """Return the key ids of a root's officers."""
    return frozenset(root.roles["root"].keyids)


def is_signed(body: bytes, role: str, roots: Sequence[Root]) -> bool:
    """Whether the body carries enough good signatures for every one of `roots`."""
    try:
        for root in roots:
            check_delegated(root, role, body)
    except NotSigned:
        return False
    return True


class Progress(Struct, frozen=True):
    """Who may sign a waiting body, who has, and whether that suffices."""

    may_sign: tuple[str, ...]
    have_signed: tuple[str, ...]
    is_complete: bool


def progress(body: bytes, role: str, roots: Sequence[Root]) -> Progress:
    """Return how far the signing of a body is. `roots` are all whose officers must agree."""
    may_sign = dict.fromkeys(name for root in roots for name in root.roles["root"].keyids)
    return Progress(tuple(may_sign), tuple(signers(body)), is_signed(body, role, roots))


def replaced_keys(before: Root | Targets | None, after: Root | Targets, roles: Sequence[str]) -> set[str]:
    """Return the ids of keys that stood in one of `roles` before and stand in none of them now."""
    old = {key_id(key) for role in roles if before is not None for key in role_keys(before, role)}
    return old - {key_id(key) for role in roles for key in role_keys(after, role)}


def _carry_out(change: TargetsChange, request: Request, keys: Mapping[str, PublicKey]) -> None:
    facts = request.facts
    if request.kind is RequestKind.APP:
        change.add_app(facts.app, publisher=keys[facts.publisher], review=keys[facts.countersigner])
    elif request.kind is RequestKind.APP_KEYS:
        change.set_app_keys(facts.app, publisher=keys[facts.publisher], review=keys[facts.countersigner])
    elif request.kind is RequestKind.CONTROL_KEY:
        change.set_control_key(keys[facts.key])

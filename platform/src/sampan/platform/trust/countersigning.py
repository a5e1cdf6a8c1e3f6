"""The second signature of an app's body, given by the server's review key (or intake key, in the trial tree).

Whatever asks for it, the body must be one of four moves from the published one: exactly one version more, exactly one
hotfix more, the same with a later expiry, or the empty body of an archived app. The publisher's signature is checked
first.
"""

from msgspec import Struct
from tuf.api.metadata import Targets

from sampan.offline_packages.roles import SignedHotfix, SignedVersion, app_role, read_app_role, tree_id
from sampan.offline_packages.signed_bytes import body_digest, check_delegated, read_body
from sampan.offline_packages.signed_bytes import countersign as add_signature
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Forbidden, Invalid
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.bodies import app_keys
from sampan.platform.trust.body_checks import check_archive, check_hotfix_body, check_next_body, check_renewal
from sampan.platform.trust.ceremony_rows import RequestKind, open_requests
from sampan.platform.trust.key_rows import inactive_key_ids
from sampan.platform.trust.keyring import Keyring
from sampan.platform.trust.metadata_rows import RoleMetadata, store_body
from sampan.platform.trust.reading import current_app_body, started_targets
from sampan.platform.trust.waking import tree_changed


class RotationWaiting(Conflict):
    """The app's keys are being changed; nothing may move its role until the officers have signed."""

    code = "trust_rotation_waiting"
    title = "The app's keys are being changed"


class ServerKeySuspended(Forbidden):
    """The server's own key for this tree is suspended: nothing is countersigned with it."""

    code = "server_key_suspended"
    title = "The server's signing key is suspended"


class NothingSigned(Invalid):
    """A first body that lists no version."""

    code = "trust_nothing_signed"
    title = "The body lists no version"


class _AppRole(Struct, frozen=True):
    """What the check of a body needs to know of the app's role."""

    tree: str
    targets: Targets
    current: Targets | None
    publisher: PublicKey
    countersigner: PublicKey
    inactive: frozenset[str]


async def check_candidate(core: Core, tx: Transaction, *, profile: str, version: SignedVersion, body: bytes) -> Targets:
    """Return the body when it is the published one plus exactly `version`, signed by the app's publisher.

    `version` is what intake computed from the bytes. Raises what `body_checks.check_next_body` does, `TreeNotStarted`,
    `AppNotDelegated` or `RotationWaiting`.
    """
    role = await _read(tx, profile, version.app)
    return check_next_body(
        role.current,
        body,
        version=version,
        tree=role.tree,
        publisher=role.publisher,
        now_ms=core.now_ms(),
        suspended=role.inactive,
    )


async def check_hotfix(core: Core, tx: Transaction, *, profile: str, hotfix: SignedHotfix, body: bytes) -> Targets:
    """Return the body when it is the published one plus exactly `hotfix`, signed by the app's publisher.

    Raises what `body_checks.check_hotfix_body` does, `NothingSigned` and what `check_candidate` does of the tree.
    """
    role = await _read(tx, profile, hotfix.app)
    return _check_hotfix(role, hotfix, body, core.now_ms())


async def check_body(core: Core, tx: Transaction, *, profile: str, app_id: str, body: bytes) -> Targets:
    """Return the body when it is one of the four moves from the published one; see the module."""
    return _check_move(await _read(tx, profile, app_id), app_id, body, core.now_ms())


async def countersign(
    core: Core, tx: Transaction, *, profile: str, app_id: str, body: bytes, actor: Actor
) -> RoleMetadata:
    """Sign exactly these bytes beside the publisher, store them for ever, and let the publisher job expose them.

    Raises what `check_body` does, and `ServerKeySuspended`.
    """
    role = await _read(tx, profile, app_id)
    _check_move(role, app_id, body, core.now_ms())
    signed = await sign_beside(core, tx.workspace_id, profile, role.countersigner, role.inactive, body)
    check_delegated(role.targets, app_role(app_id), signed)
    stored = await store_body(tx, profile, app_role(app_id), signed, now_ms=core.now_ms())
    await tree_changed(core, tx, profile)
    detail = {"profile": profile, "version": stored.version, "body": body_digest(signed)}
    await audit.record(tx, actor, "trust.countersigned", target=app_id, detail=detail, now_ms=core.now_ms())
    return stored


async def sign_beside(
    core: Core, workspace_id: str, profile: str, key: PublicKey, inactive: frozenset[str], body: bytes
) -> bytes:
    """Return the body with the server's signature added; raise `ServerKeySuspended` or `ServerKeyMissing`."""
    name = key_id(key)
    if name in inactive:
        raise ServerKeySuspended(
            f"The server's key {name[:12]} of tree {profile} is suspended. Rotate it first (`sampan trust rotate`).",
            key=name,
        )
    return add_signature(body, await core.shared(Keyring, Keyring).key(workspace_id, profile, name))


async def _read(tx: Transaction, profile: str, app_id: str) -> _AppRole:
    targets = await started_targets(tx, profile)
    publisher, countersigner = app_keys(targets, app_id)
    for request in await open_requests(tx, profile):
        if request.kind is RequestKind.APP_KEYS and request.facts.app == app_id:
            raise RotationWaiting(
                f"The keys of {app_id} are being changed. Let two officers sign the waiting targets, or take the "
                "request back (`sampan trust cancel`).",
                request=request.id,
            )
    current = await current_app_body(tx, profile, app_id)
    inactive = await inactive_key_ids(tx)
    return _AppRole(tree_id(tx.workspace_id, profile), targets, current, publisher, countersigner, inactive)


def _check_move(role: _AppRole, app_id: str, body: bytes, now_ms: int) -> Targets:
    proposed = read_body(body, Targets)
    wanted = read_app_role(proposed, app_id, role.tree)
    listed = read_app_role(role.current, app_id, role.tree) if role.current is not None else None
    added = [version for number, version in wanted.versions.items() if not listed or number not in listed.versions]
    hotfixes = [hotfix for key, hotfix in wanted.hotfixes.items() if not listed or key not in listed.hotfixes]
    if added:
        return check_next_body(
            role.current,
            body,
            version=added[-1],
            tree=role.tree,
            publisher=role.publisher,
            now_ms=now_ms,
            suspended=role.inactive,
        )
    if hotfixes:
        return _check_hotfix(role, hotfixes[-1], body, now_ms)
    if role.current is None:
        raise _nothing_signed(app_id)
    check = check_archive if role.current.targets and not proposed.targets else check_renewal
    return check(
        role.current,
        body,
        app_id=app_id,
        tree=role.tree,
        publisher=role.publisher,
        now_ms=now_ms,
        suspended=role.inactive,
    )


def _check_hotfix(role: _AppRole, hotfix: SignedHotfix, body: bytes, now_ms: int) -> Targets:
    if role.current is None:
        raise _nothing_signed(hotfix.app)
    return check_hotfix_body(
        role.current,
        body,
        hotfix=hotfix,
        tree=role.tree,
        publisher=role.publisher,
        now_ms=now_ms,
        suspended=role.inactive,
    )


def _nothing_signed(app_id: str) -> NothingSigned:
    return NothingSigned(f"The first body of {app_id} must list a version; sign it with `sampan publish`.")

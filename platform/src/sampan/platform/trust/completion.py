"""What happens when a waiting body has its signatures: it is stored, with all that must appear together with it.

A root that changes the officers and the targets that both the old and the new officers signed are stored
together or not at all; so are targets that change an app's keys and the app's body signed by the new pair.
"""

from collections.abc import Iterable

from tuf.api.metadata import Root, Targets

from sampan.offline_packages.roles import app_role, tree_id
from sampan.offline_packages.signed_bytes import read_body
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.bodies import AppNotDelegated
from sampan.platform.trust.body_checks import check_rotation
from sampan.platform.trust.ceremony_rows import (
    Pending,
    RequestKind,
    State,
    close_requests,
    open_requests,
    save_pending,
    waiting,
)
from sampan.platform.trust.folding import changes_officers, is_signed, replaced_keys
from sampan.platform.trust.key_rows import KeyState, Purpose, key_named, set_key_state
from sampan.platform.trust.metadata_rows import store_body
from sampan.platform.trust.profiles import PROFILES
from sampan.platform.trust.reading import current_app_body, current_root, current_targets
from sampan.platform.trust.waking import tree_changed


async def complete(core: Core, tx: Transaction, profile: str, actor: Actor) -> list[str]:
    """Store the waiting bodies that are signed by enough officers; return the roles that took effect."""
    found = {each.role: each for each in await waiting(tx, profile)}
    before = await current_root(tx, profile)
    root, targets = found.get("root"), found.get("targets")
    following = read_body(root.body, Root) if root is not None else None
    together = following is not None and changes_officers(before, following)
    present = [before] if before is not None else []
    root_ready = root is not None and following is not None and is_signed(root.body, "root", [*present, following])
    deciding = [*present, following] if together and following is not None else present
    targets_ready = targets is not None and bool(deciding) and is_signed(targets.body, "targets", deciding)
    stored = []
    if root is not None and root_ready and (targets_ready or not together):
        await _store_root(core, tx, profile, root, before)
        stored.append("root")
    if targets is not None and targets_ready and (root_ready or not together):
        await _store_targets(core, tx, profile, targets, actor)
        stored.append("targets")
    if stored:
        await tree_changed(core, tx, profile)
        detail = {"profile": profile, "roles": stored}
        await audit.record(tx, actor, "trust.in_force", target=profile, detail=detail, now_ms=core.now_ms())
    return stored


async def _store_root(core: Core, tx: Transaction, profile: str, root: Pending, before: Root | None) -> None:
    now_ms = core.now_ms()
    await store_body(tx, profile, "root", root.body, now_ms=now_ms)
    await save_pending(tx, root, body=root.body, state=State.DONE, now_ms=now_ms)
    done = [request.id for request in await open_requests(tx, profile) if request.kind.changes_root]
    await close_requests(tx, done, State.DONE, now_ms=now_ms)
    following = read_body(root.body, Root)
    for roles in (("root",), ("snapshot", "timestamp")):
        await _retire(tx, replaced_keys(before, following, roles), profile, now_ms)


async def _store_targets(core: Core, tx: Transaction, profile: str, targets: Pending, actor: Actor) -> None:
    now_ms = core.now_ms()
    before, following = await current_targets(tx, profile), read_body(targets.body, Targets)
    requests = [request for request in await open_requests(tx, profile) if not request.kind.changes_root]
    for request in requests:
        if request.kind is RequestKind.APP_KEYS and request.body:
            await _store_rotated(tx, profile, request.facts.app, request.body, following, now_ms)
    await store_body(tx, profile, "targets", targets.body, now_ms=now_ms)
    await save_pending(tx, targets, body=targets.body, state=State.DONE, now_ms=now_ms)
    await close_requests(tx, [request.id for request in requests], State.DONE, now_ms=now_ms)
    await _retire(tx, replaced_keys(before, following, ("control",)), profile, now_ms)
    for request in requests:
        detail = {"profile": profile, "kind": request.kind.value, "publisher_key": request.facts.publisher}
        target = request.facts.app or profile
        await audit.record(tx, actor, "trust.delegated", target=target, detail=detail, now_ms=now_ms)


async def _store_rotated(
    tx: Transaction, profile: str, app_id: str, body: bytes, following: Targets, now_ms: int
) -> None:
    current = await current_app_body(tx, profile, app_id)
    if current is None:
        raise AppNotDelegated(f"{app_id} has no published body to sign anew.", app=app_id)
    check_rotation(following, current, body, app_id=app_id, tree=tree_id(tx.workspace_id, profile), now_ms=now_ms)
    await store_body(tx, profile, app_role(app_id), body, now_ms=now_ms)


async def _retire(tx: Transaction, names: Iterable[str], profile: str, now_ms: int) -> None:
    """Retire replaced keys. An officer's key stays while another tree's root still names it."""
    for name in sorted(names):
        record = await key_named(tx, name)
        if record.state is not KeyState.ACTIVE:
            continue
        if record.purpose is Purpose.OFFICER and await _is_officer_elsewhere(tx, name, profile):
            continue
        await set_key_state(tx, name, KeyState.RETIRED, reason="replaced", now_ms=now_ms)


async def _is_officer_elsewhere(tx: Transaction, name: str, profile: str) -> bool:
    for other in PROFILES:
        root = await current_root(tx, other) if other != profile else None
        if root is not None and name in root.roles["root"].keyids:
            return True
    return False

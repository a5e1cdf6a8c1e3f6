"""What may be asked of the officers: a first root, other officers, other keys, an app's role, a renewal.

Each use case writes a request and folds it into the body that waits (`ceremonies.rebuild`). Nothing takes effect
before two officers have signed.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sampan.offline_packages.roles import checked_app_id, tree_id
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Invalid
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.bodies import OFFICERS, app_keys, with_app_keys
from sampan.platform.trust.body_checks import PublisherKeySuspended, check_rotation
from sampan.platform.trust.ceremonies import Rebuilt, rebuild
from sampan.platform.trust.ceremony_rows import (
    Facts,
    Request,
    RequestKind,
    State,
    add_request,
    close_requests,
    open_requests,
    request_named,
)
from sampan.platform.trust.countersigning import sign_beside
from sampan.platform.trust.key_register import register_server_key
from sampan.platform.trust.key_rows import (
    KeyRecord,
    KeyState,
    Purpose,
    inactive_key_ids,
    key_named,
    list_keys,
)
from sampan.platform.trust.keyring import Keyring
from sampan.platform.trust.profiles import ONLINE_PURPOSES, profile_named
from sampan.platform.trust.reading import TreeNotStarted, current_app_body, current_root, current_targets

SERVER_REQUESTS = {
    Purpose.SNAPSHOT: RequestKind.SNAPSHOT_KEY,
    Purpose.TIMESTAMP: RequestKind.TIMESTAMP_KEY,
    Purpose.CONTROL: RequestKind.CONTROL_KEY,
}


class TreeStarted(Conflict):
    """The tree has its root, or one waits for signatures."""

    code = "trust_tree_started"
    title = "The tree was started already"


class KeyForAnotherUse(Invalid):
    """A key that is registered for something else, or for another tree, or is not active."""

    code = "trust_key_for_another_use"
    field = "officers"
    title = "The key cannot be used for this"


class RequestClosed(Conflict):
    """The request is carried out or taken back already."""

    code = "trust_request_closed"
    title = "The request is closed"


class SignedBodyNeeded(Invalid):
    """A change of an app's keys without the app's body signed by the new key, or with one where none is due."""

    code = "trust_signed_body_needed"
    field = "body"
    title = "The app's body signed by the new key is needed"


class Asked(Struct, frozen=True):
    """A request and the bodies that wait because of it; voided signatures must be given again."""

    request: Request
    rebuilt: tuple[Rebuilt, ...]


async def start_tree(core: Core, tx: Transaction, profile: str, officers: Sequence[str], actor: Actor) -> Asked:
    """Ask three officers for a tree's first root and targets. Raises `TreeStarted` or `KeyForAnotherUse`."""
    profile_named(profile)
    waiting_start = any(each.kind is RequestKind.START for each in await open_requests(tx, profile))
    if waiting_start or await current_root(tx, profile) is not None:
        raise TreeStarted(f"The tree {profile} was started already; change its officers with `sampan trust officers`.")
    return await _ask(core, tx, profile, RequestKind.START, await check_officers(tx, officers), actor)


async def change_officers(core: Core, tx: Transaction, profile: str, officers: Sequence[str], actor: Actor) -> Asked:
    """Ask for other officers: two of the present and two of the new ones must sign root and targets."""
    await _require_started(tx, profile)
    await _take_back(core, tx, profile, RequestKind.OFFICERS)
    return await _ask(core, tx, profile, RequestKind.OFFICERS, await check_officers(tx, officers), actor)


async def renew(core: Core, tx: Transaction, profile: str, role: str, actor: Actor) -> Asked:
    """Ask for another year of `root` or `targets`."""
    await _require_started(tx, profile)
    kinds = {"root": RequestKind.RENEW_ROOT, "targets": RequestKind.RENEW_TARGETS}
    if role not in kinds:
        raise KeyForAnotherUse("The officers renew root and targets; an app's role is renewed by `publish --renew`.")
    await _take_back(core, tx, profile, kinds[role])
    return await _ask(core, tx, profile, kinds[role], Facts(), actor)


async def rotate_server_key(
    core: Core, workspace_id: str, actor: Actor, *, profile: str, purpose: Purpose
) -> Asked | None:
    """Make a new server key. Snapshot, timestamp and control keys wait for the officers at once.

    A new review or intake key signs for an app once its keys are changed (`change_app_keys`); then None is
    returned, because nothing waits yet.
    """
    actor.require("trust:manage")
    if purpose not in profile_named(profile).server_purposes:
        raise KeyForAnotherUse(f"The server holds no {purpose} key for tree {profile}.")
    async with core.store.workspace(workspace_id).read() as read:
        await _require_started(read, profile)
    made = await core.shared(Keyring, Keyring).create(workspace_id, profile, purpose)
    async with core.store.workspace(workspace_id).write() as tx:
        record = await register_server_key(core, tx, made.public, profile, purpose, actor)
        if purpose not in ONLINE_PURPOSES:
            return None
        await _take_back(core, tx, profile, SERVER_REQUESTS[purpose])
        return await _ask(core, tx, profile, SERVER_REQUESTS[purpose], Facts(key=record.key_id), actor)


async def request_delegation(
    core: Core, tx: Transaction, app_id: str, publisher_keys: Mapping[str, str], actor: Actor
) -> list[Asked]:
    """Ask for an app's role in each tree: `publisher_keys` maps profiles to the publisher's key ids.

    Raises `TreeNotStarted`, `AppAlreadyDelegated`, `KeyForAnotherUse` or `KeyUnknown`.
    """
    checked_app_id(app_id)
    asked = []
    for profile, name in publisher_keys.items():
        publisher = await _publisher_key(tx, profile, name)
        countersigner = await newest_countersigner(tx, profile)
        facts = Facts(app=app_id, publisher=publisher.key_id, countersigner=countersigner.key_id)
        asked.append(await _ask(core, tx, profile, RequestKind.APP, facts, actor))
    return asked


async def change_app_keys(
    core: Core, tx: Transaction, app_id: str, profile: str, publisher_key: str, body: bytes, actor: Actor
) -> Asked:
    """Ask for another publisher (or adoption) key for an app, and the server's newest countersigner key.

    `body` is the app's published body one version on, signed by that key (empty when nothing is published yet).
    It is countersigned here and appears in one snapshot with the new targets, or not at all.
    """
    await _require_started(tx, profile)
    targets = await current_targets(tx, profile)
    if targets is None:
        raise TreeNotStarted(f"The tree {profile} has no targets yet.")
    app_keys(targets, app_id)
    publisher, second = await _publisher_key(tx, profile, publisher_key), await newest_countersigner(tx, profile)
    for request in await open_requests(tx, profile):
        if request.kind is RequestKind.APP_KEYS and request.facts.app == app_id:
            await close_requests(tx, [request.id], State.REPLACED, now_ms=core.now_ms())
    current = await current_app_body(tx, profile, app_id)
    if (current is not None) != bool(body):
        raise SignedBodyNeeded(
            "Sign the app's published body with the new key and send it along."
            if current is not None
            else "The app has no published body yet, so there is none to sign anew.",
        )
    if current is not None:
        inactive = await inactive_key_ids(tx)
        body = await sign_beside(core, tx.workspace_id, profile, second.key, inactive, body)
        following = with_app_keys(targets, app_id, publisher=publisher.key, review=second.key, now_ms=core.now_ms())
        tree = tree_id(tx.workspace_id, profile)
        check_rotation(following, current, body, app_id=app_id, tree=tree, now_ms=core.now_ms())
    facts = Facts(app=app_id, publisher=publisher.key_id, countersigner=second.key_id)
    return await _ask(core, tx, profile, RequestKind.APP_KEYS, facts, actor, body=body)


async def cancel(core: Core, tx: Transaction, request_id: str, actor: Actor) -> list[Rebuilt]:
    """Take a request back; the body that waits is made anew without it. Raises `RequestClosed`."""
    request = await request_named(tx, request_id)
    if request.state is not State.OPEN:
        raise RequestClosed(f"The request is {request.state.value} already.", state=request.state.value)
    await close_requests(tx, [request_id], State.CANCELLED, now_ms=core.now_ms())
    detail = {"profile": request.profile, "kind": request.kind.value}
    await audit.record(tx, actor, "trust.request_cancelled", target=request_id, detail=detail, now_ms=core.now_ms())
    return await rebuild(core, tx, request.profile, actor)


async def newest_countersigner(tx: Transaction, profile: str) -> KeyRecord:
    """Return the server's newest active key that signs app bodies of a tree."""
    purpose = Purpose(profile_named(profile).countersigner)
    found = await list_keys(tx, purpose=purpose, profile=profile, state=KeyState.ACTIVE)
    if not found:
        raise KeyForAnotherUse(f"The tree {profile} has no active {purpose} key; make one with `sampan trust rotate`.")
    return found[-1]


async def _ask(
    core: Core, tx: Transaction, profile: str, kind: RequestKind, facts: Facts, actor: Actor, *, body: bytes = b""
) -> Asked:
    if kind is RequestKind.APP and not await _is_starting_or_started(tx, profile):
        raise _not_started(profile)
    request = await add_request(tx, profile, kind, facts, asked_by=actor.label, now_ms=core.now_ms(), body=body)
    detail = {"profile": profile, "kind": kind.value, "app": facts.app, "publisher_key": facts.publisher}
    await audit.record(tx, actor, "trust.asked", target=request.id, detail=detail, now_ms=core.now_ms())
    return Asked(request, tuple(await rebuild(core, tx, profile, actor)))


async def _take_back(core: Core, tx: Transaction, profile: str, kind: RequestKind) -> None:
    """Close earlier open requests of a kind of which only the last counts."""
    earlier = [each.id for each in await open_requests(tx, profile) if each.kind is kind]
    await close_requests(tx, earlier, State.REPLACED, now_ms=core.now_ms())


async def check_officers(tx: Transaction, names: Sequence[str]) -> Facts:
    """Return the request for these officers; raise `KeyForAnotherUse` unless they are three active officers' keys."""
    for name in names:
        record = await key_named(tx, name)
        if record.purpose is not Purpose.OFFICER or record.state is not KeyState.ACTIVE:
            raise KeyForAnotherUse(f"The key {name[:12]} is not an active officer's key.", key=name)
    if len(set(names)) != OFFICERS:
        raise KeyForAnotherUse(f"A tree has {OFFICERS} officers with {OFFICERS} different keys.")
    return Facts(officers=tuple(names))


async def _publisher_key(tx: Transaction, profile: str, name: str) -> KeyRecord:
    profile_named(profile)
    record = await key_named(tx, name)
    if record.state is KeyState.SUSPENDED:
        raise PublisherKeySuspended(f"The key {name[:12]} is suspended; register a new one.", key=name)
    is_right = record.purpose in {Purpose.PUBLISHER, Purpose.ADOPTION} and record.profile == profile
    if not is_right or record.state is not KeyState.ACTIVE:
        raise KeyForAnotherUse(f"The key {name[:12]} is not an active publisher's key for tree {profile}.", key=name)
    return record


async def _require_started(tx: Transaction, profile: str) -> None:
    profile_named(profile)
    if await current_root(tx, profile) is None:
        raise _not_started(profile)


async def _is_starting_or_started(tx: Transaction, profile: str) -> bool:
    if await current_root(tx, profile) is not None:
        return True
    return any(each.kind is RequestKind.START for each in await open_requests(tx, profile))


def _not_started(profile: str) -> TreeNotStarted:
    return TreeNotStarted(
        f"The tree {profile} has no root yet: register three officers' keys and start it (`sampan trust start`).",
        profile=profile,
    )

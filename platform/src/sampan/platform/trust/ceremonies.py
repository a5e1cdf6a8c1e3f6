"""The officers' ceremony: bodies wait, two of three officers sign them on their own machines, then they count.

One waiting root and one waiting targets body per tree carry everything that was asked for. A further request
makes a new body and voids the signatures collected so far, and says so.
"""

from collections.abc import Sequence

from msgspec import Struct
from securesystemslib.signer import Signature
from tuf.api.metadata import Root, Targets

from sampan.offline_packages.roles import tree_id
from sampan.offline_packages.signed_bytes import (
    attach,
    body_digest,
    check_signed_by,
    read_body,
    read_metadata,
    sign_body,
    signers,
)
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Forbidden
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.trust.ceremony_rows import (
    Pending,
    Request,
    State,
    add_pending,
    open_requests,
    pending_named,
    save_pending,
    waiting,
)
from sampan.platform.trust.completion import complete
from sampan.platform.trust.folding import (
    Progress,
    ServerKeys,
    changes_officers,
    fold_root,
    fold_targets,
    progress,
)
from sampan.platform.trust.key_rows import KeyState, Purpose, key_named, list_keys
from sampan.platform.trust.reading import current_root, current_targets


class PendingClosed(Conflict):
    """The body does not wait any more."""

    code = "trust_pending_closed"
    title = "The body does not wait for signatures any more"


class NotAnOfficer(Forbidden):
    """The key is not one of those that may sign this body."""

    code = "trust_not_an_officer"
    title = "The key may not sign this"


class Waiting(Struct, frozen=True):
    """A body as the officers see it: the body, who may sign and who has, and what it carries out."""

    pending: Pending
    progress: Progress
    requests: tuple[Request, ...]


class Rebuilt(Struct, frozen=True):
    """A body that waits anew; `voided` signatures of the body before it must be given again."""

    role: str
    pending_id: str
    voided: int


class Signed(Struct, frozen=True):
    """What a signature led to: `stored` are the roles that took effect now."""

    pending_id: str
    progress: Progress
    stored: tuple[str, ...]


async def waiting_bodies(tx: Transaction, profile: str) -> list[Waiting]:
    """Return what waits for the officers of a tree."""
    requests = await open_requests(tx, profile)
    found = await waiting(tx, profile)
    current = await current_root(tx, profile)
    return [
        Waiting(
            each,
            progress(each.body, each.role, _roots_for(each, found, current)),
            tuple(request for request in requests if request.kind.changes_root == (each.role == "root")),
        )
        for each in found
    ]


async def sign_pending(
    core: Core, workspace_id: str, actor: Actor, *, pending_id: str, key: str, signature: str
) -> Signed:
    """Take an officer's signature (hexadecimal, over the body's signed part) and act when it was the last needed.

    Raises `PendingUnknown`, `PendingClosed`, `KeyUnknown`, `NotAnOfficer` or `NotSigned`.
    """
    actor.require("trust:sign")
    async with core.store.workspace(workspace_id).write() as tx:
        pending = await pending_named(tx, pending_id)
        if pending.state is not State.OPEN:
            raise PendingClosed(
                f"This body is {pending.state.value}. Fetch what waits now (`sampan trust pending`) and sign that."
            )
        found = await waiting(tx, pending.profile)
        roots = _roots_for(pending, found, await current_root(tx, pending.profile))
        officer = await _officer(tx, key, roots)
        body = attach(pending.body, Signature(key, signature))
        check_signed_by(body, officer)
        await save_pending(tx, pending, body=body, state=State.OPEN, now_ms=core.now_ms())
        detail = {"profile": pending.profile, "role": pending.role, "key": key, "body": body_digest(body)}
        await audit.record(tx, actor, "trust.signed", target=pending_id, detail=detail, now_ms=core.now_ms())
        stored = await complete(core, tx, pending.profile, actor)
        return Signed(pending_id, progress(body, pending.role, roots), tuple(stored))


async def rebuild(core: Core, tx: Transaction, profile: str, actor: Actor) -> list[Rebuilt]:
    """Fold the open requests into new waiting bodies; a body that would say the same keeps its signatures."""
    requests = await open_requests(tx, profile)
    keys = {record.key_id: record.key for record in await list_keys(tx)}
    server = await server_keys(tx, profile)
    root, targets = await current_root(tx, profile), await current_targets(tx, profile)
    tree, now_ms = tree_id(tx.workspace_id, profile), core.now_ms()
    next_root = fold_root(root, requests, keys, server, tree=tree, now_ms=now_ms)
    next_targets = fold_targets(
        targets,
        requests,
        keys,
        server,
        tree=tree,
        now_ms=now_ms,
        with_root=next_root is not None and changes_officers(root, next_root),
    )
    found = {each.role: each for each in await waiting(tx, profile)}
    rebuilt = [
        await _replace(tx, profile, "root", found.get("root"), next_root, now_ms),
        await _replace(tx, profile, "targets", found.get("targets"), next_targets, now_ms),
    ]
    made = [each for each in rebuilt if each is not None]
    for each in made:
        detail = {"profile": profile, "role": each.role, "voided_signatures": each.voided}
        await audit.record(tx, actor, "trust.waiting", target=each.pending_id, detail=detail, now_ms=now_ms)
    return made


async def server_keys(tx: Transaction, profile: str) -> ServerKeys:
    """Return the newest active public keys that the server holds for the online roles of a tree."""
    newest: dict[Purpose, PublicKey] = {}
    for record in await list_keys(tx, profile=profile, state=KeyState.ACTIVE):
        newest[record.purpose] = record.key
    return ServerKeys(newest[Purpose.SNAPSHOT], newest[Purpose.TIMESTAMP], newest[Purpose.CONTROL])


async def _replace(
    tx: Transaction, profile: str, role: str, old: Pending | None, following: Root | Targets | None, now_ms: int
) -> Rebuilt | None:
    if old is not None and following is not None and _says_the_same(old, following):
        return None
    if old is not None:
        state = State.REPLACED if following is not None else State.CANCELLED
        await save_pending(tx, old, body=old.body, state=state, now_ms=now_ms)
    if following is None:
        return None
    added = await add_pending(tx, profile, role, following.version, sign_body(following), now_ms=now_ms)
    return Rebuilt(role, added.id, len(signers(old.body)) if old is not None else 0)


def _says_the_same(old: Pending, following: Root | Targets) -> bool:
    waiting_body = read_metadata(old.body).signed.to_dict()
    wanted = following.to_dict()
    waiting_body["expires"] = wanted["expires"]
    return bool(waiting_body == wanted)


def _roots_for(pending: Pending, found: Sequence[Pending], current: Root | None) -> list[Root]:
    """Return the roots whose officers must sign: the present one, and a waiting one that changes the officers."""
    roots = [current] if current is not None else []
    for each in found:
        if each.role != "root":
            continue
        following = read_body(each.body, Root)
        if each.id == pending.id or changes_officers(current, following):
            roots.append(following)
    return roots


async def _officer(tx: Transaction, key: str, roots: Sequence[Root]) -> PublicKey:
    record = await key_named(tx, key)
    listed = any(key in root.roles["root"].keyids for root in roots)
    if not listed or record.purpose is not Purpose.OFFICER or record.state is KeyState.SUSPENDED:
        raise NotAnOfficer(
            f"The key {key[:12]} is not an officer's key of this tree, or it is suspended. Sign with the key that "
            "`sampan trust pending` lists.",
            key=key,
        )
    return record.key

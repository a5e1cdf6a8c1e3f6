"""Use cases of the key register: register, suspend, resume. A key has one purpose for ever.

Suspending takes one person and works at once; letting a suspended key sign again is a change request, because it
makes production riskier.
"""

from typing import Any

from sampan.offline_packages.signed_bytes import read_metadata
from sampan.platform.core import Core
from sampan.platform.crypto.keys import PublicKey
from sampan.platform.crypto.tuf_keys import key_id
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import Conflict, Invalid
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.changes import Change, ChangeKind, DiffLine, Words
from sampan.platform.trust.ceremony_rows import State, save_pending, waiting
from sampan.platform.trust.key_rows import (
    KeyRecord,
    KeyState,
    Purpose,
    add_key,
    key_named,
    set_key_state,
)
from sampan.platform.trust.profiles import profile_named

RESUME = "trust.key.resume"
REGISTERED_BY_PEOPLE = frozenset({Purpose.OFFICER, Purpose.PUBLISHER, Purpose.ADOPTION})
ALWAYS_NEEDED = frozenset({Purpose.SNAPSHOT, Purpose.TIMESTAMP, Purpose.CONTROL})


class PurposeRefused(Invalid):
    """A key for a purpose that the server makes its own keys for, or a purpose without its tree."""

    code = "trust_purpose_refused"
    field = "purpose"
    title = "A key cannot be registered for this"


class KeyNotSuspendable(Conflict):
    """A key whose loss of service would freeze the tree."""

    code = "trust_key_not_suspendable"
    title = "This key is rotated, not suspended"


class KeyStateWrong(Conflict):
    """The key is not in the state that this needs."""

    code = "trust_key_state_wrong"
    title = "The key is not in the right state"


async def register_key(
    core: Core,
    workspace_id: str,
    actor: Actor,
    *,
    pem: str,
    purpose: Purpose,
    profile: str = "",
    owner: str,
    label: str = "",
) -> KeyRecord:
    """Register the public key of an officer (for every tree) or of a publisher or the bank's adoption (for one).

    Raises `KeyRegistered`, `KeyUnreadable`, `AlgorithmUnknown`, `PurposeRefused` or `UnknownProfile`.
    """
    actor.require("trust:manage")
    async with core.store.workspace(workspace_id).write() as tx:
        return await register_key_in(
            core, tx, actor, pem=pem, purpose=purpose, profile=profile, owner=owner, label=label
        )


async def register_key_in(
    core: Core, tx: Transaction, actor: Actor, *, pem: str, purpose: Purpose, profile: str, owner: str, label: str
) -> KeyRecord:
    """Register a key in the caller's transaction, who answers for the permission; else as `register_key`."""
    if purpose not in REGISTERED_BY_PEOPLE:
        raise PurposeRefused(f"The server makes its own {purpose} keys; rotate one with `sampan trust rotate`.")
    if (purpose is Purpose.OFFICER) != (profile == ""):
        raise PurposeRefused("An officer's key serves every tree; any other key is for one profile: name it.")
    if profile:
        profile_named(profile)
    key = PublicKey.from_pem(pem)
    key_id(key)  # refuses an algorithm that stock TUF clients cannot read
    record = await add_key(tx, key, purpose, profile=profile, owner=owner, label=label, now_ms=core.now_ms())
    detail = {"purpose": purpose.value, "profile": profile, "owner": owner, "algorithm": key.algorithm}
    await audit.record(tx, actor, "trust.key_registered", target=record.key_id, detail=detail, now_ms=core.now_ms())
    return record


async def register_server_key(
    core: Core, tx: Transaction, key: PublicKey, profile: str, purpose: Purpose, actor: Actor
) -> KeyRecord:
    """Register the public half of a key that the server made for itself."""
    record = await add_key(tx, key, purpose, profile=profile, owner="", label=f"server {purpose}", now_ms=core.now_ms())
    detail = {"profile": profile, "purpose": purpose.value}
    await audit.record(tx, actor, "trust.key_made", target=record.key_id, detail=detail, now_ms=core.now_ms())
    return record


async def suspend_key(core: Core, workspace_id: str, actor: Actor, *, key: str, reason: str) -> KeyRecord:
    """Refuse, from this moment, everything that the key signs; signatures of it that still wait are thrown away.

    What is published stays published: stop it with control (kill). Raises `KeyUnknown`, `KeyStateWrong`, or
    `KeyNotSuspendable` for the keys without which the tree would freeze.
    """
    actor.require("trust:suspend")
    async with core.store.workspace(workspace_id).write() as tx:
        record = await key_named(tx, key)
        if record.purpose in ALWAYS_NEEDED:
            raise KeyNotSuspendable(
                f"Without its {record.purpose} key the tree freezes within a day. Rotate it instead "
                f"(`sampan trust rotate {record.profile} {record.purpose}`) and let two officers sign.",
            )
        if record.state is not KeyState.ACTIVE:
            raise KeyStateWrong(f"The key is {record.state} already.", state=record.state.value)
        await set_key_state(tx, key, KeyState.SUSPENDED, reason=reason, now_ms=core.now_ms())
        dropped = await _drop_signatures(core, tx, key)
        detail = {"purpose": record.purpose.value, "reason": reason, "dropped_signatures": dropped}
        await audit.record(tx, actor, "trust.key_suspended", target=key, detail=detail, now_ms=core.now_ms())
        return await key_named(tx, key)


async def _drop_signatures(core: Core, tx: Transaction, key: str) -> int:
    dropped = 0
    for pending in await waiting(tx):
        metadata = read_metadata(pending.body)
        if metadata.signatures.pop(key, None) is not None:
            dropped += 1
            await save_pending(tx, pending, body=metadata.to_bytes(), state=State.OPEN, now_ms=core.now_ms())
    return dropped


async def _check_resume(_core: Core, tx: Transaction, _actor: Actor, target: str, _payload: dict[str, Any]) -> None:
    record = await key_named(tx, target)
    if record.state is not KeyState.SUSPENDED:
        raise KeyStateWrong(f"The key is {record.state}; only a suspended key can be resumed.")


async def _resume(core: Core, tx: Transaction, change: Change, actor: Actor) -> None:
    await set_key_state(tx, change.target, KeyState.ACTIVE, reason="", now_ms=core.now_ms())
    detail = {"change": change.id}
    await audit.record(tx, actor, "trust.key_resumed", target=change.target, detail=detail, now_ms=core.now_ms())


async def _key_revision(tx: Transaction, target: str) -> str:
    record = await key_named(tx, target)
    return f"{record.state}/{record.changed_ms}"


def _describe_resume(payload: dict[str, Any]) -> list[DiffLine]:
    return [
        DiffLine(
            zh="恢复已停用的密钥，其签名将重新被接受",
            en="Let a suspended key sign again; what it signs is accepted from then on",
            before="suspended",
            after="active",
            words={"suspended": Words("已停用", "suspended"), "active": Words("有效", "active")},
        ),
        DiffLine(zh="理由", en="Reason", after=str(payload.get("reason", ""))),
    ]


RESUME_KEY = ChangeKind(
    name=RESUME,
    zh="恢复密钥",
    en="Resume a key",
    propose="trust:manage",
    approve="trust:manage",
    base=_key_revision,
    apply=_resume,
    describe=_describe_resume,
    check=_check_resume,
    by_hand=True,
)

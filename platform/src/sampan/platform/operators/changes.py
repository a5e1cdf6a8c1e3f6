"""Change requests: what would make production riskier waits for a second person who saw exactly the same bytes.

A kind says who may propose and approve, how to tell that the target moved, and what applying does. Approving
executes the payload in the approving transaction, so there is no moment between "approved" and "done".
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sampan.platform.crypto.canonical import NotCanonical, canonical_json
from sampan.platform.crypto.digest import digest as digest_of
from sampan.platform.engines.database import Transaction
from sampan.platform.ids import new_id
from sampan.platform.operators import change_rows as rows
from sampan.platform.operators.actor import Actor, ActorKind
from sampan.platform.operators.audit import record
from sampan.platform.operators.change_errors import (
    AlreadyApproved,
    BadChange,
    BondedPair,
    ChangeClosed,
    ChangeEdited,
    ChangeExpired,
    ChangeNotFound,
    ChangeStale,
    MachinesNeverApprove,
    NotTheMaker,
    PersonInactive,
    SamePerson,
    UnknownChangeKind,
)
from sampan.platform.operators.change_rows import Approval, Change, ChangeState, DiffLine, Words
from sampan.platform.operators.operator_rows import active_persons, bonded_until_ms

if TYPE_CHECKING:
    from sampan.platform.core import Core

__all__ = [
    "Change",
    "ChangeKind",
    "ChangeState",
    "DiffLine",
    "Words",
    "approve",
    "edit",
    "propose",
    "reject",
    "withdraw",
]

EXPIRES_MS = 7 * 24 * 3600 * 1000
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_NOTE_CHARACTERS = 2000
SYSTEM_PERSON = "system"
Payload = dict[str, Any]


def _never(_payload: Payload) -> bool:
    return False


def _itself(target: str, _payload: Payload) -> str:
    return target


def _everywhere(_target: str, _payload: Payload) -> Mapping[str, str]:
    return {}


async def _unchecked(_core: "Core", _tx: Transaction, _actor: Actor, _target: str, _payload: Payload) -> None:
    return None


async def _nothing(_core: "Core", _tx: Transaction, _change: Change, _actor: Actor) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """One kind of change, contributed by the floor or component that carries it out.

    `base` returns the present revision of the target; when it moved since the proposal the change is stale.
    `apply` runs in the approving transaction, after the change is marked applied, with the last approver.
    `describe` gives the readable diff, `check` refuses a payload that could never be applied (at proposal and
    edit), `scope` names client app, publisher or app for limited grants, `named` is what people call the target,
    where its id tells them nothing. A payload that only `lowers_risk` is
    applied at once. `on_close` runs in the transaction that rejects or withdraws. `by_hand` lets `POST /changes`
    propose it without a use case of its own, and its maker edit the payload; any other payload was worked out by
    a use case from what `apply` will do, so an edit only takes the target's present revision. `zh` and `en` are its
    name in a sentence; without them it is `name`.
    """

    name: str
    propose: str
    approve: str
    base: Callable[[Transaction, str], Awaitable[str]]
    apply: "Callable[[Core, Transaction, Change, Actor], Awaitable[None]]"
    describe: Callable[[Payload], list[DiffLine]]
    approvers: int = 1
    lowers_risk: Callable[[Payload], bool] = _never
    check: "Callable[[Core, Transaction, Actor, str, Payload], Awaitable[None]]" = _unchecked
    scope: Callable[[str, Payload], Mapping[str, str]] = _everywhere
    on_close: "Callable[[Core, Transaction, Change, Actor], Awaitable[None]]" = _nothing
    named: Callable[[str, Payload], str] = _itself
    by_hand: bool = False
    zh: str = ""
    en: str = ""
    expires_ms: int = EXPIRES_MS


def kind_named(core: "Core", name: str) -> ChangeKind:
    """Return the registered kind; raise `UnknownChangeKind`."""
    for kind in core.contributions(ChangeKind):
        if kind.name == name:
            return kind
    raise UnknownChangeKind(f"There is no kind of change named {name!r}. Ask GET /changes/kinds for the kinds.")


async def propose(
    core: "Core", workspace_id: str, actor: Actor, *, kind: str, target: str, payload: Payload, note: str = ""
) -> Change:
    """Store a change request, or apply it at once when it only lowers a risk."""
    async with core.store.workspace(workspace_id).write() as tx:
        return await propose_in(core, tx, actor, kind=kind, target=target, payload=payload, note=note)


async def propose_in(
    core: "Core", tx: Transaction, actor: Actor, *, kind: str, target: str, payload: Payload, note: str = ""
) -> Change:
    """Like `propose`, inside the caller's transaction."""
    found = kind_named(core, kind)
    _canonical(payload)
    actor.require(found.propose, **found.scope(target, payload))
    await found.check(core, tx, actor, target, payload)
    now_ms = core.now_ms()
    change = Change(
        id=new_id("chg"),
        kind=kind,
        target=target,
        base=await found.base(tx, target),
        payload=payload,
        digest="",
        diff=tuple(found.describe(payload)),
        note=_short(note),
        edition=1,
        maker_person_id=actor.person_id,
        maker_operator_id=actor.operator_id,
        maker_via=actor.via,
        approvers_needed=found.approvers,
        state=ChangeState.PROPOSED,
        reason="",
        created_ms=now_ms,
        expires_ms=now_ms + found.expires_ms,
        decided_ms=None,
    )
    change = _sealed(tx.workspace_id, change)
    await rows.add_change(tx, change)
    await record(tx, actor, "change.propose", target=change.id, detail=_facts(change), now_ms=now_ms)
    if found.lowers_risk(payload):
        return await _apply(core, tx, found, change, actor, now_ms)
    return change


async def approve(core: "Core", workspace_id: str, actor: Actor, change_id: str, *, digest: str) -> Change:
    """Approve the edition with this digest; the last approval needed applies it in the same transaction.

    Raises the errors of `change_errors`; after any of them nothing was applied. A change whose target moved
    is marked stale and says so.
    """
    if actor.kind != ActorKind.OPERATOR:
        raise MachinesNeverApprove("Only a person who is signed in approves. Sign in and approve there.")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        change = await _open_change(tx, change_id, now_ms)
        kind = kind_named(core, change.kind)
        actor.require(kind.approve, **kind.scope(change.target, change.payload))
        approvals = await _check_approver(tx, change, actor, digest, now_ms)
        moved = await kind.base(tx, change.target) != change.base
        if moved:
            await _close(tx, change, ChangeState.STALE, actor, "change.stale", now_ms)
        else:
            approval = Approval(change.id, change.edition, actor.person_id, actor.operator_id, change.digest, now_ms)
            await rows.add_approval(tx, change, approval)
            await record(tx, actor, "change.approve", target=change.id, detail=_facts(change), now_ms=now_ms)
            if approvals + 1 >= change.approvers_needed:
                change = await _apply(core, tx, kind, change, actor, now_ms)
    if moved:
        raise ChangeStale(
            "What this would change has moved since it was proposed, so nothing was applied. "
            "Ask the maker to look again and edit the change request, which takes the present state."
        )
    return change


async def reject(core: "Core", workspace_id: str, actor: Actor, change_id: str, *, reason: str = "") -> Change:
    """Refuse the change for good; takes the right to approve it."""
    if actor.kind != ActorKind.OPERATOR:
        raise MachinesNeverApprove("Only a person who is signed in decides. Sign in and reject there.")
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        change = await _open_change(tx, change_id, now_ms, stale_too=True, expired_too=True)
        kind = kind_named(core, change.kind)
        actor.require(kind.approve, **kind.scope(change.target, change.payload))
        change = await _close(tx, change, ChangeState.REJECTED, actor, "change.reject", now_ms, reason=reason)
        await kind.on_close(core, tx, change, actor)
        return change


async def withdraw(core: "Core", workspace_id: str, actor: Actor, change_id: str) -> Change:
    """Take the maker's own change request back."""
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        change = await _open_change(tx, change_id, now_ms, stale_too=True, expired_too=True)
        _require_maker(change, actor)
        change = await _close(tx, change, ChangeState.WITHDRAWN, actor, "change.withdraw", now_ms)
        await kind_named(core, change.kind).on_close(core, tx, change, actor)
        return change


async def edit(
    core: "Core",
    workspace_id: str,
    actor: Actor,
    change_id: str,
    *,
    digest: str,
    payload: Payload,
    note: str | None = None,
) -> Change:
    """Replace the payload of the maker's own change and take the target's present revision; voids all approvals.

    `digest` is the edition that the maker saw. A stale change becomes proposed again; the time to expiry
    starts anew.
    """
    now_ms = core.now_ms()
    async with core.store.workspace(workspace_id).write() as tx:
        old = await _open_change(tx, change_id, now_ms, stale_too=True, expired_too=True)
        _require_maker(old, actor)
        _require_digest(old, digest)
        kind = kind_named(core, old.kind)
        if _canonical(payload) != _canonical(old.payload) and not kind.by_hand:
            # What the checker reads would no longer be what `apply` does.
            raise BadChange("The payload of this kind is not written by hand. Withdraw the change and propose it anew.")
        actor.require(kind.propose, **kind.scope(old.target, payload))
        await kind.check(core, tx, actor, old.target, payload)
        change = replace(
            old,
            base=await kind.base(tx, old.target),
            payload=payload,
            diff=tuple(kind.describe(payload)),
            note=old.note if note is None else _short(note),
            edition=old.edition + 1,
            approvers_needed=kind.approvers,
            state=ChangeState.PROPOSED,
            expires_ms=now_ms + kind.expires_ms,
            decided_ms=None,
        )
        change = _sealed(workspace_id, change)
        if not await rows.replace_change(tx, change):
            raise ChangeEdited("Somebody was quicker. Read the change request again.")
        await record(tx, actor, "change.edit", target=change.id, detail=_facts(change), now_ms=now_ms)
        if kind.lowers_risk(payload):
            return await _apply(core, tx, kind, change, actor, now_ms)
    return change


async def _apply(core: "Core", tx: Transaction, kind: ChangeKind, change: Change, actor: Actor, now_ms: int) -> Change:
    applied = await _close(tx, change, ChangeState.APPLIED, actor, "change.apply", now_ms)
    await kind.apply(core, tx, applied, actor)
    return applied


async def _open_change(
    tx: Transaction, change_id: str, now_ms: int, *, stale_too: bool = False, expired_too: bool = False
) -> Change:
    change = await rows.change_by_id(tx, change_id, lock=True)
    if change is None:
        raise ChangeNotFound(f"There is no change request {change_id!r} in this workspace.")
    state = change.state_at(now_ms)
    if state is ChangeState.EXPIRED and not expired_too:
        raise ChangeExpired("This change request waited too long. Its maker can edit it, or propose it again.")
    if state is ChangeState.STALE and not stale_too:
        raise ChangeStale("What this would change has moved. Ask the maker to edit the change request.")
    if state in (ChangeState.APPLIED, ChangeState.REJECTED, ChangeState.WITHDRAWN):
        raise ChangeClosed(f"This change request is {state} already; propose a new one.", state=str(state))
    return change


async def _check_approver(tx: Transaction, change: Change, actor: Actor, digest: str, now_ms: int) -> int:
    """Raise unless the actor may approve now; return how many valid approvals there are before this one."""
    _require_digest(change, digest)
    if actor.person_id == change.maker_person_id:
        raise SamePerson("You proposed this change yourself. Another person has to approve it.")
    given = await rows.approvals_of(tx, change)
    if any(approval.approver_person_id == actor.person_id for approval in given):
        raise AlreadyApproved("You approved this already. It waits for another person.")
    others = [change.maker_person_id, *(approval.approver_person_id for approval in given)]
    active = await active_persons(tx, [actor.person_id, *others])
    for person_id, role in ((change.maker_person_id, "maker"), (actor.person_id, "checker")):
        if person_id not in active and person_id != SYSTEM_PERSON:
            raise PersonInactive(f"The {role} of this change has no active account here. Propose it again.")
    until_ms = await bonded_until_ms(tx, actor.person_id, others, now_ms=now_ms)
    if until_ms is not None:
        raise BondedPair(
            "One of you created, elevated or reset the other's account less than seven days ago. "
            "Let another person approve this.",
            until_ms=until_ms,
        )
    return sum(approval.approver_person_id in active for approval in given)


async def _close(
    tx: Transaction, change: Change, state: ChangeState, actor: Actor, action: str, now_ms: int, *, reason: str = ""
) -> Change:
    reason = _short(reason)
    if not await rows.decide(tx, change, state, reason=reason, now_ms=now_ms, only_from=change.state):
        raise ChangeClosed("Somebody was quicker. Read the change request again.")
    await record(tx, actor, action, target=change.id, detail=_facts(change), now_ms=now_ms)
    return replace(change, state=state, reason=reason, decided_ms=now_ms)


def _require_maker(change: Change, actor: Actor) -> None:
    if actor.person_id != change.maker_person_id:
        raise NotTheMaker("Only the person who proposed this may edit or withdraw it; you may reject it.")


def _require_digest(change: Change, digest: str) -> None:
    if digest != change.digest:
        raise ChangeEdited("The change request is not the one you saw. Read it again, then decide.")


def _sealed(workspace_id: str, change: Change) -> Change:
    content = {
        "workspace": workspace_id,
        "kind": change.kind,
        "target": change.target,
        "base": change.base,
        "payload": change.payload,
    }
    return replace(change, digest=digest_of(_canonical(content)))


def _canonical(value: Payload) -> bytes:
    try:
        body = canonical_json(value)
    except NotCanonical as problem:
        raise BadChange(
            "The payload holds a fraction, a number beyond 2**53-1 or a broken character; use whole numbers and text."
        ) from problem
    if len(body) > MAX_PAYLOAD_BYTES:
        raise BadChange(f"The payload is larger than {MAX_PAYLOAD_BYTES} bytes.")
    return body


def _short(text: str) -> str:
    if len(text) > MAX_NOTE_CHARACTERS:
        raise BadChange(f"The note is longer than {MAX_NOTE_CHARACTERS} characters.")
    return text


def _facts(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "target": change.target,
        "digest": change.digest,
        "edition": change.edition,
        "maker": change.maker_person_id,
    }

"""Continuing sessions, many in one transaction: refreshes that arrive while one COMMIT is under way share the next.

Every device refreshes every ten minutes, so this is the busiest write of identity. A batch costs one read, one
write and one COMMIT, whatever its size.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.errors import SampanError
from sampan.platform.identity.dpop import Proof, spend
from sampan.platform.identity.grants import Granted, grant, keyring_of
from sampan.platform.identity.problems import ClientAppClosed, RefreshRefused
from sampan.platform.identity.refresh_tokens import IDLE_MS, REFUSED, RefreshToken, Use, judge, remember
from sampan.platform.identity.repository_devices import get_device
from sampan.platform.identity.repository_sessions import Session, get_sessions, rotate_sessions
from sampan.platform.identity.repository_subjects import get_subject
from sampan.platform.identity.service_session import CLOSED, is_closed, leave
from sampan.platform.identity.subjects import ERASED, LOG, SubjectStates
from sampan.platform.identity.tiers import Tier
from sampan.platform.logs import Log

MOST_PER_COMMIT = 256
log = Log("identity")

Continued = tuple[Session, RefreshToken]


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """One refresh that waits for its batch; its proof is good but not spent."""

    token: RefreshToken
    proof: Proof
    outcome: "asyncio.Future[Continued]"


@dataclass(slots=True)
class _Queue:
    waiting: list[Wish] = field(default_factory=list)
    work: "asyncio.Task[None] | None" = None


class Refresher:
    """Takes the refreshes of one process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queues: dict[str, _Queue] = {}

    async def refresh(self, workspace_id: str, token: RefreshToken, proof: Proof) -> Granted:
        """Exchange a refresh token for its successor and a new access token.

        The same old token within 60 s gets the same successor. Any other use of an old token, or a proof by
        another key, ends the session and voids the device's access tokens: somebody else may have it.
        A closed client app's sessions wait: the token stays good should the app be opened again.
        Raises `RefreshRefused`, `ProofReplayed`, `ClientAppClosed`.
        """
        wish = Wish(token, proof, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault(workspace_id, _Queue())
        queue.waiting.append(wish)
        if queue.work is None or queue.work.done():
            queue.work = asyncio.ensure_future(self._work(workspace_id, queue))
        session, successor = await wish.outcome
        return await _tokens(self._core, workspace_id, session, successor)

    async def _work(self, workspace_id: str, queue: _Queue) -> None:
        while queue.waiting:
            wishes, queue.waiting = queue.waiting[:MOST_PER_COMMIT], queue.waiting[MOST_PER_COMMIT:]
            try:
                async with self._core.store.workspace(workspace_id).write() as tx:
                    outcomes = await _settle(self._core, tx, wishes)
            except Exception as problem:
                # Nothing was committed: all of them are told so, and their devices ask again.
                outcomes = [problem] * len(wishes)
            for wish, outcome in zip(wishes, outcomes, strict=True):
                _tell(wish, outcome)


def _tell(wish: Wish, outcome: Continued | Exception) -> None:
    if wish.outcome.done():
        return  # the device went away
    if isinstance(outcome, Exception):
        wish.outcome.set_exception(outcome)
    else:
        wish.outcome.set_result(outcome)


async def _settle(core: Core, tx: Transaction, wishes: Sequence[Wish]) -> list[Continued | Exception]:
    now_ms = core.now_ms()
    key = keyring_of(core, tx.workspace_id).secrets(core.sealer).refresh
    sessions = await get_sessions(tx, {wish.token.family for wish in wishes})
    spent = await asyncio.gather(
        *(_spend(core, tx.workspace_id, wish, sessions.get(wish.token.family), now_ms) for wish in wishes)
    )
    rotated: dict[bytes, Session] = {}
    outcomes: list[Continued | Exception] = []
    for wish, refusal in zip(wishes, spent, strict=True):
        session = sessions.get(wish.token.family)
        if refusal is not None or session is None:
            outcomes.append(refusal or RefreshRefused(REFUSED))
            continue
        use = _judge(wish, session, now_ms)
        if use is Use.REUSE:
            del sessions[session.family]
            rotated.pop(session.family, None)
            await _end(tx, session, now_ms)
            outcomes.append(RefreshRefused(REFUSED))
            continue
        if is_closed(core, tx.workspace_id, session.client_app):
            outcomes.append(ClientAppClosed(CLOSED))
            continue
        successor = wish.token.successor(key)
        if use is Use.ROTATE:
            used = remember(session.used, wish.token, now_ms=now_ms)
            session = replace(session, present=successor.hash, used=used, rotated_ms=now_ms)
            sessions[session.family] = rotated[session.family] = session
        outcomes.append((session, successor))
    await rotate_sessions(tx, rotated.values())
    return outcomes


async def _spend(core: Core, workspace_id: str, wish: Wish, session: Session | None, now_ms: int) -> SampanError | None:
    """Use a proof up, but only one by the session's own device: strangers must not fill the store."""
    if session is None or now_ms - session.rotated_ms > IDLE_MS:
        return RefreshRefused(REFUSED)
    if wish.proof.thumbprint != session.thumbprint:
        return None
    try:
        await spend(wish.proof, core.nonces, workspace_id, now_ms=now_ms)
    except SampanError as refusal:
        return refusal
    return None


def _judge(wish: Wish, session: Session, now_ms: int) -> Use:
    if wish.proof.thumbprint != session.thumbprint:
        return Use.REUSE  # only the device ever had the token: whoever shows it with another key took it
    return judge(wish.token, present=session.present, used=session.used, now_ms=now_ms)


async def _end(tx: Transaction, session: Session, now_ms: int) -> None:
    log.warning("refresh_token_reused", workspace=tx.workspace_id, device=session.device_id)
    device = await get_device(tx, session.device_id)
    if device is not None:
        await leave(tx, device, cause="token_reused", by=device.id, now_ms=now_ms)


async def _tokens(core: Core, workspace_id: str, session: Session, successor: RefreshToken) -> Granted:
    states: SubjectStates = core.replica.view(workspace_id).followed[LOG]
    tier = states.tier_of(session.subject)
    if tier is not None:
        epoch = states.epochs[session.subject]
    else:  # a subject made so lately that this worker has not heard of it
        async with core.store.workspace(workspace_id).read() as tx:
            row = await get_subject(tx, session.subject)
        if row.tier == ERASED:
            raise RefreshRefused(REFUSED)
        tier, epoch = Tier(row.tier), row.epoch
    return grant(core, workspace_id, session, successor, tier=tier, epoch=epoch, now_ms=core.now_ms())

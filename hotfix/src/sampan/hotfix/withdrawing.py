"""Withdrawing: devices leave a hotfix, and whatever stands on it, for what the signed control file still lists."""

from collections.abc import Mapping

from sampan.hotfix.deriving import Numbers, StackDigests, stack_of
from sampan.hotfix.lookups import Place, find, place_of
from sampan.hotfix.names import KIND, PART, deliverable_id
from sampan.hotfix.repository import Record, change_stack, hotfixes_of, mark_withdrawn
from sampan.hotfix.stacks import write_stacks
from sampan.offline_packages.hotfix import dependents, live_stack
from sampan.platform.artifacts import candidates_repository as candidates
from sampan.platform.artifacts.lookups import find as find_version
from sampan.platform.artifacts.moves import move
from sampan.platform.artifacts.states import StateForbids, VersionState, may_move
from sampan.platform.artifacts.versions_repository import Version
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.outbox import emit
from sampan.platform.operators import audit
from sampan.platform.operators.actor import Actor
from sampan.platform.release.repository import releases_of, repoint
from sampan.platform.release.states import MOVES
from sampan.platform.release.transitions import change_state
from sampan.platform.workspaces.revisions import raise_revision

SUBMIT, STOP = "version:submit", "release:stop"
S = VersionState
GIVEN_UP = frozenset({S.REJECTED, S.WITHDRAWN})


async def withdraw_hotfix(
    core: Core, workspace_id: str, actor: Actor, app_id: str, sequence: int, n: int, *, cause: str
) -> Record:
    """Withdraw a hotfix and what depends on it; one person may, and control changes in the same transaction.

    What waits for review its publisher takes back; what is published takes the right to stop releases. Raises
    `StateForbids` for one that is withdrawn or rejected already.
    """
    async with core.store.workspace(workspace_id).read() as tx:
        place = await place_of(tx, actor, app_id, sequence)
        _check_may(actor, place, await find(tx, app_id, sequence, n))
    await derive_ahead(core, workspace_id, app_id, sequence, n)
    async with core.store.workspace(workspace_id).write() as tx:
        place = await place_of(tx, actor, app_id, sequence)
        record = await find(tx, app_id, sequence, n)
        _check_may(actor, place, record)
        await withdraw_in(core, tx, actor, record, cause=cause)
        if await _is_given(tx, record):
            await write_stacks(core, tx, actor, app_id)
        await raise_revision(tx, PART)
        return await find(tx, app_id, sequence, n)


async def withdraw_in(core: Core, tx: Transaction, actor: Actor, record: Record, *, cause: str) -> None:
    """Withdraw a hotfix and what depends on it; the caller writes control and raises the revision."""
    if record.withdrawn_ms is not None or record.state in GIVEN_UP:
        raise StateForbids(f"Hotfix {record.n} was withdrawn or rejected before.", state=record.state.value)
    records = await hotfixes_of(tx, record.app_id, record.sequence)
    fallen, others = _plan(records, record.n)
    for n in fallen:
        own = cause if n == record.n else f"with hotfix {record.n}: {cause}"
        await _withdraw_one(core, tx, actor, records[n], cause=own)
    version = await find_version(tx, record.app_id, record.sequence)
    for n, numbers in others.items():
        await _rest_on_others(core, tx, actor, version, records[n], records, numbers)


async def derive_ahead(core: Core, workspace_id: str, app_id: str, sequence: int, n: int) -> None:
    """Derive what survives a withdrawal, before the transaction of it: all writes wait for that one."""
    async with core.store.workspace(workspace_id).read() as tx:
        version = await find_version(tx, app_id, sequence)
        records = await hotfixes_of(tx, app_id, sequence)
    digests = core.shared(StackDigests, StackDigests)
    for numbers in sorted(set(_plan(records, n)[1].values())) if n in records else ():
        if digests.known(workspace_id, version, numbers) is None:
            async with core.store.workspace(workspace_id).read() as tx:
                stack = await stack_of(tx, records, numbers)
            await digests.derive(workspace_id, version, stack)


def _plan(records: Mapping[int, Record], n: int) -> tuple[Numbers, dict[int, Numbers]]:
    """Return what falls with hotfix n, itself first, and what others are applied with from then on."""
    hotfixes = {k: each.hotfix for k, each in records.items()}
    alive = {k for k, each in records.items() if each.withdrawn_ms is None}
    fallen = (n, *dependents(n, {k: hotfixes[k] for k in alive}))
    gone = {k for k in records if k not in alive} | set(fallen)
    others = {k for k in alive if k not in fallen and set(records[k].stack) & set(fallen)}
    return fallen, {k: live_stack(k, hotfixes, gone) for k in sorted(others)}


async def _withdraw_one(core: Core, tx: Transaction, actor: Actor, record: Record, *, cause: str) -> None:
    now_ms = core.now_ms()
    await mark_withdrawn(tx, record, by=actor.label, cause=cause, now_ms=now_ms)
    candidate = await candidates.find_candidate(tx, record.candidate_id)
    goal = S.KILLED if record.state is S.PUBLISHED else S.WITHDRAWN
    if candidate is not None and may_move(candidate.state, goal):
        await move(core, tx, candidate, goal, cause="withdrawn", actor=actor, note=cause)
    for release in await releases_of(tx, KIND, deliverable_id(record.app_id, record.sequence)):
        if release.sequence == record.n and release.state in MOVES["stop"][0]:
            await change_state(core, tx, actor, release, "stop", cause=cause)
    detail = {"sequence": record.sequence, "n": record.n, "cause": cause}
    await audit.record(tx, actor, "hotfix.withdraw", target=record.app_id, detail=detail, now_ms=now_ms)
    await emit(tx, "hotfix.withdrawn", {"app": record.app_id, **detail}, now_ms=now_ms)


async def _rest_on_others(
    core: Core,
    tx: Transaction,
    actor: Actor,
    version: Version,
    record: Record,
    records: Mapping[int, Record],
    numbers: Numbers,
) -> None:
    """Write what a hotfix that survives is applied with from now on; its releases give that."""
    digests = core.shared(StackDigests, StackDigests)
    digest = digests.known(tx.workspace_id, version, numbers)
    if digest is None:  # another withdrawal came between
        digest = await digests.derive(tx.workspace_id, version, await stack_of(tx, records, numbers))
    size_bytes = sum(records[n].hotfix.content_bytes for n in numbers)
    await change_stack(tx, record, numbers, digest=digest, size_bytes=size_bytes)
    deliverable = deliverable_id(record.app_id, record.sequence)
    await repoint(tx, KIND, deliverable, record.n, digest=digest, size_bytes=size_bytes, now_ms=core.now_ms())
    detail = {"sequence": record.sequence, "n": record.n, "stack": list(numbers), "package": digest}
    await audit.record(tx, actor, "hotfix.restack", target=record.app_id, detail=detail, now_ms=core.now_ms())


async def _is_given(tx: Transaction, record: Record) -> bool:
    """Whether a control file may list the hotfix: some release of the version's hotfixes was started."""
    releases = await releases_of(tx, KIND, deliverable_id(record.app_id, record.sequence))
    return any(each.started_ms for each in releases)


def _check_may(actor: Actor, place: Place, record: Record) -> None:
    scope = {"publisher": place.app.publisher_id, "app": place.app.app_id}
    is_public = record.state not in (S.IN_REVIEW, S.NEEDS_SIGNATURE)
    if is_public or not actor.may(SUBMIT, **scope):
        actor.require(STOP, app=place.app.app_id)

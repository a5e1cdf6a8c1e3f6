"""Looking at running releases: what the gate saw, what it decided, and carrying it out.

A look is a job of its release, promised again by each look, so that one worker at a time looks at it and a restart
loses nothing. It sees in a read transaction, however many devices told, and holds nobody up; then it decides in a write
transaction, if the release is still what it looked at. What it changes commits together with the end of its job.
"""

from functools import partial
from typing import TYPE_CHECKING

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import GiveUp, JobKind
from sampan.platform.engines.jobs import Job
from sampan.platform.operators.actor import system_actor
from sampan.platform.release.freezes import list_freezes
from sampan.platform.release.gate_bounds import Evidence
from sampan.platform.release.judging import NOTHING, evidence_seen, work_out
from sampan.platform.release.looks_rows import LOOK, Look, add_look, promise_look
from sampan.platform.release.moves import go_to_stage, hold_release, watch
from sampan.platform.release.progress import Situation, Step, bound_of, next_step
from sampan.platform.release.repository import Release, UnknownRelease, get_release
from sampan.platform.release.starting import begin_when_open
from sampan.platform.release.states import ReleaseState

if TYPE_CHECKING:
    from sampan.platform.core import Core

GATES = system_actor("release gates")


def look_job(core: "Core") -> JobKind:
    """Return the job that looks at a running release."""
    return JobKind(LOOK, partial(_run, core))


async def _run(core: "Core", job: Job) -> None:
    door = core.store.workspace(job.workspace_id)
    async with door.read() as tx:
        before = await _release_of(tx, job)
        seen = await evidence_seen(tx, before) if before.state is ReleaseState.RUNNING else NOTHING
    await work_out(before.stages, before.before)
    async with door.write() as tx:
        release = await _release_of(tx, job)
        if release.row_revision != before.row_revision:  # what was seen is of another stage, or of another run
            if release.state in (ReleaseState.RUNNING, ReleaseState.APPROVED):
                await promise_look(tx, release.id, now_ms=core.now_ms())
        elif release.state is ReleaseState.RUNNING:
            await _decide(core, tx, release, seen)
        elif release.state is ReleaseState.APPROVED:
            await begin_when_open(core, tx, GATES, release)
        await job.finish(tx)


async def _release_of(tx: Transaction, job: Job) -> Release:
    try:
        return await get_release(tx, str(job.payload["release"]))
    except UnknownRelease as problem:
        raise GiveUp(problem.detail) from problem


async def _decide(core: "Core", tx: Transaction, release: Release, seen: Evidence) -> None:
    now_ms = core.now_ms()
    situation = Situation(
        stages=release.stages,
        stage=release.stage,
        since_ms=release.stage_since_ms,
        schedule=release.schedule,
        freezes=await list_freezes(tx, now_ms=now_ms),
        before=release.before,
        seen=seen,
    )
    step, why = next_step(situation, now_ms)
    most = _most(release, seen)
    await add_look(tx, release.id, Look(now_ms, release.stage, seen.devices, seen.failures, most, why))
    match step:
        case Step.STOP:
            cause = f"automatic stop: {seen.failures} of {seen.devices} devices failed, {most} were allowed"
            await hold_release(core, tx, GATES, release, cause=cause)
        case Step.MOVE_ON:
            cause = f"gate passed: {seen.failures} of {seen.devices} devices failed, {most} were allowed"
            await go_to_stage(core, tx, GATES, release, "move_on", +1, cause=cause)
        case Step.WAIT:
            await watch(core, tx, release)


def _most(release: Release, seen: Evidence) -> int:
    gate = release.stages[release.stage].gate
    return bound_of(gate, release.before).most(seen.devices) if gate is not None else 0

"""The job that rolls up days that are over and crowds of today, and removes what a workspace no longer keeps.

Counters and active devices are written with the events themselves, in one transaction. So nothing is left to count when
events go: rolling up only moves exact rows into bitmaps, which are sets. Every step is a small transaction that holds
the job's lease: a worker that dies in the middle has lost and doubled nothing, and the next goes on where it stopped.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind
from sampan.platform.engines.jobs import Job, enqueue
from sampan.platform.insight.activity_rows import DAY_MS, close_some, crowded_places, first_open_place, forget_days
from sampan.platform.insight.daily import yyyymmdd
from sampan.platform.insight.health import HOUR_MS
from sampan.platform.insight.keeping_rows import (
    forget_errors,
    forget_events,
    forget_hours,
    forget_signals,
    forgotten_versions,
    oldest_day,
)
from sampan.platform.insight.policy import KEEP_DAYS
from sampan.platform.logs import Log

if TYPE_CHECKING:
    from sampan.platform.core import Core

JOB = "insight.keep"
ROLLED_UP_KEEP_DAYS = 400
ROWS = 2_000
DAYS = 7
CROWD = 20_000
"""So many devices of a version are not left as rows while their day lasts: whoever counts them reads them all."""
LOOK_SECONDS = 600.0
log = Log("insight")


def keep_job(core: "Core") -> JobKind:
    """Return the job."""
    return JobKind(JOB, partial(_run, core))


async def run_keeping(core: "Core") -> None:
    """Promise the job to every workspace that needs it, now and then, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for workspace_id in core.replica.workspaces:
            try:
                await promise_keeping(core, workspace_id)
            except Exception:
                log.exception("keeping_not_promised", workspace=workspace_id)  # the next round tries again


async def promise_keeping(core: "Core", workspace_id: str) -> bool:
    """Promise the job if there is something to do; return whether there is."""
    door, now_ms = core.store.workspace(workspace_id), core.now_ms()
    async with door.read() as tx:
        today = now_ms // DAY_MS
        oldest = await oldest_day(tx)
        is_old = oldest is not None and oldest < yyyymmdd(today - await KEEP_DAYS.read(tx))
        is_due = is_old or await first_open_place(tx, today) is not None
        is_due = is_due or bool(await crowded_places(tx, today, least=CROWD))
    if is_due:
        async with door.write() as tx:
            await enqueue(tx, JOB, {}, run_at_ms=now_ms, unique=JOB)
    return is_due


async def _run(core: "Core", job: Job) -> None:
    now_ms = core.now_ms()
    today = now_ms // DAY_MS
    async with core.store.workspace(job.workspace_id).read() as tx:
        keep = await KEEP_DAYS.read(tx)
        first, first_rolled_up = today - keep, today - max(keep, ROLLED_UP_KEEP_DAYS)
        versions = await forgotten_versions(tx, first * DAY_MS)
        crowds = await crowded_places(tx, today, least=CROWD)
    steps: tuple[Callable[[Transaction], Awaitable[int]], ...] = (
        partial(_roll_up, before_day=today),
        lambda tx: forget_events(tx, yyyymmdd(first), limit=ROWS),
        lambda tx: forget_errors(tx, first * DAY_MS, limit=ROWS),
        *(partial(forget_signals, app=app, sequence=n, before_ms=first * DAY_MS, limit=ROWS) for app, n in versions),
        lambda tx: forget_hours(tx, first_rolled_up * DAY_MS // HOUR_MS, limit=ROWS),
        lambda tx: forget_days(tx, first_rolled_up, limit=DAYS),
    )
    for step in steps:
        while await _once(core, job, step):
            pass
    for place, number in crowds:  # last, since a device is new on the first of its days
        for _ in range(0, number, ROWS):  # and no longer: more may come as fast as they go
            await _once(core, job, partial(close_some, place=place, limit=ROWS))


async def _once(core: "Core", job: Job, step: Callable[[Transaction], Awaitable[int]]) -> int:
    async with core.store.workspace(job.workspace_id).write() as tx:
        await job.hold(tx)
        return await step(tx)


async def _roll_up(tx: Transaction, before_day: int) -> int:
    place = await first_open_place(tx, before_day)
    return 0 if place is None else await close_some(tx, place, limit=ROWS)

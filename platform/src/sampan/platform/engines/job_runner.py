"""The runner of jobs: leases what is due, runs it, and says how it ended. One per worker process."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import orjson
from msgspec import Struct
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.doors import Door, OpenWorkspace, backoff_ms, wait_for_wake
from sampan.platform.engines.jobs import MAX_ERROR_CHARACTERS, Job, JobState, LeaseLost, jobs
from sampan.platform.logs import Log, masked
from sampan.platform.metrics import JOB_FAILURES, JOBS

POLL_SECONDS = 1.0
COUNT_EVERY_MS = 1_000
LEASE_MS = 30_000
BEATS_PER_LEASE = 3
FIRST_RETRY_MS = 1_000
LAST_RETRY_MS = 3_600_000

log = Log("jobs")


class GiveUp(Exception):
    """A handler raises this when trying again cannot help; the job fails at once."""


class JobKind(Struct, frozen=True):
    """A kind of job and who does it. `run` is idempotent and ends by cancellation when its lease is lost."""

    kind: str
    run: Callable[[Job], Awaitable[None]]
    max_attempts: int = 10


class JobRunner:
    """Runs jobs of the given kinds, at most `concurrency` at once, fairly between workspaces.

    `waiting` is a door that may read the table `jobs` of all workspaces; everything else goes through the
    door of the job's own workspace.
    """

    def __init__(
        self,
        workspace: OpenWorkspace,
        waiting: Door,
        kinds: Iterable[JobKind],
        *,
        now_ms: Callable[[], int],
        concurrency: int = 4,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._workspace = workspace
        self._waiting = waiting
        self._kinds = {kind.kind: kind for kind in kinds}
        self._now_ms = now_ms
        self._concurrency = concurrency
        self._lease_ms = lease_ms
        self._running: dict[tuple[str, str], _Attempt] = {}
        self._wake = asyncio.Event()
        self._shown: set[tuple[str, str]] = set()
        self._counted_ms = 0

    def wake(self) -> None:
        """Look for work at once instead of at the next second."""
        self._wake.set()

    async def run(self, *, grace_seconds: float = 10.0) -> None:
        """Work until cancelled; then let running jobs end for `grace_seconds` and hand the others back."""
        heart = asyncio.ensure_future(self._beat_for_ever())
        polling: asyncio.Future[None] = asyncio.ensure_future(self._poll_safely())
        try:
            while True:
                await asyncio.shield(polling)
                await wait_for_wake(self._wake, POLL_SECONDS)
                polling = asyncio.ensure_future(self._poll_safely())
        finally:
            await asyncio.wait([polling])  # what it leases meanwhile must be known here, to be handed back
            await self.stop(grace_seconds=grace_seconds)
            heart.cancel()
            await asyncio.wait([heart])

    async def poll(self) -> int:
        """Lease what is due, up to the free places, begin it, and return how many jobs began."""
        begun = 0
        for workspace_id, job_id in await self._due(self._concurrency - len(self._running)):
            attempt = await self._lease(workspace_id, job_id)
            if attempt is not None:
                self._begin(attempt)
                begun += 1
        return begun

    async def beat(self) -> None:
        """Extend the leases of running jobs; cancel those whose lease another took or nobody could extend."""
        for attempt in list(self._running.values()):
            try:
                held = await self._extend(attempt.job)
            except Exception:  # the next beat tries again; the job goes on as long as its lease holds
                log.exception("jobs_heartbeat_failed", job_id=attempt.job.job_id)
                held = self._now_ms() < attempt.lease_until_ms
            else:
                attempt.lease_until_ms = self._now_ms() + self._lease_ms
            if not held:
                attempt.is_lost = True
                attempt.cancel()

    async def idle(self) -> None:
        """Wait until no job of this runner runs."""
        while self._running:
            await asyncio.wait([attempt.task for attempt in self._running.values()])

    async def stop(self, *, grace_seconds: float) -> None:
        """Wait for running jobs, at most `grace_seconds`; cancel the others and hand them back at once.

        Not `asyncio.timeout`: before Python 3.11.3 it does not end as a time-out in a task that is being cancelled.
        """
        ends = time.monotonic() + grace_seconds
        while self._running and (left := ends - time.monotonic()) > 0:
            await asyncio.wait([attempt.task for attempt in self._running.values()], timeout=left)
        for attempt in list(self._running.values()):
            attempt.cancel()
        await self.idle()

    async def _poll_safely(self) -> None:
        self._wake.clear()
        try:
            await self.poll()
        except Exception:
            log.exception("jobs_poll_failed")  # the next second tries again: the database may be away

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 1000 / BEATS_PER_LEASE)
            await self.beat()

    async def _due(self, limit: int) -> Sequence[tuple[str, str]]:
        """Return due jobs, each workspace's first before any workspace's second; show the counts in passing."""
        async with self._waiting.read() as tx:
            if self._now_ms() - self._counted_ms >= COUNT_EVERY_MS:
                await self._show_counts(tx)
            if limit <= 0:
                return []
            turn = func.row_number().over(partition_by=jobs.c.workspace_id, order_by=(jobs.c.run_at_ms, jobs.c.job_id))
            due = (
                select(jobs.c.workspace_id, jobs.c.job_id)
                .where(jobs.c.kind.in_(sorted(self._kinds)), self._is_due())
                .order_by(turn, jobs.c.run_at_ms, jobs.c.job_id)
                .limit(limit + len(self._running))
            )
            found = [(row.workspace_id, row.job_id) for row in await tx.execute(due)]
        return [place for place in found if place not in self._running][:limit]

    async def _show_counts(self, tx: Transaction) -> None:
        statement = select(jobs.c.kind, jobs.c.state, func.count().label("number")).group_by(jobs.c.kind, jobs.c.state)
        counts = {(row.kind, row.state): row.number for row in await tx.execute(statement)}
        for kind, state in self._shown | counts.keys():
            JOBS.labels(kind, state).set(counts.get((kind, state), 0))
        self._shown |= counts.keys()
        self._counted_ms = self._now_ms()

    def _is_due(self) -> ColumnElement[bool]:
        now_ms = self._now_ms()
        return or_(
            and_(jobs.c.state == JobState.WAITING, jobs.c.run_at_ms <= now_ms),
            and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until_ms <= now_ms),
        )

    async def _lease(self, workspace_id: str, job_id: str) -> "_Attempt | None":
        """Take the job if it is still due; one whose last attempt never came back has failed instead."""
        now_ms = self._now_ms()
        statement = (
            update(jobs)
            .where(jobs.c.workspace_id == workspace_id, jobs.c.job_id == job_id, self._is_due())
            .values(
                state=JobState.RUNNING,
                unique_key=None,
                attempts=jobs.c.attempts + 1,
                fence=jobs.c.fence + 1,
                lease_until_ms=now_ms + self._lease_ms,
                changed_ms=now_ms,
            )
            .returning(jobs.c.kind, jobs.c.payload, jobs.c.attempts, jobs.c.fence)
        )
        async with self._workspace(workspace_id).write() as tx:
            row = (await tx.execute(statement)).one_or_none()
        if row is None:
            return None
        job = Job(workspace_id, job_id, row.kind, orjson.loads(row.payload), row.attempts, row.fence)
        kind = self._kinds[row.kind]
        if row.attempts > kind.max_attempts:
            await self._end_badly(job, kind, "the worker did not come back from the last attempt", final=True)
            return None
        return _Attempt(job, kind, now_ms + self._lease_ms)

    async def _extend(self, job: Job) -> bool:
        return await self._change(job, lease_until_ms=self._now_ms() + self._lease_ms)

    def _begin(self, attempt: "_Attempt") -> None:
        place = attempt.job.workspace_id, attempt.job.job_id
        self._running[place] = attempt
        attempt.task = asyncio.create_task(self._attempt(attempt), name=f"job {attempt.job.job_id}")

        def ended(_: object) -> None:
            del self._running[place]
            self.wake()

        attempt.task.add_done_callback(ended)

    async def _attempt(self, attempt: "_Attempt") -> None:
        """Run the handler and write down how it ended."""
        job = attempt.job
        try:
            try:
                await attempt.kind.run(job)
            except asyncio.CancelledError as problem:
                if attempt.is_cancelled:
                    await self._hand_back(attempt)
                else:
                    await self._end_badly(job, attempt.kind, describe(problem), final=False)
            except LeaseLost:
                log.warning("job_lease_lost", job_id=job.job_id, kind=job.kind)
            except Exception as problem:  # whatever a handler raises is the end of its attempt alone
                log.exception("job_attempt_failed", job_id=job.job_id, kind=job.kind, attempt=job.attempt)
                await self._end_badly(job, attempt.kind, describe(problem), final=isinstance(problem, GiveUp))
            else:
                await self._end_well(job)
        except Exception:
            log.exception("job_end_not_written", job_id=job.job_id)  # its lease runs out, then it is done again

    async def _end_well(self, job: Job) -> None:
        async with self._workspace(job.workspace_id).write() as tx:
            with contextlib.suppress(LeaseLost):  # the handler finished it in its own transaction, or lost it
                await job.finish(tx)

    async def _end_badly(self, job: Job, kind: JobKind, reason: str, *, final: bool) -> None:
        JOB_FAILURES.labels(job.kind).inc()
        now_ms = self._now_ms()
        if final or job.attempt >= kind.max_attempts:
            log.error("job_failed", job_id=job.job_id, kind=job.kind, workspace=job.workspace_id, reason=reason)
            await self._change(job, state=JobState.FAILED, last_error=reason, changed_ms=now_ms)
            return
        wait_ms = backoff_ms(job.attempt, first_ms=FIRST_RETRY_MS, most_ms=LAST_RETRY_MS)
        await self._change(
            job, state=JobState.WAITING, last_error=reason, run_at_ms=now_ms + wait_ms, changed_ms=now_ms
        )

    async def _hand_back(self, attempt: "_Attempt") -> None:
        """Let another worker begin at once, without counting the attempt; not when the lease is another's."""
        if not attempt.is_lost:
            await self._change(attempt.job, state=JobState.WAITING, attempts=attempt.job.attempt - 1)

    async def _change(self, job: Job, **values: object) -> bool:
        statement = (
            update(jobs)
            .where(
                jobs.c.workspace_id == job.workspace_id,
                jobs.c.job_id == job.job_id,
                jobs.c.state == JobState.RUNNING,
                jobs.c.fence == job.fence,
            )
            .values(**values)
            .returning(jobs.c.job_id)
        )
        async with self._workspace(job.workspace_id).write() as tx:
            return (await tx.execute(statement)).one_or_none() is not None


class _Attempt:
    """A running handler with its lease."""

    def __init__(self, job: Job, kind: JobKind, lease_until_ms: int) -> None:
        self.job = job
        self.kind = kind
        self.lease_until_ms = lease_until_ms
        self.is_lost = False
        self.is_cancelled = False
        self.task: asyncio.Task[None]

    def cancel(self) -> None:
        self.is_cancelled = True
        self.task.cancel()


def describe(problem: BaseException) -> str:
    """Return what people read of a failure: its type and first line, without secrets, cut to fit its column.

    Further lines may hold bound values of a statement, hence personal data.
    """
    first_line = str(problem).partition("\n")[0]
    return str(masked(f"{type(problem).__name__}: {first_line}"))[:MAX_ERROR_CHARACTERS]

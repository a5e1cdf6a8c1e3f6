"""Jobs: work that is promised in a transaction and done later, by whichever worker takes it.

A job is a row. A worker leases it, keeps the lease alive by a heartbeat, and gives each lease a fencing
token one higher than the last, so that a worker that slept through its lease cannot finish what another has
begun. A job is done at least once: handlers are idempotent, and `Job.hold` or `Job.finish` inside the
handler's own transaction makes its rows change once. A job that failed too often stays, visibly, as `failed`.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, ClassVar

import orjson
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)

from sampan.platform.engines.database import Transaction
from sampan.platform.engines.log import insert_or_ignore
from sampan.platform.engines.paging import Found, Order, Paging, read_page
from sampan.platform.engines.tables import scoped_table
from sampan.platform.errors import NotFound
from sampan.platform.ids import new_id

MAX_ERROR_CHARACTERS = 500

jobs = scoped_table(
    "jobs",
    Column("job_id", String(40), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("unique_key", String(200)),  # NULL as soon as the job begins
    Column("run_at_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("last_error", String(MAX_ERROR_CHARACTERS), nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "kind", "unique_key"),
    Index("ix_jobs_due", "state", "run_at_ms"),
    Index("ix_jobs_changed", "workspace_id", "changed_ms", "job_id"),
)


class JobState(StrEnum):
    """The states of a job. A finished job has no row."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


class LeaseLost(Exception):
    """This attempt's lease is over and the job may belong to another worker: stop, and change nothing."""


class JobMissing(NotFound):
    """There is no such failed job in this workspace."""

    code: ClassVar[str] = "job_missing"


class Job(Struct, frozen=True):
    """One attempt at a job, as its handler gets it; `fence` rises with each attempt's lease."""

    workspace_id: str
    job_id: str
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    fence: int

    async def hold(self, tx: Transaction) -> None:
        """Make sure that this attempt still holds the lease until `tx` commits; raise `LeaseLost` otherwise."""
        statement = update(jobs).where(*_held(tx, self)).values(fence=self.fence).returning(jobs.c.fence)
        if (await tx.execute(statement)).one_or_none() is None:
            raise LeaseLost(self.job_id)

    async def finish(self, tx: Transaction) -> None:
        """Mark the job as done in `tx`, so that its effect and its end are one; raise `LeaseLost` if it is over."""
        statement = delete(jobs).where(*_held(tx, self)).returning(jobs.c.job_id)
        if (await tx.execute(statement)).one_or_none() is None:
            raise LeaseLost(self.job_id)


class JobRow(Struct, frozen=True):
    """A job as people see it."""

    job_id: str
    kind: str
    state: JobState
    attempts: int
    run_at_ms: int
    last_error: str
    changed_ms: int


async def enqueue(
    tx: Transaction, kind: str, payload: Mapping[str, Any], *, run_at_ms: int, unique: str | None = None
) -> str:
    """Promise a job from `run_at_ms` on, if `tx` commits, and return its id.

    With `unique`, a job of that kind and name that has not begun yet stands for this one too: its id is
    returned, its payload kept, and its time moved forward if need be. One that has begun does not: it may
    have read its input already.
    """
    body = orjson.dumps(payload)
    while True:
        if unique is not None and (job_id := await _join_waiting(tx, kind, unique, run_at_ms)):
            break
        job_id = new_id("job")
        values = {
            "workspace_id": tx.workspace_id,
            "job_id": job_id,
            "kind": kind,
            "state": JobState.WAITING,
            "payload": body,
            "unique_key": unique,
            "run_at_ms": run_at_ms,
            "attempts": 0,
            "fence": 0,
            "lease_until_ms": 0,
            "last_error": "",
            "changed_ms": run_at_ms,
        }
        inserted = await tx.execute(insert_or_ignore(tx, jobs).values(values).returning(jobs.c.job_id))
        if inserted.one_or_none() is not None:
            break
    tx.wake()
    return job_id


async def page_jobs(
    tx: Transaction, paging: Paging, *, states: Collection[JobState] = tuple(JobState), kind: str | None = None
) -> Found[JobRow]:
    """Return a page of the workspace's jobs, the last changed first."""
    columns = (
        jobs.c.job_id,
        jobs.c.kind,
        jobs.c.state,
        jobs.c.attempts,
        jobs.c.run_at_ms,
        jobs.c.last_error,
        jobs.c.changed_ms,
    )
    statement = select(*columns).where(jobs.c.workspace_id == tx.workspace_id, jobs.c.state.in_(sorted(states)))
    if kind is not None:
        statement = statement.where(jobs.c.kind == kind)
    order = Order("-changed", (jobs.c.changed_ms, jobs.c.job_id), descending=True)
    return await read_page(tx, statement, order, paging, _job_row)


class Failures(Struct, frozen=True):
    """How many jobs of a kind have failed for good, and when the first did."""

    kind: str
    number: int
    first_ms: int


async def failures(tx: Transaction) -> list[Failures]:
    """Return the kinds of which jobs failed for good."""
    statement = (
        select(jobs.c.kind, func.count().label("number"), func.min(jobs.c.changed_ms).label("first_ms"))
        .where(jobs.c.workspace_id == tx.workspace_id, jobs.c.state == JobState.FAILED)
        .group_by(jobs.c.kind)
        .order_by(jobs.c.kind)
    )
    return [Failures(row.kind, row.number, row.first_ms) for row in await tx.execute(statement)]


async def count_jobs(tx: Transaction) -> dict[JobState, int]:
    """Return how many jobs of the workspace are in each state; a finished job is in none."""
    statement = (
        select(jobs.c.state, func.count().label("number"))
        .where(jobs.c.workspace_id == tx.workspace_id)
        .group_by(jobs.c.state)
    )
    return {JobState(row.state): row.number for row in await tx.execute(statement)}


async def retry_failed(tx: Transaction, job_id: str, *, now_ms: int) -> None:
    """Give a failed job all its attempts again; raise `JobMissing`."""
    statement = (
        update(jobs)
        .where(
            jobs.c.workspace_id == tx.workspace_id,
            jobs.c.job_id == job_id,
            jobs.c.state == JobState.FAILED,
        )
        .values(state=JobState.WAITING, attempts=0, run_at_ms=now_ms, changed_ms=now_ms)
        .returning(jobs.c.job_id)
    )
    if (await tx.execute(statement)).one_or_none() is None:
        raise JobMissing("There is no failed job of this id; see the list of jobs.", job_id=job_id)
    tx.wake()


def _job_row(row: Any) -> JobRow:
    return JobRow(
        row.job_id, row.kind, JobState(row.state), row.attempts, row.run_at_ms, row.last_error, row.changed_ms
    )


async def _join_waiting(tx: Transaction, kind: str, unique: str, run_at_ms: int) -> str | None:
    """Lock the waiting job of this name until `tx` ends, so that it cannot begin without seeing what `tx` did."""
    is_later = jobs.c.run_at_ms > run_at_ms
    where = (
        jobs.c.workspace_id == tx.workspace_id,
        jobs.c.kind == kind,
        jobs.c.unique_key == unique,
    )
    locked = await tx.execute(update(jobs).where(*where).values(unique_key=unique).returning(jobs.c.job_id))
    row = locked.one_or_none()
    if row is None:
        return None
    await tx.execute(update(jobs).where(*where, is_later).values(run_at_ms=run_at_ms))
    return str(row.job_id)


def _held(tx: Transaction, job: Job) -> tuple[Any, ...]:
    return (
        jobs.c.workspace_id == tx.workspace_id,
        jobs.c.job_id == job.job_id,
        jobs.c.state == JobState.RUNNING,
        jobs.c.fence == job.fence,
    )

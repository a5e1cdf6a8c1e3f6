"""How this server is: its worker, the disk, jobs, events; what it was set to; and trying failed jobs again."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from sampan.platform.engines.jobs import JobState, count_jobs, retry_failed
from sampan.platform.engines.log import head
from sampan.platform.engines.outbox import OUTBOX, ConsumerState, list_cursors
from sampan.platform.operators.actor import Actor
from sampan.platform.operators.attention import HealthLine, health_of
from sampan.platform.operators.audit import record
from sampan.platform.settings import PREFIX, Secret, Settings
from sampan.platform.workspaces.revisions import current_revision

if TYPE_CHECKING:
    from sampan.platform.core import Core

READ, MANAGE = "system:read", "system:manage"


@dataclass(frozen=True, slots=True)
class Worker:
    """One server process, as it sees this workspace: what it answers from and how long ago it looked."""

    pid: int
    revision: str
    poll_age_ms: int
    failed_parts: list[str]


@dataclass(frozen=True, slots=True)
class Storage:
    """The disk that the data stand on, in bytes."""

    free_bytes: int
    total_bytes: int
    database_bytes: int


@dataclass(frozen=True, slots=True)
class Lag:
    """A consumer of events and how many it has not handled."""

    state: ConsumerState
    behind: int


@dataclass(frozen=True, slots=True)
class SystemState:
    """All that the system page shows."""

    revision: str
    workers: list[Worker]
    jobs: dict[JobState, int]
    consumers: list[Lag]
    storage: Storage
    health: list[HealthLine]


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting: how it is named in the environment, what it is for, and its value unless it is a secret."""

    name: str
    description: str
    value: str
    is_default: bool
    is_secret: bool


async def system_state(core: "Core", workspace_id: str) -> SystemState:
    """Return how the server is, as far as it concerns this workspace."""
    async with core.store.workspace(workspace_id).read() as tx:
        revision = str(await current_revision(tx))
        jobs, cursors = await count_jobs(tx), await list_cursors(tx)
        newest = (await head(tx, OUTBOX)).n
        health = await health_of(core, tx)
    return SystemState(
        revision=revision,
        workers=[this_worker(core, workspace_id)],
        jobs=jobs,
        consumers=[Lag(cursor, max(0, newest - cursor.n)) for cursor in cursors],
        storage=await storage_of(core),
        health=health,
    )


async def storage_of(core: "Core") -> Storage:
    """Return how full the disk is."""
    return await asyncio.to_thread(_storage, core.settings.data)


def this_worker(core: "Core", workspace_id: str) -> Worker:
    """Return this process; the embedded server is the only one."""
    view = core.replica.view(workspace_id)
    failed = sorted(part for name, part in core.replica.failed if name == workspace_id)
    return Worker(os.getpid(), str(view.revision), core.replica.age_ms(workspace_id), failed)


async def retry_job(core: "Core", workspace_id: str, actor: Actor, job_id: str) -> None:
    """Give a failed job all its attempts again; raise `JobMissing`."""
    actor.require(MANAGE)
    async with core.store.workspace(workspace_id).write() as tx:
        await retry_failed(tx, job_id, now_ms=core.now_ms())
        await record(tx, actor, "job.retry", target=job_id, now_ms=core.now_ms())


def effective_settings(settings: Settings) -> Iterator[EffectiveSetting]:
    """Yield every setting in the order of the documentation."""
    hints = get_type_hints(Settings, include_extras=True)
    for each in fields(Settings):
        value = getattr(settings, each.name)
        (about,) = hints[each.name].__metadata__
        is_secret = "Secret" in str(hints[each.name])
        yield EffectiveSetting(
            name=f"{PREFIX}{each.name.upper()}",
            description=about.description,
            value="" if value is None or is_secret or isinstance(value, Secret) else str(value),
            is_default=value == each.default,
            is_secret=is_secret,
        )


def _storage(data: Path) -> Storage:
    usage = shutil.disk_usage(data)
    database = sum(file.stat().st_size for file in data.glob("sampan.sqlite*"))
    return Storage(usage.free, usage.total, database)

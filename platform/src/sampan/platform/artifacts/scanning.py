"""The secret scan and whatever else a kind looks for after acceptance: a job, because it takes long."""

from functools import partial

from sampan.platform.artifacts.kinds import kind_of
from sampan.platform.artifacts.lookups import find
from sampan.platform.artifacts.notes_repository import replace_findings
from sampan.platform.artifacts.problems import VersionUnknown
from sampan.platform.artifacts.reopening import reopened
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import GiveUp, JobKind
from sampan.platform.engines.jobs import Job, enqueue

SCAN = "scan"
JOB = "artifacts.scan"


async def request_scan(core: Core, tx: Transaction, app_id: str, sequence: int) -> None:
    """Let a job scan a version soon; it is queued in the transaction that stores the version."""
    payload = {"app": app_id, "sequence": sequence}
    await enqueue(tx, JOB, payload, run_at_ms=core.now_ms(), unique=f"{app_id}/{sequence}")


async def scan_version(core: Core, workspace_id: str, app_id: str, sequence: int) -> None:
    """Scan a version and store what was found; doing it again replaces what was found before."""
    async with core.store.workspace(workspace_id).read() as tx:
        version = await find(tx, app_id, sequence)
    kind = kind_of(core, version.package.kind)
    async with reopened(core, workspace_id, version) as accepted:
        found = await in_thread(kind.scan, accepted)
    async with core.store.workspace(workspace_id).write() as tx:
        await replace_findings(tx, version.candidate_id, SCAN, found)


def scan_job(core: Core) -> JobKind:
    """Return the job that scans a version."""
    return JobKind(JOB, partial(_run, core), max_attempts=5)


async def _run(core: Core, job: Job) -> None:
    try:
        await scan_version(core, job.workspace_id, str(job.payload["app"]), int(job.payload["sequence"]))
    except VersionUnknown as problem:
        raise GiveUp(problem.detail) from problem

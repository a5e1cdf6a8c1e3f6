"""The job that makes differences to a bundle, from what devices of the deployment may have."""

import hashlib
from functools import partial
from pathlib import Path
from secrets import token_hex

from sampan.codepush import repository
from sampan.codepush.bundles import make_difference
from sampan.codepush.part import PART
from sampan.codepush.records import Difference, Release, State, Stored
from sampan.codepush.storage import bundle_key, new_object_id
from sampan.platform.core import Core
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind
from sampan.platform.engines.jobs import Job, enqueue
from sampan.platform.engines.threads import uninterrupted
from sampan.platform.workspaces.revisions import raise_revision

JOB = "codepush.differences"
LOOK_BACK = 5


async def enqueue_differences(core: Core, tx: Transaction, release: Release) -> None:
    """Promise the differences to a release's bundle."""
    payload = {"deployment": release.deployment_id, "n": release.n}
    unique = f"{release.deployment_id}/{release.n}"
    await enqueue(tx, JOB, payload, run_at_ms=core.now_ms(), unique=unique)


def make_job(core: Core) -> JobKind:
    """Return the job."""
    return JobKind(JOB, partial(_run, core), max_attempts=3)


async def _run(core: Core, job: Job) -> None:
    async with core.store.workspace(job.workspace_id).read() as tx:
        release = await repository.find_release(tx, job.payload["deployment"], job.payload["n"])
        if release is not None and release.state is State.REFUSED:
            release = None
        bases = [] if release is None else _bases(await repository.latest_approved(tx, release.deployment_id), release)
        found = await repository.find_bundles(tx, {each.bundle for each in (release, *bases) if each is not None})
        there = (
            set()
            if release is None
            else {each.base_hash for each in await repository.find_differences(tx, {release.bundle})}
        )
    made = []
    if release is not None:
        for base in bases:
            if base.package_hash not in there:
                made.append(await _make(core, job.workspace_id, found[base.bundle], found[release.bundle]))
    async with core.store.workspace(job.workspace_id).write() as tx:
        for difference in filter(None, made):
            await repository.add_difference(tx, difference)
        if any(made):
            await raise_revision(tx, PART)
        await job.finish(tx)


def _bases(approved: list[Release], release: Release) -> list[Release]:
    """Return the last other contents before the release that devices were given."""
    found: dict[str, Release] = {}
    for each in approved:
        if each.n < release.n and each.package_hash != release.package_hash:
            found.setdefault(each.package_hash, each)
    return list(found.values())[:LOOK_BACK]


async def _make(core: Core, workspace_id: str, base: Stored, target: Stored) -> Difference | None:
    """Make a difference and store it; None when it saves nothing."""
    archive = core.objects.incoming / token_hex(16)
    into = core.objects.incoming / token_hex(16)
    try:
        await _copy_object(core, workspace_id, target.object_id, archive)
        sha256, size = await uninterrupted(_made, base, target, archive, into)
        if size >= target.size_bytes:
            return None
        object_id = new_object_id()
        await core.objects.put_new_file(bundle_key(workspace_id, object_id), into)
    finally:
        for path in (archive, into):
            await uninterrupted(partial(path.unlink, missing_ok=True))
    return Difference(target.sha256, base.package_hash, sha256, size, object_id)


async def _copy_object(core: Core, workspace_id: str, object_id: str, into: Path) -> None:
    """Write a stored bundle to a file, a stretch at a time."""
    with into.open("wb") as file:
        async for chunk in core.objects.read(bundle_key(workspace_id, object_id)):
            file.write(chunk)


def _made(base: Stored, target: Stored, archive: Path, into: Path) -> tuple[str, int]:
    make_difference(base.files, target.files, archive, into)
    with into.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), into.stat().st_size

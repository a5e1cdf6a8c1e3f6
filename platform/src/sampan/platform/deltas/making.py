"""The job that makes an app's deltas when a version was published, and takes away those that nobody needs any more."""

import time
import zlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from sampan.offline_packages.delta import MAX_ARCHIVE_BYTES, make_delta
from sampan.offline_packages.index import PackageIndex, parse_index
from sampan.platform.artifacts.published import PublishedVersion, published_versions
from sampan.platform.artifacts.taking_in import in_thread
from sampan.platform.deltas.choice import is_worth_serving, pairs
from sampan.platform.deltas.rows import Delta, delta_key, forget_deltas, note_delta, read_deltas
from sampan.platform.engines.database import Transaction
from sampan.platform.engines.job_runner import JobKind
from sampan.platform.engines.jobs import Job, enqueue
from sampan.platform.insight.repository import held_versions
from sampan.platform.trust.profiles import INTL
from sampan.platform.trust.waking import target_key

if TYPE_CHECKING:
    from sampan.platform.core import Core

JOB = "deltas.make"
APP_ROLES = "app."
DEFLATE_LEVEL = 6


async def on_tree_published(core: "Core", tx: Transaction, profile: str, roles: dict[str, int]) -> None:
    """Promise the deltas of the apps whose roles became visible."""
    if profile != INTL.name:
        return
    for role in roles:
        if role.startswith(APP_ROLES):
            app_id = role.removeprefix(APP_ROLES)
            await enqueue(tx, JOB, {"app": app_id}, run_at_ms=core.now_ms(), unique=app_id)


def make_job(core: "Core") -> JobKind:
    """Return the job that brings an app's deltas up to date."""
    return JobKind(JOB, partial(_run, core), max_attempts=5)


async def _run(core: "Core", job: Job) -> None:
    app_id = str(job.payload["app"])
    async with core.store.workspace(job.workspace_id).read() as tx:
        published = {each.sequence: each for each in await published_versions(tx, app_id)}
        own = {each.kind for each in published.values()}  # devices may say any other of the same id
        devices = {held.sequence: held.devices for held in await held_versions(tx, app_id) if held.kind in own}
        there = {(each.base_sequence, each.target_sequence): each for each in await read_deltas(tx, app_id)}
    wanted = pairs(list(published), devices)
    for base, target in wanted:
        known = there.get((base, target))
        if known is None or (known.base_sha256, known.target_sha256) != _names(published, base, target):
            await _make(core, job.workspace_id, published[base], published[target])
    gone = [each for pair, each in there.items() if pair not in set(wanted)]
    for each in gone:
        await core.objects.delete(each.key(job.workspace_id))
    async with core.store.workspace(job.workspace_id).write() as tx:
        await forget_deltas(tx, gone)
        await job.finish(tx)


async def _make(core: "Core", workspace_id: str, base: PublishedVersion, target: PublishedVersion) -> None:
    if max(base.size_bytes, target.size_bytes) > MAX_ARCHIVE_BYTES:
        return
    archives = [await _object(core, workspace_id, each.archive_digest) for each in (base, target)]
    indexes = [parse_index(await _object(core, workspace_id, each.digest)) for each in (base, target)]
    data, make_ms, whole_bytes = await in_thread(_made, *archives)
    files_bytes = _changed_bytes(*indexes)
    base_sha256, target_sha256 = _bare(base.archive_digest), _bare(target.archive_digest)
    is_served = is_worth_serving(len(data), files_bytes=files_bytes, whole_bytes=whole_bytes)
    if is_served:
        await core.objects.put(delta_key(workspace_id, base_sha256, target_sha256), data)
    made = Delta(
        app_id=target.app_id,
        target_sequence=target.sequence,
        base_sequence=base.sequence,
        target_sha256=target_sha256,
        base_sha256=base_sha256,
        is_served=is_served,
        delta_bytes=len(data),
        files_bytes=files_bytes,
        whole_bytes=whole_bytes,
        make_ms=make_ms,
        made_ms=core.now_ms(),
    )
    async with core.store.workspace(workspace_id).write() as tx:
        await note_delta(tx, made)


def _made(base: bytes, target: bytes) -> tuple[bytes, int, int]:
    began = time.thread_time()
    data = make_delta(base, target)
    return data, round(1000 * (time.thread_time() - began)), len(zlib.compress(target, DEFLATE_LEVEL))


def _changed_bytes(base: PackageIndex, target: PackageIndex) -> int:
    here = {entry.sha256 for entry in base.files}
    return sum(entry.size for entry in target.files if entry.sha256 not in here)


def _names(published: Mapping[int, PublishedVersion], base: int, target: int) -> tuple[str, str]:
    return _bare(published[base].archive_digest), _bare(published[target].archive_digest)


async def _object(core: "Core", workspace_id: str, digest: str) -> bytes:
    return await core.objects.get(target_key(workspace_id, _bare(digest)), MAX_ARCHIVE_BYTES)


def _bare(digest: str) -> str:
    return digest.partition(":")[2]
